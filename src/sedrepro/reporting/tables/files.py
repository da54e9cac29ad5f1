"""The files of a filled table: csv, Markdown, HTML and LaTeX; and reading the csv back."""

import csv
import io
import math
from pathlib import Path

import pandas as pd

from sedrepro.base.errors import DataError
from sedrepro.base.files import read_table, write_text
from sedrepro.experiments.table_layout import TableLayout
from sedrepro.reporting.tables.html import to_html
from sedrepro.reporting.tables.latex import to_latex
from sedrepro.reporting.tables.markdown import to_markdown
from sedrepro.reporting.tables.tidy import FilledTable

#: Endings of the files.
TABLE_FILES = (".csv", ".md", ".html", ".tex")

#: Columns of a tidy table that hold numbers.
_NUMBERS = ("sd", "low", "high", "difference")


def write(table: FilledTable, layout: TableLayout, stem: Path | str) -> None:
    """Write `<stem>.csv` (tidy), `.md`, `.html` and `.tex`, each atomically; equal tables give equal bytes."""
    write_text(f"{stem}.md", to_markdown(table, layout))
    write_text(f"{stem}.html", to_html(table, layout))
    write_text(f"{stem}.tex", to_latex(table, layout))
    write_text(f"{stem}.csv", _csv(table))


def _csv(table: FilledTable) -> str:
    return table.rows.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def text_rows(table: FilledTable) -> list[dict[str, str]]:
    """The rows of a table as the texts that its csv holds."""
    return list(csv.DictReader(io.StringIO(_csv(table))))


def read_tidy(path: Path, layout: TableLayout, scale: str) -> FilledTable:
    """A table as `write` left it, for the renderers.

    Raises:
        DataError: it lacks a column or has no row, or a number is none (names the file).
    """
    rows = read_table(path, ["metric", "mean", "runs", "published", "verdict", "note"], delimiter=",")
    if not rows:
        raise DataError(f"{path}: has no row; write the table again")
    table = pd.DataFrame(rows)
    numbers = [*_NUMBERS, *(["mean"] if layout.kind == "numbers" else [])]
    try:
        for name in numbers:
            if name in table:
                table[name] = [float(text) if text else math.nan for text in table[name]]
        table["runs"] = [int(text) for text in table["runs"]]
    except ValueError as error:
        raise DataError(f"{path}: {error}; write the table again") from error
    return FilledTable(table, scale)
