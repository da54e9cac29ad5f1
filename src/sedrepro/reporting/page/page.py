"""The results page: one self-contained file that tells of every paper what stood, at which scale, and what it cost.

It is made from what lies in `results/<scale>`; what is missing is named on it.
"""

import datetime
import html
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from sedrepro import __version__
from sedrepro.base.files import write_text
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.environment import checkout_commit
from sedrepro.experiments.papers import paper_names
from sedrepro.experiments.table_layout import SCALES
from sedrepro.published.verdict import COMPARABLE_SCALE, METRICS
from sedrepro.reporting.page.data import PaperResults, read_results
from sedrepro.reporting.page.paper import NO_MARK, counts, links, paper_section
from sedrepro.reporting.page.style import PAGE_STYLE, SCRIPT, filter_style
from sedrepro.reporting.status.cost import Cost, duration, memory, total
from sedrepro.reporting.tables.grid import MARKS
from sedrepro.reporting.tables.html import css_class, document, plain_table
from sedrepro.reporting.tables.sweep import SWEEP_TABLE, sweep_figure
from sedrepro.steps.sweep import part_file

PAGE = "index.html"
#: Files over all papers, which the page links.
FILES = ("comparison.csv", "comparison.md", "claims.csv", f"{SWEEP_TABLE}.csv", f"{SWEEP_TABLE}.md")


def write_page(config: Config) -> Path:
    """Write `index.html` to the results of the scale, over all papers of the suite; returns its path.

    Raises:
        DataError: a file in the results is damaged (names it).
    """
    path = config.results_dir / config.scale / PAGE
    write_text(path, results_page(config, read_results(config, paper_names())))
    return path


def results_page(config: Config, papers: Sequence[PaperResults]) -> str:
    """The page over what lies in the results of papers."""
    verdicts, outcomes = _verdicts(papers), _outcomes(papers)
    sweep = _sweep(config, papers)
    body = [
        '<a class="skip" href="#main">To the results</a>',
        f'<header id="top">\n{_head(config, papers)}\n{_navigation(papers, bool(sweep))}\n</header>',
        '<main id="main">',
        _summary(config, papers, verdicts, outcomes),
        *(paper_section(found, config) for found in papers),
        sweep,
        _comparing(papers),
        "</main>",
        '<footer><p class="back"><a href="#top">Back to the top</a></p></footer>',
        f"<script>{SCRIPT}</script>",
    ]
    title = f"sedrepro: results at {config.scale} scale"
    return document(title, "\n".join(body), PAGE_STYLE + filter_style(verdicts, outcomes))


def _verdicts(papers: Sequence[PaperResults]) -> Counter[str]:
    return sum((found.verdicts() for found in papers), Counter())


def _outcomes(papers: Sequence[PaperResults]) -> Counter[str]:
    return sum((found.outcomes() for found in papers), Counter())


def _head(config: Config, papers: Sequence[PaperResults]) -> str:
    there = sum(bool(found.tables) for found in papers)
    cost = total([cost for found in papers for cost in found.costs])
    made = datetime.datetime.now(datetime.UTC).date().isoformat()
    commit = checkout_commit()
    claims = sum(len({claim["id"] for claim in found.claims}) for found in papers)
    numbers = (
        f"Papers: {there} of {len(papers)}. Tables: {sum(len(found.tables) for found in papers)}, with "
        f"{_verdicts(papers).total()} cells of numbers. Claims: {claims}. "
        f"Figures: {sum(len(found.figures) for found in papers)}. Runs: {cost.runs}."
    )
    return (
        f"<h1>Sound event detection papers: results at {config.scale} scale</h1>\n"
        "<p>Each paper’s systems were trained again; every table and figure is made anew, beside what was published, "
        "and each claim is tried on our runs.</p>\n"
        f'<div class="warning" role="note"><p><strong>{html.escape(SCALES[config.scale])}</strong> '
        f"{_what_scale_means(config.scale)}</p></div>\n"
        f"<p>{numbers}</p>\n"
        f'<p class="quiet">Made on {made} by sedrepro {__version__}'
        f"{f', commit {html.escape(commit)}' if commit else ''}.</p>"
    )


def _what_scale_means(scale: str) -> str:
    if scale == COMPARABLE_SCALE:
        return "Each cell has a verdict. One from fewer runs than a test needs says so in its note."
    return (
        "No number here can be held against a published one: the verdict of each is “not comparable”. Claims are tried "
        "on these data, and tell nothing about the paper’s."
    )


def _navigation(papers: Sequence[PaperResults], with_sweep: bool) -> str:
    targets = {"summary": "Summary"} | {found.paper.name: found.paper.name for found in papers}
    targets |= {"post-processing": "Post-processing"} if with_sweep else {}
    targets |= {"comparing": "How numbers are compared"}
    items = [f'<li><a href="#{target}">{html.escape(text)}</a></li>' for target, text in targets.items()]
    return f'<nav aria-label="Contents"><ul>{"".join(items)}</ul></nav>'


