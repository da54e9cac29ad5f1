"""Tables of results: the cells that a paper prints, filled with our runs, as csv, Markdown and HTML files."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from sedrepro.errors import DataError, SettingsError, did_you_mean
from sedrepro.files import write_text
from sedrepro.reporting.cells import UNITS, Cell, runs_needed
from sedrepro.reporting.grid import NOTE_SEPARATOR
from sedrepro.reporting.html_table import to_html
from sedrepro.reporting.layout import SCALES, TableLayout
from sedrepro.reporting.markdown import to_markdown
from sedrepro.reporting.metrics_files import RunMetrics
from sedrepro.reporting.verdict import METRICS, difference, verdict

#: The factor whose value names one class of the corpus; its cells read the class-wise metrics.
EVENT_CLASS = "event_class"


@dataclass(frozen=True)
class _Result:
    mean: float | None
    sd: float | None
    runs: int
    notes: list[str]


def fill(cells: Sequence[Cell], runs: Iterable[RunMetrics], scale: str) -> pd.DataFrame:
    """The tidy table: one row per cell, in the paper's order.

    Columns: labels, system, variant, factors, metric, mean, sd, runs, published, difference, verdict, note. Mean and
    sample standard deviation go over all runs (folds and seeds) of a cell's system and variant. `attrs["scale"]` and
    `attrs["data"]` keep the scale, and what data the runs stand on, for the renderers.

    Raises:
        DataError: runs contradict each other (paper, scale, class list, two of the same run) or lack a metric.
        SettingsError: the scale is unknown.
    """
    if scale not in SCALES:
        raise SettingsError(f"unknown scale '{scale}'; {did_you_mean(scale, SCALES)}")
    needed = set(runs_needed(cells))
    runs = [run for run in runs if (run.system, run.variant) in needed]
    _check_together(runs, scale)
    of_pair: dict[tuple[str, str], list[RunMetrics]] = defaultdict(list)
    for run in sorted(runs, key=lambda run: (run.fold, run.seed)):
        of_pair[run.system, run.variant].append(run)
    for pair_runs in of_pair.values():
        _check_classes(pair_runs)
    table = pd.DataFrame([_filled(cell, of_pair[cell.system, cell.variant], scale) for cell in cells])
    table.attrs["scale"] = scale
    table.attrs["data"] = _data_line(runs)
    return table


def _data_line(runs: list[RunMetrics]) -> str:
    """On how much of which data set the runs stand; fingerprints tell clips and labels apart."""
    found = sorted({(name, c.usable, c.expected, c.fingerprint[:8]) for run in runs for name, c in run.data.items()})
    parts = [f"{name} {usable} of {expected} clips (fingerprint {mark})" for name, usable, expected, mark in found]
    return f"Data: {', '.join(parts)}." if parts else ""


def _filled(cell: Cell, runs: list[RunMetrics], scale: str) -> dict[str, Any]:
    result = _result(cell, runs)
    unit = UNITS[cell.unit]
    tolerance = METRICS[cell.metric].tolerance * unit
    outcome = verdict(scale, result.mean, result.runs, cell.published, tolerance, cell.suspect)
    notes = [cell.suspect, cell.note, *result.notes]
    if result.mean is not None:  # otherwise the result's own note says more than the verdict's
        notes.append(outcome.note)
    comparable = result.mean is not None and cell.published
    return {
        **cell.labels,
        "system": cell.system,
        "variant": cell.variant,
        **cell.factors,
        "metric": cell.metric,
        "mean": math.nan if result.mean is None else result.mean,
        "sd": math.nan if result.sd is None else result.sd,
        "runs": result.runs,
        "published": cell.published,
        "difference": float(difference(result.mean, cell.published)) if comparable else math.nan,
        "verdict": outcome.name,
        "note": NOTE_SEPARATOR.join(note for note in notes if note),
    }


def _result(cell: Cell, runs: list[RunMetrics]) -> _Result:
    if not runs:
        return _Result(None, None, 0, [f"no run of {cell.system} on {cell.variant}"])
    event_class = cell.factors.get(EVENT_CLASS, "")
    if event_class and event_class not in runs[0].classes:
        return _Result(None, None, 0, [f"class {event_class} is not in the corpus"])
    values = [_value(run, cell.metric, event_class) for run in runs]
    defined = np.array([value for value in values if value is not None], dtype=float) * UNITS[cell.unit]
    notes = _clip_notes(runs)
    if len(defined) == 0:
        return _Result(None, None, 0, [*notes, "undefined in every run"])
    if len(defined) < len(values):
        notes.append(f"undefined in {len(values) - len(defined)} of {len(values)} runs")
    sd = float(defined.std(ddof=1)) if len(defined) > 1 else None
    return _Result(float(defined.mean()), sd, len(defined), notes)


def _value(run: RunMetrics, metric: str, event_class: str) -> float | None:
    found = run.class_metrics if event_class else run.metrics
    if metric not in found:
        kind = "class-wise metric" if event_class else "metric"
        raise DataError(f"{run}: no {kind} '{metric}' in its metrics file; {did_you_mean(metric, found)}")
    return run.class_metrics[metric].get(event_class) if event_class else run.metrics[metric]


def _clip_notes(runs: list[RunMetrics]) -> list[str]:
    counts = Counter((run.clips, run.clips_expected) for run in runs)
    short = {pair: number for pair, number in counts.items() if pair[0] < pair[1]}
    if len(counts) == 1:
        return [f"on {clips} of {expected} clips" for clips, expected in short]
    return [f"on {clips} of {expected} clips in {n} of {len(runs)} runs" for (clips, expected), n in short.items()]


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
    """Write `<stem>.csv` (tidy), `<stem>.md` and `<stem>.html`, each atomically; equal tables give equal bytes."""
    write_text(f"{stem}.md", to_markdown(table, layout))
    write_text(f"{stem}.html", to_html(table, layout))
    write_text(f"{stem}.csv", table.to_csv(index=False, float_format="%.6g", lineterminator="\n"))
