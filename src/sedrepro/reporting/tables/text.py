"""Tables whose cells are texts, as definitions or settings, which a paper's own module generates from the code.

A paper's `tables.py` offers for each such table

    <table>(paper, cells) -> list of CodeText, one per cell of the published csv, in its order

It is laid out and rendered like a table of numbers.
"""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass

from sedrepro.base.errors import SettingsError
from sedrepro.experiments.papers import Paper
from sedrepro.published.cells import Cell
from sedrepro.published.verdict import VerdictName
from sedrepro.reporting.tables.tidy import FilledTable, table_of_cells, tidy_row


@dataclass(frozen=True)
class CodeText:
    """What the code says where a paper prints a text, and the outcome of comparing the two."""

    ours: str
    verdict: VerdictName
    note: str = ""


def texts_of_code(paper: Paper, table: str, cells: Sequence[Cell]) -> list[CodeText]:
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


def fill_text(cells: Sequence[Cell], texts: Sequence[CodeText], scale: str) -> FilledTable:
    """The filled table of texts, in the columns of `tidy_row`; `mean` is our text."""
    rows = [
        tidy_row(cell, text.ours, text.verdict, (cell.note, text.note)) for cell, text in zip(cells, texts, strict=True)
    ]
    return table_of_cells(cells, rows, scale)
