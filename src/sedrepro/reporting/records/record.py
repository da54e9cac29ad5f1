"""Keep the outcome of a paper in the repository: tables, figures, metrics and what it was made with, small.

A record is `results/recorded/<date>_<scale>_<budget>/<paper>/` with

* `tables.csv` and `tables.md`: all tables, one below the other;
* `figures/<figure>.png`;
* `metrics.csv`: all metrics of all runs, and what each run cost;
* `histories.csv`: losses and validation score of all runs, by epoch;
* `coverage.csv`, where the data were surveyed;
* `record.json`: command, date, machine, commits, and what was missing or stale.

Its results page is made from these files (`page.py`) and is not kept.
"""

import datetime
import os
import platform
import shutil
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sedrepro.base.errors import DataError
from sedrepro.base.files import atomic_folder, read_table, write_json, write_text
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import Paper
from sedrepro.experiments.places import paper_folder
from sedrepro.published.cells import runs_needed
from sedrepro.published.needs import printed_tables, table_cells
from sedrepro.reporting.records.contents import (
    RECORD,
    Row,
    histories_csv,
    history_rows,
    metric_rows,
    metrics_csv,
    tables_csv,
    tables_markdown,
)
from sedrepro.reporting.records.continuation import Earlier, figures_of_both
from sedrepro.reporting.records.page import FoundClaims, filled_tables
from sedrepro.reporting.records.reading import RecordedRuns
from sedrepro.reporting.status.state import PaperState
from sedrepro.reporting.tables.files import text_rows
from sedrepro.reporting.tables.markdown import to_markdown


def record(
    config: Config,
    paper: Paper,
    command: str,
    note: str = "",
    incomplete: bool = False,
    overwrite: bool = False,
    continues: Path | None = None,
) -> Path:
    """Keep a paper's results, without weights and scores; returns the record's folder.

    Args:
        config: the configuration that they were made with.
        paper: the paper.
        command: the command that made them.
        note: a remark to keep with them.
        incomplete: keep them although tables or figures are missing or stale; the record names these.
        overwrite: replace a record of the same day, scale, budget and paper.
        continues: an earlier record of the same scale, budget and paper, whose runs are kept with them. Tables and
            claims are filled from all runs; a figure is that of the results, if they show it of as many runs. The
            earlier record stays, unless it is of the same day, so that `overwrite` replaces it.

    Raises:
        DataError: there are no results, they are not complete, or there is such a record, and nothing allows it; or
            they cannot continue the earlier record.
    """
    results = paper_folder(config, paper.name)
    if not _run_folders(results):
        raise DataError(f"{results}: holds no scored run; run the workflow at scale '{config.scale}' first")
    earlier = Earlier(continues) if continues else None
    unfinished = unfinished_parts(config, paper) if earlier is None else []
    _refuse_unfinished(results, unfinished, incomplete, f"make them (make results PAPER={paper.name})")
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    folder = Path("results", "recorded", f"{date}_{config.scale}_{paper.budget}", paper.name)
    if folder.exists() and not overwrite:
        raise DataError(f"{folder}: already exists; --overwrite replaces it")
    facts = {"date": date, "command": command, "note": note, "unfinished": unfinished}
    if earlier is None:
        write_record(folder, config, paper, facts)
    else:
        write_continued(folder, config, paper, facts, earlier, incomplete)
    return folder


def _refuse_unfinished(results: Path, unfinished: Sequence[str], incomplete: bool, remedy: str) -> None:
    if unfinished and not incomplete:
        raise DataError(f"{results}: {'; '.join(unfinished)}; {remedy}, or keep what is there with --incomplete")


def unfinished_parts(config: Config, paper: Paper) -> list[str]:
    """The tables and figures of a paper that are not done, each with its state and why."""
    return [
        f"{item.name} is {item.state.name}" + (f" ({item.state.why})" if item.state.why else "")
        for item in PaperState(config, paper).items()
        if item.kind != "system" and item.state.name != "done"
    ]


def write_record(folder: Path, config: Config, paper: Paper, facts: Row) -> None:
    """Write the files of a record of what lies in the results of a paper, all or none.

    Raises:
        DataError: a file in the results is damaged (names it).
    """
    results = paper_folder(config, paper.name)
    runs = _run_folders(results)
    metrics = metric_rows(runs)
    tables = [path for name in paper.settings.tables if (path := results / "tables" / f"{name}.csv").is_file()]
    rows = {path.stem: read_table(path, ["note"], delimiter=",") for path in tables}
    texts = [path.with_suffix(".md").read_text(encoding="utf-8") for path in tables]
    with atomic_folder(folder) as temporary:
        _write_tables(temporary, rows, texts)
        write_text(temporary / "metrics.csv", metrics_csv(metrics))
        write_text(temporary / "histories.csv", histories_csv(history_rows(runs)))
        for path in [*results.glob("coverage.csv"), *results.glob("figures/*.png")]:
            _copy(path, temporary / path.relative_to(results))
        write_json(temporary / RECORD, _facts(config, paper, metrics) | facts)


