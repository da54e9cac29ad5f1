"""The results page: one self-contained file that tells of every paper what stood, at which scale, and what it cost.

It is made from what lies in `results/<scale>`; what is missing is named on it.
"""

import datetime
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sedrepro import __version__
from sedrepro.base.files import write_text
from sedrepro.base.words import counted
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.environment import checkout_commit
from sedrepro.experiments.papers import Paper, paper_names
from sedrepro.experiments.places import results_folder, sweep_part
from sedrepro.experiments.table_layout import SCALES
from sedrepro.published.verdict import COMPARABLE_SCALE, METRICS, Metric
from sedrepro.reporting.page.data import PaperResults, read_results
from sedrepro.reporting.page.digest import (
    Digest,
    digest_of_claims,
    digest_of_figure,
    digest_of_table,
    in_order,
)
from sedrepro.reporting.page.paper import links, paper_section
from sedrepro.reporting.rendering import render
from sedrepro.reporting.status.cost import Cost, duration, memory, total
from sedrepro.reporting.sweep.table import SWEEP_TABLE, sweep_figure
from sedrepro.reporting.tables.marks import MARKS, NO_MARK, css_class

PAGE = "index.html"
#: Files over all papers, which the page links.
FILES = ("comparison.csv", "comparison.md", "claims.csv", f"{SWEEP_TABLE}.csv", f"{SWEEP_TABLE}.md")


def write_page(config: Config) -> Path:
    """Write `index.html` to the results of the scale, over all papers of the suite; returns its path.

    Raises:
        DataError: a file in the results is damaged (names it).
    """
    path = results_folder(config) / PAGE
    write_text(path, results_page(config, read_results(config, paper_names()), path.parent))
    return path


def results_page(
    config: Config,
    papers: Sequence[PaperResults],
    top: Path,
    files: Sequence[str] = FILES,
    heading: str = "",
    remarks: Sequence[str] = (),
    warning: str = "",
) -> str:
    """The page over what lies in the results of papers.

    Args:
        config: the configuration of the results.
        papers: what lies there.
        top: the folder of the page.
        files: files in that folder that the page links, as far as they are there.
        heading: what the page is about (default: all papers at the scale).
        remarks: where the results come from, if they are a record.
        warning: why they should not be relied on, if there is a reason.
    """
    verdicts = _sum(results.verdicts() for results in papers)
    outcomes = _sum(results.outcomes() for results in papers)
    sweep = "" if remarks else _sweep(config, papers)
    titles = {results.paper.name: results.paper.settings.about.title for results in papers}
    contents = {"overview": "Overview"} | {name: name for name in titles}
    contents |= {"post-processing": "Post-processing"} if sweep else {}
    return render(
        "page",
        title=f"sedrepro: results at {config.scale} scale",
        heading=heading or f"Sound event detection papers: results at {config.scale} scale",
        scale_means=SCALES[config.scale],
        numbers_mean=_what_numbers_mean(config.scale),
        in_numbers=_in_numbers(papers, verdicts),
        made=_made(),
        remarks=remarks,
        warning=warning,
        contents=contents | {"comparing": "How numbers are compared"},
        titles=titles,
        matrix=[_matrix_row(results) for results in papers],
        summary=_summary(papers),
        verdicts=list(verdicts),
        outcomes=list(outcomes),
        choices=_choices(verdicts, outcomes),
        files=links(((name, top / name) for name in files), top),
        papers=[paper_section(results, config) for results in papers],
        sweep=sweep,
        tolerances=_tolerances(papers),
    )


@dataclass(frozen=True)
class MatrixRow:
    """The tables and figures of a paper, each in a few words."""

    paper: Paper
    tables: Sequence[Digest]
    """Those of the paper itself, then those that the suite adds."""
    figures: Sequence[Digest]
    claims: Digest
    cost: str


def _matrix_row(results: PaperResults) -> MatrixRow:
    settings = results.paper.settings
    cost = total(results.costs)
    return MatrixRow(
        results.paper,
        [digest_of_table(results, name) for name in settings.cell_tables],
        [digest_of_figure(results, name) for name in settings.figures],
        digest_of_claims(results),
        f"{counted(cost.runs, 'run')} in {duration(cost.seconds)}" if cost.runs else "no runs",
    )


def _sum(counters: Iterable[Counter[str]]) -> Counter[str]:
    return sum(counters, Counter())


