"""A table of results as plain text, for the terminal."""

import textwrap
from collections import Counter
from typing import Any

from sedrepro.experiments.table_layout import SCALES, TableLayout
from sedrepro.reporting.tables.grid import Grid, Key
from sedrepro.reporting.tables.kinds import grid_of
from sedrepro.reporting.tables.marks import MARKS
from sedrepro.reporting.tables.tidy import FilledTable


def summary(table: FilledTable, layout: TableLayout, width: int) -> str:
    """The table as plain text, `ours/published` per cell, in blocks of columns that fit `width` characters.

    Of a table of texts or claims only the verdicts are counted.
    """
    grid = grid_of(table, layout)
    if layout.kind != "numbers":  # too wide for a terminal, and in the written files
        return f"{layout.title} ({grid.caption().rstrip('.')})\n\n{_verdict_counts(grid)}.\n"
    heads = [[grid.column_name(name) for name in layout.rows], *(grid.row_labels(row) for row in grid.rows)]
    sizes = [max(map(len, level)) for level in zip(*heads, strict=True)]
    labels = [" ".join(text.ljust(size) for text, size in zip(head, sizes, strict=True)) for head in heads]
    texts = {column: _text_column(grid, column) for column in grid.columns}
    blocks = _blocks(grid, texts, width - len(labels[0]))
    lines = [f"{layout.title} ({grid.caption().rstrip('.')})"]
    for block in blocks:
        lines += ["", *_text_block(grid, labels, [(column, texts[column]) for column in block])]
    best = f", * our best of {grid.best_within}" if grid.best else ""
    lines += ["", f"ours/published{best}. {_verdict_counts(grid)}."]
    for sentence in filter(None, [SCALES[grid.scale], grid.data]):
        lines += textwrap.wrap(sentence, max(width, 40), subsequent_indent="  ", break_on_hyphens=False)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _text_column(grid: Grid, column: Key) -> list[str]:
    """The inner heading and one text per row, all of the same width."""
    texts = [grid.column_labels(column)[-1]]
    for row in grid.rows:
        record = grid.cells.get((row, column))
        texts.append("" if record is None else _text_cell(grid, record, (row, column) in grid.best))
    size = max(map(len, texts))
    return [text.rjust(size) for text in texts]


def _text_cell(grid: Grid, record: dict[str, Any], best: bool) -> str:
    ours = "" if grid.quoted(record) else grid.ours(record)[0] or "–"
    mark = MARKS.get(record["verdict"], "")
    return f"{'*' if best else ''}{ours}/{grid.published(record) or '–'} {mark or ' '}"


def _verdict_counts(grid: Grid) -> str:
    counts = Counter(record["verdict"] for record in grid.cells.values())
    return ", ".join(f"{MARKS.get(name, '')} {name}: {number}".strip() for name, number in counts.items())


def _blocks(grid: Grid, texts: dict[Key, list[str]], room: int) -> list[list[Key]]:
    """Columns in blocks that fit; a group is broken only if it does not fit by itself, and then begins a block."""
    blocks: list[list[Key]] = [[]]

    def fits(columns: list[Key]) -> bool:
        return sum(len(texts[column][0]) + 2 for column in columns) <= room

    for _, columns in grid.groups:
        whole = fits(columns)
        pieces = [columns] if whole else [[column] for column in columns]
        for index, piece in enumerate(pieces):
            if not fits([*blocks[-1], *piece]) or (index == 0 and not whole):
                blocks.append([])
            blocks[-1] += piece
    return [block for block in blocks if block]


def _text_block(grid: Grid, labels: list[str], columns: list[tuple[Key, list[str]]]) -> list[str]:
    lines = [label + "".join(f"  {texts[i]}" for _, texts in columns) for i, label in enumerate(labels)]
    if len(grid.layout.columns) == 2:
        lines.insert(0, _text_outer_header(grid, len(labels[0]), columns))
    return lines


def _text_outer_header(grid: Grid, indent: int, columns: list[tuple[Key, list[str]]]) -> str:
    line, shown = " " * indent, None
    for column, texts in columns:
        name = "" if column[0] == shown else grid.column_labels(column)[0]
        line = line.ljust(indent) + f"  {name}"
        indent, shown = indent + 2 + len(texts[0]), column[0]
    return line
