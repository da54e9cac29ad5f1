"""What a record keeps of a paper's results: its tables, and metrics and histories of all runs, each in one file."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sedrepro.base.errors import DataError
from sedrepro.base.files import read_json, read_table
from sedrepro.experiments.environment import Environment, read_environment
from sedrepro.experiments.metrics_files import RunMetrics, Values, read_metrics
from sedrepro.experiments.run_files import ENVIRONMENT, HISTORY
from sedrepro.reporting.tables.tidy import data_of

Row = dict[str, Any]

#: The file of a record that says where it comes from.
RECORD = "record.json"

#: Its keys on where the runs came from; a record that continues another one keeps them of that.
ORIGIN = ("date", "command", "note", "machine", "devices", "commits", "runs")
#: What is to be done about a damaged file of a record.
RESTORE = "restore the file from git"

#: What tells a run from another one.
RUN = ("system", "variant", "fold", "seed")
#: Columns of metrics.csv that say what a row is about; where the last are empty, it is about all of them.
PLACE = (*RUN, "split", "detection", "event_class")
#: Columns of metrics.csv that belong to a run or a split, and are no metrics.
OF_RUN = (
    *("clips", "clips_expected", "parameters", "seconds", "peak_memory_mib", "peak_gpu_memory_mib"),
    *("device", "commit", "data"),
)
#: Those that each record has; an older one may not say on which data its runs stand.
NEEDED = tuple(name for name in (*PLACE, *OF_RUN) if name != "data")
#: What is read of the tables as they were filled then: columns that each of them has, even if there is no table.
OF_TABLES = ("metric", "mean", "verdict", "note", "runs")


def record_facts(folder: Path) -> dict[str, Any]:
    """What record.json says of the record in a folder.

    Raises:
        DataError: the folder is no record, or the file is damaged or lacks a key that every record has (names it).
    """
    path = folder / RECORD
    if not path.is_file():
        raise DataError(f"{folder}: is no record; name a folder results/recorded/DATE_SCALE_BUDGET/PAPER")
    facts = read_json(path, RESTORE)
    known = facts if isinstance(facts, dict) else {}
    for name in ("scale", "budget", *ORIGIN):
        if name not in known:
            raise DataError(f"{path}: key '{name}' is missing; {RESTORE}")
    return known


def tables_csv(tables: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """The rows of tables one below the other, each with its table's name; what a table lacks is empty."""
    rows = [{"table": name} | dict(row) for name, rows in tables.items() for row in rows]
    return as_csv(("table",) if rows else ("table", *OF_TABLES), rows)


def tables_markdown(texts: Iterable[str]) -> str:
    """The Markdown of tables one below the other."""
    return "\n\n".join(text.strip() for text in texts) + "\n"


def metric_rows(folders: Iterable[Path]) -> list[Row]:
    """All metrics of runs: a row per run for what belongs to all of it, and one per split, way of detection and class.

    Raises:
        DataError: a file of a run is damaged (names it).
    """
    return [
        row
        for folder in folders
        for row in _metric_rows(read_metrics(folder / "metrics.json"), read_environment(folder / ENVIRONMENT))
    ]


def metrics_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of metrics as csv."""
    return as_csv((*PLACE, *OF_RUN), rows)


def _metric_rows(run: RunMetrics, environment: Environment) -> Iterator[Row]:
    place_of_run = {name: getattr(run, name) for name in RUN}
    yield place_of_run | {
        "clips": run.clips,
        "clips_expected": run.clips_expected,
        "parameters": run.parameters,
        "seconds": environment.seconds,
        "peak_memory_mib": environment.peak_memory_mib,
        "peak_gpu_memory_mib": environment.peak_gpu_memory_mib,
        "device": environment.device,
        "commit": environment.commit,
        "data": data_of([run]),
    }
    for name, split in run.splits.items():
        place = place_of_run | {"split": name}
        yield place | {"clips": split.clips, "clips_expected": split.clips_expected} | split.metrics
        yield from _class_rows(place, split.class_metrics)
        for way, detection in split.detections.items():
            of_way = place | {"detection": way}
            yield of_way | detection.settings | detection.metrics
            yield from _class_rows(of_way, detection.class_metrics)


def _class_rows(place: Row, metrics: Mapping[str, Values]) -> Iterator[Row]:
    for event_class in dict.fromkeys(name for values in metrics.values() for name in values):
        yield place | {"event_class": event_class} | {name: of.get(event_class) for name, of in metrics.items()}


def history_rows(folders: Iterable[Path]) -> list[Row]:
    """The losses and validation scores of runs, a row per epoch.

    Raises:
        DataError: a history is damaged (names it).
    """
    return [
        _run_of(folder) | row
        for folder in folders
        if (folder / HISTORY).is_file()
        for row in read_table(folder / HISTORY, (), delimiter=",")
    ]


def histories_csv(rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows of histories as csv."""
    return as_csv(RUN, rows)


def _run_of(folder: Path) -> Row:
    """The run of a folder, by its path `<system>/<variant>/fold<k>/seed<s>`."""
    system, variant, fold, seed = folder.parts[-4:]
    return dict(zip(RUN, (system, variant, fold.removeprefix("fold"), seed.removeprefix("seed")), strict=True))


def as_csv(first: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> str:
    """Rows as csv: the columns `first`, then the others as they come; what is missing or None is empty."""
    columns = list(dict.fromkeys([*first, *(name for row in rows for name in row)]))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows({name: _shown(value) for name, value in row.items()} for row in rows)
    return text.getvalue()


def _shown(value: Any) -> Any:
    return f"{value:.6g}" if isinstance(value, float) else value
