"""Examine the runs that a figure shows, and store the data that it is drawn from."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from sedrepro.base.files import atomic_path, write_json
from sedrepro.experiments.run_view import RunView
from sedrepro.experiments.runs import figure_runs
from sedrepro.reporting.figures.figure_files import figure_function, figure_stem

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper
from sedrepro.steps.request import Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_figure

    add_figure(parser)


def examine(config: Config, paper: Paper, figure: str) -> Path:
    """Look into the runs that a figure shows; write `<figure>.npz` and `<figure>.json`."""
    stem = figure_stem(config, paper, figure)
    runs = [RunView(config, paper, who) for who in figure_runs(config, paper, figure)]
    with torch.no_grad():
        arrays, facts = figure_function(paper, "examine", figure)(runs)
    common = {
        "scale": config.scale,
        "variant": paper.settings.figure_of(figure).variant,
        "runs": [str(run.who.path) for run in runs],
        "labels": [run.label for run in runs],
        "classes": runs[0].classes,
    }
    with atomic_path(stem.with_suffix(".npz")) as temporary:
        np.savez_compressed(temporary, **arrays)
    write_json(stem.with_suffix(".json"), common | facts)
    return stem.with_suffix(".npz")


def run(request: Request) -> None:
    """Examine the figure of the options."""
    print(examine(request.config, request.paper, request.options.figure))
