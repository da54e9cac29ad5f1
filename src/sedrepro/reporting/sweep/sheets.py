"""What the table of the sweep shows: a sheet per set of ways that can be compared, and one per paper."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate

import pandas as pd

from sedrepro.evaluation.sweep import METRICS, WAYS
from sedrepro.experiments.table_layout import SCALES
from sedrepro.published.verdict import METRICS as ALL_METRICS
from sedrepro.reporting.sweep.averages import ROW, compared

TITLE = "Ways of post-processing"
NAMES = {"event_f1": "event-based F1", "event_error_rate": "event-based error rate", "segment_f1": "segment-based F1"}
DECIMALS = 3


@dataclass(frozen=True)
class SheetCell:
    """A value as text, its deviation, whether it is the best, and the mark of its note."""

    text: str
    deviation: str = ""
    best: bool = False
    mark: str = ""


@dataclass(frozen=True)
class SheetRow:
    """What names a row, and its cells."""

    labels: Sequence[str]
    cells: Sequence[SheetCell]


@dataclass(frozen=True)
class Sheet:
    """One table on the page."""

    title: str
    labels: Sequence[str]
    groups: Sequence[tuple[str, Sequence[str]]]
    """What stands over the columns: outer entries, and the columns below each."""
    rows: Sequence[SheetRow]

    @property
    def firsts(self) -> set[int]:
        """The first column of each group."""
        ends = list(accumulate(len(columns) for _, columns in self.groups))
        return {0, *ends[:-1]}


@dataclass(frozen=True)
class Sweep:
    """All that is shown of the sweep: sheets, what a reader must know, and the notes of cells by their mark."""

    sheets: Sequence[Sheet]
    general: Sequence[str]
    marked: Mapping[str, str]


def sweep_shown(values: pd.DataFrame, table: pd.DataFrame, scale: str) -> Sweep:
    """What is shown of the values of parts and their averages."""
    marks = {note: str(number) for number, note in enumerate(filter(None, table["note"].unique()), start=1)}
    of_papers = {paper: compared(rows) for paper, rows in values.groupby("paper", sort=False)}
    sheets = [
        *(_summary(ways, counts, of_papers) for ways, counts in compared(values).items()),
        *(_sheet(paper, rows, marks) for paper, rows in table.groupby("paper", sort=False)),
    ]
    return Sweep(sheets, _general_notes(scale), {mark: f"{note}." for note, mark in marks.items()})


def _summary(
    ways: tuple[str, ...], counts: pd.DataFrame, of_papers: dict[str, dict[tuple[str, ...], pd.DataFrame]]
) -> Sheet:
    """The ways that were tried together, in every paper, and in all of them if there are several."""
    named = " and ".join(WAYS[way].label for way in ways)
    where = f"Where only {named} could be tried" if len(ways) < len(WAYS) else f"All {len(ways)} ways"
    shown = {paper: by_ways[ways] for paper, by_ways in of_papers.items() if ways in by_ways}
    shown |= {"all": counts} if len(shown) > 1 else {}
    rows = [
        SheetRow([paper, WAYS[way].label], list(_counted(way, numbers)))
        for paper, numbers in shown.items()
        for way in ways
    ]
    groups = [(NAMES[metric], ("alone best", "mean rank")) for metric in METRICS]
    return Sheet(f"{where}: who is best, run by run and split by split", ["paper", "way"], groups, rows)


def _counted(way: str, counts: pd.DataFrame) -> Iterator[SheetCell]:
    """What is told of a way, metric by metric."""
    for metric in METRICS:
        of_metric = counts[(counts["metric"] == metric) & (counts["method"] == way)]
        for row in of_metric.itertuples():
            yield SheetCell(f"{row.alone_best} of {row.comparisons - row.equal}")
            yield SheetCell("–" if math.isnan(row.mean_rank) else f"{row.mean_rank:.2f}")
        if of_metric.empty:
            yield from [SheetCell("–")] * 2


def _sheet(paper: str, table: pd.DataFrame, marks: dict[str, str]) -> Sheet:
    """The rows of one paper."""
    rows = []
    for place, of_row in table.groupby(ROW[1:], sort=False):
        by_metric = of_row.set_index(["metric", "method"])
        cells = [cell for metric in METRICS for cell in _cells(metric, by_metric.loc[metric], marks)]
        rows.append(SheetRow(place, cells))
    groups = [(NAMES[metric], [way.label for way in WAYS.values()]) for metric in METRICS]
    return Sheet(paper, ROW[1:], groups, rows)


def _cells(metric: str, by_method: pd.DataFrame, marks: dict[str, str]) -> Iterator[SheetCell]:
    """The cells of one metric in a row; best is what is best as printed, if not all are."""
    shown = {way: by_method.at[way, "mean"].round(DECIMALS) for way in WAYS}
    known = [value for value in shown.values() if not math.isnan(value)]
    best = (max if ALL_METRICS[metric].higher_is_better else min)(known) if len(set(known)) > 1 else None
    for way, value in shown.items():
        sd, mark = by_method.at[way, "sd"], marks.get(by_method.at[way, "note"], "")
        text = "–" if math.isnan(value) else f"{value:.{DECIMALS}f}"
        yield SheetCell(text, "" if math.isnan(sd) else f"± {sd:.{DECIMALS}f}", value == best, mark)


def _general_notes(scale: str) -> list[str]:
    """What a reader must know."""
    ways = "; ".join(f"{way.label}: {way.described}" for way in WAYS.values())
    return [
        SCALES[scale],
        "This comparison goes beyond the papers. The stored frame scores of all runs are post-processed by the same "
        "methods and scored by the same metrics, so the values are not those of the papers' tables, whose "
        "post-processing and metrics differ from paper to paper. Nothing was trained for it.",
        f"Methods: {ways}. Windows are rounded to an odd number of frames of the network's scores; where frames are "
        "long, several methods can coincide. Windows of a remix follow the events of its training mixtures, whose "
        "strong labels its systems do not use. No clip score silences a class. Hysteresis also accepts frames with "
        "lower scores than the other methods do, so its gains or losses are not due to smoothing alone.",
        "Metrics: event-based with a collar of 200 ms, for offsets 20 % of the event's length if that is more; "
        "segment-based with segments of 1 s; both averaged over classes, where a class that is never detected has an "
        "F1 of 0. A lower error rate is better.",
        "Mean ± sample standard deviation over folds and seeds. Bold: the best of a metric in a row, as printed. Alone "
        "best, mean rank (1 is best, ties share): over the comparisons in which not all methods have the same value. "
        "They are counts, not a test: systems of a paper share clips and labels, and so do its runs.",
    ]