def _in_numbers(papers: Sequence[PaperResults], verdicts: Counter[str]) -> str:
    there = sum(bool(results.tables) for results in papers)
    claims = sum(len({claim["id"] for claim in results.claims}) for results in papers)
    tables = sum(len(results.tables) - len(results.claim_tables) for results in papers)
    return (
        f"Papers: {there} of {len(papers)}. Tables: {tables}, with "
        f"{verdicts.total()} cells of numbers. Claims: {claims}. "
        f"Figures: {sum(len(results.figures) for results in papers)}. Runs: {_total(papers).runs}."
    )


def _made() -> str:
    today, commit = datetime.datetime.now(datetime.UTC).date().isoformat(), checkout_commit()
    return f"Made on {today} by sedrepro {__version__}{f', commit {commit}' if commit else ''}."


def _total(papers: Sequence[PaperResults]) -> Cost:
    return total([cost for results in papers for cost in results.costs])


def _what_numbers_mean(scale: str) -> str:
    if scale == COMPARABLE_SCALE:
        return "Each cell has a verdict. A note marks verdicts that are based on too few runs for a test."
    return (
        "No measured number here can be compared with a published one: its verdict is “not comparable”. “Reproduced” "
        "is said only of definitions and settings, which are read from the code. Claims are tested on these data, "
        "which says nothing about the paper’s own results."
    )


@dataclass(frozen=True)
class SummaryRow:
    """A paper in the summary, or all of them together."""

    name: str
    title: str
    cells: Mapping[str, int]
    texts: Mapping[str, int]
    claims: Mapping[str, int]
    usable: Mapping[str, tuple[int, int]]
    """Usable and expected clips by data set."""
    cost: Sequence[str]
    """Runs, time, peak memory."""
    missing: int = 0
    linked: bool = True


def _summary(papers: Sequence[PaperResults]) -> list[SummaryRow]:
    rows = [
        SummaryRow(
            results.paper.name,
            results.paper.settings.about.title,
            in_order(results.verdicts()),
            in_order(results.verdicts("text")),
            in_order(results.outcomes()),
            results.usable(),
            _cost_cells(total(results.costs)),
            len(results.missing),
        )
        for results in papers
    ]
    if len(papers) > 1:
        verdicts, texts, outcomes = (
            in_order(_sum(counters))
            for counters in (
                (results.verdicts() for results in papers),
                (results.verdicts("text") for results in papers),
                (results.outcomes() for results in papers),
            )
        )
        rows.append(
            SummaryRow("all", "All papers", verdicts, texts, outcomes, {}, _cost_cells(_total(papers)), linked=False)
        )
    return rows


def _cost_cells(cost: Cost) -> list[str]:
    return [str(cost.runs), *([duration(cost.seconds), memory(cost.peak_memory_mib)] if cost.runs else ["–", "–"])]


def _choices(verdicts: Mapping[str, int], outcomes: Mapping[str, int]) -> dict[str, tuple[str, dict[str, str]]]:
    """Groups of buttons that act without a script: what is shown, and in which theme; legend, text by id."""
    themes = {"theme-auto": "as the device", "theme-light": "light", "theme-dark": "dark"}
    groups = {"theme": ("Theme", themes)}
    for name, title, prefix, numbers in (
        ("cells", "Cells", "show", verdicts),
        ("claims", "Claims", "claims", outcomes),
    ):
        if len(numbers) > 1:
            entries = {f"{prefix}-{css_class(one)}": f"{MARKS.get(one, NO_MARK)} {one}" for one in numbers}
            groups[name] = f"{title} to show", {f"{prefix}-all": "all"} | entries
    return groups


def _sweep(config: Config, papers: Sequence[PaperResults]) -> str:
    """The sweep over ways of post-processing, of the papers whose part is there; nothing where none is."""
    names = [results.paper.name for results in papers if sweep_part(config, results.paper.name).is_file()]
    return sweep_figure(config, names) if names else ""


def _tolerances(papers: Sequence[PaperResults]) -> dict[str, Metric]:
    """The metrics on the page, with the tolerance of each and the reason for it."""
    used = {
        metric
        for results in papers
        for name, table in results.tables.items()
        if results.paper.settings.tables[name].kind == "numbers"
        for metric in table.rows["metric"]
    }
    return {name: metric for name, metric in METRICS.items() if name in used}
