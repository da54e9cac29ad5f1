"""What lies in a results folder, as the results page shows it; nothing has to be there."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from sedrepro.base.errors import DataError
from sedrepro.base.files import read_table
from sedrepro.corpora.survey import ALL_CLASSES
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import Paper, load_paper
from sedrepro.experiments.table_layout import TableLayout
from sedrepro.reporting.claims.claims_file import COLUMNS as CLAIM_COLUMNS
from sedrepro.reporting.status.cost import RunCost, read_costs
from sedrepro.reporting.tables.comparison import compared_cells, paper_tables
from sedrepro.reporting.tables.coverage import COLUMNS as COVERAGE_COLUMNS

#: Endings of the files of a table and of a figure, as the page links them.
TABLE_FILES = (".csv", ".md", ".html", ".tex")
FIGURE_FILES = (".svg", ".png", ".json")

#: Columns of a tidy table that hold numbers.
_NUMBERS = ("sd", "low", "high", "difference")

Rows = list[dict[str, str]]


@dataclass(frozen=True)
class PaperResults:
    """What lies in the results of one paper."""

    paper: Paper
    folder: Path
    tables: dict[str, pd.DataFrame]
    figures: dict[str, Path]
    """Smallest picture of each figure."""
    cells: dict[str, Rows]
    """The cells of its tables of numbers and texts one by one, each with the command that makes it again."""
    claims: Rows
    coverage: Rows
    costs: list[RunCost]
    missing: list[str] = field(default_factory=list)
    """What its settings name and the folder lacks."""

    @property
    def claim_tables(self) -> list[str]:
        """Those of its tables that hold claims."""
        return [name for name in self.tables if self.paper.settings.tables[name].kind == "claims"]

    def verdicts(self, kind: str = "numbers") -> Counter[str]:
        """How many cells of its tables of numbers, or of texts, have which verdict."""
        layouts = self.paper.settings.tables
        return Counter(v for name, table in self.tables.items() if layouts[name].kind == kind for v in table["verdict"])

    def outcomes(self) -> Counter[str]:
        """How many claims have which outcome; a claim counts once for every metric and split that it is tried on."""
        return Counter(claim["outcome"] for claim in self.claims)

    def usable(self) -> dict[str, tuple[int, int]]:
        """Usable and expected clips by data set."""
        found: dict[str, tuple[int, int]] = {}
        for row in self.coverage:
            if row["label"] == ALL_CLASSES:
                usable, expected = found.get(row["data_set"], (0, 0))
                found[row["data_set"]] = usable + int(row["usable"]), expected + int(row["expected"])
        return found


def read_results(config: Config, names: Iterable[str]) -> list[PaperResults]:
    """What lies in the results of papers at the configuration's scale.

    Raises:
        DataError: a file is damaged (names it).
    """
    claims = rows_if_there(config.results_dir / config.scale / "claims.csv", CLAIM_COLUMNS)
    return [_read_paper(config, load_paper(name, config), claims) for name in names]


def _read_paper(config: Config, paper: Paper, claims: Rows) -> PaperResults:
    folder, settings = config.results_dir / config.scale / paper.name, paper.settings
    paths = {name: folder / "tables" / f"{name}.csv" for name in settings.tables}
    there = {name: path for name, path in paths.items() if path.is_file()}
    tables = {name: read_tidy(path, settings.tables[name], config.scale) for name, path in there.items()}
    cells = {
        table.name: compared_cells(config, [table]) for table in paper_tables(config, paper.name) if table.name in there
    }
    pictures = {name: _smallest_picture(folder / "figures" / name) for name in settings.figures}
    figures = {name: path for name, path in pictures.items() if path is not None}
    coverage = rows_if_there(folder / "coverage.csv", COVERAGE_COLUMNS)
    missing = [*(n for n in settings.tables if n not in tables), *(n for n in settings.figures if n not in figures)]
    return PaperResults(
        paper=paper,
        folder=folder,
        tables=tables,
        figures=figures,
        cells=cells,
        claims=[row for row in claims if row["paper"] == paper.name] or _claims_of(paper, tables),
        coverage=coverage,
        costs=read_costs(folder),
        missing=missing if coverage else [*missing, "coverage"],
    )


def _claims_of(paper: Paper, tables: Mapping[str, pd.DataFrame]) -> Rows:
    """The claims in the tables of a paper, in the columns of claims.csv, which may have been written without it."""
    layouts = paper.settings.tables
    return [
        {column: str(record[source]) for column, source in CLAIM_COLUMNS.items() if source in record}
        | {"paper": paper.name}
        for name, table in tables.items()
        if layouts[name].kind == "claims"
        for record in table.to_dict("records")
    ]


def rows_if_there(path: Path, columns: Iterable[str]) -> Rows:
    """Rows of a csv; none where it is missing.

    Raises:
        DataError: it is damaged or lacks a column (names it).
    """
    return read_table(path, tuple(columns), delimiter=",") if path.is_file() else []


def read_tidy(path: Path, layout: TableLayout, scale: str) -> pd.DataFrame:
    """A table as `tables.write` left it, for the renderers.

    Raises:
        DataError: it lacks a column, or a number is none (names the file).
    """
    rows = read_table(path, ["metric", "mean", "runs", "published", "verdict", "note"], delimiter=",")
    table = pd.DataFrame(rows)
    numbers = [*_NUMBERS, *(["mean"] if layout.kind == "numbers" else [])]
    try:
        for name in numbers:
            if name in table:
                table[name] = [float(text) if text else math.nan for text in table[name]]
        table["runs"] = [int(text) for text in table["runs"]]
    except ValueError as error:
        raise DataError(f"{path}: {error}; write the table again") from error
    table.attrs["scale"] = scale
    return table


def _smallest_picture(stem: Path) -> Path | None:
    """The picture of a figure that takes least room on the page; None where there is none."""
    there = [path for path in (stem.with_suffix(".svg"), stem.with_suffix(".png")) if path.is_file()]
    return min(there, key=lambda path: path.stat().st_size, default=None)
