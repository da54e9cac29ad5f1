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
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sedrepro.base.errors import DataError
from sedrepro.base.files import atomic_folder, write_json, write_text
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.environment import read_environment
from sedrepro.experiments.papers import Paper
from sedrepro.experiments.places import paper_folder
from sedrepro.experiments.run_files import ENVIRONMENT
from sedrepro.reporting.records.contents import histories_csv, metrics_csv, tables_csv, tables_markdown
from sedrepro.reporting.records.page import RECORD
from sedrepro.reporting.status.state import PaperState


def record(
    config: Config, paper: Paper, command: str, note: str = "", incomplete: bool = False, overwrite: bool = False
) -> Path:
    """Keep a paper's results, without weights and scores; returns the record's folder.

    Args:
        config: the configuration that they were made with.
        paper: the paper.
        command: the command that made them.
        note: a remark to keep with them.
        incomplete: keep them although tables or figures are missing or stale; the record names these.
        overwrite: replace a record of the same day, scale, budget and paper.

    Raises:
        DataError: there are no results, they are not complete, or there is such a record, and nothing allows it.
    """
    results = paper_folder(config, paper.name)
    if not _run_folders(results):
        raise DataError(f"{results}: holds no scored run; run the workflow at scale '{config.scale}' first")
    unfinished = unfinished_parts(config, paper)
    if unfinished and not incomplete:
        raise DataError(
            f"{results}: {'; '.join(unfinished)}; make them (make results PAPER={paper.name}), or keep what is there "
            "with --incomplete"
        )
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    folder = Path("results", "recorded", f"{date}_{config.scale}_{paper.budget}", paper.name)
    if folder.exists() and not overwrite:
        raise DataError(f"{folder}: already exists; --overwrite replaces it")
    facts = _facts(config, paper, results, date) | {"command": command, "note": note, "unfinished": unfinished}
    write_record(folder, config, paper, facts)
    return folder


def unfinished_parts(config: Config, paper: Paper) -> list[str]:
    """The tables and figures of a paper that are not done, each with its state and why."""
    return [
        f"{item.name} is {item.state.name}" + (f" ({item.state.why})" if item.state.why else "")
        for item in PaperState(config, paper).items()
        if item.kind != "system" and item.state.name != "done"
    ]


def write_record(folder: Path, config: Config, paper: Paper, facts: Mapping[str, Any]) -> None:
    """Write the files of a record of what lies in the results of a paper, all or none.

    Raises:
        DataError: a file in the results is damaged (names it).
    """
    results = paper_folder(config, paper.name)
    runs = _run_folders(results)
    tables = [path for name in paper.settings.tables if (path := results / "tables" / f"{name}.csv").is_file()]
    with atomic_folder(folder) as temporary:
        write_text(temporary / "tables.csv", tables_csv(tables))
        write_text(temporary / "tables.md", tables_markdown(path.with_suffix(".md") for path in tables))
        write_text(temporary / "metrics.csv", metrics_csv(runs))
        write_text(temporary / "histories.csv", histories_csv(runs))
        for path in [*results.glob("coverage.csv"), *results.glob("figures/*.png")]:
            _copy(path, temporary / path.relative_to(results))
        write_json(temporary / RECORD, facts)


def _run_folders(results: Path) -> list[Path]:
    """The folders of the scored runs of a paper."""
    return sorted(path.parent for path in results.glob("runs/**/metrics.json"))


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _facts(config: Config, paper: Paper, results: Path, date: str) -> dict[str, Any]:
    environments = [read_environment(run / ENVIRONMENT) for run in _run_folders(results)]
    return {
        "date": date,
        "scale": config.scale,
        "budget": paper.budget,
        "machine": {"platform": platform.platform(), "cores": os.cpu_count(), "memory_gib": _memory_gib()},
        "devices": _each(environments, "device"),
        "runs": len(environments),
        "training_seconds": round(sum(e.seconds for e in environments), 1),
        "peak_memory_mib": max(e.peak_memory_mib for e in environments),
        "peak_gpu_memory_mib": max((e.peak_gpu_memory_mib or 0 for e in environments), default=0) or None,
        "commits": _each(environments, "commit"),
    }


def _each(environments: Sequence[Any], name: str) -> list[str]:
    return sorted({str(getattr(environment, name)) for environment in environments})


def _memory_gib() -> float:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
