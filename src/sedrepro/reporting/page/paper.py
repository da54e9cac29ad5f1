"""The part of the results page that is about one paper: claims, tables, figures, settings, data, cost, environment."""

import base64
import html
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path

from sedrepro.corpora.survey import ALL_CLASSES
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.provenance import AUTHORS_CODE, SOURCES
from sedrepro.published.cells import QUOTED
from sedrepro.reporting.outside.rows import read_outside
from sedrepro.reporting.page.data import FIGURE_FILES, TABLE_FILES, PaperResults, Rows
from sedrepro.reporting.status.cost import by_system, duration, environments, memory, total
from sedrepro.reporting.status.provenance import setting_rows
from sedrepro.reporting.tables.comparison import PaperTable, how_to_make
from sedrepro.reporting.tables.coverage import coverage_table
from sedrepro.reporting.tables.grid import MARKS
from sedrepro.reporting.tables.html import css_class, plain_table, to_figure

#: Shown for a verdict or an outcome without a mark.
NO_MARK = "·"

#: Characters of a fingerprint that are shown, the first ones.
SHOWN_OF_FINGERPRINT = 16

_MEDIA_TYPES = {".svg": "image/svg+xml", ".png": "image/png"}

_SUPPORT = {
    "yes": "The published tables support it",
    "no": "The published tables do not support it",
    "partly": "The published tables support it in part",
    "not printed": "No published number at hand tells",
}

_SOURCES = {
    AUTHORS_CODE: "Taken from the authors’ released code",
    "cited code": "Taken from the code of a system that the paper builds on",
    "assumption": "Assumptions: all of these are silent",
    "scale": "Changed by the scale",
    "configuration": "Changed by the configuration of this run",
}

#: Part of a paper: its id, its heading, and what makes it.
PARTS: dict[str, tuple[str, Callable[[PaperResults, Config], str]]]


def paper_section(found: PaperResults, config: Config) -> str:
    """Everything about one paper as a section of the page."""
    name, about = found.paper.name, found.paper.settings.about
    link = f'<a href="{html.escape(about.url)}">{html.escape(about.url)}</a>'
    lines = [
        f'<section id="{name}" aria-labelledby="{name}-title">',
        f'<h2 id="{name}-title">{html.escape(about.title)}</h2>',
        f"<p>{html.escape(f'{about.authors}. {about.published_in}.')} {link}</p>",
        f"<p>{_in_short(found)}</p>",
    ]
    parts = {part: (title, make(found, config)) for part, (title, make) in PARTS.items()}
    shown = {part: (title, text) for part, (title, text) in parts.items() if text}
    links = [f'<li><a href="#{name}-{part}">{title}</a></li>' for part, (title, _) in shown.items()]
    lines.append(f'<nav aria-label="Parts of {name}"><ul>{"".join(links)}</ul></nav>')
    lines.append(_missing(found, config))
    for part, (title, text) in shown.items():
        lines.append(f'<h3 id="{name}-{part}">{title}</h3>\n{text}')
    return "\n".join([*lines, '<p class="back"><a href="#top">Back to the top</a></p>\n</section>'])


def counts(found: Mapping[str, int]) -> str:
    """How often there is each verdict or outcome, with its mark; a dash where there is none."""
    order = [*(name for name in MARKS if name in found), *(name for name in found if name not in MARKS)]
    lines = [
        f'<span class="counts {css_class(name)}">{shown_mark(name)} {html.escape(name)}: {found[name]}</span>'
        for name in order
    ]
    return "".join(lines) or "–"


def shown_mark(name: str) -> str:
    """The mark of a verdict or outcome, beside its name."""
    return f'<span class="mark" aria-hidden="true">{MARKS.get(name, NO_MARK)}</span>'


def links(paths: Iterable[tuple[str, Path]], top: Path) -> str:
    """Links to those of some files that are there, relative to the page in the folder `top`."""
    items = [
        f'<li><a href="{html.escape(Path(os.path.relpath(path, top)).as_posix())}">{html.escape(text)}</a></li>'
        for text, path in paths
        if path.is_file()
    ]
    return f'<ul class="links">{"".join(items)}</ul>' if items else ""


