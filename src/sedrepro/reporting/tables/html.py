"""A table of results as HTML: as a part of a page, or as one self-contained page."""

from markupsafe import Markup

from sedrepro.experiments.table_layout import TableLayout
from sedrepro.reporting.rendering import render, render_part
from sedrepro.reporting.tables.footnotes import Footnotes
from sedrepro.reporting.tables.grid import Grid
from sedrepro.reporting.tables.kinds import grid_of
from sedrepro.reporting.tables.tidy import FilledTable


def to_html(table: FilledTable, layout: TableLayout) -> str:
    """The table as one self-contained page."""
    return render("table_page", title=layout.title, table=to_figure(table, layout))


def to_figure(table: FilledTable, layout: TableLayout) -> Markup:
    """The table as a part of a page: our value above, the published one below it; then its legend and notes."""
    grid = grid_of(table, layout)
    return render_part("table", grid=grid, notes=Footnotes(grid), key=_key_label(grid))


def _key_label(grid: Grid) -> int:
    """The label column that tells rows apart best; it stays in sight when the table is scrolled sideways."""
    distinct = [len(set(level)) for level in zip(*grid.rows, strict=True)]
    return distinct.index(max(distinct))
