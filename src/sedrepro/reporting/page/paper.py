"""The part of the results page that is about one paper: claims, tables, figures, settings, data, cost, environment."""

import base64
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

from markupsafe import Markup

from sedrepro.base.words import counted
from sedrepro.corpora.survey import ALL_CLASSES
from sedrepro.experiments.commands import make_results
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.places import table_file
from sedrepro.experiments.provenance import AUTHORS_CODE, SOURCES
from sedrepro.experiments.table_layout import SCALES
from sedrepro.published.cells import QUOTED
from sedrepro.reporting.claims.finding import WORST_FIRST
from sedrepro.reporting.outside.rows import read_outside
from sedrepro.reporting.page.data import FIGURE_FILES, PaperResults
from sedrepro.reporting.page.digest import digest_of_claims, digest_of_figure, digest_of_table
from sedrepro.reporting.rendering import render_part
from sedrepro.reporting.status.cost import by_system, duration, environments, memory, total
from sedrepro.reporting.status.provenance import unstated
from sedrepro.reporting.tables.comparison import PaperTable, how_to_make
from sedrepro.reporting.tables.coverage import coverage_table
from sedrepro.reporting.tables.files import TABLE_FILES
from sedrepro.reporting.tables.html import to_figure

#: Groups of claims, in the order of the page.
OUTCOMES_SHOWN = (
    *("holds", "fails", "undecided"),
    *("holds by construction", "fails by construction", "cannot be tested"),
)
#: Of a claim whose outcome is none of these.
NO_OUTCOME = "no outcome"

#: Characters of a fingerprint that are shown, the first ones.
SHOWN_OF_FINGERPRINT = 16

_MEDIA_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}

_SUPPORT = {
    "yes": "The published tables support this claim",
    "no": "The published tables do not support this claim",
    "partly": "The published tables support this claim in part",
    "not printed": "No published number is available to check this claim",
}

_SOURCES = {
    AUTHORS_CODE: "Taken from the authors’ released code",
    "cited code": "Taken from the code of a system that the paper builds on",
    "assumption": "Assumptions: neither paper nor code gives a value",
    "scale": "Changed by the scale",
    "configuration": "Changed by the configuration of this run",
}

Links = list[tuple[str, str]]
"""Text and address of files, relative to the page."""


def paper_section(results: PaperResults, config: Config) -> Markup:
    """Everything about one paper as a section of the page."""
    name = results.paper.name
    made = {part: (title, make(results, config)) for part, (title, make) in PARTS.items()}
    parts = {part: (title, html, part in FOLDED) for part, (title, html) in made.items() if html}
    return render_part(
        "paper",
        name=name,
        about=results.paper.settings.about,
        in_short=_in_short(results),
        parts=parts,
        missing=results.missing,
        command=make_results(config, PAPER=name),
    )


def links(paths: Iterable[tuple[str, Path]], top: Path) -> Links:
    """Links to those of some files that are there, relative to the page in the folder `top`."""
    return [(text, Path(os.path.relpath(path, top)).as_posix()) for text, path in paths if path.is_file()]


def _in_short(results: PaperResults) -> str:
    """Where the paper stands, in one sentence."""
    verdicts, cost = results.verdicts(), total(results.costs)
    parts = [f"{counted(verdicts.total(), 'cell')} ({_counts(verdicts)})" if verdicts else "No cells yet"]
    parts.append(digest_of_claims(results).verdict.rstrip(".") if results.claims else "no claims tried")
    parts.append(f"{counted(cost.runs, 'run')} in {duration(cost.seconds)}" if cost.runs else "no runs")
    return f"{'; '.join(parts)}."


def _counts(numbers: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in numbers.most_common())


