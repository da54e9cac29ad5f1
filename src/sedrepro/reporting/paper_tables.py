"""The tables of the papers in a results folder: writing them, and the short summary."""

import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from sedrepro.base.words import counted
from sedrepro.corpora.survey import read_survey_facts
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.metrics_files import read_metrics
from sedrepro.experiments.papers import Paper, chosen_papers, load_paper
from sedrepro.experiments.places import figures_folder, results_folder, survey_folder, table_file
from sedrepro.experiments.runs import RunIdentity, lacks
from sedrepro.obtaining.plan import absent_data_sets
from sedrepro.published.cells import read_text_cells
from sedrepro.published.claims import read_claims
from sedrepro.published.needs import cells_file, table_cells, table_runs
from sedrepro.reporting.claims.filling import fill_claims
from sedrepro.reporting.outside.rows import outside_rows, read_outside
from sedrepro.reporting.tables.coverage import in_a_line
from sedrepro.reporting.tables.files import write
from sedrepro.reporting.tables.numbers import fill
from sedrepro.reporting.tables.plain_text import summary
from sedrepro.reporting.tables.text import fill_text, texts_of_code
from sedrepro.reporting.tables.tidy import FilledTable
from sedrepro.reporting.targets import tables_and_figures


def write_paper_table(config: Config, paper: Paper, table: str) -> Path:
    """Fill a table from the metrics files of its runs, or from the code, and write it; returns the csv's path."""
    filled = _filled(config, paper, table)
    path = table_file(config, paper.name, table)
    write(filled, paper.settings.tables[table], path.with_suffix(""))
    return path


def _filled(config: Config, paper: Paper, table: str) -> FilledTable:
    path, layout = cells_file(paper, table), paper.settings.tables[table]
    if layout.kind == "text":
        cells = read_text_cells(path)
        return fill_text(cells, texts_of_code(paper, table, cells), config.scale)
    needed = table_runs(config, paper, table)
    if layout.kind == "claims":
        return _filled_claims(config, paper, table, needed)
    runs = [read_metrics(run.metrics_file(config)) for run in needed]
    filled = fill(table_cells(paper, table), runs, config.scale, variants_without_data(config, paper))
    return _with_outside(config, paper, table, filled)


def variants_without_data(config: Config, paper: Paper) -> dict[str, str]:
    """The corpus variants of a paper that need a data set that the configuration does without, and which."""
    variants = [variant for name in paper.settings.corpora for variant in paper.settings.corpora[name].variants(name)]
    lacking = {variant: lacks(config, paper, variant) for variant in variants}
    return {variant: f"left out: {', '.join(names)}" for variant, names in lacking.items() if names}


def _with_outside(config: Config, paper: Paper, table: str, filled: FilledTable) -> FilledTable:
    """The table with rows of systems from elsewhere, where any were added to the results."""
    rows = outside_rows(
        paper, table_cells(paper, table), paper.settings.tables[table], read_outside(config, paper.name)
    )
    if not rows:
        return filled
    added = pd.DataFrame(rows)[list(filled.rows.columns)]
    return FilledTable(pd.concat([filled.rows, added], ignore_index=True), filled.scale)


def _filled_claims(config: Config, paper: Paper, table: str, needed: Sequence[RunIdentity]) -> FilledTable:
    """A table of claims from those of its runs that are scored; the others are named in it."""
    scored = [run for run in needed if run.metrics_file(config).is_file()]
    return fill_claims(
        read_claims(cells_file(paper, table)),
        [read_metrics(run.metrics_file(config)) for run in scored],
        config.scale,
        {name: system.label for name, system in paper.settings.systems.items()},
        paper.settings.tables[table],
        paper,
        figures_folder(config, paper.name),
        [run for run in needed if run not in set(scored)],
        variants_without_data(config, paper),
    )


def print_coverage(config: Config, paper: Paper) -> None:
    """Print how many clips of each data set were usable, from the surveys that are there."""
    for name in paper.settings.data_sets:
        folder = survey_folder(config, name)
        if (folder / "survey.json").is_file():
            print(in_a_line(read_survey_facts(folder), folder))


def print_summary(config: Config, targets: Sequence[str] = (), paper_name: str = "") -> None:
    """Print the tables of the chosen papers whose runs are all scored, compactly, and where the results lie.

    `targets` are files, or names of rules; where some of them are tables or figures, only those tables are printed, and
    the paths. With `paper_name`, only that paper is chosen.

    Raises:
        SettingsError: the paper is unknown, or a target is no table or figure and no such file is there (names it).
    """
    if paper_name:
        config = config.model_copy(update={"papers": (paper_name,)})
    papers = (load_paper(name, config) for name in chosen_papers(config))
    named = tables_and_figures(config, papers, targets) if targets else []
    for paper, table, path in named:
        if table in paper.settings.tables:
            _print_table(_without_absent(config, paper)[0], paper, table)
        print(path)
    if not named:
        _print_all(config)


def _print_table(config: Config, paper: Paper, table: str) -> None:
    """Print a table compactly, or how many of its runs are missing."""
    layout, needed = paper.settings.tables[table], table_runs(config, paper, table)
    missing = sum(not run.metrics_file(config).is_file() for run in needed)
    if not needed and layout.kind != "text":
        print(f"{layout.title}: its data are missing\n")
    elif missing:
        print(f"{layout.title}: {missing} of {counted(len(needed), 'run')} not made yet\n")
    else:
        print(summary(_filled(config, paper, table), layout, shutil.get_terminal_size((100, 24)).columns))


def _without_absent(config: Config, paper: Paper) -> tuple[Config, dict[str, str]]:
    """The configuration that leaves out the data sets which are not there, and why each is."""
    absent = absent_data_sets(config, paper.settings.data_sets)
    return config.model_copy(update={"without": tuple({*config.without, *absent})}), absent


def _print_all(config: Config) -> None:
    for name in chosen_papers(config):
        paper = load_paper(name, config)
        config, absent = _without_absent(config, paper)
        for table in paper.settings.tables:
            _print_table(config, paper, table)
        print_coverage(config, paper)
        for data_set, reason in absent.items():
            print(f"{data_set}: left out: {reason}")
        folder = results_folder(config) / name
        print(f"Tables: {folder / 'tables'}   Figures: {folder / 'figures'}   Runs: {folder / 'runs'}")
