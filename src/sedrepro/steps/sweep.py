"""Compare four post-processing methods on the scores of a paper's runs; without --paper, join the papers' parts.

It goes beyond the papers, each of which has its own post-processing and its own metrics. Nothing is trained, and no
metric, table or figure of a paper changes. What is counted of a run was counted when it was scored; here its metrics
are computed. The ways and the metrics stand in `sedrepro.evaluation.sweep`.
"""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sedrepro.base.files import write_table
from sedrepro.experiments.places import sweep_part
from sedrepro.experiments.runs import RunIdentity
from sedrepro.experiments.sweep_counts import read_sweep_counts
from sedrepro.published.needs import table_runs
from sedrepro.reporting.sweep.parts import PART_COLUMNS
from sedrepro.steps.request import Request

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper


def sweep_runs(config: Config, paper: Paper) -> list[RunIdentity]:
    """Every run that some table of a paper reads, each once: all folds and seeds."""
    return list(dict.fromkeys(who for table in paper.settings.tables for who in table_runs(config, paper, table)))


def sweep(config: Config, paper: Paper) -> Path:
    """Write a paper's part of the sweep; returns its path.

    Raises:
        DataError: the counts of a run are missing or damaged (names the file).
    """
    rows = [row for who in sweep_runs(config, paper) for row in _of_run(config, who)]
    path = sweep_part(config, paper.name)
    write_table(path, PART_COLUMNS, rows, delimiter=",")
    return path


def _of_run(config: Config, who: RunIdentity) -> Iterator[tuple]:
    """Rows of a run."""
    for trial in read_sweep_counts(who.folder(config)):
        for metric, value in trial.values().items():
            note = trial.reason or ("" if value is not None else "no reference event")
            yield *vars(who).values(), trial.split, trial.way, metric, "" if value is None else value, note


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("--paper", default=None, help="paper to compare them on (default: join the parts made so far)")


def run(request: Request) -> None:
    """Table the paper of the options; without one, join what was tabled."""
    if request.options.paper:
        print(sweep(request.config, request.paper))
    else:
        importlib.import_module("sedrepro.steps.sweep_table").run(request)