def write_continued(
    folder: Path, config: Config, paper: Paper, facts: Row, earlier: Earlier, incomplete: bool = False
) -> None:
    """Write a record of an earlier record's runs and of what lies in the results of a paper, all or none.

    Raises:
        DataError: a file is damaged (names it), the results cannot continue that record, or what both have leaves
            tables or figures unfinished, and `incomplete` does not allow it.
    """
    results = paper_folder(config, paper.name)
    runs = _run_folders(results)
    metrics = metric_rows(runs)
    earlier.check(paper.name, config.scale, paper.budget, metrics)
    metrics = [*earlier.metrics, *metrics]
    taken, then = figures_of_both(paper, earlier.folder, results)
    with atomic_folder(folder) as temporary:
        write_text(temporary / "metrics.csv", metrics_csv(metrics))
        write_text(temporary / "histories.csv", histories_csv([*earlier.histories, *history_rows(runs)]))
        for name in paper.settings.figures:
            _copy_if_there(results if name in taken else earlier.folder, Path("figures", f"{name}.png"), temporary)
        for source in (results, earlier.folder):  # of the same data
            _copy_if_there(source, Path("coverage.csv"), temporary)
        _fill_tables(temporary, config.scale, paper, then)
        there = {(row["system"], row["variant"]) for row in metrics}
        unfinished = list(_unfinished_of_both(temporary, config, paper, there, taken))
        _refuse_unfinished(results, unfinished, incomplete, "make what is missing")
        joined = facts | {"continues": earlier.origins, "unfinished": unfinished}
        write_json(temporary / RECORD, _facts(config, paper, metrics) | joined)


def _fill_tables(folder: Path, scale: str, paper: Paper, then: FoundClaims) -> None:
    """Fill the tables of a record from its metrics.csv."""
    tables = filled_tables(paper, RecordedRuns(folder, paper, scale).metrics, scale, then)
    texts = [to_markdown(table, paper.settings.tables[name]) for name, table in tables.items()]
    _write_tables(folder, {name: text_rows(table) for name, table in tables.items()}, texts)


def _unfinished_of_both(
    folder: Path, config: Config, paper: Paper, there: Collection[tuple[str, str]], taken: Collection[str]
) -> Iterator[str]:
    """What a record that continues another lacks: runs of a table, a figure; and what is stale of what it took."""
    for name in printed_tables(paper):
        needed = runs_needed(cell for cell in table_cells(paper, name) if not cell.quoted)
        if lacking := [f"{system} on {variant}" for system, variant in needed if (system, variant) not in there]:
            yield f"{name} lacks runs of {', '.join(lacking)}"
    for name in paper.settings.figures:
        if not (folder / "figures" / f"{name}.png").is_file():
            yield f"{name} is missing"
    for item in PaperState(config, paper).items():
        if item.state.name == "stale" and item.name in (*taken, *(paper.settings.claim_tables if taken else ())):
            yield f"{item.name} is stale ({item.state.why})"


def _write_tables(folder: Path, rows: Mapping[str, Sequence[Row]], markdown: Iterable[str]) -> None:
    write_text(folder / "tables.csv", tables_csv(rows))
    write_text(folder / "tables.md", tables_markdown(markdown))


def _copy_if_there(source: Path, name: Path, target: Path) -> None:
    if (source / name).is_file():
        _copy(source / name, target / name)


def _run_folders(results: Path) -> list[Path]:
    """The folders of the scored runs of a paper."""
    return sorted(path.parent for path in results.glob("runs/**/metrics.json"))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _facts(config: Config, paper: Paper, metrics: Sequence[Mapping[str, Any]]) -> Row:
    runs = [row for row in metrics if not row.get("split")]
    return {
        "scale": config.scale,
        "budget": paper.budget,
        "machine": {"platform": platform.platform(), "cores": os.cpu_count(), "memory_gib": _memory_gib()},
        "devices": _each(runs, "device"),
        "runs": len(runs),
        "training_seconds": round(sum(float(run["seconds"]) for run in runs), 1),
        "peak_memory_mib": max(int(run["peak_memory_mib"]) for run in runs),
        "peak_gpu_memory_mib": max((int(run["peak_gpu_memory_mib"] or 0) for run in runs), default=0) or None,
        "commits": _each(runs, "commit"),
    }


def _each(runs: Sequence[Mapping[str, Any]], name: str) -> list[str]:
    return sorted({str(run[name] or "unknown") for run in runs})


def _memory_gib() -> float:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
