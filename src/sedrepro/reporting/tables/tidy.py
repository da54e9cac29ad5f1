"""A filled table as one tidy frame: a row per cell or claim, in the paper's order."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from sedrepro.annotations.clips import Coverage
from sedrepro.experiments.metrics_files import RunMetrics
from sedrepro.published.cells import Cell
from sedrepro.published.verdict import METRICS

#: Stands between the notes of one cell in the tidy table, and between the data sets of its runs.
NOTE_SEPARATOR = "; "


@dataclass(frozen=True)
class FilledTable:
    """The rows of a table with our results, and the scale of the runs behind them."""

    rows: pd.DataFrame
    scale: str


def tidy_row(
    cell: Cell,
    ours: float | str,
    verdict: str,
    notes: Iterable[str] = (),
    *,
    sd: float = math.nan,
    interval: tuple[float, float] = (math.nan, math.nan),
    runs: int = 0,
    difference: float = math.nan,
    data: str = "",
) -> dict[str, Any]:
    """The row of a printed cell.

    Columns: labels, system, variant, factors, metric, unit, mean, sd, low, high, runs, published, suspect, relative_to,
    difference, verdict, note, data. `ours` stands in `mean`, the confidence interval of the mean in `low` and `high`,
    all in `unit`, as `published` and `difference` are; `suspect` is why the print is doubted, which `note` says too.
    """
    return {
        **cell.labels,
        "system": cell.system,
        "variant": cell.variant,
        **cell.factors,
        "metric": cell.metric,
        "unit": cell.unit or (METRICS[cell.metric].unit if cell.metric in METRICS else ""),
        "mean": ours,
        "sd": sd,
        "low": interval[0],
        "high": interval[1],
        "runs": runs,
        "published": cell.published,
        "suspect": cell.suspect,
        "relative_to": cell.relative_to,
        "difference": difference,
        "verdict": verdict,
        "note": NOTE_SEPARATOR.join(filter(None, notes)),
        "data": data,
    }


def table_of_cells(cells: Sequence[Cell], rows: Iterable[dict[str, Any]], scale: str) -> FilledTable:
    """The rows of some cells together; without the columns `relative_to` and `suspect` where none of them has it."""
    table = pd.DataFrame(list(rows))
    for name in ("relative_to", "suspect"):
        if not any(getattr(cell, name) for cell in cells):
            del table[name]
    return FilledTable(table, scale)


def data_of(runs: Iterable[RunMetrics]) -> str:
    """On how much of which data sets runs stand; fingerprints tell clips and labels apart. Empty without any run."""
    sets = sorted({(name, c.usable, c.expected, c.fingerprint[:8]) for run in runs for name, c in run.data.items()})
    return NOTE_SEPARATOR.join(
        f"{name} {usable} of {expected} clips (fingerprint {f})" for name, usable, expected, f in sets
    )


def data_line(rows: Iterable[dict[str, Any]]) -> str:
    """The sentence on the data of some rows, each data set once; empty where none of them has a run."""
    parts = {part for row in rows for part in str(row.get("data", "")).split(NOTE_SEPARATOR) if part}
    return f"Data: {', '.join(sorted(parts))}." if parts else ""


def coverage_in(text: str) -> dict[str, Coverage]:
    """How much of each data set a text of `data_of` names; what is not of that form is left out."""
    parts = map(_DATA_SET.fullmatch, text.split(NOTE_SEPARATOR))
    return {
        part["name"]: Coverage(usable=int(part["usable"]), expected=int(part["expected"]), fingerprint=part["print"])
        for part in parts
        if part
    }


_DATA_SET = re.compile(r"(?P<name>\S+) (?P<usable>\d+) of (?P<expected>\d+) clips \(fingerprint (?P<print>\w+)\)")
