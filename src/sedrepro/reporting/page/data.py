"""What lies in a results folder, as the results page shows it; nothing has to be there."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sedrepro.base.files import read_table
from sedrepro.corpora.survey import ALL_CLASSES
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import Paper, load_paper
from sedrepro.experiments.places import results_folder, table_file
from sedrepro.reporting.claims.claims_file import COLUMNS as CLAIM_COLUMNS
from sedrepro.reporting.claims.claims_file import listed
from sedrepro.reporting.status.cost import RunCost, read_costs
from sedrepro.reporting.tables.comparison import compared_cells, paper_tables
from sedrepro.reporting.tables.coverage import COLUMNS as COVERAGE_COLUMNS
from sedrepro.reporting.tables.files import read_tidy
from sedrepro.reporting.tables.tidy import FilledTable

#: Endings of the files of a figure, as the page links them.
FIGURE_FILES = (".svg", ".png", ".json")

Rows = list[dict[str, str]]


@dataclass(frozen=True)
class PaperResults:
    """What lies in the results of one paper."""

    paper: Paper
    folder: Path
    tables: dict[str, FilledTable]
    figures: dict[str, Path]
    """The picture of each figure, an SVG where there is one."""
    cells: dict[str, Rows]
    """The cells of its tables of numbers and texts one by one, each with the command that makes it again."""
    claims: Rows
    coverage: Rows
    costs: list[RunCost]
    missing: list[str] = field(default_factory=list)
    """What its settings name and the folder lacks."""
    top: Path = Path()
    """The folder of the page, which links are relative to."""
    recorded: bool = False
    """Whether a record holds them: its runs were made with the settings of an earlier commit."""

    @property
    def claim_tables(self) -> list[str]:
        """Those of its tables that hold claims."""
        return [name for name in self.paper.settings.claim_tables if name in self.tables]

    def verdicts(self, kind: str = "numbers") -> Counter[str]:
        """How many cells of its tables of numbers, or of texts, have which verdict."""
        layouts = self.paper.settings.tables
        shown = [table for name, table in self.tables.items() if layouts[name].kind == kind]
        return Counter(verdict for table in shown for verdict in table.rows["verdict"])

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
    claims = rows_if_there(results_folder(config) / "claims.csv", CLAIM_COLUMNS)
    return [_read_paper(config, load_paper(name, config), claims) for name in names]


def _read_paper(config: Config, paper: Paper, claims: Rows) -> PaperResults:
    folder, settings = results_folder(config) / paper.name, paper.settings
    paths = {name: table_file(config, paper.name, name) for name in settings.tables}
    there = {name: path for name, path in paths.items() if path.is_file()}
    tables = {name: read_tidy(path, settings.tables[name], config.scale) for name, path in there.items()}
    cells = {
        table.name: compared_cells(config, [table]) for table in paper_tables(config, paper.name) if table.name in there
    }
    figures = pictures_of(paper, folder)
    coverage = rows_if_there(folder / "coverage.csv", COVERAGE_COLUMNS)
    missing = [*(n for n in settings.tables if n not in tables), *(n for n in settings.figures if n not in figures)]
    return PaperResults(
        paper=paper,
        folder=folder,
        tables=tables,
        figures=figures,
        cells=cells,
        claims=[row for row in claims if row["paper"] == paper.name] or claims_of(paper, tables),
        coverage=coverage,
        costs=read_costs(folder),
        missing=missing if coverage else [*missing, "coverage"],
        top=folder.parent,
    )


def claims_of(paper: Paper, tables: Mapping[str, FilledTable]) -> Rows:
    """The claims in the tables of a paper, in the columns of claims.csv, which may have been written without it."""
    return [
        listed(paper.name, {str(column): str(value) for column, value in row.items()})
        for name in paper.settings.claim_tables
        if name in tables
        for row in tables[name].rows.to_dict("records")
    ]


def rows_if_there(path: Path, columns: Iterable[str]) -> Rows:
    """Rows of a csv; none where it is missing.

    Raises:
        DataError: it is damaged or lacks a column (names it).
    """
    return read_table(path, tuple(columns), delimiter=",") if path.is_file() else []


def pictures_of(paper: Paper, folder: Path) -> dict[str, Path]:
    """The pictures of those figures of a paper that a folder with its results or a record of them holds."""
    pictures = {name: _picture(folder / "figures" / name) for name in paper.settings.figures}
    return {name: path for name, path in pictures.items() if path is not None}


def _picture(stem: Path) -> Path | None:
    """The picture of a figure: the SVG, which stays sharp and can be read, else the PNG; None where there is none."""
    return next((path for end in (".svg", ".png") if (path := stem.with_suffix(end)).is_file()), None)
