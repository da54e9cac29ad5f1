"""A table of results as HTML: as a part of a page, or as one self-contained page."""

import html
from collections.abc import Sequence
from typing import Any

import pandas as pd

from sedrepro.experiments.table_layout import TableLayout
from sedrepro.reporting.tables.grid import MARKS, Footnotes, Grid, Key, grid_of, superscript

# Colours after Okabe and Ito, which stay apart with every kind of colour vision.
LIGHT = """--ink: #1a1a1a; --quiet: #5c5c5c; --paper: #ffffff; --rule: #1a1a1a; --hair: #c9c9c9;
  --reproduced: #0072b2; --close: #9a6a00; --differs: #c04a00; --suspect: #a3457d;"""
DARK = """--ink: #e8e8e6; --quiet: #a6a6a3; --paper: #161718; --rule: #d0d0ce; --hair: #46484a;
  --reproduced: #6bb8ea; --close: #e9b44c; --differs: #ff8f5a; --suspect: #e39cc4;"""
STYLE = (
    f"""
:root {{ color-scheme: light dark; {LIGHT} }}
@media (prefers-color-scheme: dark) {{ :root {{ {DARK} }} }}
"""
    + """* { box-sizing: border-box; }
body { margin: 0; padding: 1.5rem 1rem; background: var(--paper); color: var(--ink); font: 14px/1.4 "Segoe UI",
  Roboto, "Helvetica Neue", Arial, "Liberation Sans", sans-serif; -webkit-text-size-adjust: 100%; }
figure { margin: 0 auto; width: fit-content; min-width: min(100%, 34rem); max-width: 100%; }
.scroll { overflow-x: auto; }
.scroll:focus-visible { outline: 2px solid var(--reproduced); outline-offset: 3px; }
table { border-collapse: separate; border-spacing: 0; font-variant-numeric: tabular-nums lining-nums; }
caption { text-align: left; padding-bottom: .7rem; }
caption span { display: inline-block; position: sticky; left: 0; max-width: min(46rem, calc(100vw - 2rem)); }
th, td { padding: .4rem .5rem; text-align: center; white-space: nowrap; background: var(--paper); }
thead th { font-weight: 600; vertical-align: bottom; }
th.label { text-align: left; padding-left: .2rem; }
tbody th { font-weight: 400; vertical-align: top; }
th.key { position: sticky; left: 0; z-index: 1; }
thead tr:first-child th { border-top: 2px solid var(--rule); }
thead tr:last-child th, thead th.label { border-bottom: 1px solid var(--rule); }
thead th.group { position: relative; padding-left: 1.2rem; }
th.group span { display: inline-block; position: sticky; left: 6rem; right: .5rem; }
thead th.group::after { content: ""; position: absolute; left: 1.2rem; right: .2rem; bottom: 0;
  border-bottom: 1px solid var(--quiet); }
tbody tr + tr > * { border-top: 1px solid var(--hair); }
tbody tr:last-child > * { border-bottom: 2px solid var(--rule); }
.first { padding-left: 1.2rem; }
:is(.text, .claims) :is(td, thead th) { text-align: left; vertical-align: top; }
:is(.text, .claims) td { white-space: normal; min-width: 9rem; }
.claims td { min-width: 24rem; }
.claims tbody th { white-space: normal; min-width: 6rem; }
.ours, .published { display: block; }
.sd, .published { color: var(--quiet); }
.sd { font-size: .86em; }
.published { font-size: .86em; }
.mark { font-weight: 700; }
sup { display: inline-block; width: 0; overflow: visible; font-size: .7em; line-height: 0; color: var(--quiet); }
.label sup { padding-left: .15em; }
figcaption { margin-top: .8rem; width: 0; min-width: 100%; font-size: .86rem; color: var(--quiet); }
figcaption p { margin: 0 0 .3rem; max-width: 46rem; }
figcaption p.scale { color: var(--ink); }
figcaption sup { width: auto; margin-right: .3em; }
:is(.reproduced, .holds) .mark { color: var(--reproduced); } :is(.close, .undecided) .mark { color: var(--close); }
:is(.differs, .fails) .mark { color: var(--differs); } .suspect-misprint .mark { color: var(--suspect); }
@media print { body { padding: 0; } .scroll { overflow: visible; } }
"""
)


def document(title: str, body: str, style: str = "") -> str:
    """A self-contained page; `style` is what it has beside the style of a table."""
    return "\n".join(
        [
            '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8" />',
            '<meta name="viewport" content="width=device-width, initial-scale=1" />',
            f"<title>{_escape(title)}</title>\n<style>{STYLE}{style}</style>\n</head>\n<body>",
            f"{body}\n</body>\n</html>\n",
        ]
    )


def to_html(table: pd.DataFrame, layout: TableLayout) -> str:
    """The table as one self-contained page."""
    return document(layout.title, to_figure(table, layout))


def to_figure(table: pd.DataFrame, layout: TableLayout) -> str:
    """The table as a part of a page: our value above, the published one below it; then its legend and notes."""
    grid = grid_of(table, layout)
    notes = Footnotes(grid)
    title = _escape(layout.title)
    return "\n".join(
        [
            f'<figure>\n{_scrolling(title)}\n<table class="{layout.kind}">',
            f"<caption><span><strong>{title}</strong><br />{_escape(grid.caption())}</span></caption>",
            _html_column_groups(grid),
            f"<thead>\n{_html_header(grid, notes)}\n</thead>\n<tbody>",
            *(_html_row(grid, notes, row) for row in grid.rows),
            "</tbody>\n</table>\n</div>",
            f"<figcaption>\n{_html_legend(grid, notes)}\n</figcaption>\n</figure>",
        ]
    )


