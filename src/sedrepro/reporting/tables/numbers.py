"""Tables of numbers: the cells that a paper prints, filled with our runs."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from sedrepro.base.errors import DataError, SettingsError, did_you_mean
from sedrepro.experiments.metrics_files import RunMetrics
from sedrepro.experiments.table_layout import SCALES
from sedrepro.published.cells import UNITS, Cell, runs_needed
from sedrepro.published.verdict import METRICS, difference, verdict
from sedrepro.reporting.tables.tidy import FilledTable, data_of, table_of_cells, tidy_row
from sedrepro.reporting.tables.values import Result, result

RunsByPair = Mapping[tuple[str, str], Sequence[RunMetrics]]
"""Runs by system and variant, ordered by fold and seed."""


def fill(
    cells: Sequence[Cell], runs: Iterable[RunMetrics], scale: str, absent: Mapping[str, str] = MappingProxyType({})
) -> FilledTable:
    """The filled table: one row per cell, in the paper's order and in the columns of `tidy_row`.

    Mean, sample standard deviation and the 95 % confidence interval of the mean go over all runs (folds and seeds) of
    a cell's system and variant. `absent` has the variants without data, and why.

    Raises:
        DataError: runs contradict each other (paper, scale, class list, two of the same run) or lack a metric.
        SettingsError: the scale is unknown.
    """
    of_pair = runs_by_pair(runs_needed(cells), runs, scale)
    rows = [filled_row(cell, result(cell, of_pair, absent), of_pair, scale) for cell in cells]
    return table_of_cells(cells, rows, scale)


def runs_by_pair(needed: Iterable[tuple[str, str]], runs: Iterable[RunMetrics], scale: str) -> RunsByPair:
    """Those runs whose (system, variant) is needed.

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
    return dict(of_pair)


def filled_row(cell: Cell, ours: Result, runs: RunsByPair, scale: str) -> dict[str, Any]:
    """The row of a cell with what its runs came to, in the columns of `tidy_row`."""
    tolerance = METRICS[cell.metric].tolerance * UNITS[cell.unit]
    outcome = verdict(scale, ours, cell.published, tolerance, cell.suspect, cell.at_hand)
    notes = [cell.suspect, cell.note, *ours.notes]
    apart = math.nan
    if ours.mean is not None:  # otherwise the result's own note says more than the verdict's
        notes.append(outcome.note)
        apart = float(difference(ours.mean, cell.published)) if cell.published else math.nan
    pairs = dict.fromkeys([(cell.system, cell.variant), cell.reference])
    return tidy_row(
        cell,
        math.nan if ours.mean is None else ours.mean,
        outcome.name,
        notes,
        sd=math.nan if ours.sd is None else ours.sd,
        interval=ours.interval or (math.nan, math.nan),
        runs=ours.runs,
        difference=apart,
        data=data_of(run for pair in pairs for run in runs.get(pair, ())),
    )


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
