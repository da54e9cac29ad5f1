"""Reading a record back: its runs as their metrics files had them, and what each cost."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from sedrepro.annotations.clips import Coverage
from sedrepro.base.errors import DataError, SettingsError
from sedrepro.base.files import read_table
from sedrepro.base.typed import load
from sedrepro.corpora.survey import ALL_CLASSES
from sedrepro.experiments.metrics_files import ClassValues, RunMetrics, Values
from sedrepro.experiments.papers import Paper
from sedrepro.reporting.page.data import rows_if_there
from sedrepro.reporting.records.contents import NEEDED, OF_RUN, PLACE, RESTORE, RUN
from sedrepro.reporting.status.cost import RunCost
from sedrepro.reporting.tables.coverage import COLUMNS as COVERAGE_COLUMNS
from sedrepro.reporting.tables.tidy import coverage_in

Rows = list[dict[str, str]]


class RecordedRuns:
    """The runs of a record, from its metrics.csv and coverage.csv.

    Raises:
        DataError: a file is missing, lacks a column, or holds what is no number (names it).
    """

    def __init__(self, folder: Path, paper: Paper, scale: str):
        self._path, self._paper, self._scale = folder / "metrics.csv", paper, scale
        self._rows = recorded_rows(folder)
        self._coverage = recorded_coverage(folder)
        self._known = self._columns_in_use()
        try:
            self.metrics = [self._run(rows) for rows in _by(self._rows, lambda row: [row[name] for name in RUN])]
            self.costs = [_cost(row) for row in self._rows if not row["split"]]
        except ValueError as error:
            raise DataError(f"{self._path}: {error}; restore it from git") from error
        except SettingsError as error:
            raise DataError(f"{error}; {RESTORE}") from error

    def _columns_in_use(self) -> Mapping[tuple[str, bool], set[str]]:
        """The metrics of a way of detection, or of clips ("" for it), over all classes or of one.

        Where a row lacks one of them, it is undefined there.
        """
        found: dict[tuple[str, bool], set[str]] = defaultdict(set)
        for row in self._rows:
            values = {name for name, text in row.items() if text and name not in (*PLACE, *OF_RUN)}
            found[row["detection"], bool(row["event_class"])] |= values
        return found

    def _run(self, rows: Rows) -> RunMetrics:
        whole, of_splits = rows[0], rows[1:]
        place = ", ".join(f"{name} {whole[name]}" for name in RUN)
        if not all(row["split"] for row in of_splits):
            raise ValueError(f"{place} stands there twice")
        values = {
            "paper": self._paper.name,
            "system": whole["system"],
            "variant": whole["variant"],
            "fold": int(whole["fold"]),
            "seed": int(whole["seed"]),
            "scale": self._scale,
            "clips": int(whole["clips"]),
            "clips_expected": int(whole["clips_expected"]),
            "data": coverage_in(whole["data"]) or self._surveyed(whole["variant"]),
            "classes": sorted({row["event_class"] for row in rows if row["event_class"]}),
            "parameters": _whole(whole["parameters"]),
            "splits": {part[0]["split"]: self._split(part) for part in _by(of_splits, lambda row: [row["split"]])},
        }
        return load(RunMetrics, values, f"{self._path}: {place}")

    def _split(self, rows: Rows) -> dict[str, Any]:
        ways = {part[0]["detection"]: part for part in _by(rows, lambda row: [row["detection"]])}
        clips = ways.pop("")
        return {
            "clips": int(clips[0]["clips"]),
            "clips_expected": _whole(clips[0]["clips_expected"]),
            **self._metrics(clips),
            "classes_without_events": [],
            # What a way of detection was set to stands among its metrics: the record does not tell them apart.
            "detections": {name: {"settings": {}} | self._metrics(part) for name, part in ways.items()},
        }

    def _metrics(self, rows: Rows) -> dict[str, Any]:
        return {"metrics": self._values(rows[0]), "class_metrics": self._class_values(rows[1:])}

    def _values(self, row: dict[str, str]) -> Values:
        known = sorted(self._known[row["detection"], bool(row["event_class"])])
        return {name: float(row[name]) if row[name] else None for name in known}

    def _class_values(self, rows: Rows) -> ClassValues:
        found: dict[str, dict[str, float | None]] = defaultdict(dict)
        for row in rows:
            for name, value in self._values(row).items():
                found[name][row["event_class"]] = value
        return dict(found)

    def _surveyed(self, variant: str) -> dict[str, Coverage]:
        """How much of the data sets of a corpus variant there was, where that was surveyed."""
        corpora = self._paper.settings.corpora
        sets = {name for key, one in corpora.items() if variant in one.variants(key) for name in one.data_sets}
        rows = [row for row in self._coverage if row["label"] == ALL_CLASSES and row["data_set"] in sets]
        return {
            part[0]["data_set"]: Coverage(
                expected=sum(int(row["expected"]) for row in part),
                usable=sum(int(row["usable"]) for row in part),
                fingerprint=part[0]["fingerprint"],
            )
            for part in _by(rows, lambda row: [row["data_set"]])
        }


def recorded_rows(folder: Path) -> Rows:
    """The rows of metrics.csv; of a record that does not say there on which data its runs stand, its tables tell it.

    Raises:
        DataError: the file is missing, or lacks a column that every record has (names it).
    """
    rows = read_table(folder / "metrics.csv", NEEDED, delimiter=",")
    tables = rows_if_there(folder / "tables.csv", ("table",))
    data = {row["variant"]: row["data"] for row in tables if row.get("variant") and row.get("data")}
    return [row | {"data": row.get("data") or ("" if row["split"] else data.get(row["variant"], ""))} for row in rows]


def recorded_coverage(folder: Path) -> Rows:
    """How much of each data set there was; what an older record lacks is empty. No rows where nothing was surveyed.

    Raises:
        DataError: the file is damaged, or lacks a column that every record has (names it).
    """
    needed = ("data_set", "split", "label", "expected", "usable", "fingerprint")
    return [dict.fromkeys(COVERAGE_COLUMNS, "") | row for row in rows_if_there(folder / "coverage.csv", needed)]


def _by(rows: Iterable[dict[str, str]], key: Callable[[dict[str, str]], list[Any]]) -> list[Rows]:
    """Rows of equal key together, in order of appearance."""
    groups: dict[tuple[Any, ...], Rows] = defaultdict(list)
    for row in rows:
        groups[tuple(key(row))].append(row)
    return list(groups.values())


def _cost(row: dict[str, str]) -> RunCost:
    seconds = float(row["seconds"])
    if not 0 <= seconds < math.inf:
        raise ValueError(f"seconds = {row['seconds']} is no time")
    return RunCost(
        system=row["system"],
        variant=row["variant"],
        seconds=seconds,
        peak_memory_mib=int(row["peak_memory_mib"]),
        peak_gpu_memory_mib=_whole(row["peak_gpu_memory_mib"]),
        parameters=_whole(row["parameters"]),
        clips="",
        environment=tuple((name, row[name] or "unknown") for name in ("commit", "device")),
    )


def _whole(text: str) -> int | None:
    return int(text) if text else None
