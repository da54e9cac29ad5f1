"""The comparison with the published values in the terminal."""

import os
from collections.abc import Sequence
from typing import TextIO

from sedrepro.base.terminal import aligned_lines
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.table_layout import SCALES, TableLayout
from sedrepro.reporting.tables.comparison import PaperTable, compared_cells, how_to_make, paper_tables, verdict_counts
from sedrepro.reporting.tables.marks import MARKS

#: SGR codes: blue, yellow, bold red and magenta; the rest stays plain. The marks tell the verdicts apart too.
COLOURS = {"reproduced": "34", "close": "33", "differs": "1;31", "suspect misprint": "35"}


def print_comparison(config: Config, paper: str, table: str, out: TextIO) -> bool:
    """Print the cells of the tables that are there, name those that are not; returns whether a cell differs.

    Args:
        config: the configuration.
        paper: only this paper; empty: all chosen ones.
        table: only the tables of this name; empty: all.
        out: where to; coloured if it is a terminal and NO_COLOR is not set.

    Raises:
        SettingsError: paper or table is unknown.
        DataError: none of the tables is there, or one is damaged.
    """
    tables = paper_tables(config, paper, table)
    cells = compared_cells(config, tables)
    coloured = wants_colours(out)
    for one in tables:
        of_table = [cell for cell in cells if (cell["paper"], cell["table"]) == (one.paper, one.name)]
        print("\n".join(_table_lines(config, one, of_table, coloured)), end="\n\n", file=out)
    print(f"All: {_counts_text(cells, coloured)}. {SCALES[config.scale]}", file=out)
    return any(cell["verdict"] == "differs" for cell in cells)


def wants_colours(out: TextIO) -> bool:
    """Whether colours are wished for: a terminal that knows them, and no NO_COLOR (https://no-color.org)."""
    return out.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def _table_lines(config: Config, table: PaperTable, cells: Sequence[dict[str, str]], coloured: bool) -> list[str]:
    title = f"{table.paper}, {table.name}: {table.layout.title}"
    if not table.there:
        return [title, f"  not made yet; run {how_to_make(config, table)}"]
    lines = [[_verdict_text(cell), *_values(cell, table.layout), cell["metric"], _place(cell)] for cell in cells]
    heads = ["verdict", "ours ± sd (runs)", "95 % interval", "published", "difference", "metric", "cell"]
    if table.layout.kind == "text":
        heads = ["verdict", "what", "cell"]
    head, *shown = aligned_lines([heads, *lines])
    shown = [_with_colour(line, cell["verdict"], coloured) for cell, line in zip(cells, shown, strict=True)]
    return [title, head, *shown, f"  {_counts_text(cells, coloured)}"]


def _verdict_text(cell: dict[str, str]) -> str:
    return f"{MARKS.get(cell['verdict'], ' ')} {cell['verdict']}"


def _values(cell: dict[str, str], layout: TableLayout) -> list[str]:
    """Our value, its interval, the published one and the difference; nothing of a text, which would be too wide."""
    if layout.kind == "text":
        return []
    decimals = layout.decimals_of.get(cell["metric"], layout.decimals)
    mean, sd, low, high, difference = (
        f"{float(cell[name]):.{decimals}f}" if cell[name] else ""
        for name in ("mean", "sd", "low", "high", "difference")
    )
    ours = f"{mean}{f' ± {sd}' if sd else ''} ({cell['runs']})" if mean else "–"
    interval = f"{low} to {high}" if low else ""
    sign = "+" if difference and float(difference) > 0 else ""
    return [ours, interval, cell["published"] or "–", sign + difference]


def _place(cell: dict[str, str]) -> str:
    """Row and note; the note has the last word on a verdict."""
    return f"{cell['row']} ({cell['note']})" if cell["note"] else cell["row"]


def _counts_text(cells: Sequence[dict[str, str]], coloured: bool) -> str:
    parts = [
        _with_colour(f"{MARKS.get(name, '')} {name}: {number}".strip(), name, coloured)
        for name, number in verdict_counts(cells).items()
    ]
    return ", ".join(parts)


def _with_colour(text: str, verdict: str, coloured: bool) -> str:
    return f"\033[{COLOURS[verdict]}m{text}\033[0m" if coloured and verdict in COLOURS else text