def _claims(results: PaperResults, config: Config) -> Markup:
    """The claims by outcome, each where its worst outcome belongs; rows of the same words and place stand together."""
    if not results.claims:
        return Markup("")
    together = groupby(results.claims, key=lambda row: (row["claim"], row["said_in"], row["quote"]))
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for (claim, told_in, quote), rows in together:
        outcomes = list(map(_outcome, rows))
        worst = next((name for name in WORST_FIRST if name in {one["outcome"] for one in outcomes}), NO_OUTCOME)
        groups[worst].append({"claim": claim, "told_in": told_in, "quote": quote, "outcomes": outcomes})
    tables = results.folder / "tables"
    files = [(f"{name}{end}", tables / f"{name}{end}") for name in results.claim_tables for end in TABLE_FILES]
    shown = {name: groups[name] for name in (*OUTCOMES_SHOWN, NO_OUTCOME) if name in groups}
    return render_part("part_claims", digest=digest_of_claims(results), groups=shown, files=links(files, results.top))


def _outcome(row: Mapping[str, str]) -> dict[str, str]:
    """What our runs and the published tables say of a claim in one metric."""
    support = row["published_support"]
    reason = f" ({row['support_reason']})" if row["support_reason"] else ""
    return {
        "outcome": row["outcome"],
        "place": ", ".join(row[name] for name in ("metric", "variant", "split") if row[name]),
        "ours": row["ours"],
        "support": f"{_SUPPORT.get(support, f'Support by the published tables: {support}')}{reason}.",
        "note": row["note"],
    }


def _tables(results: PaperResults, config: Config) -> Markup:
    """The tables in their order, but those of claims, which are a part of their own."""
    return _joined(_table(results, config, name) for name in results.tables if name not in results.claim_tables)


def _joined(parts: Iterable[Markup]) -> Markup:
    return Markup("\n").join(parts)


def _table(results: PaperResults, config: Config, name: str) -> Markup:
    layout, stem = results.paper.settings.tables[name], results.folder / "tables" / name
    made = PaperTable(results.paper.name, name, layout, table_file(config, results.paper.name, name))
    return render_part(
        "part_table",
        digest=digest_of_table(results, name),
        scale=SCALES[config.scale],
        title=layout.title,
        table=to_figure(results.tables[name], layout),
        rows=list(map(_listed_cell, results.cells.get(name, []))),
        command=how_to_make(config, made),
        files=links(((f"{name}{end}", stem.with_suffix(end)) for end in TABLE_FILES), results.top),
    )


def _listed_cell(cell: Mapping[str, str]) -> dict[str, str]:
    """A cell with its interval, and the command that makes it again."""
    return dict(cell) | {
        "run": f"{cell['system']} on {cell['variant']}" if cell["system"] else QUOTED,
        "ours": " ± ".join(filter(None, (cell["mean"], cell["sd"]))),
        "interval": f"{cell['low']} to {cell['high']}" if cell["low"] else "",
    }


def _outside(results: PaperResults, config: Config) -> Markup:
    """Systems from elsewhere whose rows the tables show, each with what it was held against."""
    rows = [
        [
            one["name"],
            f"{Path(one['source']).name} ({one.get('kind', '')})",
            f"{one['variant']}, {one['split']}: {one.get('clips', '')} clips",
            f"{len(one.get('missing', []))} clips without a prediction, {len(one.get('unmatched', []))} other files",
            "; ".join(one.get("assumed", [])),
        ]
        for one in read_outside(config, results.paper.name)
    ]
    return render_part("part_outside", paper=results.paper.settings.about.title, rows=rows) if rows else Markup("")


def _figures(results: PaperResults, config: Config) -> Markup:
    return _joined(_figure(results, config, name, path) for name, path in results.figures.items())


def _figure(results: PaperResults, config: Config, name: str, path: Path) -> Markup:
    figure, stem = results.paper.settings.figures[name], results.folder / "figures" / name
    systems = ", ".join(results.paper.settings.systems[system].label for system in figure.systems)
    return render_part(
        "part_figure",
        digest=digest_of_figure(results, name),
        title=figure.title,
        scale=SCALES[config.scale],
        command=make_results(config, PAPER=results.paper.name, TARGET=stem.with_suffix(".svg")),
        description=f"{figure.title}. {systems}; {figure.variant}.",
        media_type=_MEDIA_TYPES[path.suffix],
        picture=base64.b64encode(path.read_bytes()).decode("ascii"),
        files=links(((f"{name}{end}", stem.with_suffix(end)) for end in FIGURE_FILES), results.top),
    )


