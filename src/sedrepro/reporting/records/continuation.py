"""Continuing a record: its runs and those of a results folder together, such as further seeds of another machine."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sedrepro.base.errors import DataError
from sedrepro.base.files import read_table
from sedrepro.experiments.papers import Paper
from sedrepro.published.claims import read_claims
from sedrepro.published.needs import cells_file
from sedrepro.reporting.claims.evidence import figures_read
from sedrepro.reporting.claims.registry import predicate_of
from sedrepro.reporting.page.data import pictures_of
from sedrepro.reporting.records.contents import ORIGIN, RUN, record_facts
from sedrepro.reporting.records.page import ClaimKey, claim_key, claims_then
from sedrepro.reporting.records.reading import recorded_rows

Row = Mapping[str, Any]

ANOTHER = "runs of another network or other data are a record of their own"


class Earlier:
    """A record that another one continues.

    Raises:
        DataError: the folder is no record, or a file in it is damaged or lacks a column or key (names it).
    """

    def __init__(self, folder: Path):
        self.folder = folder.resolve()
        self.facts = record_facts(folder)
        self.metrics = recorded_rows(self.folder)
        self.histories = read_table(self.folder / "histories.csv", RUN, delimiter=",")

    @property
    def origins(self) -> list[dict[str, Any]]:
        """Where its runs came from: this record, and those that it continued itself, the oldest first."""
        return [*self.facts.get("continues", []), {name: self.facts[name] for name in ORIGIN}]

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
            yield f"has {run} as the results have; continue a record without it, or remove the run from the results"


def _unlike(own: Sequence[Row], others: Sequence[Row]) -> Iterator[str]:
    """What is counted of the same network or the same clips must be the same in both."""
    known = dict(_counts(own))
    for (name, *where), count in _counts(others):
        before = known.get((name, *where), count)
        if before != count:
            yield f"{name} of {', '.join(where)} is {before}, and {count} in the results; {ANOTHER}"


def _counts(rows: Iterable[Row]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Parameters of each network; clips of each variant, fold and split, and on which data sets they stand."""
    for row in rows:
        places = {
            "parameters": _system(row),
            "data": (row["variant"],),
            **dict.fromkeys(("clips", "clips_expected"), (row["variant"], f"fold {row['fold']}", _split(row))),
        }
        for name, place in places.items():
            if _filled(row.get(name)):
                yield (name, *filter(None, place)), str(row[name])


def _scored_otherwise(own: Sequence[Row], others: Sequence[Row]) -> Iterator[str]:
    """Both must score a system on the same splits and ways of detection, and know each metric that one has."""
    shared = {_system(row) for row in own} & {_system(row) for row in others}
    here, there = ([row for row in rows if _system(row) in shared] for rows in (own, others))
    for rows, of_others, whose in ((here, others, "the results"), (there, own, "this record")):
        for system, variant, split, way in sorted(_scored(rows) - _scored(of_others)):
            what = ", ".join(filter(None, (f"split {split}" if split else "", f"detection {way}" if way else "")))
            yield f"{what} of {system} on {variant} is missing in {whose}; score the runs of both alike"
        columns = {name for row in of_others for name in row}
        used = {name for row in rows for name, value in row.items() if _filled(value)}
        for name in sorted(used - columns):
            yield f"metric {name} is missing in {whose}; score the runs of both alike, or record them apart"


def _scored(rows: Iterable[Row]) -> set[tuple[str, str, str, str]]:
    """On which splits and by which ways of detection each system was scored on each variant."""
    return {(*_system(row), _split(row), row.get("detection") or "") for row in rows}


def _run(row: Row) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in RUN)


def _system(row: Row) -> tuple[str, str]:
    return row["system"], row["variant"]


def _split(row: Row) -> str:
    return row.get("split") or ""


def _filled(value: Any) -> bool:
    return value not in ("", None)


def figures_of_both(paper: Paper, earlier: Path, results: Path) -> tuple[set[str], dict[ClaimKey, dict[str, str]]]:
    """Which figures are taken from results instead of an earlier record, and the claims on figures that go with them.

    A figure is taken with its claims, if the results show it, of at least as many runs as the earlier record.

    Raises:
        DataError: a csv of either is damaged (names it).
    """
    names = paper.settings.claim_tables
    files = [path for name in names if (path := results / "tables" / f"{name}.csv").is_file()]
    before, now = claims_then([earlier / "tables.csv"]), claims_then(files)
    claims = [claim for name in names for claim in read_claims(cells_file(paper, name))]
    read_by = {claim_key(vars(claim)): figures_read(predicate_of(claim, paper.name)) for claim in claims}

    def runs(found: Mapping[ClaimKey, Mapping[str, str]], figure: str) -> int:
        return max((int(row["runs"]) for key, row in found.items() if figure in read_by.get(key, ())), default=0)

    taken = {name for name in pictures_of(paper, results) if runs(now, name) >= runs(before, name)}
    of_taken = {key: row for key, row in now.items() if read_by.get(key) and taken.issuperset(read_by[key])}
    return taken, before | of_taken
