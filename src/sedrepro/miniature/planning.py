"""Which events a miniature clip holds and when they sound, drawn from the statistics of official label tables."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sedrepro.annotations.clips import Event
from sedrepro.miniature.label_statistics import QUANTILES, Occurrence

SHORTEST_EVENT, SHORTEST_PAUSE = 250, 150  # ms; what is closer together counts as one event in DCASE 2019 Task 4
CUT_SHARE = 0.25
"""Share of clips in which a class already sounds at the start, and in which it still sounds at the end."""
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


@dataclass(frozen=True)
class ClipPlan:
    """One clip: what sounds in it, and what its labels say."""

    filename: str
    seconds: float
    seed: np.random.SeedSequence
    """Of the sounds; the plan itself is drawn from another one."""
    sounding: tuple[Event, ...]
    """What is mixed; an event may outlast the clip."""
    listed: tuple[Event, ...]
    """Rows of the table of strong labels."""
    labels: tuple[str, ...]
    """Weak labels."""
    channels: int = 1


def draw_labels(
    rng: np.random.Generator, clips_of: Mapping[str, int], classes_per_clip: Sequence[int], always: str | None = None
) -> tuple[str, ...]:
    """Classes of a clip, sorted: how many as `classes_per_clip` counts them, which as often as `clips_of` says.

    Args:
        always: a class that is among them.
    """
    count = 1 + _pick(rng, classes_per_clip)
    shares = np.array(list(clips_of.values())) / sum(clips_of.values())
    labels = [str(label) for label in rng.choice(list(clips_of), count, replace=False, p=shares)]
    if always is not None and always not in labels:
        labels[0] = always
    return tuple(sorted(labels))


def draw_events(rng: np.random.Generator, label: str, occurrence: Occurrence, seconds: float) -> list[Event]:
    """The events of one class in a clip of `seconds`, in order; times are whole milliseconds.

    The official durations are those of merged events, so none here are close enough to be merged again.
    """
    count, room = 1 + _pick(rng, occurrence.clips), round(1000 * seconds)
    drawn = np.interp(rng.uniform(0, 100, count), QUANTILES, occurrence.durations)
    durations = np.round(1000 * drawn).astype(int).clip(SHORTEST_EVENT, room)
    # What finds no room any more is left out; the first one always does.
    durations = durations[np.cumsum(durations + SHORTEST_PAUSE) - SHORTEST_PAUSE <= room]
    free = room - durations.sum() - SHORTEST_PAUSE * (len(durations) - 1)
    shares = rng.dirichlet(np.ones(len(durations) + 1))
    shares[[0, -1]] *= rng.random(2) > CUT_SHARE
    gaps = np.floor(free * shares / max(shares.sum(), 1e-9)).astype(int)
    onsets = np.cumsum(gaps[:-1] + durations + SHORTEST_PAUSE) - durations - SHORTEST_PAUSE
    return [Event(int(on) / 1000, int(on + long) / 1000, label) for on, long in zip(onsets, durations, strict=True)]


def video_name(kind: str, number: int, seed: int) -> str:
    """Eleven characters like a YouTube identifier, known by its first four; distinct within a kind."""
    # Multiplying by an odd constant scatters the numbers and keeps them distinct below 64 ** 7.
    code = (number + 1024 * zlib.crc32(kind.encode()) + 100_000_007 * seed) * 2_654_435_769_097 % 64**7
    return "mini" + "".join(ALPHABET[code // 64**place % 64] for place in range(7))


def _pick(rng: np.random.Generator, counts: Sequence[int]) -> int:
    return int(rng.choice(len(counts), p=np.array(counts) / sum(counts)))
