"""The sweep over ways of post-processing as one table: csv, Markdown and a page, from the papers' parts."""

import html
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from sedrepro.base.errors import DataError
from sedrepro.base.files import read_table, write_text
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.settings import chosen_papers
from sedrepro.experiments.table_layout import SCALES
from sedrepro.published.verdict import METRICS as ALL_METRICS
from sedrepro.reporting.tables.html import document
from sedrepro.reporting.tables.marks import superscript
from sedrepro.reporting.tables.tidy import NOTE_SEPARATOR
from sedrepro.steps.sweep import METRICS, PART_COLUMNS, WAYS, part_file

SWEEP_TABLE = "post_processing"
TITLE = "Ways of post-processing"
NAMES = {"event_f1": "event-based F1", "event_error_rate": "event-based error rate", "segment_f1": "segment-based F1"}
DECIMALS = 3
#: What the page of several tables has beside the style of one.
SPACING = """main { width: fit-content; max-width: 100%; margin: 0 auto; }
h1 { font-size: 1.3rem; margin: 0 0 1rem; }
.scroll { margin-bottom: 1.8rem; }
"""

#: What a value is of, apart from run, way and metric.
_ROW = ["paper", "system", "variant", "split"]
_RUN = [*_ROW[:3], "fold", "seed", "split"]

Cell = tuple[str, str, bool, str]
"""Value, deviation, whether it is the best, mark of its note."""


@dataclass(frozen=True)
class Sheet:
    """One table on the page."""

    title: str
    labels: Sequence[str]
    groups: Sequence[tuple[str, Sequence[str]]]
    """What stands over the columns: outer entries, and the columns below each."""
    rows: Sequence[tuple[Sequence[str], Sequence[Cell]]]


def write_sweep_table(config: Config) -> Path:
    """Write `post_processing.csv`, `.md` and `.html` to the results of the scale; returns the csv's path.

    Raises:
        DataError: the part of a paper is missing or damaged (names it).
    """
    values = _parts(config, chosen_papers(config))
    table = averaged(values)
    sheets, notes = _sheets_and_notes(values, table, config.scale)
    stem = config.results_dir / config.scale / SWEEP_TABLE
    write_text(f"{stem}.md", _markdown(sheets, notes))
    write_text(f"{stem}.html", _page(sheets, notes))
    write_text(f"{stem}.csv", table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))
    return Path(f"{stem}.csv")


def sweep_figure(config: Config, papers: Sequence[str]) -> str:
    """The tables of the sweep as a part of a page, from the parts of some papers.

    Raises:
        DataError: the part of a paper is missing or damaged (names it).
    """
    values = _parts(config, papers)
    return _figure(*_sheets_and_notes(values, averaged(values), config.scale))


def _parts(config: Config, papers: Sequence[str]) -> pd.DataFrame:
    """The parts of papers one below the other."""
    return pd.concat([_part(config, paper) for paper in papers], ignore_index=True)


def _sheets_and_notes(values: pd.DataFrame, table: pd.DataFrame, scale: str) -> tuple[list[Sheet], list[str]]:
    """What is shown of the values and their averages, and what is said below."""
    marks = {note: str(number) for number, note in enumerate(filter(None, table["note"].unique()), start=1)}
    of_papers = {paper: compared(rows) for paper, rows in values.groupby("paper", sort=False)}
    sheets = [
        *(_summary(ways, counts, of_papers) for ways, counts in compared(values).items()),
        *(_sheet(paper, rows, marks) for paper, rows in table.groupby("paper", sort=False)),
    ]
    return sheets, [*_notes(scale), *(f"{superscript(mark)} {note}." for note, mark in marks.items())]


def _part(config: Config, paper: str) -> pd.DataFrame:
    path = part_file(config, paper)
    if not path.is_file():
        raise DataError(f"{path}: no such file; run sweep --paper {paper} first")
    part = pd.DataFrame(read_table(path, PART_COLUMNS, delimiter=","), columns=list(PART_COLUMNS))
    try:
        return part.assign(value=np.array([float(text) if text else math.nan for text in part["value"]], dtype=float))
    except ValueError as error:
        raise DataError(f"{path}: {error}; run sweep --paper {paper} again") from error


def averaged(values: pd.DataFrame) -> pd.DataFrame:
    """Mean, sample standard deviation and number of the runs with a value; `values` have the columns of a part.

    Columns: paper, system, variant, split, method, metric, mean, sd, runs, note.
    """
    groups = values.groupby([*_ROW, "method", "metric"], sort=False)
    table = groups["value"].agg(mean="mean", sd="std", runs="count").reset_index()
    table["note"] = groups["note"].agg(lambda notes: NOTE_SEPARATOR.join(filter(None, notes.unique()))).to_numpy()
    return table


