"""Continuing a record: its runs and those of a results folder together, such as further seeds of another machine."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sedrepro.base.errors import DataError
from sedrepro.base.files import read_json, read_table
from sedrepro.reporting.records.contents import OF_RUN, PLACE, RECORD, RUN

Row = Mapping[str, Any]


class Earlier:
    """A record that another one continues.

    Raises:
        DataError: a file is missing or lacks a column (names it).
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.facts = read_json(folder / RECORD)
        self.metrics = read_table(folder / "metrics.csv", (*PLACE, *OF_RUN), delimiter=",")
        self.histories = read_table(folder / "histories.csv", RUN, delimiter=",")

    @property
    def origins(self) -> list[dict[str, Any]]:
        """Where its runs came from: this record, and those that it continued itself, the oldest first."""
        told = ("date", "command", "note", "machine")
        return [*self.facts.get("continues", []), {name: self.facts[name] for name in told}]

    @property
    def tables(self) -> Path:
        """The csv of its tables."""
        return self.folder / "tables.csv"

    def check(self, paper: str, scale: str, budget: str, rows: Sequence[Row]) -> None:
        """That runs, in rows of metrics.csv, may stand beside its own.

        Raises:
            DataError: they are of another paper, scale or budget, of another network or other data, were scored
                otherwise, or both have the same run (names it); or newer code contradicts the record.
        """
        if self.facts.get("outdated"):
            raise DataError(f"{self.folder}: newer code contradicts this record; make a new one")
        for key, own, other in (
            ("paper", self.folder.name, paper),
            ("scale", self.facts["scale"], scale),
            ("budget", self.facts["budget"], budget),
        ):
            if own != other:
                raise DataError(f"{self.folder}: its {key} is {own}, that of the results {other}; continue another one")
        for check in (_both, _unlike, _scored_otherwise):
            for problem in check(self.metrics, rows):
                raise DataError(f"{self.folder / 'metrics.csv'}: {problem}")


def _both(own: Sequence[Row], others: Sequence[Row]) -> Iterator[str]:
    there = {_run(row) for row in own}
    for row in others:
        if _run(row) in there:
            run = f"{row['system']} on {row['variant']}, fold {row['fold']}, seed {row['seed']},"
            yield f"has {run} as the results have; remove that run from the results, or record them apart"


def _unlike(own: Sequence[Row], others: Sequence[Row]) -> Iterator[str]:
    """Where the same is counted of a system on a fold, it must be the same number in both."""
    known = dict(_counts(own))
    for place, count in _counts(others):
        before = known.get(place, count)
        if before != count:
            (system, variant), fold, split, name = place
            where = f", fold {fold}" + (f", split {split}" if split else "")
            yield (
                f"{name} of {system} on {variant}{where} is {before}, and {count} in the results; runs of another "
                "network or other data are a record of their own"
            )


def _counts(rows: Iterable[Row]) -> Iterator[tuple[tuple[tuple[str, str], str, str, str], str]]:
    """How large each network is, and of how many clips, each by system, fold, split (empty: of the run) and column."""
    for row in rows:
        for name in ("parameters", "clips_expected"):
            if _filled(row.get(name)):
                yield (_system(row), str(row["fold"]), row.get("split") or "", name), str(row[name])


def _scored_otherwise(own: Sequence[Row], others: Sequence[Row]) -> Iterator[str]:
    """A metric that the one has a value of must at least be a column of the other."""
    shared = {_system(row) for row in own} & {_system(row) for row in others}
    for rows, there, whose in ((own, others, "the results"), (others, own, "this record")):
        columns = {name for row in there for name in row}
        of_shared = [row for row in rows if _system(row) in shared]
        used = {name for row in of_shared for name, value in row.items() if _filled(value)}
        for name in sorted(used - columns):
            yield f"metric {name} is missing in {whose}; score the runs of both alike, or record them apart"


def _run(row: Row) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in RUN)


def _system(row: Row) -> tuple[str, str]:
    return row["system"], row["variant"]


def _filled(value: Any) -> bool:
    return value not in ("", None)
