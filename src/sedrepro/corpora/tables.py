"""The tables that every corpus has, whatever it is made of.

clips.tsv    filename, split, fold, duration, group
weak.tsv     filename, event_labels; an empty cell: known to hold no event; unlabelled clips have no row
strong.tsv   filename, onset, offset, event_label; empty cells: strongly labelled, holds no event
subsets.tsv  subset, filename: parts of held-out splits that are scored by themselves too; mostly without rows
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sedrepro.annotations.clips import STRONG_COLUMNS, WEAK_COLUMNS, Event
from sedrepro.base.errors import DataError
from sedrepro.base.files import read_table, write_table

CORPUS_CLIP_COLUMNS = ("filename", "split", "fold", "duration", "group")
SUBSET_COLUMNS = ("subset", "filename")
CORPUS_TABLES = ("clips.tsv", "weak.tsv", "strong.tsv", "subsets.tsv")


def write_tables(
    folder: Path,
    clips: Sequence[Sequence],
    weak: Sequence[Sequence],
    strong: Sequence[Sequence],
    subsets: Sequence[Sequence] = (),
) -> None:
    """Write the tables of a corpus to `folder`."""
    write_table(folder / "clips.tsv", CORPUS_CLIP_COLUMNS, clips)
    write_table(folder / "weak.tsv", WEAK_COLUMNS, weak)
    write_table(folder / "strong.tsv", STRONG_COLUMNS, strong)
    write_table(folder / "subsets.tsv", SUBSET_COLUMNS, subsets)


def read_clips(folder: Path) -> list[dict[str, str]]:
    """Rows of a corpus' clips.tsv, each with its `event_labels` (empty for an unlabelled clip too)."""
    labels = {row["filename"]: row["event_labels"] for row in read_table(folder / "weak.tsv", WEAK_COLUMNS)}
    rows = read_table(folder / "clips.tsv", CORPUS_CLIP_COLUMNS)
    return [row | {"event_labels": labels.get(row["filename"], "")} for row in rows]


def read_strong(folder: Path) -> dict[str, list[Event]]:
    """Events of every strongly labelled clip of a corpus, by filename; an empty list where nothing is heard.

    Not the reader of official tables: these have no quotes and a closed list of classes, their filenames name no
    folder, and their faults are corrected at the source, where a corpus is the suite's own, written by `write_tables`.

    Raises:
        DataError: an event has no class, or its times are no numbers or impossible (names file and row).
    """
    path = folder / "strong.tsv"
    events: dict[str, list[Event]] = {}
    for number, row in enumerate(read_table(path, STRONG_COLUMNS), start=2):
        events.setdefault(row["filename"], []).extend(_event(path, number, row))
    return events


def read_subsets(folder: Path) -> dict[str, set[str]]:
    """Filenames of the clips of every subset of a corpus."""
    subsets: dict[str, set[str]] = {}
    for row in read_table(folder / "subsets.tsv", SUBSET_COLUMNS):
        subsets.setdefault(row["subset"], set()).add(row["filename"])
    return subsets


def _event(path: Path, number: int, row: dict[str, Any]) -> list[Event]:
    onset, offset, label = (row[column] for column in STRONG_COLUMNS[1:])
    if not (onset or offset or label):
        return []
    try:
        event = Event(float(onset), float(offset), label)
    except ValueError as error:
        raise DataError(f"{path}: row {number}: {error}") from error
    if not label:
        raise DataError(f"{path}: row {number}: an event from {onset} s to {offset} s of no class; name its class")
    if not 0 <= event.onset <= event.offset < math.inf:
        raise DataError(f"{path}: row {number}: an event from {onset} s to {offset} s; correct its times")
    return [event]
