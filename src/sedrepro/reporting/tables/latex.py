r"""A table of results as LaTeX, to be read by \input; it needs the packages that its first line names."""

from collections.abc import Sequence
from itertools import product

from sedrepro.experiments.table_layout import TableLayout
from sedrepro.reporting.tables.footnotes import Footnotes
from sedrepro.reporting.tables.grid import Grid, Key
from sedrepro.reporting.tables.kinds import grid_of
from sedrepro.reporting.tables.tidy import FilledTable

PACKAGES = ("booktabs", "graphicx", "longtable", "array")

#: The marks of the other renderings, in signs that every font of LaTeX has.
LATEX_MARKS = {
    **{"reproduced": r"$\bullet$", "close": r"$\odot$", "differs": r"$\circ$", "suspect misprint": "?"},
    **{"holds": r"$\bullet$", "undecided": r"$\odot$", "fails": r"$\circ$"},
}

#: Signs that LaTeX reads otherwise, or has no letter for. Letters with accents it knows.
SIGNS = {
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
    **{"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"},
    **{"<": r"\textless{}", ">": r"\textgreater{}", "|": r"\textbar{}", "[": "{[}", "]": "{]}"},
    **{"–": "--", "—": "---", "…": r"\dots{}", "“": "``", "”": "''", "‘": "`", "’": "'"},
    **{"±": r"$\pm$", "×": r"$\times$", "·": r"$\cdot$", "−": "$-$", "≤": r"$\leq$", "≥": r"$\geq$", "≠": r"$\neq$"},
    **{"↑": r"$\uparrow$", "↓": r"$\downarrow$", "→": r"$\rightarrow$", "∞": r"$\infty$", "²": "$^2$", "³": "$^3$"},
    **{"✓": r"$\surd$", "✗": r"$\times$", "°": r"$^\circ$", "√": r"$\surd$", "∑": r"$\sum$", "Σ": r"$\Sigma$"},
    **{"α": r"$\alpha$", "β": r"$\beta$", "γ": r"$\gamma$", "δ": r"$\delta$", "ε": r"$\epsilon$", "η": r"$\eta$"},
    **{"θ": r"$\theta$", "λ": r"$\lambda$", "μ": r"$\mu$", "π": r"$\pi$", "σ": r"$\sigma$", "τ": r"$\tau$"},
}


#: Of texts and claims: where they stand, what they are about, ours, the published one; parts of the line.
WIDTHS = (0.2, 0.15, 0.4, 0.25)


def to_latex(table: FilledTable, layout: TableLayout) -> str:
    """The table in the style of booktabs.

    Numbers become a float with our value above the published one, shrunk to the line where it is wider. Texts and
    claims are too long for its columns: a longtable has a row for each.
    """
    grid = grid_of(table, layout)
    notes = Footnotes(grid)
    caption = f"\\caption{{{_tex(_caption(layout.title))} {_tex(grid.caption())}}}"
    parts = (_float if layout.kind == "numbers" else _long)(grid, notes, caption)
    return "\n".join([f"% \\usepackage{{{','.join(PACKAGES)}}}", *parts]) + "\n"


def _caption(title: str) -> str:
    """A title without its number, which LaTeX counts by itself: "Performance (Table 2 of the paper)."."""
    label, colon, rest = title.rstrip(".").partition(": ")
    if not colon or not label.startswith("Table "):
        return f"{title.rstrip('.')}."
    return f"{rest[:1].upper()}{rest[1:]} ({label} of the paper)."


def _float(grid: Grid, notes: Footnotes, caption: str) -> list[str]:
    shape = "l" * len(grid.layout.rows) + "c" * len(grid.columns)
    return [
        "\\begin{table}\n\\centering",
        caption,
        "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%",
        f"\\begin{{tabular}}{{{shape}}}\n\\toprule",
        *_header(grid, notes),
        "\\midrule",
        *(line for row in grid.rows for line in _row(grid, notes, row)),
        "\\bottomrule\n\\end{tabular}}",
        f"\\par\\smallskip\n{{\\footnotesize\\raggedright {_legend(grid, notes, grid.legend())}\\par}}\n\\end{{table}}",
    ]


