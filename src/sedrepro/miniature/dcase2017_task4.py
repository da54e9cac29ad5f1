"""Miniature DCASE 2017 Task 4 (warning and vehicle sounds): weakly labelled training, strongly labelled test clips.

As officially, the tables have no header, the weak ones give times within the video, some labels were not heard (`0 0`
in the strong tables), the tables of the evaluation set end their lines with CR LF, and one of its rows is there twice.
"""

import csv
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from sedrepro.audio.writing import write_wav
from sedrepro.base.files import atomic_folder
from sedrepro.data_sets import dcase2017_task4
from sedrepro.data_sets.dcase2017_task4 import FOLDER
from sedrepro.miniature import sounds
from sedrepro.miniature.label_statistics import (
    QUANTILES,
    SHORT_LENGTHS,
    SHORT_SHARE,
    TRAFFIC,
    TRAFFIC_COMPANIONS,
    TRAFFIC_TRAINING_CLIPS,
)
from sedrepro.miniature.planning import ClipPlan, draw_events, draw_labels, video_name
from sedrepro.miniature.writing import check_request, clip_seed, in_parallel

AUDIO = {split: Path(folder).name for split, folder in dcase2017_task4.AUDIO.items()}
CLASSES = tuple(TRAFFIC)
DRAWN_EVERY = {"training": 2, "testing": 6, "evaluation": 6}
"""Every so many-th clip has a class as often as officially in training; the others take the classes in turn."""
NOT_HEARD = (4, 11)  # The fifth clip, then every eleventh.
SAMPLE_RATE, SNR = 44100, (14.0, 26.0)  # Hz, dB
DUPLICATED = 1  # Number of the evaluation clip that has a row twice.


@dataclass(frozen=True)
class TrafficSize:
    """How many clips of each split to synthesise."""

    training: int = 136
    testing: int = 60
    evaluation: int = 60


#: Clips of each split, as they are synthesised.
CLIPS = asdict(TrafficSize())


def write_dcase2017_task4(root: Path, seed: int = 0, size: TrafficSize = TrafficSize()) -> None:
    """Write the miniature DCASE 2017 Task 4 below `root`; all audio at 44.1 kHz, mono.

    Raises:
        SettingsError: `size` asks for less than one clip, or `seed` is negative.
        DataError: the disk is full or `root` cannot be written.
    """
    check_request(size, seed)
    splits = plans(size, seed)
    folder = Path(root) / FOLDER
    with atomic_folder(folder) as temporary:
        for path in AUDIO.values():
            (temporary / path).mkdir()

        def write(clip: tuple[str, ClipPlan]) -> None:
            split, plan = clip
            rng = np.random.default_rng(plan.seed)
            samples = sounds.clip(sounds.TRAFFIC, plan.sounding, rng, plan.seconds, SAMPLE_RATE, SNR)
            write_wav(temporary / AUDIO[split] / plan.filename, samples, SAMPLE_RATE, "PCM_16", folder)

        in_parallel(write, [(split, plan) for split, plans in splits.items() for plan in plans], FOLDER)
        write_tables(temporary, splits)


def plans(size: TrafficSize, seed: int) -> dict[str, list[ClipPlan]]:
    """The clips of each split."""
    return {split: [plan_clip(split, number, seed) for number in range(count)] for split, count in vars(size).items()}


def plan_clip(split: str, number: int, seed: int) -> ClipPlan:
    """Clip `number` of a split; it depends on nothing but the three arguments."""
    kind = f"dcase2017_task4/{split}"
    planning, sounding = clip_seed(seed, kind, number).spawn(2)
    rng = np.random.default_rng(planning)
    labels = _draw_labels(rng, split, number)
    seconds, start, end = _draw_span(rng)
    heard = labels[1:] if number % NOT_HEARD[1] == NOT_HEARD[0] else labels
    events = tuple(sorted(event for label in heard for event in draw_events(rng, label, TRAFFIC[label], seconds)))
    name = f"Y{video_name(kind, number, seed)}_{start}.000_{end}.000.wav"
    return ClipPlan(name, seconds, sounding, events, events, tuple(sorted(labels, key=CLASSES.index)))


def _draw_labels(rng: np.random.Generator, split: str, number: int) -> list[str]:
    """The class that a clip was chosen for, and perhaps its usual companion."""
    every = DRAWN_EVERY[split]
    if number % every == every - 1:
        (label,) = draw_labels(rng, TRAFFIC_TRAINING_CLIPS, classes_per_clip=(1,))
    else:
        label = CLASSES[(number - number // every) % len(CLASSES)]
    companion, together, clips = TRAFFIC_COMPANIONS.get(label, ("", 0, 1))
    return [label, companion] if rng.random() < together / clips else [label]


def _draw_span(rng: np.random.Generator) -> tuple[float, int, int]:
    """Length of a clip, and its start and end in the video (s); a much too short clip is a whole short video."""
    start = 10 * int(rng.integers(0, 40))
    if rng.random() > SHORT_SHARE:
        return 10.0, start, start + 10
    seconds = round(float(np.interp(rng.uniform(0, 100), QUANTILES, SHORT_LENGTHS)), 3)
    return (seconds, start, start + 10) if seconds > SHORT_LENGTHS[1] else (seconds, 0, math.ceil(seconds))


def write_tables(folder: Path, splits: dict[str, list[ClipPlan]]) -> None:
    """Write the label tables of some clips by split."""
    for split, plans in splits.items():
        line_end = "\r\n" if split == "evaluation" else "\n"
        weak = [row for plan in plans for row in _weak_rows(plan)]
        _write_rows(folder / f"groundtruth_weak_label_{split}_set.csv", weak, line_end)
        if split != "training":
            strong = [row for plan in plans for row in _strong_rows(plan)]
            if split == "evaluation" and len(plans) > DUPLICATED:
                strong.append(_strong_rows(plans[DUPLICATED])[0])
            _write_rows(folder / f"groundtruth_strong_label_{split}_set.csv", strong, line_end)


def _weak_rows(plan: ClipPlan) -> list[tuple[str, ...]]:
    listed_name = plan.filename.removeprefix("Y")
    start, end = listed_name.removesuffix(".wav").split("_")[-2:]
    return [(listed_name, start, end, label) for label in plan.labels]


def _strong_rows(plan: ClipPlan) -> list[tuple[str, ...]]:
    listed_name = plan.filename.removeprefix("Y")
    rows: list[tuple[str, ...]] = []
    for label in plan.labels:
        events = [event for event in plan.listed if event.event_label == label]
        rows += [(listed_name, f"{event.onset:.3f}", f"{event.offset:.3f}", label) for event in events]
        if not events:
            rows.append((listed_name, "0", "0", label))
    return rows


def _write_rows(path: Path, rows: Iterable[Sequence[str]], line_end: str) -> None:
    """Sorted by class, then by clip, as the official tables are."""

    def place(row: Sequence[str]) -> tuple[int, str, float]:
        return CLASSES.index(row[3]), row[0], float(row[1])

    ordered = sorted(rows, key=place)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator=line_end)
        writer.writerows(ordered)