def _in_short(found: PaperResults) -> str:
    """Where the paper stands, in one sentence."""
    verdicts, outcomes, cost = found.verdicts(), found.outcomes(), total(found.costs)
    parts = [f"{verdicts.total()} cells ({_counted(verdicts)})" if verdicts else "no cells yet"]
    claims = len({claim["id"] for claim in found.claims})
    tried = f"{claims} claims, tried {outcomes.total()} times by metric ({_counted(outcomes)})"
    parts.append(tried if claims else "no claims tried")
    parts.append(f"{cost.runs} runs in {duration(cost.seconds)}" if cost.runs else "no runs")
    return html.escape(f"{'; '.join(parts)}.")


def _counted(found: Counter[str]) -> str:
    return ", ".join(f"{number} {name}" for name, number in found.most_common())


def _missing(found: PaperResults, config: Config) -> str:
    if not found.missing:
        return ""
    root = f" DATA_ROOT={config.data_root}" if config.data_root else ""
    command = html.escape(f"make results SCALE={config.scale}{root} PAPER={found.paper.name}")
    names = html.escape(", ".join(found.missing))
    return f'<p class="missing">Not there yet: {names}. This makes them: <code>{command}</code></p>'


def _claims(found: PaperResults, config: Config) -> str:
    """The claims, in order; rows with the same words and place, of several metrics say, stand together."""
    together = groupby(found.claims, key=lambda claim: (claim["claim"], claim["said_in"], claim["quote"]))
    items = "\n".join(_claim(*words, list(rows)) for words, rows in together)
    if not items:
        return ""
    files = [
        (f"{name}{ending}", (found.folder / "tables" / name).with_suffix(ending))
        for name in found.claim_tables
        for ending in TABLE_FILES
    ]
    return f'<ul class="claim-list">\n{items}\n</ul>\n{links(files, found.folder.parent)}'


def _claim(claim: str, said_in: str, quote: str, rows: Rows) -> str:
    words = f"<details><summary>The paper’s words</summary><blockquote>{html.escape(quote)}</blockquote></details>"
    return (
        f'<li><p>{html.escape(claim)} <span class="quiet">({html.escape(said_in)})</span></p>\n'
        f"<ul>{''.join(map(_outcome, rows))}</ul>{words if quote else ''}</li>"
    )


def _outcome(claim: Mapping[str, str]) -> str:
    """What our runs and the published tables say of a claim in one metric."""
    outcome, support = claim["outcome"], claim["published_support"]
    place = ", ".join(html.escape(claim[name]) for name in ("metric", "variant", "split") if claim[name])
    said = _SUPPORT.get(support, f"Support by the published tables: {support}")
    reason = f" ({claim['support_reason']})" if claim["support_reason"] else ""
    lines = [
        f'<span class="outcome">{shown_mark(outcome)} {html.escape(outcome)}</span>{f" ({place})" if place else ""}: '
        f"{html.escape(claim['ours']) or '–'}",
        html.escape(f"{said}{reason}."),
        f"Note: {html.escape(claim['note'])}" if claim["note"] else "",
    ]
    paragraphs = "".join(f"<p>{line}</p>" for line in lines if line)
    return f'<li class="claim {css_class(outcome)}">{paragraphs}</li>\n'


def _tables(found: PaperResults, config: Config) -> str:
    """The tables in their order, but those of claims, which stand above."""
    return "\n".join(_table(found, config, name) for name in found.tables if name not in found.claim_tables)


def _table(found: PaperResults, config: Config, name: str) -> str:
    layout, stem = found.paper.settings.tables[name], found.folder / "tables" / name
    made = PaperTable(found.paper.name, name, layout, stem.with_suffix(".csv"))
    files = [(f"{name}{ending}", stem.with_suffix(ending)) for ending in TABLE_FILES]
    return "\n".join(
        [
            f'<div class="part" id="{found.paper.name}-{name}">',
            to_figure(found.tables[name], layout),
            _cell_list(layout.title, found.cells.get(name, [])),
            "<details><summary>How to make this table again</summary><p>With the runs that it lacks:</p>"
            f"<pre><code>{html.escape(how_to_make(config, made))}</code></pre></details>",
            links(files, found.folder.parent),
            "</div>",
        ]
    )


