"""The tables of the papers in a results folder: which runs each needs, writing them, and the short summary."""

import shutil
from pathlib import Path
from typing import Any

from sedrepro.base.errors import SettingsError, did_you_mean
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.metrics_files import read_metrics
from sedrepro.experiments.papers import Paper, chosen_papers, load_paper
from sedrepro.experiments.places import survey_folder
from sedrepro.experiments.runs import RunIdentity, runs_of
from sedrepro.published.added_rows import added_cells
from sedrepro.published.cells import Cell, read_cells, read_text_cells, runs_needed


def cells_file(paper: Paper, table: str) -> Path:
    """The csv that defines a table: one row per cell or claim.

    Raises:
        SettingsError: the paper has no such table (names the nearest).
    """
    if table not in paper.settings.tables:
        raise SettingsError(f"{paper.name}: table '{table}' is unknown; {did_you_mean(table, paper.settings.tables)}")
    return paper.folder / "published" / f"{table}.csv"


def table_cells(paper: Paper, table: str) -> list[Cell]:
    """The cells of a table of numbers: the published ones, and below them those of systems that name the table."""
    cells, layout = read_cells(cells_file(paper, table)), paper.settings.tables[table]
    added = {name: system.label for name, system in paper.settings.systems.items() if table in system.tables}
    return [*cells, *added_cells(cells, layout.rows, layout.columns, added)]


def table_runs(config: Config, paper: Paper, table: str) -> list[RunIdentity]:
    """The runs that a table reads: its systems and corpus variants, at the folds and seeds that the paper gives them.

    A table of texts reads none.
    """
    path, kind = cells_file(paper, table), paper.settings.tables[table].kind
    if kind == "text":
        return []
    pairs = _claim_runs(path) if kind == "claims" else runs_needed(table_cells(paper, table))
    return [who for system, variant in pairs for who in runs_of(config, paper, system, variant)]


def table_figures(config: Config, paper: Paper, table: str) -> list[Path]:
    """The stored arrays of figures that a table reads: those that its claims look at."""
    path = cells_file(paper, table)
    if paper.settings.tables[table].kind != "claims":
        return []
    from sedrepro.reporting.claims.claim import claim_figures, read_claims

    stems = [figures_folder(config, paper) / name for name in claim_figures(read_claims(path), paper.name)]
    return [stem.with_name(f"{stem.name}.{suffix}") for stem in stems for suffix in ("npz", "json")]


def figures_folder(config: Config, paper: Paper) -> Path:
    """Where the figures of a paper lie."""
    return config.results_dir / config.scale / paper.name / "figures"


def write_paper_table(config: Config, paper: Paper, table: str) -> Path:
    """Fill a table from the metrics files of its runs, or from the code, and write it; returns the csv's path."""
    from sedrepro.reporting.tables.numbers import write

    filled = _filled(config, paper, table)
    stem = config.results_dir / config.scale / paper.name / "tables" / table
    write(filled, paper.settings.tables[table], stem)
    return stem.with_suffix(".csv")


def _claim_runs(path: Path) -> list[tuple[str, str]]:
    from sedrepro.reporting.claims.claim import claim_runs, read_claims

    return claim_runs(read_claims(path))


def _filled(config: Config, paper: Paper, table: str) -> Any:
    from sedrepro.reporting.claims.claim import fill_claims, read_claims
    from sedrepro.reporting.tables.numbers import fill
    from sedrepro.reporting.tables.text import fill_text, said_by_code

    path, layout = cells_file(paper, table), paper.settings.tables[table]
    if layout.kind == "text":
        cells = read_text_cells(path)
        return fill_text(cells, said_by_code(paper, table, cells), config.scale)
    runs = [read_metrics(who.metrics_file(config)) for who in table_runs(config, paper, table)]
    if layout.kind == "claims":
        labels = {name: system.label for name, system in paper.settings.systems.items()}
        figures = figures_folder(config, paper)
        return fill_claims(read_claims(path), runs, config.scale, labels, layout, paper, figures)
    return _with_outside(config, paper, table, fill(table_cells(paper, table), runs, config.scale))


def _with_outside(config: Config, paper: Paper, table: str, filled: Any) -> Any:
    """The tidy table with rows of systems from elsewhere, where any were added to the results."""
    from sedrepro.reporting.outside.rows import outside_records, read_outside

    evaluations = read_outside(config, paper.name)
    records = outside_records(paper, table_cells(paper, table), paper.settings.tables[table], evaluations)
    if not records:
        return filled
    import pandas as pd

    more = pd.DataFrame(records)[list(filled.columns)]
    joined = pd.concat([filled, more], ignore_index=True)
    joined.attrs = dict(filled.attrs)
    return joined


def print_coverage(config: Config, paper: Paper) -> None:
    """Print how many clips of each data set were usable, from the surveys that are there."""
    from sedrepro.corpora.survey import read_survey_facts
    from sedrepro.reporting.tables.coverage import in_a_line

    for name in paper.settings.data_sets:
        folder = survey_folder(config, name)
        if (folder / "survey.json").is_file():
            print(in_a_line(read_survey_facts(folder), folder))


def print_summary(config: Config) -> None:
    """Print the tables of the chosen papers whose runs are all scored, compactly, and where the results lie."""
    from sedrepro.reporting.tables.plain_text import summary

    width = shutil.get_terminal_size((120, 24)).columns
    for name in chosen_papers(config):
        paper = load_paper(name, config)
        for table, layout in paper.settings.tables.items():
            needed = table_runs(config, paper, table)
            missing = sum(not who.metrics_file(config).is_file() for who in needed)
            if missing:
                print(f"{layout.title}: {missing} of {len(needed)} runs are not there yet\n")
                continue
            print(summary(_filled(config, paper, table), layout, width))
        print_coverage(config, paper)
        folder = config.results_dir / config.scale / name
        print(f"Tables: {folder / 'tables'}   Figures: {folder / 'figures'}   Runs: {folder / 'runs'}")