def compared(values: pd.DataFrame) -> dict[tuple[str, ...], pd.DataFrame]:
    """How the ways do against each other, run by run and split by split, by the ways that could be tried there.

    Columns of each table: metric, method, comparisons, equal (comparisons in which all ways have the same value),
    alone_best, mean_rank (1 is best, equal ways share; NaN without a comparison that is not equal); both are of the
    others. Values count to 6 digits.
    """
    wide = values.pivot_table(index=[*_RUN, "metric"], columns="method", values="value", sort=False, dropna=False)
    wide = wide.reindex(columns=list(WAYS))[wide.notna().sum(axis=1) > 1]
    tried = pd.Series([tuple(way for way in WAYS if known[way]) for _, known in wide.notna().iterrows()], wide.index)
    found = {}
    for ways in sorted(set(tried), key=len, reverse=True):
        rows = wide.loc[tried == ways, list(ways)]
        of_metrics = (_counts(m, rows.xs(m, level="metric")) for m in METRICS if m in rows.index.unique("metric"))
        found[ways] = pd.concat(of_metrics, ignore_index=True)
    return found


def _counts(metric: str, rows: pd.DataFrame) -> pd.DataFrame:
    equal = rows.nunique(axis=1) == 1
    ranks = rows[~equal].rank(axis=1, ascending=not ALL_METRICS[metric].higher_is_better)
    return pd.DataFrame(
        {
            "metric": metric,
            "method": list(rows),
            "comparisons": len(rows),
            "equal": int(equal.sum()),
            "alone_best": [int((ranks[way] == 1).sum()) for way in rows],
            "mean_rank": [ranks[way].mean() for way in rows],
        }
    )


def _summary(
    ways: tuple[str, ...], counts: pd.DataFrame, of_papers: dict[str, dict[tuple[str, ...], pd.DataFrame]]
) -> Sheet:
    """The ways that were tried together, in every paper, and in all of them if there are several."""
    named = " and ".join(WAYS[way].label for way in ways)
    where = f"Where only {named} could be tried" if len(ways) < len(WAYS) else f"All {len(ways)} ways"
    told = {paper: found[ways] for paper, found in of_papers.items() if ways in found}
    told |= {"all": counts} if len(told) > 1 else {}
    rows = [([paper, WAYS[way].label], list(_counted(way, found))) for paper, found in told.items() for way in ways]
    groups = [(NAMES[metric], ("alone best", "mean rank")) for metric in METRICS]
    return Sheet(f"{where}: who is best, run by run and split by split", ["paper", "way"], groups, rows)


def _counted(way: str, counts: pd.DataFrame) -> Iterator[Cell]:
    """What is told of a way, metric by metric."""
    for metric in METRICS:
        found = counts[(counts["metric"] == metric) & (counts["method"] == way)]
        for one in found.itertuples():
            yield f"{one.alone_best} of {one.comparisons - one.equal}", "", False, ""
            yield "–" if math.isnan(one.mean_rank) else f"{one.mean_rank:.2f}", "", False, ""
        if found.empty:
            yield from [("–", "", False, "")] * 2


def _sheet(paper: str, table: pd.DataFrame, marks: dict[str, str]) -> Sheet:
    """The rows of one paper."""
    rows = []
    for place, of_row in table.groupby(_ROW[1:], sort=False):
        by_metric = of_row.set_index(["metric", "method"])
        rows.append((place, [cell for metric in METRICS for cell in _cells(metric, by_metric.loc[metric], marks)]))
    groups = [(NAMES[metric], [way.label for way in WAYS.values()]) for metric in METRICS]
    return Sheet(paper, _ROW[1:], groups, rows)


def _cells(metric: str, by_method: pd.DataFrame, marks: dict[str, str]) -> Iterator[Cell]:
    """The cells of one metric in a row; best is what is best as printed, if not all are."""
    shown = {way: by_method.at[way, "mean"].round(DECIMALS) for way in WAYS}
    known = [value for value in shown.values() if not math.isnan(value)]
    best = (max if ALL_METRICS[metric].higher_is_better else min)(known) if len(set(known)) > 1 else None
    for way, value in shown.items():
        sd, mark = by_method.at[way, "sd"], marks.get(by_method.at[way, "note"], "")
        text = "–" if math.isnan(value) else f"{value:.{DECIMALS}f}"
        yield text, "" if math.isnan(sd) else f"± {sd:.{DECIMALS}f}", value == best, mark


