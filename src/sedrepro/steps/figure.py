"""Draw a figure of a paper as SVG and PNG."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import matplotlib
import numpy as np

from sedrepro.base.errors import DataError, MissingFileError
from sedrepro.base.files import read_json
from sedrepro.reporting.figures.figure_files import figure_function, figure_stem
from sedrepro.reporting.figures.pictures import STYLE, save_picture

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper
from sedrepro.steps.request import Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_figure

    add_figure(parser)


def draw(config: Config, paper: Paper, figure: str) -> Path:
    """Draw a figure from its stored arrays; write SVG and PNG, equal bytes for equal arrays."""
    matplotlib.use("Agg")
    stem = figure_stem(config, paper, figure)
    if not stem.with_suffix(".npz").is_file():
        raise MissingFileError(stem.with_suffix(".npz"))
    try:
        with np.load(stem.with_suffix(".npz")) as file:
            arrays = dict(file)
    except Exception as error:  # NumPy raises many kinds for a damaged file
        raise DataError(f"{stem}.npz: cannot be read ({error}); run the examine step again") from error
    with matplotlib.rc_context(fname=STYLE):
        drawn = figure_function(paper, "draw", figure)(arrays, read_json(stem.with_suffix(".json")))
    return save_picture(drawn, stem)


def run(request: Request) -> None:
    """Draw the figure of the options."""
    print(draw(request.config, request.paper, request.options.figure))
