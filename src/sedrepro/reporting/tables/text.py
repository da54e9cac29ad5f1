"""Tables whose cells are texts, as definitions or settings, which a paper's own module generates from the code.

A paper's `tables.py` offers for each such table

    <table>(paper, cells) -> list of Said, one per cell of the published csv, in its order

It is laid out and rendered like a table of numbers.
"""

import importlib
import math
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from sedrepro.base.errors import SettingsError
from sedrepro.experiments.papers import Paper
from sedrepro.published.cells import Cell
from sedrepro.published.verdict import VerdictName
from sedrepro.reporting.tables.grid import NOTE_SEPARATOR


@dataclass(frozen=True)
class Said:
    """What the code says where a paper prints a text, and the outcome of comparing the two."""

    ours: str
    verdict: VerdictName
    note: str = ""


def said_by_code(paper: Paper, table: str, cells: Sequence[Cell]) -> list[Said]:
    """What the paper's module says for the cells of a table.

    Raises:
        SettingsError: the paper has no such module or function in it.
    """
    name = f"sedrepro.papers.{paper.name}.tables"
    try:
        generate = getattr(importlib.import_module(name), table)
    except (ModuleNotFoundError, AttributeError) as error:
        raise SettingsError(f"{paper.name}: table '{table}' holds text, but {error}; add tables.{table}()") from error
    return generate(paper, cells)


def fill_text(cells: Sequence[Cell], said: Sequence[Said], scale: str) -> pd.DataFrame:
    """The tidy table of texts, in the columns of `tables.fill`; `mean` is our text."""
    table = pd.DataFrame([_filled(cell, ours) for cell, ours in zip(cells, said, strict=True)])
    table.attrs["scale"] = scale
    return table


def _filled(cell: Cell, said: Said) -> dict[str, object]:
    return {
        **cell.labels,
        "system": cell.system,
        "variant": cell.variant,
        **cell.factors,
        "metric": cell.metric,
        "mean": said.ours,
        "sd": math.nan,
        "low": math.nan,
        "high": math.nan,
        "runs": 0,
        "published": cell.published,
        "difference": math.nan,
        "verdict": said.verdict,
        "note": NOTE_SEPARATOR.join(filter(None, (cell.note, said.note))),
    }
