"""A table of results as GitHub Markdown."""

import html
from collections.abc import Iterable

from sedrepro.experiments.table_layout import TableLayout
from sedrepro.reporting.tables.footnotes import Footnotes
from sedrepro.reporting.tables.grid import Grid, Key
from sedrepro.reporting.tables.kinds import grid_of
from sedrepro.reporting.tables.marks import MARKS, superscript
from sedrepro.reporting.tables.tidy import FilledTable


def to_markdown(table: FilledTable, layout: TableLayout) -> str:
    """The table as GitHub Markdown: our value above, the published one below it in italics."""
    grid = grid_of(table, layout)
    notes = Footnotes(grid)
    header = [escaped(grid.column_name(name)) for name in layout.rows]
    header += [_md_lines(grid.column_labels(c)) + superscript(notes.mark(("column", c))) for c in grid.columns]
    alignment = [":--"] * len(layout.rows) + [":-:"] * len(grid.columns)
    body = [_md_row_head(grid, notes, row) + [_md_cell(grid, notes, row, c) for c in grid.columns] for row in grid.rows]
    lines = [f"**{escaped(layout.title)}** {escaped(grid.caption())}", ""]
    lines += map(md_line, (header, alignment, *body))
    verdicts = [f"{MARKS[name]} {text}" for name, text in grid.marked_verdicts().items()]
    for paragraph in (*grid.legend(), *filter(None, [", ".join(verdicts)]), *notes.general):
        lines += ["", escaped(paragraph)]
    for note, letter in notes.lettered.items():
        lines += ["", f"{superscript(letter)} {escaped(note)}"]
    return "\n".join(lines) + "\n"


def md_line(cells: Iterable[str]) -> str:
    """A row of a table, of cells that Markdown may read."""
    return f"| {' | '.join(cells)} |"


def _md_row_head(grid: Grid, notes: Footnotes, row: Key) -> list[str]:
    labels = [escaped(label) for label in grid.row_labels(row)]
    labels[-1] += superscript(notes.mark(("row", row)))
    return labels


def _md_cell(grid: Grid, notes: Footnotes, row: Key, column: Key) -> str:
    record = grid.cells.get((row, column))
    if record is None:
        return ""
    mean, sd = map(escaped, grid.ours(record))
    if (row, column) in grid.best:
        mean = f"**{mean}**"
    ours = " ".join(filter(None, (mean, sd))) or "–"
    letters = superscript(notes.mark(("cell", row, column)))
    mark = MARKS.get(record["verdict"], "")
    printed = grid.published(record)
    published = (f"*{escaped(printed)}*" if printed else "–") + superscript(notes.mark(("published", row, column)))
    below = " ".join(filter(None, (mark, published)))
    return f"{below}{letters}" if grid.quoted(record) else f"{ours}{letters}<br>{below}"


def _md_lines(labels: list[str]) -> str:
    return "<br>".join(escaped(label) for label in labels)


def escaped(text: str) -> str:
    """Text that Markdown shows as it stands."""
    text = html.escape(" ".join(text.split()), quote=False)
    return "".join(f"\\{sign}" if sign in "\\`*_[]|~" else sign for sign in text)
