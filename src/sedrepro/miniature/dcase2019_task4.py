"""Miniature DCASE 2019 Task 4 (DESED): synthetic, weakly labelled, unlabelled, validation and public evaluation clips.

Known oddities of the official data are here too, in fixed places: clips without any event, rows for parts of a merged
event, an offset past the end of the clip, real clips shorter than 10 s, public clips in stereo and with six channels.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sedrepro.annotations.clips import Event, join_labels
from sedrepro.audio.writing import write_wav
from sedrepro.base.files import atomic_folder, write_table
from sedrepro.data_sets.dcase2019_task4 import CLIP_SECONDS
from sedrepro.miniature import sounds
from sedrepro.miniature.label_statistics import (
    CLASSES_PER_REAL_CLIP,
    CLASSES_PER_SYNTHETIC_CLIP,
    CLASSES_PER_WEAK_CLIP,
    DOMESTIC_REAL,
    DOMESTIC_SYNTHETIC,
    WEAK_CLIPS,
    Occurrence,
)
from sedrepro.miniature.planning import ClipPlan, draw_events, draw_labels, video_name
from sedrepro.miniature.writing import check_request, clip_seed, in_parallel

FOLDER = "DCASE2019_task4"
SAMPLE_RATE = 44100
CLEAN, REAL = (18.0, 30.0), (14.0, 26.0)  # dB; synthetic clips are cleaner
CLASSES = tuple(DOMESTIC_REAL)
IN_TURN = 3  # Every third clip has a given class, in turn, so that few clips show all.


@dataclass(frozen=True)
class Part:
    """Where a part of the data set lies and what it is drawn from."""

    folder: str
    occurrences: Mapping[str, Occurrence]
    clips_of: Mapping[str, int]
    classes_per_clip: tuple[int, ...]
    snr: tuple[float, float]
    """Level of the events above the background (dB)."""


def _clips(occurrences: Mapping[str, Occurrence]) -> dict[str, int]:
    return {label: sum(occurrence.clips) for label, occurrence in occurrences.items()}


_WEAK = (DOMESTIC_REAL, WEAK_CLIPS, CLASSES_PER_WEAK_CLIP, REAL)
_STRONG = (DOMESTIC_REAL, _clips(DOMESTIC_REAL), CLASSES_PER_REAL_CLIP, REAL)
PARTS = {
    "synthetic": Part(
        "train/synthetic", DOMESTIC_SYNTHETIC, _clips(DOMESTIC_SYNTHETIC), CLASSES_PER_SYNTHETIC_CLIP, CLEAN
    ),
    "weak": Part("train/weak", *_WEAK),
    "unlabel_in_domain": Part("train/unlabel_in_domain", *_WEAK),
    "test_dcase2018": Part("validation", *_STRONG),
    "eval_dcase2018": Part("validation", *_STRONG),
    "public": Part("eval/public", *_STRONG),
}

# Where the oddities are: in early clips, so that small data sets have them too.
NO_EVENT = (4, 21)  # of eval_dcase2018: the fifth clip, then every 21st; none that has a given class
SHORT = (7, 20)  # of all real recordings but the public ones
SIX_CHANNELS, STEREO = 2, (1, 5)  # of public
FRAGMENTED, OVERRUNNING = ("test_dcase2018", 1), ("eval_dcase2018", 5)
GIVEN_EVENTS = {
    FRAGMENTED: (Event(3.797, 4.103, "Dishes"), Event(4.192, 4.492, "Dishes"), Event(4.918, 8.302, "Speech")),
    OVERRUNNING: (Event(1.204, 3.518, "Speech"), Event(9.865, 10.115, "Dog")),
}
MERGED = Event(3.797, 4.492, "Dishes")
"""Listed in the fragmented clip beside the two parts that sound."""


@dataclass(frozen=True)
class DomesticSize:
    """How many clips of each part to synthesise; validation is test_dcase2018 and eval_dcase2018 together."""

    synthetic: int = 80
    weak: int = 60
    unlabel_in_domain: int = 90
    test_dcase2018: int = 12
    eval_dcase2018: int = 48
    public: int = 50


def _by_split(size: DomesticSize) -> dict[str, int]:
    validation = size.test_dcase2018 + size.eval_dcase2018
    real = {"unlabelled": size.unlabel_in_domain, "validation": validation, "public": size.public}
    return {"synthetic": size.synthetic, "weak": size.weak, **real}


#: Clips of each split, as they are synthesised.
CLIPS = _by_split(DomesticSize())


def write_dcase2019_task4(root: Path, seed: int = 0, size: DomesticSize = DomesticSize()) -> None:
    """Write the miniature DCASE 2019 Task 4 below `root`; all audio at 44.1 kHz.

    Raises:
        SettingsError: `size` asks for less than one clip, or `seed` is negative.
        DataError: the disk is full or `root` cannot be written.
    """
    check_request(size, seed)
    parts = plans(size, seed)
    folder = Path(root) / FOLDER
    with atomic_folder(folder) as temporary:
        audio = temporary / "dataset/audio"
        for part in PARTS.values():
            (audio / part.folder).mkdir(parents=True, exist_ok=True)

        def write(clip: tuple[Part, ClipPlan]) -> None:
            part, plan = clip
            write_wav(audio / part.folder / plan.filename, _recorded(plan, part), SAMPLE_RATE, "PCM_16", folder)

        in_parallel(write, [(PARTS[part], plan) for part in parts for plan in parts[part]], FOLDER)
        write_metadata(temporary / "dataset/metadata", parts)


def plans(size: DomesticSize, seed: int) -> dict[str, list[ClipPlan]]:
    """The clips of each part."""
    return {part: [plan_clip(part, number, seed) for number in range(count)] for part, count in vars(size).items()}


def plan_clip(part: str, number: int, seed: int) -> ClipPlan:
    """Clip `number` of a part; it depends on nothing but the three arguments."""
    kind = f"dcase2019_task4/{part}"
    planning, sounding = clip_seed(seed, kind, number).spawn(2)
    rng = np.random.default_rng(planning)
    name, seconds = f"{number}.wav", CLIP_SECONDS
    if part != "synthetic":
        name, seconds = _recording(rng, part, number, video_name(kind, number, seed))
    if (part, number) in GIVEN_EVENTS:
        events = GIVEN_EVENTS[part, number]
    elif part == "eval_dcase2018" and _is_one_of(number, NO_EVENT):
        events = ()
    else:
        events = _draw_events(rng, PARTS[part], number, seconds)
    listed = tuple(sorted((*events, MERGED))) if (part, number) == FRAGMENTED else events
    labels = tuple(sorted({event.event_label for event in events}))
    return ClipPlan(name, seconds, sounding, events, listed, labels, _channels(part, number))


def _recorded(plan: ClipPlan, part: Part) -> np.ndarray:
    """The sound of a clip (sample,) or (sample, channel); each channel has a level of its own."""
    rng = np.random.default_rng(plan.seed)
    mono = sounds.clip(sounds.DOMESTIC, plan.sounding, rng, plan.seconds, SAMPLE_RATE, part.snr)
    return mono if plan.channels == 1 else mono[:, None] * rng.uniform(0.7, 1.0, plan.channels).astype(np.float32)


def _recording(rng: np.random.Generator, part: str, number: int, video: str) -> tuple[str, float]:
    """Name and length (s) of a piece of a video; only from a video that is itself too short it is a short one."""
    start = 10 * int(rng.integers(0, 40))
    if part == "public":
        return f"{video}_{start}_{start + 10}.wav", CLIP_SECONDS
    if _is_one_of(number, SHORT):
        seconds = int(rng.integers(4, 10))
        return f"Y{video}_0.000_{seconds}.000.wav", float(seconds)
    return f"Y{video}_{start}.000_{start + 10}.000.wav", CLIP_SECONDS


def _draw_events(rng: np.random.Generator, part: Part, number: int, seconds: float) -> tuple[Event, ...]:
    given = CLASSES[number // IN_TURN % len(CLASSES)] if number % IN_TURN == 0 else None
    labels = draw_labels(rng, part.clips_of, part.classes_per_clip, given)
    return tuple(sorted(event for one in labels for event in draw_events(rng, one, part.occurrences[one], seconds)))


def _is_one_of(number: int, places: tuple[int, int]) -> bool:
    first, step = places
    return number % step == first


def _channels(part: str, number: int) -> int:
    if part == "public" and number == SIX_CHANNELS:
        return 6
    return 2 if part == "public" and _is_one_of(number, STEREO) else 1


def write_metadata(metadata: Path, plans: Mapping[str, list[ClipPlan]]) -> None:
    """Write the label tables of some clips by part."""
    columns = ("filename", "onset", "offset", "event_label")
    validation = plans["test_dcase2018"] + plans["eval_dcase2018"]
    strong = {
        "train/synthetic": plans["synthetic"],
        "validation/validation": validation,
        "validation/test_dcase2018": plans["test_dcase2018"],
        "validation/eval_dcase2018": plans["eval_dcase2018"],
        "eval/public": plans["public"],
    }
    for table, clips in strong.items():
        write_table(metadata / f"{table}.tsv", columns, [row for plan in clips for row in _strong_rows(plan)])
    weak = [(plan.filename, join_labels(plan.labels)) for plan in plans["weak"]]
    write_table(metadata / "train/weak.tsv", ("filename", "event_labels"), weak)
    unlabelled = [(plan.filename,) for plan in plans["unlabel_in_domain"]]
    write_table(metadata / "train/unlabel_in_domain.tsv", ("filename",), unlabelled)


def _strong_rows(plan: ClipPlan) -> list[tuple[str, ...]]:
    """Rows of a clip; a clip without events has one with its name alone, as officially."""
    rows: list[tuple[str, ...]]
    rows = [(plan.filename, f"{e.onset:.3f}", f"{e.offset:.3f}", e.event_label) for e in plan.listed]
    return rows or [(plan.filename, "", "", "")]