def _summary(
    config: Config, papers: Sequence[PaperResults], verdicts: Mapping[str, int], outcomes: Mapping[str, int]
) -> str:
    heads = ["paper", "cells", "texts", "claims", "usable clips", "runs", "time", "peak memory"]
    rows = [_summary_row(found) for found in papers]
    if len(rows) > 1:
        cost = total([cost for found in papers for cost in found.costs])
        texts = sum((found.verdicts("text") for found in papers), Counter())
        rows.append(["all", counts(verdicts), counts(texts), counts(outcomes), "", *_cost_cells(cost)])
    top = config.results_dir / config.scale
    return "\n".join(
        [
            '<section id="summary" aria-labelledby="summary-title">\n<h2 id="summary-title">Summary</h2>',
            f'<div class="part list">{plain_table("What stood, and what it cost", heads, rows, 1)}',
            '<p class="quiet">Cells: our numbers against published ones. Texts: definitions and settings that the code '
            "says of itself, against the print. A claim counts once for every metric and split that it is tried on. "
            "Time: of all runs, one after another.</p></div>",
            _controls(verdicts, outcomes),
            links(((name, top / name) for name in FILES), top),
            "</section>",
        ]
    )


def _summary_row(found: PaperResults) -> list[str]:
    name = found.paper.name
    clips = [
        f'<span class="counts">{html.escape(data_set)}: {usable} of {expected}</span>'
        for data_set, (usable, expected) in found.usable().items()
    ]
    link = f'<a href="#{name}">{name}</a>'
    by_kind = [counts(found.verdicts()), counts(found.verdicts("text")), counts(found.outcomes())]
    missing = f'<span class="counts quiet">missing: {len(found.missing)}</span>' if found.missing else ""
    return [link + missing, *by_kind, "".join(clips) or "–", *_cost_cells(total(found.costs))]


def _cost_cells(cost: Cost) -> list[str]:
    return [str(cost.runs), *([duration(cost.seconds), memory(cost.peak_memory_mib)] if cost.runs else ["–", "–"])]


def _controls(verdicts: Mapping[str, int], outcomes: Mapping[str, int]) -> str:
    """What is shown, and in which theme: buttons that act without a script."""
    groups = [_choice("theme", "Theme", {"theme-auto": "as the device", "theme-light": "light", "theme-dark": "dark"})]
    for name, title, prefix, found in (
        ("cells", "Cells", "show", verdicts),
        ("claims", "Claims", "claims", outcomes),
    ):
        if len(found) > 1:
            entries = {f"{prefix}-{css_class(one)}": f"{MARKS.get(one, NO_MARK)} {one}" for one in found}
            groups.append(_choice(name, f"{title} to show", {f"{prefix}-all": "all"} | entries))
    return f'<form class="controls" autocomplete="off">{"".join(groups)}</form>'


def _choice(name: str, title: str, entries: Mapping[str, str]) -> str:
    buttons = []
    for key, text in entries.items():
        checked = "" if buttons else ' checked="checked"'
        button = f'<input type="radio" name="{name}" id="{key}" value="{key}"{checked} />'
        buttons.append(f"<label>{button} {html.escape(text)}</label>")
    return f"<fieldset><legend>{title}</legend>{' '.join(buttons)}</fieldset>"


def _sweep(config: Config, papers: Sequence[PaperResults]) -> str:
    """The sweep over ways of post-processing, of the papers whose part is there; nothing where none is."""
    names = [found.paper.name for found in papers if part_file(config, found.paper.name).is_file()]
    if not names:
        return ""
    return "\n".join(
        [
            '<section id="post-processing" aria-labelledby="post-processing-title">',
            '<h2 id="post-processing-title">Ways of post-processing, over all papers</h2>',
            sweep_figure(config, names),
            "</section>",
        ]
    )


def _comparing(papers: Sequence[PaperResults]) -> str:
    """Tolerance of each metric on the page, and the reason for it."""
    used = {
        metric
        for found in papers
        for name, table in found.tables.items()
        if found.paper.settings.tables[name].kind == "numbers"
        for metric in table["metric"]
    }
    rows = [
        [f"<code>{metric}</code>", str(about.tolerance), html.escape(about.reason)]
        for metric, about in METRICS.items()
        if metric in used
    ]
    if not rows:
        table = "<p>No table of numbers is there yet.</p>"
    else:
        table = plain_table("Tolerances", ["metric", "tolerance", "reason"], rows, 1)
    return "\n".join(
        [
            '<section id="comparing" aria-labelledby="comparing-title">',
            '<h2 id="comparing-title">How numbers are compared</h2>',
            "<p>Within the tolerance of its metric (a fraction, ratio or count) a cell is reproduced; the legend of "
            "each table says when it is close. At scales other than full nothing is compared.</p>",
            f'<div class="part list reasons">{table}</div>\n</section>',
        ]
    )
