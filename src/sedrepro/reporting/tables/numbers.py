"""Tables of results: the cells that a paper prints, filled with our runs, as csv, Markdown, HTML and LaTeX files."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from sedrepro.base.errors import DataError, SettingsError, did_you_mean
from sedrepro.base.files import write_text
from sedrepro.experiments.metrics_files import RunMetrics
from sedrepro.experiments.table_layout import SCALES, TableLayout
from sedrepro.published.cells import UNITS, Cell, runs_needed
from sedrepro.published.verdict import METRICS, difference, verdict
from sedrepro.reporting.tables.grid import NOTE_SEPARATOR
from sedrepro.reporting.tables.html import to_html
from sedrepro.reporting.tables.latex import to_latex
from sedrepro.reporting.tables.markdown import to_markdown
from sedrepro.reporting.tables.values import result


def fill(cells: Sequence[Cell], runs: Iterable[RunMetrics], scale: str) -> pd.DataFrame:
    """The tidy table: one row per cell, in the paper's order.

    Columns: labels, system, variant, factors, metric, mean, sd, low, high, runs, published, relative_to (where a cell
    has it), difference, verdict, note. Mean, sample standard deviation and the 95 % confidence interval of the mean go
    over all runs (folds and seeds) of a cell's system and variant. `attrs["scale"]` and `attrs["data"]` keep the scale,
    and what data the runs stand on, for the renderers.

    Raises:
        DataError: runs contradict each other (paper, scale, class list, two of the same run) or lack a metric.
        SettingsError: the scale is unknown.
    """
    of_pair, data = runs_by_pair(runs_needed(cells), runs, scale)
    table = pd.DataFrame([_filled(cell, of_pair, scale) for cell in cells])
    if not any(cell.relative_to for cell in cells):
        del table["relative_to"]
    table.attrs["scale"] = scale
    table.attrs["data"] = data
    return table


def runs_by_pair(
    needed: Iterable[tuple[str, str]], runs: Iterable[RunMetrics], scale: str
) -> tuple[dict[tuple[str, str], list[RunMetrics]], str]:
    """Those runs whose (system, variant) is needed, by this pair and ordered by fold and seed, and their data in words.

    Raises:
        DataError: runs contradict each other (paper, scale, class list, two of the same run).
        SettingsError: the scale is unknown.
    """
    if scale not in SCALES:
        raise SettingsError(f"unknown scale '{scale}'; {did_you_mean(scale, SCALES)}")
    pairs = set(needed)
    runs = [run for run in runs if (run.system, run.variant) in pairs]
    _check_together(runs, scale)
    of_pair: dict[tuple[str, str], list[RunMetrics]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: (run.fold, run.seed)):
        of_pair[run.system, run.variant].append(run)
    for pair_runs in of_pair.values():
        _check_classes(pair_runs)
    return of_pair, _data_line(runs)


def _data_line(runs: list[RunMetrics]) -> str:
    """On how much of which data set the runs stand; fingerprints tell clips and labels apart."""
    found = sorted({(name, c.usable, c.expected, c.fingerprint[:8]) for run in runs for name, c in run.data.items()})
    parts = [f"{name} {usable} of {expected} clips (fingerprint {mark})" for name, usable, expected, mark in found]
    return f"Data: {', '.join(parts)}." if parts else ""


def _filled(cell: Cell, runs: Mapping[tuple[str, str], Sequence[RunMetrics]], scale: str) -> dict[str, Any]:
    found = result(cell, runs)
    tolerance = METRICS[cell.metric].tolerance * UNITS[cell.unit]
    outcome = verdict(scale, found, cell.published, tolerance, cell.suspect, cell.at_hand)
    notes = [cell.suspect, cell.note, *found.notes]
    if found.mean is not None:  # otherwise the result's own note says more than the verdict's
        notes.append(outcome.note)
    comparable = found.mean is not None and cell.published
    low, high = found.interval or (math.nan, math.nan)
    return {
        **cell.labels,
        "system": cell.system,
        "variant": cell.variant,
        **cell.factors,
        "metric": cell.metric,
        "mean": math.nan if found.mean is None else found.mean,
        "sd": math.nan if found.sd is None else found.sd,
        "low": low,
        "high": high,
        "runs": found.runs,
        "published": cell.published,
        "relative_to": cell.relative_to,
        "difference": float(difference(found.mean, cell.published)) if comparable else math.nan,
        "verdict": outcome.name,
        "note": NOTE_SEPARATOR.join(note for note in notes if note),
    }


def _check_together(runs: list[RunMetrics], scale: str) -> None:
    seen = set()
    for run in runs:
        if run.scale != scale:
            raise DataError(f"{run}: is a run at scale '{run.scale}' in a table at scale '{scale}'")
        if run.paper != runs[0].paper:
            raise DataError(f"{run}: stands in one table with runs of paper '{runs[0].paper}'")
        if str(run) in seen:
            raise DataError(f"{run}: is given twice")
        seen.add(str(run))


def _check_classes(runs: list[RunMetrics]) -> None:
    for run in runs:
        if run.classes != runs[0].classes:
            raise DataError(f"{run}: its classes differ from those of fold {runs[0].fold}, seed {runs[0].seed}")


def write(table: pd.DataFrame, layout: TableLayout, stem: Path | str) -> None:
    """Write `<stem>.csv` (tidy), `.md`, `.html` and `.tex`, each atomically; equal tables give equal bytes."""
    write_text(f"{stem}.md", to_markdown(table, layout))
    write_text(f"{stem}.html", to_html(table, layout))
    write_text(f"{stem}.tex", to_latex(table, layout))
    write_text(f"{stem}.csv", table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))