def _settings(results: PaperResults, config: Config) -> Markup:
    """Every setting that the paper does not state, by where it comes from, those of one reason together.

    A record has none: its runs were made with those of an earlier commit.
    """
    if results.recorded:
        return Markup("")
    grouped = unstated(results.paper)
    stated = sum(origin.source == "paper" for origin in results.paper.provenance.values())
    order = [*(source for source in _SOURCES if source in grouped), *(s for s in grouped if s not in _SOURCES)]
    return render_part(
        "part_settings",
        stated=stated,
        groups={_SOURCES.get(source, source): grouped[source] for source in order},
        sources=list(SOURCES.values()),
        command=f"python -m sedrepro settings --paper {results.paper.name} --scale {config.scale}",
    )


def _data(results: PaperResults, config: Config) -> Markup:
    if not results.coverage:
        return Markup("")
    of_splits = [row for row in results.coverage if row["label"] == ALL_CLASSES]
    files = [(f"coverage{end}", results.folder / f"coverage{end}") for end in (".csv", ".html")]
    return render_part(
        "part_data",
        table=coverage_table(f"{results.paper.settings.about.title}: clips by split", of_splits, with_class=False),
        files=links(files, results.top),
    )


def _cost(results: PaperResults, config: Config) -> Markup:
    if not results.costs:
        return Markup("")
    labels = {name: system.label for name, system in results.paper.settings.systems.items()}
    rows: list[list[Any]] = [
        [
            labels.get(system, system),
            variant,
            cost.runs,
            duration(cost.seconds),
            duration(cost.seconds / cost.runs),
            memory(cost.peak_memory_mib),
            memory(cost.peak_gpu_memory_mib),
            " to ".join(f"{number:,}" for number in sorted({*cost.parameters[:1], *cost.parameters[-1:]})) or "–",
        ]
        for (system, variant), cost in by_system(results.costs).items()
    ]
    whole = total(results.costs)
    gpu = "no GPU was used" if whole.peak_gpu_memory_mib is None else f"{memory(whole.peak_gpu_memory_mib)} on the GPU"
    sentence = (
        f"{counted(whole.runs, 'run')} took {duration(whole.seconds)} in total; peak memory "
        f"{memory(whole.peak_memory_mib)}, {gpu}. This includes training and scoring the held-out clips, but not "
        "extracting features. Energy is not recorded."
    )
    return render_part("part_cost", paper=results.paper.settings.about.title, sentence=sentence, rows=rows)


def _environment(results: PaperResults, config: Config) -> Markup:
    if not results.costs:
        return Markup("")
    made = environments(results.costs)
    clips = sorted({(cost.variant, cost.clips) for cost in results.costs if cost.clips})
    data = sorted({(row["data_set"], row["fingerprint"]) for row in results.coverage})
    fingerprints = [
        (kind, name, fingerprint[:SHOWN_OF_FINGERPRINT])
        for kind, named in (("data set", data), ("clips", clips))
        for name, fingerprint in named
    ]
    return render_part(
        "part_environment",
        paper=results.paper.settings.about.title,
        heads=list(dict.fromkeys(key for environment, _ in made for key in environment)),
        environments=made,
        fingerprints=fingerprints,
    )


#: Part of a paper: its id, its heading, and what makes it; what is empty is left out.
PARTS: dict[str, tuple[str, Callable[[PaperResults, Config], Markup]]] = {
    "tables": ("Tables", _tables),
    "figures": ("Figures", _figures),
    "claims": ("Claims", _claims),
    "outside": ("Outside systems", _outside),
    "settings": ("Assumptions and deviations", _settings),
    "data": ("Data", _data),
    "cost": ("Cost", _cost),
    "environment": ("Environment and fingerprints", _environment),
}
#: Parts that are opened by their heading; the others list what is opened one by one.
FOLDED = {"claims", "outside", "settings", "data", "cost", "environment"}
