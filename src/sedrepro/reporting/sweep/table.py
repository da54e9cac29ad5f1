"""The sweep over ways of post-processing as one table: csv, Markdown and a page, from the papers' parts."""

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup

from sedrepro.base.files import write_text
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import chosen_papers
from sedrepro.experiments.places import results_folder
from sedrepro.reporting.rendering import render, render_part
from sedrepro.reporting.sweep.averages import averaged
from sedrepro.reporting.sweep.parts import read_parts
from sedrepro.reporting.sweep.sheets import TITLE, SheetCell, Sweep, sweep_shown
from sedrepro.reporting.tables.markdown import md_line
from sedrepro.reporting.tables.marks import superscript

SWEEP_TABLE = "post_processing"


def write_sweep_table(config: Config) -> Path:
    """Write `post_processing.csv`, `.md` and `.html` to the results of the scale; returns the csv's path.

    Raises:
        DataError: the part of a paper is missing or damaged (names it).
    """
    values = read_parts(config, chosen_papers(config))
    table = averaged(values)
    sweep = sweep_shown(values, table, config.scale)
    stem = results_folder(config) / SWEEP_TABLE
    write_text(f"{stem}.md", _markdown(sweep))
    write_text(f"{stem}.html", render("sweep_page", title=TITLE, sweep=_figure(sweep)))
    write_text(f"{stem}.csv", table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))
    return Path(f"{stem}.csv")


def sweep_figure(config: Config, papers: Sequence[str]) -> Markup:
    """The tables of the sweep as a part of a page, from the parts of some papers.

    Raises:
        DataError: the part of a paper is missing or damaged (names it).
    """
    values = read_parts(config, papers)
    return _figure(sweep_shown(values, averaged(values), config.scale))


def _figure(sweep: Sweep) -> Markup:
    return render_part("sweep", sheets=sweep.sheets, general=sweep.general, marked=sweep.marked)


def _markdown(sweep: Sweep) -> str:
    lines = [f"# {TITLE}"]
    for sheet in sweep.sheets:
        columns = [f"{outer}<br>{inner}" for outer, inners in sheet.groups for inner in inners]
        lines += ["", f"**{sheet.title}**", "", md_line([*sheet.labels, *columns])]
        lines.append(md_line([":--"] * len(sheet.labels) + [":-:"] * len(columns)))
        for row in sheet.rows:
            lines.append(md_line([*(f"`{label}`" for label in row.labels), *map(_md_cell, row.cells)]))
    notes = [*sweep.general, *(f"{superscript(mark)} {note}" for mark, note in sweep.marked.items())]
    return "\n".join([*lines, *(f"\n{note}" for note in notes)]) + "\n"


def _md_cell(cell: SheetCell) -> str:
    value = f"**{cell.text}**" if cell.best else cell.text
    return " ".join(filter(None, (value, cell.deviation))) + superscript(cell.mark)
