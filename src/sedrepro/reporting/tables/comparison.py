"""All cells of the papers' tables, ours against published, in one table, and how many got which verdict.

They are read from the tables' csv files, so nothing is computed here and no runs are needed. Claims stand elsewhere.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import get_args

from sedrepro.base.errors import DataError, SettingsError, did_you_mean
from sedrepro.base.files import read_table, write_text
from sedrepro.experiments.commands import make_results, quoted
from sedrepro.experiments.configuration import Config, written
from sedrepro.experiments.papers import chosen_papers, load_paper
from sedrepro.experiments.places import configuration_file, results_folder
from sedrepro.experiments.run_files import WEIGHTS
from sedrepro.experiments.table_layout import SCALES, TableLayout
from sedrepro.published.added_rows import OUTSIDE
from sedrepro.published.cells import SEED
from sedrepro.published.verdict import METRICS, VerdictName

COLUMNS = (
    *("paper", "table", "row", "system", "variant", "metric", "unit", "mean", "sd", "low", "high", "runs"),
    *("published", "difference", "verdict", "note", "rerun"),
)
#: What a table's csv must have; those of earlier versions lack the interval.
_READ = ("system", "variant", "metric", "mean", "sd", "runs", "published", "difference", "verdict", "note")

#: Columns whose values are in the unit of a cell.
_VALUES = ("mean", "sd", "low", "high", "published", "difference")

INTERVALS = (
    "`low` and `high` are the 95 % confidence interval of the mean (Student's t over folds and seeds). Folds share"
    " training clips, so the interval is a little too narrow."
)


@dataclass(frozen=True)
class PaperTable:
    """One table of a paper in the results of a scale."""

    paper: str
    name: str
    layout: TableLayout
    path: Path
    """Its csv, which may not be there yet."""

    @property
    def there(self) -> bool:
        """Whether it has been written."""
        return self.path.is_file()


def paper_tables(config: Config, paper: str = "", table: str = "") -> list[PaperTable]:
    """The tables of a paper (default: of all chosen ones), all or those of one name; tables of claims are left out.

    Raises:
        SettingsError: paper or table is unknown (names the nearest), or the table holds claims.
    """
    found = [
        PaperTable(name, key, layout, results_folder(config) / name / "tables" / f"{key}.csv")
        for name in ([paper] if paper else chosen_papers(config))
        for key, layout in load_paper(name, config).settings.tables.items()
    ]
    if table and table not in {one.name for one in found}:
        where = f"{paper}: " if paper else ""
        raise SettingsError(f"{where}table '{table}' is unknown; {did_you_mean(table, {one.name for one in found})}")
    compared = [one for one in found if one.layout.kind != "claims" and table in ("", one.name)]
    if not compared:
        raise SettingsError(f"table '{table}' holds claims, not numbers; they stand in {config.scale}/claims.csv")
    return compared


def how_to_make(config: Config, table: PaperTable) -> str:
    """The command that makes a table with all that it needs."""
    return make_results(config, PAPER=table.paper, TARGET=table.path)


def compared_cells(config: Config, tables: Iterable[PaperTable]) -> list[dict[str, str]]:
    """The cells of those tables that are there, in the columns of `COLUMNS`, in the unit in which a table has them.

    Raises:
        DataError: the csv of a table is damaged (names it), or none is there.
    """
    tables = list(tables)
    cells = [
        cell
        for table in tables
        if table.there
        for cell in compared_rows(config, table, read_table(table.path, _READ, delimiter=","))
    ]
    if not cells:
        raise DataError(f"{tables[0].path}: no such file; run {how_to_make(config, tables[0])}")
    return cells


def compared_rows(config: Config, table: PaperTable, rows: Iterable[dict[str, str]]) -> list[dict[str, str]]:
    """The rows of a table's csv in the columns of `COLUMNS`."""
    return [_compared(config, table, cell) for cell in rows]


def _compared(config: Config, table: PaperTable, cell: dict[str, str]) -> dict[str, str]:
    row = _row(cell)
    own = {"paper": table.paper, "table": table.name, "row": _row_text(row), "rerun": _rerun(config, table, cell)}
    return {column: own.get(column, cell.get(column, "")) for column in COLUMNS}


def _row(cell: dict[str, str]) -> dict[str, str]:
    """Labels and factors of a cell, known by their position."""
    header = list(cell)
    places = [*header[: header.index("system")], *header[header.index("variant") + 1 : header.index("metric")]]
    return {name: cell[name] for name in places}


def _row_text(row: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items() if value)


