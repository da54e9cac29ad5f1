"""Figures of the papers: look into runs once, store the arrays, draw them as often as needed.

A paper's `figures.py` offers for each figure

    examine_<figure>(runs) -> arrays, facts    from `RunView`s, in the order of the figure's systems
    draw_<figure>(arrays, facts)               from what was stored, a matplotlib figure
"""

import importlib
from pathlib import Path
from typing import Any

import numpy as np

from sedrepro.base.errors import DataError
from sedrepro.base.files import atomic_path, read_json, write_json
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import Paper
from sedrepro.experiments.run_view import RunView
from sedrepro.experiments.runs import figure_runs
from sedrepro.reporting.figures.pictures import STYLE, save_picture


def _functions(paper: Paper) -> Any:
    return importlib.import_module(f"sedrepro.papers.{paper.name}.figures")


def _stem(config: Config, paper: Paper, figure: str) -> Path:
    """Path of a figure's files without their suffix; an unknown figure is an error."""
    paper.settings.figure_of(figure)
    return config.results_dir / config.scale / paper.name / "figures" / figure


def examine(config: Config, paper: Paper, figure: str) -> Path:
    """Look into the runs that a figure shows; write `<figure>.npz` and `<figure>.json`."""
    import torch

    stem = _stem(config, paper, figure)
    runs = [RunView(config, paper, who) for who in figure_runs(config, paper, figure)]
    with torch.no_grad():
        arrays, facts = getattr(_functions(paper), f"examine_{figure}")(runs)
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


def draw(config: Config, paper: Paper, figure: str) -> Path:
    """Draw a figure from its stored arrays; write SVG and PNG, equal bytes for equal arrays."""
    import matplotlib

    matplotlib.use("Agg")
    stem = _stem(config, paper, figure)
    try:
        with np.load(stem.with_suffix(".npz")) as file:
            arrays = dict(file)
    except Exception as error:  # NumPy raises many kinds for a damaged file
        raise DataError(f"{stem}.npz: cannot be read ({error}); run the examine step again") from error
    with matplotlib.rc_context(STYLE):
        drawn = getattr(_functions(paper), f"draw_{figure}")(arrays, read_json(stem.with_suffix(".json")))
    return save_picture(drawn, stem)
