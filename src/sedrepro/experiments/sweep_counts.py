"""A run's part of the sweep over post-processing: its small file of counts, one writer, one reader."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from sedrepro.base.errors import DataError
from sedrepro.base.files import read_table, write_table
from sedrepro.evaluation.sweep_counts import ClassCounts, Trial

#: The file in a run's folder.
SWEEP_COUNTS = "post_processing_counts.csv"
#: A row per split, way, what is compared (`event`, `segment`) and class; or one with the reason why there is nothing.
COUNTS_COLUMNS = ("split", "method", "compared", "event_class", "reference", "estimated", "correct", "reason")


def write_sweep_counts(folder: Path, classes: Sequence[str], trials: Iterable[Trial]) -> Path:
    """Write the trials of a run to its folder; returns the path."""
    path = folder / SWEEP_COUNTS
    write_table(path, COUNTS_COLUMNS, (row for trial in trials for row in _rows(trial, classes)), delimiter=",")
    return path


def _rows(trial: Trial, classes: Sequence[str]) -> Iterator[tuple]:
    if trial.reason:
        yield trial.split, trial.way, "", "", "", "", "", trial.reason
    for name, counts in trial.counts.items():
        for label, *numbers in zip(classes, counts.reference, counts.estimated, counts.correct, strict=True):
            yield trial.split, trial.way, name, label, *numbers, ""


def read_sweep_counts(folder: Path) -> list[Trial]:
    """The trials of a run.

    Raises:
        DataError: the file is missing or damaged (names it).
    """
    path = folder / SWEEP_COUNTS
    if not path.is_file():
        raise DataError(f"{path}: no such file; score this run again")
    rows = read_table(path, COUNTS_COLUMNS, delimiter=",")
    try:
        return [_trial(key, list(of_trial)) for key, of_trial in groupby(rows, key=_split_and_way)]
    except ValueError as error:
        raise DataError(f"{path}: {error}; score this run again") from error


def _split_and_way(row: dict[str, str]) -> tuple[str, str]:
    return row["split"], row["method"]


def _trial(key: tuple[str, str], rows: list[dict[str, str]]) -> Trial:
    counted = [row for row in rows if not row["reason"]]
    by_name = {name: list(of_name) for name, of_name in groupby(counted, key=lambda row: row["compared"])}
    counts = {
        name: ClassCounts(*(np.array([int(row[column]) for row in of_name]) for column in COUNTS_COLUMNS[4:7]))
        for name, of_name in by_name.items()
    }
    return Trial(*key, counts, rows[0]["reason"])
