"""The files of a paper's figures, and the functions that make them.

A paper's `figures.py` offers for each figure

    examine_<figure>(runs) -> arrays, facts    from `RunView`s, in the order of the figure's systems
    draw_<figure>(arrays, facts)               from what was stored, a matplotlib figure
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sedrepro.experiments.places import figures_folder

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper


def figures_module(paper: str) -> str:
    """Name of the module of a paper's figures."""
    return f"sedrepro.papers.{paper}.figures"


def figure_function(paper: Paper, verb: str, figure: str) -> Callable:
    """What examines or draws a figure."""
    return getattr(importlib.import_module(figures_module(paper.name)), f"{verb}_{figure}")


def figure_stem(config: Config, paper: Paper, figure: str) -> Path:
    """Path of a figure's files without their suffix.

    Raises:
        SettingsError: the paper has no such figure (names the nearest).
    """
    paper.settings.figure_of(figure)
    return figures_folder(config, paper.name) / figure
