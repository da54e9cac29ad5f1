"""What a published table needs: the csv that defines it, and the runs that it reads."""

from decimal import Decimal
from pathlib import Path

from sedrepro.base.errors import SettingsError, did_you_mean
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import Paper
from sedrepro.experiments.runs import RunIdentity, figure_runs, runs_of
from sedrepro.published.added_rows import added_cells
from sedrepro.published.cells import DETECTION, EVENT_CLASS, SPLIT, UNITS, Cell, read_cells, runs_needed
from sedrepro.published.claims import claim_runs, read_claims


def cells_file(paper: Paper, table: str) -> Path:
    """The csv that defines a table: one row per cell or claim.

    Raises:
        SettingsError: the paper has no such table (names the nearest).
    """
    if table not in paper.settings.tables:
        raise SettingsError(f"{paper.name}: table '{table}' is unknown; {did_you_mean(table, paper.settings.tables)}")
    return paper.folder / "published" / f"{table}.csv"


def printed_units(paper: Paper) -> dict[str, str]:
    """The unit in which a paper's tables give a metric, by metric; empty for fractions, ratios and counts."""
    numbers = [name for name, layout in paper.settings.tables.items() if layout.kind == "numbers"]
    return {cell.metric: cell.unit for name in numbers for cell in read_cells(cells_file(paper, name))}


def printed_place(cell: Cell) -> tuple[str, ...]:
    """What a printed number is of: system, variant, split, detection, class and metric."""
    factors = (cell.factors.get(factor, "") for factor in (SPLIT, DETECTION, EVENT_CLASS))
    return (cell.system, cell.variant, *factors, cell.metric)


def printed_numbers(paper: Paper) -> dict[tuple[str, ...], Decimal]:
    """The numbers that a paper's tables print, as fractions, ratios or counts, by `printed_place`.

    Of a number that is printed twice it is the first.
    """
    found: dict[tuple[str, ...], Decimal] = {}
    for name in printed_tables(paper):
        for cell in read_cells(cells_file(paper, name)):
            if cell.published:
                found.setdefault(printed_place(cell), Decimal(cell.published) / UNITS[cell.unit])
    return found


def table_cells(paper: Paper, table: str) -> list[Cell]:
    """The cells of a table of numbers: the published ones, and below them those of systems that name the table."""
    cells, layout = read_cells(cells_file(paper, table)), paper.settings.tables[table]
    added = {name: system.label for name, system in paper.settings.systems.items() if table in system.tables}
    return [*cells, *added_cells(cells, layout.rows, layout.columns, added)]


def printed_tables(paper: Paper) -> list[str]:
    """The tables of numbers that a paper prints; those that the suite adds (readings, variants) are none."""
    tables = paper.settings.tables.items()
    return [name for name, layout in tables if layout.kind == "numbers" and name.startswith("table")]


def printed_splits(paper: Paper, variant: str) -> dict[str, list[str]]:
    """The splits that printed numbers on the clips of a corpus variant are of, each with the tables that print them.

    Splits are in the order of the corpus.
    """
    settings = paper.settings
    corpus = settings.corpora[settings.corpus_of(variant)[0]]
    found: dict[str, dict[str, None]] = {split: {} for split in (*corpus.held_out, *corpus.subsets)}
    for name in printed_tables(paper):
        for cell in table_cells(paper, name):
            if cell.system and (cell.published or not cell.at_hand) and same_clips(paper, cell.variant, variant):
                found.setdefault(cell.factors.get(SPLIT, "") or corpus.held_out[0], {})[name] = None
    return {split: list(tables) for split, tables in found.items() if tables}


def same_clips(paper: Paper, one: str, other: str) -> bool:
    """Whether two corpus variants are of the same clips, though perhaps with other features."""
    corpora = paper.settings.corpora
    first, second = (corpora[paper.settings.corpus_of(variant)[0]] for variant in (one, other))
    if one == other:
        return True
    return first.kind == second.kind == "official" and first.data_set == second.data_set


def table_runs(config: Config, paper: Paper, table: str) -> list[RunIdentity]:
    """The runs that a table reads: its systems and corpus variants, at the folds and seeds that the paper gives them.

    A table of texts reads none.
    """
    path, kind = cells_file(paper, table), paper.settings.tables[table].kind
    if kind == "text":
        return []
    pairs = claim_runs(read_claims(path)) if kind == "claims" else runs_needed(table_cells(paper, table))
    return [run for system, variant in pairs for run in runs_of(config, paper, system, variant)]


def scored_runs(config: Config, paper: Paper) -> list[RunIdentity]:
    """Every run of a paper that has metrics: those of its tables, and of figures that show all runs."""
    runs = [run for table in paper.settings.tables for run in table_runs(config, paper, table)]
    for figure, shown in paper.settings.figures.items():
        runs += figure_runs(config, paper, figure) if shown.runs == "all" else []
    return list(dict.fromkeys(runs))
