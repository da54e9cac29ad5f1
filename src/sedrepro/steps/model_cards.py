"""Write a model card for each scored run of a paper, and a list of the cards."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from sedrepro.base.errors import DataError
from sedrepro.base.files import write_table
from sedrepro.experiments.metrics_files import read_metrics
from sedrepro.experiments.places import paper_folder
from sedrepro.experiments.run_config import read_run_config
from sedrepro.published.needs import scored_runs
from sedrepro.reporting.status.model_card import write_model_card
from sedrepro.steps.request import Request, say

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper

COLUMNS = ("system", "variant", "fold", "seed", "parameters", "model_card")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_paper

    add_paper(parser)


def write_model_cards(config: Config, paper: Paper) -> Path:
    """Write the model card into the folder of every scored run, and model_cards.csv; returns the path of this.

    Says how many runs of the paper have none, as they are not scored yet.

    Raises:
        DataError: no run is scored yet, or a file of one is damaged (names it).
    """
    runs = scored_runs(config, paper)
    scored = [run for run in runs if run.metrics_file(config).is_file()]
    if runs and not scored:
        raise DataError(f"{runs[0].metrics_file(config)}: no such file, nor that of another run; make results first")
    if len(scored) < len(runs):
        say(f"{paper.name}: {len(runs) - len(scored)} of {len(runs)} runs are not scored yet and have no model card")
    rows = []
    for run in scored:
        folder = run.folder(config)
        described, metrics = read_run_config(folder), read_metrics(run.metrics_file(config))
        card = write_model_card(paper, run, folder, described, metrics)
        shown = card.relative_to(paper_folder(config, paper.name)).as_posix()
        rows.append((run.system, run.variant, run.fold, run.seed, described.parameters, shown))
    path = paper_folder(config, paper.name) / "model_cards.csv"
    write_table(path, COLUMNS, rows, delimiter=",")
    return path


def run(request: Request) -> None:
    """Write the cards of the paper of the options."""
    print(write_model_cards(request.config, request.paper))
