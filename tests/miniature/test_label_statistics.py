"""The numbers carried over from official label tables are those of the tables."""

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from sedrepro.miniature import label_statistics
from sedrepro.miniature.label_statistics import QUANTILES, Occurrence

ROOT = Path(__file__).parents[2]
METADATA = ROOT.parent / "shared/metadata"
DOMESTIC, TRAFFIC = METADATA / "dcase2019_task4/metadata", METADATA / "dcase2017_task4"
pytestmark = pytest.mark.skipif(
    not (DOMESTIC.is_dir() and TRAFFIC.is_dir()), reason="the official label tables are not here"
)

Row = tuple[str, float, str]
"""Clip, duration, label."""


def domestic(name: str) -> list[Row]:
    with open(DOMESTIC / name, newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["event_label"]]
    return [(row["filename"], float(row["offset"]) - float(row["onset"]), row["event_label"]) for row in rows]


def traffic(name: str) -> list[list[str]]:
    with open(TRAFFIC / f"groundtruth_release/groundtruth_{name}_set.csv", newline="", encoding="utf-8") as file:
        return list(csv.reader(file, delimiter="\t"))


def labels_of(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    labels = defaultdict(set)
    for clip, label in pairs:
        labels[clip].add(label)
    return labels


def counted(numbers: Iterable[int]) -> tuple[int, ...]:
    counts = Counter(numbers)
    return tuple(counts[number] for number in range(1, max(counts) + 1))


def occurrence(rows: list[Row], label: str) -> Occurrence:
    own = [(clip, seconds) for clip, seconds, of in rows if of == label]
    quantiles = np.percentile([seconds for _, seconds in own], QUANTILES)
    return Occurrence(counted(Counter(clip for clip, _ in own).values()), tuple(np.round(quantiles, 3).tolist()))


@pytest.mark.parametrize(
    ("carried", "table", "classes_per_clip"),
    [
        ("DOMESTIC_SYNTHETIC", "train/synthetic.tsv", "CLASSES_PER_SYNTHETIC_CLIP"),
        ("DOMESTIC_REAL", "validation/validation.tsv", "CLASSES_PER_REAL_CLIP"),
    ],
)
def test_domestic_events(carried: str, table: str, classes_per_clip: str):
    rows, carried = domestic(table), getattr(label_statistics, carried)
    assert carried == {label: occurrence(rows, label) for label in sorted({label for *_, label in rows})}
    labels = labels_of((clip, label) for clip, _, label in rows)
    assert getattr(label_statistics, classes_per_clip) == counted(map(len, labels.values()))


def test_domestic_weak_labels():
    with open(DOMESTIC / "train/weak.tsv", newline="", encoding="utf-8") as file:
        labels = [row["event_labels"].split(",") for row in csv.DictReader(file, delimiter="\t")]
    assert Counter(label for clip in labels for label in clip) == label_statistics.WEAK_CLIPS
    assert counted(map(len, labels)) == label_statistics.CLASSES_PER_WEAK_CLIP


def test_traffic_events():
    rows = [
        (clip, float(offset) - float(onset), label)
        for split in ("testing", "evaluation")
        for clip, onset, offset, label in traffic(f"strong_label_{split}")
        if float(offset) > 0
    ]
    assert {label: occurrence(rows, label) for label in label_statistics.TRAFFIC} == label_statistics.TRAFFIC


def test_traffic_classes_and_their_order():
    lines = (TRAFFIC / "sound_event_list_17_classes.txt").read_text(encoding="utf-8").splitlines()
    classes = [line.split("\t")[-1].strip() for line in lines[1:]]
    assert list(label_statistics.TRAFFIC) == list(label_statistics.TRAFFIC_TRAINING_CLIPS) == classes
    assert Counter(label for *_, label in traffic("weak_label_training")) == label_statistics.TRAFFIC_TRAINING_CLIPS


def test_traffic_companions():
    rows = [row for split in ("testing", "evaluation") for row in traffic(f"weak_label_{split}")]
    labels, companions = labels_of((row[0], row[3]) for row in rows), {}
    for label in label_statistics.TRAFFIC:
        clips = [others - {label} for others in labels.values() if label in others]
        together = Counter(other for others in clips for other in others)
        if together and max(together.values()) >= 0.05 * len(clips):
            companions[label] = (max(together.values()), len(clips))
            assert together[label_statistics.TRAFFIC_COMPANIONS[label][0]] == max(together.values())
    assert {label: (both, all_) for label, (_, both, all_) in label_statistics.TRAFFIC_COMPANIONS.items()} == companions


def test_lengths_of_short_clips():
    lines = (TRAFFIC / "duration_of_files_in_training_set.csv").read_text(encoding="utf-8").splitlines()
    lengths = np.array([float(line.split("\t")[1]) for line in lines])
    short = lengths[lengths < 9.99]
    assert len(short) / len(lengths) == pytest.approx(label_statistics.SHORT_SHARE, abs=0.001)
    np.testing.assert_allclose(np.percentile(short, QUANTILES), label_statistics.SHORT_LENGTHS, atol=0.001)