def plain_table(
    title: str, heads: Sequence[str], rows: Sequence[Sequence[str]], labels: int, classes: Sequence[str] = ()
) -> str:
    """A table with one row of heads; title and heads are text, the cells of the rows are HTML.

    `labels`: columns at the left that name a row. `classes`: of each row, none where it is empty.
    """
    ofs = [' class="label"'] * labels + [""] * (len(heads) - labels)
    head = "".join(f'<th scope="col"{of}>{_escape(text)}</th>' for of, text in zip(ofs, heads, strict=True))
    lines = [
        f"{_scrolling(_escape(title))}<table>",
        f"<caption><span><strong>{_escape(title)}</strong></span></caption><thead><tr>{head}</tr></thead><tbody>",
    ]
    for row, of in zip(rows, classes or [""] * len(rows), strict=True):
        cells = [f'<th scope="row" class="label">{cell}</th>' for cell in row[:labels]]
        cells += [f"<td>{cell}</td>" for cell in row[labels:]]
        start = f'<tr class="{of}">' if of else "<tr>"
        lines.append(f"{start}{''.join(cells)}</tr>")
    return "\n".join([*lines, "</tbody></table></div>"])


def _scrolling(title: str) -> str:
    """The start of a part that is scrolled sideways, by keyboard too."""
    return f'<div class="scroll" role="region" aria-label="{title}" tabindex="0">'


def _html_column_groups(grid: Grid) -> str:
    spans = [len(grid.layout.rows), *(len(columns) for _, columns in grid.groups)]
    return "".join(f'<colgroup span="{span}"></colgroup>' for span in spans)


def _html_header(grid: Grid, notes: Footnotes) -> str:
    levels = len(grid.layout.columns)
    key = _key_label(grid)
    labels = [
        f'<th scope="col" class="{_label_class(i, key)}" rowspan="{levels}">{_escape(grid.column_name(name))}</th>'
        for i, name in enumerate(grid.layout.rows)
    ]
    outer = [
        f'<th scope="colgroup" class="group" colspan="{len(columns)}">'
        f"<span>{_escape(grid.layout.value_name(grid.layout.columns[0], name))}</span></th>"
        for name, columns in grid.groups
        if levels == 2
    ]
    leaves = [
        f'<th scope="col"{_first(index)}>{_escape(grid.column_labels(column)[-1])}'
        f"{superscript(notes.mark(('column', column)))}</th>"
        for _, columns in grid.groups
        for index, column in enumerate(columns)
    ]
    rows = [labels + outer, leaves] if levels == 2 else [labels + leaves]
    return "\n".join(f"<tr>{''.join(row)}</tr>" for row in rows)


def _html_row(grid: Grid, notes: Footnotes, row: Key) -> str:
    key = _key_label(grid)
    labels = [_escape(label) for label in grid.row_labels(row)]
    labels[-1] += superscript(notes.mark(("row", row)))
    heads = [f'<th scope="row" class="{_label_class(i, key)}">{label}</th>' for i, label in enumerate(labels)]
    cells = [
        _html_cell(grid, notes, row, column, index)
        for _, columns in grid.groups
        for index, column in enumerate(columns)
    ]
    return f"<tr>{''.join(heads)}{''.join(cells)}</tr>"


def _html_cell(grid: Grid, notes: Footnotes, row: Key, column: Key, index: int) -> str:
    record = grid.cells.get((row, column))
    if record is None:
        return f"<td{_first(index)}></td>"
    name = record["verdict"]
    letters = superscript(notes.mark(("cell", row, column)))
    mark = f'<span class="mark" role="img" aria-label="{name}">{MARKS[name]}</span> ' if name in MARKS else ""
    published = mark + (_escape(grid.published(record)) or "–")
    if grid.quoted(record):
        lines = f'<span class="published">{published}{letters}</span>'
    else:
        ours = _html_ours(grid, record, (row, column) in grid.best)
        lines = f'<span class="ours">{ours}{letters}</span><span class="published">{published}</span>'
    classes = " ".join(["first"] * (index == 0) + ["cell", css_class(name)])
    return f'<td class="{classes}" title="{_escape(grid.about(record))}">{lines}</td>'


def _html_ours(grid: Grid, record: dict[str, Any], best: bool) -> str:
    mean, sd = map(_escape, grid.ours(record))
    if best:
        mean = f"<strong>{mean}</strong>"
    deviation = f' <span class="sd">{sd}</span>' if sd else ""
    return f"{mean or '–'}{deviation}"


def _html_legend(grid: Grid, notes: Footnotes) -> str:
    scale, *others = grid.legend()
    lines = [f'<p class="scale">{_escape(scale)}</p>', *(f"<p>{_escape(line)}</p>" for line in others)]
    verdicts = [
        f'<span class="{css_class(name)}"><span class="mark">{MARKS[name]}</span> {_escape(text)}</span>'
        for name, text in grid.marked_verdicts().items()
    ]
    if verdicts:
        lines.append(f"<p>{', '.join(verdicts)}</p>")
    lines += [f"<p>{_escape(note)}</p>" for note in notes.general]
    lines += [f"<p>{superscript(letter)}{_escape(note)}</p>" for note, letter in notes.lettered.items()]
    return "\n".join(lines)


def _key_label(grid: Grid) -> int:
    """The label column that tells rows apart best; it stays in sight when the table is scrolled sideways."""
    distinct = [len(set(level)) for level in zip(*grid.rows, strict=True)]
    return distinct.index(max(distinct))


def _label_class(index: int, key: int) -> str:
    return "label key" if index == key else "label"


def css_class(verdict_name: str) -> str:
    """The class that colours what has a verdict or an outcome."""
    return verdict_name.replace(" ", "-")


def _first(index: int) -> str:
    return ' class="first"' if index == 0 else ""


def _escape(text: str) -> str:
    return html.escape(text)