def _rerun(config: Config, table: PaperTable, cell: dict[str, str]) -> str:
    """The command that trains the runs of a cell anew, then fills its table; empty for a quoted system.

    It takes the configuration that the workflow has written down. A cell without runs is just filled anew; predictions
    from elsewhere are not made again.
    """
    if table.layout.kind == "numbers" and (not cell["system"] or cell["system"].startswith(OUTSIDE)):
        return ""
    forced = quoted(table.path)
    if cell["runs"] not in ("", "0"):
        runs = table.path.parents[1] / "runs" / cell["system"] / cell["variant"]
        forced = f"{quoted(runs)}/fold*/seed{cell.get(SEED) or '*'}/{WEIGHTS}"
    written_down = configuration_file(config, written(config))
    return (
        f"snakemake --profile workflow/profiles/default --configfile {quoted(written_down)}"
        f" --config papers={table.paper} --forcerun {forced} -- {quoted(table.path)}"
    )


def verdict_counts(cells: Iterable[dict[str, str]]) -> dict[str, int]:
    """How many cells got which verdict, in the order of `VerdictName`."""
    counts = Counter(cell["verdict"] for cell in cells)
    return {name: counts[name] for name in get_args(VerdictName) if counts[name]}


def write_comparison(config: Config) -> Path:
    """Write `comparison.csv` and `.md` of all chosen papers to the results of the scale; returns the csv's path.

    Raises:
        DataError: the csv of a table is damaged (names it), or none is there.
    """
    written_down = configuration_file(config, written(config))
    if not written_down.is_file():  # the commands of cells name it
        write_text(written_down, written(config))
    tables = paper_tables(config)
    cells = compared_cells(config, tables)
    stem = results_folder(config) / "comparison"
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(in_unit_of_metric, cells))
    write_text(f"{stem}.md", _markdown(config, tables, cells))
    write_text(f"{stem}.csv", text.getvalue())
    return Path(f"{stem}.csv")


def in_unit_of_metric(cell: dict[str, str]) -> dict[str, str]:
    """A cell in the one unit that its metric has in all papers: what a table gives in percent of 1 is a fraction."""
    unit = METRICS[cell["metric"]].unit if cell["metric"] in METRICS else cell["unit"]
    if unit == cell["unit"] or cell["unit"] != "percent":
        return cell
    return cell | {"unit": unit} | {name: _hundredth(cell[name]) for name in _VALUES}


def _hundredth(number: str) -> str:
    """A decimal number by a hundred, with all its digits."""
    return f"{Decimal(number).scaleb(-2):f}" if number else ""


def _markdown(config: Config, tables: Sequence[PaperTable], cells: Sequence[dict[str, str]]) -> str:
    from sedrepro.reporting.tables.markdown import escaped, md_line

    names = list(verdict_counts(cells))
    lines = ["# Comparison with the published numbers", "", SCALES[config.scale], ""]
    lines += [md_line(["paper", "table", "cells", *names]), md_line([":--", ":--", *["--:"] * (len(names) + 1)])]
    for paper in dict.fromkeys(table.paper for table in tables):
        title = escaped(load_paper(paper, config).settings.about.title)
        of_paper = [cell for cell in cells if cell["paper"] == paper]
        for table in (table for table in tables if table.paper == paper and table.there):
            of_table = [cell for cell in of_paper if cell["table"] == table.name]
            lines.append(md_line([title, escaped(table.layout.title), *_counts(of_table, names)]))
        if of_paper:
            lines.append(md_line([f"**{title}**", "**all**", *_counts(of_paper, names)]))
    missing = [f"* {table.paper}, {table.name}: `{how_to_make(config, table)}`" for table in tables if not table.there]
    if missing:
        lines += ["", "Not made yet, and how to make it:", "", *missing]
    differing = [cell for cell in cells if cell["verdict"] == "differs"]
    if differing:
        shown = ("paper", "table", "row", "metric", "mean", "low", "high", "runs", "published", "note")
        lines += ["", "## Cells that differ", "", md_line(shown), md_line([":--"] * len(shown))]
        lines += [md_line([escaped(cell[name]) for name in shown]) for cell in differing]
    return "\n".join([*lines, "", INTERVALS, "", "All cells: [comparison.csv](comparison.csv)."]) + "\n"


def _counts(cells: Sequence[dict[str, str]], names: Iterable[str]) -> list[str]:
    counts = verdict_counts(cells)
    return [str(len(cells)), *(str(counts.get(name, 0)) for name in names)]
