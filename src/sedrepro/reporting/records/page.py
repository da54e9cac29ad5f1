"""The results page of a record: made by today's code from what the record holds, so it never becomes outdated.

Tables and claims are filled again from the metrics of the record's runs; tables.csv keeps what was filled then. Nothing
of the page is kept in the repository.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sedrepro.base.errors import DataError, SettingsError
from sedrepro.base.files import read_table, write_text
from sedrepro.base.typed import load
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.metrics_files import RunMetrics
from sedrepro.experiments.papers import Paper, load_paper
from sedrepro.experiments.places import table_file
from sedrepro.experiments.table_layout import TableLayout
from sedrepro.published.cells import Cell, read_text_cells, runs_needed
from sedrepro.published.claims import Claim, read_claims
from sedrepro.published.needs import cells_file, table_cells
from sedrepro.reporting.claims.evidence import figures_read
from sedrepro.reporting.claims.filling import fill_claims
from sedrepro.reporting.claims.registry import predicate_of
from sedrepro.reporting.page.data import PaperResults, claims_of, pictures_of
from sedrepro.reporting.page.page import PAGE, results_page
from sedrepro.reporting.records.contents import OF_TABLES, RECORD, RESTORE, record_facts
from sedrepro.reporting.records.reading import RecordedRuns, recorded_coverage
from sedrepro.reporting.tables.comparison import PaperTable, compared_rows
from sedrepro.reporting.tables.files import text_rows
from sedrepro.reporting.tables.numbers import RunsByPair, filled_row, runs_by_pair
from sedrepro.reporting.tables.text import fill_text, texts_of_code
from sedrepro.reporting.tables.tidy import FilledTable, table_of_cells
from sedrepro.reporting.tables.values import Result, result

#: Files that the page of a record links.
FILES = ("tables.csv", "tables.md", "metrics.csv", "histories.csv", "coverage.csv", RECORD)

#: Of a cell or a claim that asks for a metric which the runs of a record were not scored by.
SCORED_OTHERWISE = "the runs of this record were not scored in this way"
HOW_IT_IS_MADE = (
    "Tables and claims are computed by today’s code from all runs in metrics.csv; tables.csv and tables.md keep them "
    "as they were filled at the time. Tables of definitions and settings show today’s code."
)
#: What tells claims apart: id, metric, variant, split and class.
ClaimKey = tuple[str, ...]
#: Rows of claims as they were found when a table was filled.
FoundClaims = Mapping[ClaimKey, dict[str, str]]


def write_record_page(folder: Path) -> Path:
    """Write `index.html` to the folder of a record; returns its path.

    Raises:
        DataError: a file of the record is missing or damaged (names it).
    """
    path = folder / PAGE
    write_text(path, record_page(folder))
    return path


def record_page(folder: Path) -> str:
    """The results page of a record, which links what it holds.

    Raises:
        DataError: a file of the record is missing or damaged (names it).
    """
    facts = record_facts(folder)
    config = config_of_record(folder, facts)
    paper = _paper_of(folder, config)
    results = read_record(folder, config, paper)
    heading = f"{paper.settings.about.title}: record of {facts['date']}"
    warning = f"Newer code contradicts this record. {facts['outdated']}" if facts.get("outdated") else ""
    return results_page(config, [results], folder, FILES, heading, list(_remarks(facts)), warning)


def config_of_record(folder: Path, facts: Mapping[str, Any]) -> Config:
    """A configuration that asks for the folds and seeds of the runs of a record; where its data lay is not told.

    Raises:
        DataError: metrics.csv is missing or lacks a column, or a fold, a seed, the scale or the budget is none.
    """
    runs = read_table(folder / "metrics.csv", ("fold", "seed"), delimiter=",")
    of_runs = {
        f"{name}s": sorted({run[name] for run in runs}, key=lambda text: (len(text), text)) for name in ("fold", "seed")
    }
    of_record = {"scale": facts["scale"], "budget": facts["budget"]}
    data_root = {} if facts["scale"] == "miniature" else {"data_root": Path("...")}

    def origin(key: str) -> str:
        return str(folder / ("metrics.csv" if key.partition(".")[0] in of_runs else RECORD))

    try:
        return load(Config, of_runs | of_record | data_root, origin)
    except SettingsError as error:
        raise DataError(f"{error}; {RESTORE}") from error


def _paper_of(folder: Path, config: Config) -> Paper:
    try:
        return load_paper(folder.name, config)
    except SettingsError as error:
        raise DataError(f"{folder}: {error}") from error


def _remarks(facts: Mapping[str, Any]) -> Iterable[str]:
    """Where the results come from, and what to know about them."""
    yield f"Recorded on {facts['date']}: {facts['command']}. {facts['note']}".strip()
    for earlier in facts.get("continues", ()):
        yield f"Continues the record of {earlier['date']}: {earlier['command']}. {earlier['note']}".strip()
    if facts.get("unfinished"):
        yield f"When this was recorded: {'; '.join(facts['unfinished'])}."
    yield HOW_IT_IS_MADE


def read_record(folder: Path, config: Config, paper: Paper) -> PaperResults:
    """What a record holds of a paper, with its tables filled from the metrics of its runs.

    Raises:
        DataError: a file of the record is missing or damaged (names it).
    """
    runs, layouts = RecordedRuns(folder, paper, config.scale), paper.settings.tables
    tables = filled_tables(paper, runs.metrics, config.scale, claims_then([folder / "tables.csv"]))
    cells = {
        name: compared_rows(config, _as_made(config, paper, name, layouts[name]), text_rows(tables[name]))
        for name in paper.settings.cell_tables
        if name in tables
    }
    return PaperResults(
        paper=paper,
        folder=folder,
        tables=tables,
        figures=pictures_of(paper, folder),
        cells=cells,
        claims=claims_of(paper, tables),
        coverage=recorded_coverage(folder),
        costs=runs.costs,
        top=folder,
        recorded=True,
    )


def recorded_claims(folder: Path) -> list[dict[str, str]]:
    """The claims of a record in the columns of claims.csv, filled from the metrics of its runs.

    Raises:
        DataError: a file of the record is missing or damaged (names it).
    """
    config = config_of_record(folder, record_facts(folder))
    paper = _paper_of(folder, config)
    runs, then = RecordedRuns(folder, paper, config.scale).metrics, claims_then([folder / "tables.csv"])
    tables = paper.settings.claim_tables
    return claims_of(paper, {name: _filled(paper, name, runs, config.scale, then) for name in tables})


def filled_tables(paper: Paper, runs: list[RunMetrics], scale: str, then: FoundClaims) -> dict[str, FilledTable]:
    """The tables of a paper, filled from metrics of runs, but for those without any number.

    Args:
        paper: the paper.
        runs: the metrics of all runs.
        scale: their scale.
        then: the claims on what figures store, as `claims_then` gives them.
    """
    layouts = paper.settings.tables
    made = {name: _filled(paper, name, runs, scale, then) for name in layouts}
    return {name: table for name, table in made.items() if _says_anything(table, layouts[name])}


def _as_made(config: Config, paper: Paper, name: str, layout: TableLayout) -> PaperTable:
    """A table where a run of the suite would write it, for the commands that make it again."""
    return PaperTable(paper.name, name, layout, table_file(config, paper.name, name))


def _says_anything(table: FilledTable, layout: TableLayout) -> bool:
    """Whether a table has any number of the record; those of texts and claims always say something."""
    return layout.kind != "numbers" or bool(table.rows["runs"].any())


def _filled(paper: Paper, name: str, runs: list[RunMetrics], scale: str, then: FoundClaims) -> FilledTable:
    path, kind = cells_file(paper, name), paper.settings.tables[name].kind
    if kind == "claims":
        rows = _claim_rows(read_claims(path), paper, name, runs, scale, then)
        return FilledTable(pd.DataFrame(rows), scale)
    if kind == "text":
        texts = read_text_cells(path)
        return fill_text(texts, texts_of_code(paper, name, texts), scale)
    cells = table_cells(paper, name)
    of_pair = runs_by_pair(runs_needed(cells), runs, scale)
    return table_of_cells(cells, [filled_row(cell, _result(cell, of_pair), of_pair, scale) for cell in cells], scale)


def _result(cell: Cell, runs: RunsByPair) -> Result:
    """What the runs say of a cell, if they were scored in the way that it asks for."""
    try:
        return result(cell, runs)
    except DataError:
        return Result(notes=[SCORED_OTHERWISE])


def _claim_rows(
    claims: list[Claim],
    paper: Paper,
    table: str,
    runs: list[RunMetrics],
    scale: str,
    then: FoundClaims,
) -> list[dict[str, Any]]:
    """The rows of claims; those about what a figure stores, which no record keeps, are as found at the time."""
    try:
        rows = _filled_claims(claims, paper, table, runs, scale)
    except DataError:  # of some of them; one by one shows of which
        rows = [row for claim in claims for row in _filled_if_scored(claim, paper, table, runs, scale)]
    return [_with_figure(claim, row, paper, then) for claim, row in zip(claims, rows, strict=True)]


def _filled_claims(
    claims: list[Claim], paper: Paper, table: str, runs: list[RunMetrics], scale: str
) -> list[dict[str, Any]]:
    labels = {name: one.label for name, one in paper.settings.systems.items()}
    return fill_claims(claims, runs, scale, labels, paper.settings.tables[table], paper).rows.to_dict("records")


def _filled_if_scored(
    claim: Claim, paper: Paper, table: str, runs: list[RunMetrics], scale: str
) -> list[dict[str, Any]]:
    try:
        return _filled_claims([claim], paper, table, runs, scale)
    except DataError:
        return [row | {"note": SCORED_OTHERWISE} for row in _filled_claims([claim], paper, table, [], scale)]


def _with_figure(claim: Claim, row: dict[str, Any], paper: Paper, then: FoundClaims) -> dict[str, Any]:
    figures = figures_read(predicate_of(claim, paper.name))
    if not figures:
        return row
    kept = then.get(claim_key(row))
    if kept is None:
        return row | {"mean": f"a record does not hold the arrays of {', '.join(figures)}"}
    found = {name: kept.get(name, "") for name in ("mean", "verdict", "too_small", "p_holds", "p_fails", "note")}
    return row | found | {"runs": int(kept["runs"])}


def claim_key(row: Mapping[str, Any]) -> ClaimKey:
    """What tells the row of a claim from the others."""
    return tuple(str(row.get(name, "")) for name in ("id", "metric", "variant", "split", "event_class"))


def claims_then(paths: Iterable[Path]) -> dict[ClaimKey, dict[str, str]]:
    """The claims in csv files of filled tables as they were found, by what tells them apart.

    Raises:
        DataError: a file is missing or lacks a column (names it).
    """
    rows = [row for path in paths for row in read_table(path, OF_TABLES, delimiter=",")]
    return {claim_key(row): row for row in rows if row.get("id") and row.get("claim")}