def _notes(scale: str) -> list[str]:
    """What a reader must know."""
    ways = "; ".join(f"{way.label}: {way.described}" for way in WAYS.values())
    return [
        SCALES[scale],
        "This comparison goes beyond the papers. The frame scores that the runs have stored are post-processed in "
        "equal ways and scored by equal metrics, so the values are not those of the papers' tables, whose "
        "post-processing and metrics differ from paper to paper. Nothing was trained for it.",
        f"Ways: {ways}. Windows are rounded to an odd number of frames of the network's scores; where frames are long, "
        "several ways can come to the same. Those of a remix follow the events of its training mixtures, whose strong "
        "labels its systems do not use. No clip score silences a class. Hysteresis counts frames of lower scores than "
        "the others do, so what it gains or loses is not due to smoothing alone.",
        "Metrics: event-based with a collar of 200 ms, for offsets 20 % of the event's length if that is more; "
        "segment-based with segments of 1 s; both means over classes, where a class that is never detected has F1 of "
        "0. Of the error rate less is better.",
        "Mean ± sample standard deviation over folds and seeds. Bold: the best of a metric in a row, as printed. Alone "
        "best, mean rank (1 is best, equal ways share): of the comparisons in which not all ways have the same value. "
        "They are counts, not a test: systems of a paper share clips and labels, and so do its runs.",
    ]


def _markdown(sheets: Sequence[Sheet], notes: Sequence[str]) -> str:
    lines = [f"# {TITLE}"]
    for sheet in sheets:
        columns = [f"{outer}<br>{inner}" for outer, inners in sheet.groups for inner in inners]
        head = [*sheet.labels, *columns]
        lines += ["", f"**{sheet.title}**", "", _md_row(head)]
        lines.append(_md_row([":--"] * len(sheet.labels) + [":-:"] * len(columns)))
        for labels, cells in sheet.rows:
            lines.append(_md_row([*(f"`{label}`" for label in labels), *map(_md_cell, cells)]))
    return "\n".join([*lines, *(f"\n{note}" for note in notes)]) + "\n"


def _md_row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _md_cell(cell: Cell) -> str:
    text, sd, best, mark = cell
    return " ".join(filter(None, (f"**{text}**" if best else text, sd))) + superscript(mark)


def _page(sheets: Sequence[Sheet], notes: Sequence[str]) -> str:
    return document(TITLE, f"<main>\n<h1>{TITLE}</h1>\n{_figure(sheets, notes)}\n</main>", SPACING)


def _figure(sheets: Sequence[Sheet], notes: Sequence[str]) -> str:
    scale, *others = notes
    return "\n".join(
        [
            "<figure>",
            *map(_html_sheet, sheets),
            f'<figcaption>\n<p class="scale">{scale}</p>',
            *(f"<p>{note}</p>" for note in others),
            "</figcaption>\n</figure>",
        ]
    )


def _html_sheet(sheet: Sheet) -> str:
    title = html.escape(sheet.title)
    labels = [f'<th scope="col" class="label" rowspan="2">{label}</th>' for label in sheet.labels]
    outer = [
        f'<th scope="colgroup" class="group" colspan="{len(inner)}"><span>{name}</span></th>'
        for name, inner in sheet.groups
    ]
    inner = [f'<th scope="col"{_first(i)}>{name}</th>' for _, names in sheet.groups for i, name in enumerate(names)]
    firsts = [i for _, names in sheet.groups for i, _ in enumerate(names)]
    lines = [
        f'<div class="scroll" role="region" aria-label="{title}" tabindex="0"><table>',
        f"<caption><span><strong>{title}</strong></span></caption>",
        f"<thead><tr>{''.join(labels + outer)}</tr><tr>{''.join(inner)}</tr></thead><tbody>",
    ]
    for row, cells in sheet.rows:
        heads = [f'<th scope="row" class="label">{html.escape(label)}</th>' for label in row]
        values = [f"<td{_first(i)}>{_html_cell(cell)}</td>" for i, cell in zip(firsts, cells, strict=True)]
        lines.append(f"<tr>{''.join(heads + values)}</tr>")
    return "\n".join([*lines, "</tbody></table></div>"])


def _html_cell(cell: Cell) -> str:
    text, sd, best, mark = cell
    deviation = f' <span class="sd">{sd}</span>' if sd else ""
    return f"{f'<strong>{text}</strong>' if best else text}{deviation}{superscript(mark)}"


def _first(index: int) -> str:
    return ' class="first"' if index == 0 else ""