def _cell_list(title: str, cells: Rows) -> str:
    """Every cell of a table with its interval, and the command that makes it again."""
    if not cells:
        return ""
    heads = ["cell", "metric", "ours", "95 % interval", "runs", "published", "difference", "verdict", "rerun this cell"]
    classes = [f"cell {css_class(cell['verdict'])}" for cell in cells]
    table = plain_table(f"{title}: cells", [*heads, "note"], list(map(_list_row, cells)), 1, classes)
    summary = f"All {len(cells)} cells one by one: interval, runs, verdict, and how to rerun each"
    return f'<details><summary>{summary}</summary><div class="list">{table}</div></details>'


def _list_row(cell: Mapping[str, str]) -> list[str]:
    text = {name: html.escape(value) for name, value in cell.items()}
    run = f"{text['system']} on {text['variant']}" if text["system"] else QUOTED
    return [
        f'{text["row"]}<br /><span class="quiet">{run}</span>',
        text["metric"],
        " ± ".join(filter(None, (text["mean"], text["sd"]))) or "–",
        f"{text['low']} to {text['high']}" if text["low"] else "–",
        text["runs"],
        text["published"] or "–",
        text["difference"] or "–",
        f"{shown_mark(cell['verdict'])} {text['verdict']}",
        f"<code>{text['rerun']}</code>" if text["rerun"] else "–",
        text["note"],
    ]


def _outside(found: PaperResults, config: Config) -> str:
    """Systems from elsewhere whose rows the tables show, each with what it was held against."""
    rows = [
        [
            html.escape(one["name"]),
            html.escape(f"{Path(one['source']).name} ({one.get('kind', '')})"),
            html.escape(f"{one['variant']}, {one['split']}: {one.get('clips', '')} clips"),
            f"{len(one.get('missing', []))} of them without a prediction, {len(one.get('unmatched', []))} files besides",
            html.escape("; ".join(one.get("assumed", []))),
        ]
        for one in read_outside(config, found.paper.name)
    ]
    if not rows:
        return ""
    heads = ["system", "predictions", "evaluated on", "files", "assumed"]
    table = plain_table(f"{found.paper.name}: systems that were not trained here", heads, rows, 1)
    return f'<div class="part list">{table}</div>'


def _figures(found: PaperResults, config: Config) -> str:
    return "\n".join(_figure(found, name, path) for name, path in found.figures.items())


def _figure(found: PaperResults, name: str, path: Path) -> str:
    figure = found.paper.settings.figures[name]
    systems = ", ".join(found.paper.settings.systems[system].label for system in figure.systems)
    data = base64.b64encode(path.read_bytes()).decode("ascii")
    shown = html.escape(f"{figure.title}. {systems}; {figure.variant}.")
    files = [(f"{name}{ending}", path.with_suffix(ending)) for ending in FIGURE_FILES]
    return (
        f'<div class="part" id="{found.paper.name}-{name}"><figure><div class="scroll" role="region" '
        f'aria-label="{html.escape(figure.title)}" tabindex="0"><img class="picture" '
        f'alt="{shown}" src="data:{_MEDIA_TYPES[path.suffix]};base64,{data}" /></div>'
        f"<figcaption><p>{shown}</p></figcaption></figure>{links(files, found.folder.parent)}</div>"
    )


def _settings(found: PaperResults, config: Config) -> str:
    """Every setting that the paper does not state, by where it comes from, those of one reason together."""
    grouped: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for key, value, source, reason in setting_rows(found.paper):
        grouped[source][reason].append(f"{key} = {value}")
    stated = sum(map(len, grouped.pop("paper", {}).values()))
    lines = [f"<p>{stated} values are stated by the paper. The others:</p>" if grouped else ""]
    for source in [*(s for s in _SOURCES if s in grouped), *(s for s in grouped if s not in _SOURCES)]:
        number = sum(map(len, grouped[source].values()))
        items = "".join(f"<li>{_reason(reason)}{_values(keys)}</li>" for reason, keys in grouped[source].items())
        title = html.escape(_SOURCES.get(source, source))
        lines.append(f'<details class="settings"><summary>{title} ({number})</summary><ul>{items}</ul></details>')
    command = f"python -m sedrepro settings --paper {found.paper.name} --scale {config.scale}"
    rule = f"Where several sources give a value, the first of these that exists counts: {'; '.join(SOURCES.values())}."
    return "\n".join([*lines, f"<p>{html.escape(rule)} Every value: <code>{command}</code></p>"])