def _long(grid: Grid, notes: Footnotes, caption: str) -> list[str]:
    shape = "".join(
        f">{{\\raggedright\\arraybackslash}}p{{\\dimexpr {width}\\linewidth-2\\tabcolsep}}" for width in WIDTHS
    )
    said = [sentence for sentence in grid.legend() if sentence != grid.reading()]  # no cell has two lines here
    heads = [grid.layout.rows, grid.layout.columns]
    names = [", ".join(_tex(grid.column_name(name)) for name in head) for head in heads]
    return [
        f"{{\\footnotesize\\sloppy\n\\begin{{longtable}}{{@{{}}{shape}@{{}}}}",
        f"{caption}\\\\\n\\toprule",
        _line([*names, "ours", "published"]),
        "\\midrule\n\\endhead\n\\bottomrule\n\\endfoot",
        *(_long_row(grid, notes, *place) for place in product(grid.rows, grid.columns) if place in grid.cells),
        "\\end{longtable}",
        f"\\noindent {_legend(grid, notes, said)}\\par}}",
    ]


def _long_row(grid: Grid, notes: Footnotes, row: Key, column: Key) -> str:
    heads = [("row", row), ("column", column)]
    texts = [", ".join(map(_tex, labels)) for labels in (grid.row_labels(row), grid.column_labels(column))]
    labels = [text + _raised(notes.mark(place)) for text, place in zip(texts, heads, strict=True)]
    return _line([*labels, *_cell(grid, notes, row, column)])


def _header(grid: Grid, notes: Footnotes) -> list[str]:
    labels = [_tex(grid.column_name(name)) for name in grid.layout.rows]
    leaves = [_tex(grid.column_labels(c)[-1]) + _raised(notes.mark(("column", c))) for c in grid.columns]
    if len(grid.layout.columns) == 1:
        return [_line([*labels, *leaves])]
    outer, rules, at = [], [], len(labels) + 1
    for name, columns in grid.groups:
        title = _tex(grid.layout.value_name(grid.layout.columns[0], name))
        outer.append(f"\\multicolumn{{{len(columns)}}}{{c}}{{{title}}}")
        rules.append(f"\\cmidrule(lr){{{at}-{at + len(columns) - 1}}}")
        at += len(columns)
    return [_line([""] * len(labels) + outer), "".join(rules), _line([*labels, *leaves])]


def _row(grid: Grid, notes: Footnotes, row: Key) -> list[str]:
    """Two lines, ours and the published one, and a little space before the next row."""
    labels = [_tex(label) for label in grid.row_labels(row)]
    labels[-1] += _raised(notes.mark(("row", row)))
    cells = [_cell(grid, notes, row, column) for column in grid.columns]
    ours, published = ([cell[line] for cell in cells] for line in (0, 1))
    lines = [f"{_line([*labels, *ours])}*", _line([""] * len(labels) + published)]
    return lines if row == grid.rows[-1] else [*lines, "\\addlinespace"]


def _cell(grid: Grid, notes: Footnotes, row: Key, column: Key) -> tuple[str, str]:
    """The two lines of a cell; a quoted one has only the lower."""
    record = grid.cells.get((row, column))
    if record is None:
        return "", ""
    letters = _raised(notes.mark(("cell", row, column)))
    published = f"{LATEX_MARKS.get(record['verdict'], '')} \\textit{{{_tex(grid.published(record)) or '--'}}}".lstrip()
    published += _raised(notes.mark(("published", row, column)))
    if grid.quoted(record):
        return "", published + letters
    mean, sd = map(_tex, grid.ours(record))
    if (row, column) in grid.best:
        mean = f"\\textbf{{{mean}}}"
    return " ".join(filter(None, (mean or "--", sd))) + letters, published


def _legend(grid: Grid, notes: Footnotes, said: Sequence[str]) -> str:
    verdicts = [f"{LATEX_MARKS[name]} {_tex(text)}" for name, text in grid.marked_verdicts().items()]
    paragraphs = [*map(_tex, said), *filter(None, [", ".join(verdicts)]), *map(_tex, notes.general)]
    lettered = [f"{_raised(letter)}{_tex(note)}" for note, letter in notes.lettered.items()]
    return "\n\n".join([*paragraphs, *lettered])


def _line(cells: Sequence[str]) -> str:
    return " & ".join(cells) + " \\\\"


def _raised(letters: str) -> str:
    return f"\\textsuperscript{{{letters}}}" if letters else ""


def _tex(text: str) -> str:
    """Text that LaTeX shows as it stands, on one line."""
    return "".join(SIGNS.get(sign, sign) for sign in " ".join(text.split()))
