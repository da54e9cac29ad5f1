"""DCASE 2017 Task 4: weakly labelled driving sounds and warnings of AudioSet, 17 classes.

Layout: three folders of clips below `DCASE2017_task4/`, and the tables `groundtruth_*.csv` (tabs, no header) there or,
as in a clone of the official repository, in `groundtruth_release/`. Tables name a clip without the Y of its file.
"""

from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from sedrepro.annotations.clips import Clip, Event
from sedrepro.annotations.labels import read_headerless_strong, read_headerless_weak, youtube_id

ARCHIVE = "dcase2017_task4"
FOLDER = "DCASE2017_task4"
AUDIO = {
    "training": f"{FOLDER}/unbalanced_train_segments_training_set_audio_formatted_and_segmented_downloads",
    "testing": f"{FOLDER}/unbalanced_train_segments_testing_set_audio_formatted_and_segmented_downloads",
    "evaluation": f"{FOLDER}/evaluation_set_formatted_audio_segments",
}
SPLITS = tuple(AUDIO)
CLIPS = {"training": 51172, "testing": 488, "evaluation": 1103}
WEAK_LABELS = {split: f"{FOLDER}/groundtruth_weak_label_{split}_set.csv" for split in SPLITS}
STRONG_LABELS = {split: f"{FOLDER}/groundtruth_strong_label_{split}_set.csv" for split in ("testing", "evaluation")}
LABELS = (*WEAK_LABELS.values(), *STRONG_LABELS.values())
CLIP_SECONDS = 10.0
USES_SILENT_CLIPS = True
TAKES_SPLITS = True
# Order of the official list of classes.
CLASSES = (
    "Train horn",
    "Air horn, truck horn",
    "Car alarm",
    "Reversing beeps",
    "Bicycle",
    "Skateboard",
    "Ambulance (siren)",
    "Fire engine, fire truck (siren)",
    "Civil defense siren",
    "Police car (siren)",
    "Screaming",
    "Car",
    "Car passing by",
    "Bus",
    "Truck",
    "Motorcycle",
    "Train",
)


def label_tables(data_root: Path) -> tuple[str, ...]:
    """The label tables where they lie in this data root."""
    return tuple(_where_it_lies(data_root, table) for table in LABELS)


def clips(data_root: Path, splits: Collection[str] = SPLITS) -> list[Clip]:
    """Every clip of the three splits, or some of them, in the order of the weak tables.

    Official rows of a label that was not heard (onset = offset = 0) and a row given twice are no events; overlapping
    events of one class stay as they are.

    Raises:
        DataError: a table is missing or has a bad row (names file and row).
    """
    return [clip for split in SPLITS if split in splits for clip in _clips_of(data_root, split)]


def _clips_of(data_root: Path, split: str) -> list[Clip]:
    labels = read_headerless_weak(data_root / _where_it_lies(data_root, WEAK_LABELS[split]), CLASSES, CLIP_SECONDS)
    weak = [Clip(f"{AUDIO[split]}/Y{name}", split, youtube_id(name), labels=labels[name]) for name in labels]
    if split not in STRONG_LABELS:
        return weak
    path = data_root / _where_it_lies(data_root, STRONG_LABELS[split])
    released = read_headerless_strong(path, CLASSES, labels, CLIP_SECONDS)
    return [
        replace(clip, events=_heard(released.get(name, ())), events_as_released=released.get(name, ()))
        for clip, name in zip(weak, labels, strict=True)
    ]


def _heard(released: Iterable[Event]) -> tuple[Event, ...]:
    return tuple(sorted({event for event in released if event.offset > 0}))


def _where_it_lies(data_root: Path, table: str) -> str:
    released = table.replace(f"{FOLDER}/", f"{FOLDER}/groundtruth_release/")
    return released if (data_root / released).is_file() and not (data_root / table).is_file() else table