def _reason(reason: str) -> str:
    return f"{html.escape(reason)}: " if reason else ""


def _values(keys: Sequence[str]) -> str:
    return ", ".join(f"<code>{html.escape(key)}</code>" for key in keys)


def _data(found: PaperResults, config: Config) -> str:
    if not found.coverage:
        return ""
    of_splits = [row for row in found.coverage if row["label"] == ALL_CLASSES]
    table = coverage_table(f"{found.paper.name}: clips by split", of_splits, with_class=False)
    files = [(f"coverage{ending}", found.folder / f"coverage{ending}") for ending in (".csv", ".html")]
    return f"{table}\n{links(files, found.folder.parent)}"


def _cost(found: PaperResults, config: Config) -> str:
    if not found.costs:
        return ""
    labels = {name: system.label for name, system in found.paper.settings.systems.items()}
    rows = [
        [
            html.escape(labels.get(system, system)),
            html.escape(variant),
            str(cost.runs),
            duration(cost.seconds),
            duration(cost.seconds / cost.runs),
            memory(cost.peak_memory_mib),
            memory(cost.peak_gpu_memory_mib),
            " to ".join(f"{number:,}" for number in sorted({*cost.parameters[:1], *cost.parameters[-1:]})) or "–",
        ]
        for (system, variant), cost in by_system(found.costs).items()
    ]
    heads = ["system", "variant", "runs", "time", "per run", "peak memory", "peak GPU memory", "parameters"]
    whole = total(found.costs)
    gpu = "no GPU was used" if whole.peak_gpu_memory_mib is None else f"on the GPU {memory(whole.peak_gpu_memory_mib)}"
    said = (
        f"{whole.runs} runs took {duration(whole.seconds)} in all, one after another; peak memory "
        f"{memory(whole.peak_memory_mib)}, {gpu}. Counted is training with scoring the held-out clips, not making the "
        "features. Energy is not recorded."
    )
    return f"<p>{said}</p>\n{plain_table(f'{found.paper.name}: cost per system', heads, rows, 2)}"


def _environment(found: PaperResults, config: Config) -> str:
    if not found.costs:
        return ""
    made = environments(found.costs)
    heads = list(dict.fromkeys(key for environment, _ in made for key in environment))
    rows = [[str(runs), *(html.escape(one.get(key, "–")) for key in heads)] for one, runs in made]
    features = sorted({(cost.variant, cost.features) for cost in found.costs if cost.features})
    data = sorted({(row["data_set"], row["fingerprint"]) for row in found.coverage})
    marks = [
        [kind, html.escape(name), f"<code>{html.escape(fingerprint[:SHOWN_OF_FINGERPRINT])}</code>"]
        for kind, named in (("data set", data), ("features", features))
        for name, fingerprint in named
    ]
    tables = [plain_table(f"{found.paper.name}: what the runs were made with", ["runs", *heads], rows, 1)]
    if marks:
        title = f"{found.paper.name}: fingerprints of data and features"
        tables.append(plain_table(title, ["of", "name", "fingerprint"], marks, 2))
    return "\n".join(f'<div class="part list">{table}</div>' for table in tables)


PARTS = {
    "claims": ("Claims", _claims),
    "tables": ("Tables", _tables),
    "outside": ("Outside systems", _outside),
    "figures": ("Figures", _figures),
    "settings": ("Assumptions and deviations", _settings),
    "data": ("Data", _data),
    "cost": ("Cost", _cost),
    "environment": ("Environment and fingerprints", _environment),
}
