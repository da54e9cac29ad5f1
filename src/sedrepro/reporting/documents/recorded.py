"""Reading what is kept under results/recorded: tables, histories, facts of records, and single measurements."""

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sedrepro.base.errors import DataError, did_you_mean
from sedrepro.reporting.records.contents import record_facts

RECORDED = Path("results", "recorded")
#: Times and sizes that a person measured: a row per measurement, which says on what machine and when.
MEASURED = RECORDED / "measurements.csv"
FAULTS = RECORDED / "faults.json"
"""Counts of the last tests by `benchmarks/faults.py`."""
REHEARSED = RECORDED / "rehearsal.csv"
"""What each stage of the rehearsals took: a row per paper and stage."""

TRIED = RECORDED / "experiments.csv"
"""Values of experiments whose runs are not kept as a record; the condition of each is a row, of metric `condition`."""


@functools.cache
def read_csv(path: Path) -> pd.DataFrame:
    """A csv of a record, every value as it stands there.

    Raises:
        DataError: there is no such file.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file; a fact in the documents names it")
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def rows_where(path: Path, wanted: Mapping[str, str]) -> pd.DataFrame:
    """The rows of a csv with the values that `wanted` gives to columns; several, parted by `|`, may be allowed.

    Raises:
        DataError: the file or a column is not there, or no row is like that (names the file).
    """
    table, named = read_csv(path), " ".join(f"{column}={value}" for column, value in wanted.items())
    for column, value in wanted.items():
        if column not in table:
            raise DataError(f"{path}: has no column '{column}'; {did_you_mean(column, table.columns)}")
        table = table[table[column].isin(value.split("|"))]
    if table.empty:
        raise DataError(f"{path}: has no row with {named}")
    return table


def only_row(path: Path, wanted: Mapping[str, str]) -> Mapping[str, str]:
    """The one row of a csv that is as wanted.

    Raises:
        DataError: there is none, or more than one (names the file).
    """
    rows = rows_where(path, wanted)
    if len(rows) > 1:
        raise DataError(f"{path}: has {len(rows)} rows like that; give more columns")
    return rows.iloc[0].to_dict()


def records() -> list[tuple[str, str, dict[str, Any]]]:
    """Folder, paper and facts of every record, the oldest first.

    Raises:
        DataError: a record.json is damaged or lacks a key that every record has (names it).
    """
    paths = sorted(RECORDED.glob("*/*/record.json"))
    return [(path.parts[-3], path.parts[-2], record_facts(path.parent)) for path in paths]
