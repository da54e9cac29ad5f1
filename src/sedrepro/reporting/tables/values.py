"""The value of one cell: what each run says, and mean and deviation over the runs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TypeVar

import numpy as np

from sedrepro.base.errors import DataError, did_you_mean
from sedrepro.experiments.metrics_files import RunMetrics
from sedrepro.published.cells import DETECTION, EVENT_CLASS, QUOTED, SEED, SPLIT, UNITS, Cell
from sedrepro.published.verdict import METRICS, Spread

Part = TypeVar("Part")


@dataclass(frozen=True)
class Result(Spread):
    """Mean and deviation over the runs of a cell, in its unit, and what has to be said about them."""

    notes: list[str] = field(default_factory=list)


def result(
    cell: Cell, runs: Mapping[tuple[str, str], Sequence[RunMetrics]], absent: Mapping[str, str] = MappingProxyType({})
) -> Result:
    """What the runs, by system and variant, say about a cell; `absent` has variants without data, and why.

    Raises:
        DataError: a run lacks the metric, or the cell does not say which of its splits or ways of detection is meant.
    """
    if cell.quoted:
        return Result(notes=[QUOTED])
    own = _runs_of(cell, (cell.system, cell.variant), runs)
    if not own:
        return Result(notes=[_no_run(cell, (cell.system, cell.variant), absent)])
    event_class = cell.factors.get(EVENT_CLASS, "")
    if event_class and event_class not in own[0].classes:
        return Result(notes=[f"class {event_class} is not in the corpus"])
    notes = [*_clip_notes(own), *_split_notes(own, cell)]
    metric = METRICS[cell.metric]
    if metric.change_of:
        references = _runs_of(cell, cell.reference, runs)
        if not references:
            return Result(notes=[*notes, _no_run(cell, cell.reference, absent)])
        return _mean_change(cell, own, references, notes)
    values = [measured(run, cell, metric.base or cell.metric) for run in own]
    return _spread(cell, values, notes) if metric.spread_of else _mean(cell, values, notes)


def _runs_of(
    cell: Cell, which: tuple[str, str], runs: Mapping[tuple[str, str], Sequence[RunMetrics]]
) -> list[RunMetrics]:
    """The runs of a system on a variant that a cell takes in."""
    seed = cell.factors.get(SEED, "")
    return [run for run in runs.get(which, ()) if not seed or run.seed == int(seed)]


def _no_run(cell: Cell, which: tuple[str, str], absent: Mapping[str, str]) -> str:
    seed = cell.factors.get(SEED, "")
    return no_run(*which, absent) + (f" with seed {seed}" if seed else "")


def no_run(system: str, variant: str, absent: Mapping[str, str]) -> str:
    """That there is no run of a system on a variant, and why where the variant has no data."""
    return f"no run of {system} on {variant}" + (f" ({absent[variant]})" if variant in absent else "")


def _mean(cell: Cell, values: list[float | None], notes: list[str]) -> Result:
    defined, notes = _defined(cell, values, notes)
    if len(defined) == 0:
        return Result(notes=notes)
    scatters = len(defined) > 1 and not METRICS[cell.metric].exact
    sd = float(defined.std(ddof=1)) if scatters else None
    return Result(float(defined.mean()), sd, len(defined), notes)


def _spread(cell: Cell, values: list[float | None], notes: list[str]) -> Result:
    defined, notes = _defined(cell, values, notes)
    if len(defined) == 1:
        notes = [*notes, "a deviation needs two runs"]
    if len(defined) < 2:
        return Result(notes=notes)
    return Result(float(defined.std(ddof=1)), None, len(defined), notes)


def _mean_change(cell: Cell, own: list[RunMetrics], references: list[RunMetrics], notes: list[str]) -> Result:
    """Over pairs of runs with equal fold and seed."""
    partners = {(run.fold, run.seed): run for run in references}
    pairs = [(run, partners[run.fold, run.seed]) for run in own if (run.fold, run.seed) in partners]
    if not pairs:
        return Result(notes=[*notes, f"no run of {cell.relative_to} with an equal fold and seed"])
    if len(pairs) < len(own):
        notes = [*notes, f"{len(own) - len(pairs)} of {len(own)} runs have no partner of {cell.relative_to}"]
    return _mean(cell, [_change(cell, *pair) for pair in pairs], notes)


def _change(cell: Cell, run: RunMetrics, reference: RunMetrics) -> float | None:
    """Relative change, positive for the better."""
    base = METRICS[cell.metric].change_of
    after, before = (measured(one, cell, base) for one in (run, reference))
    if after is None or not before:  # from 0 there is no relative change
        return None
    return (after - before) / before * (1 if METRICS[base].higher_is_better else -1)


def _defined(cell: Cell, values: list[float | None], notes: list[str]) -> tuple[np.ndarray, list[str]]:
    """Values in the unit of the cell without the undefined ones, and the notes with one on these."""
    defined = np.array([value for value in values if value is not None], dtype=float) * UNITS[cell.unit]
    if len(defined) == 0:
        return defined, [*notes, "undefined in every run"]
    if len(defined) < len(values):
        return defined, [*notes, f"undefined in {len(values) - len(defined)} of {len(values)} runs"]
    return defined, notes


def measured(run: RunMetrics, cell: Cell, metric: str) -> float | None:
    """A metric of a run at the split, detection and class of a cell; None where it is undefined.

    It is looked for in the split, then in its detection: among its metrics and its settings. Where the cell names a
    detection, that has the first word. The number of parameters belongs to the whole run.

    Raises:
        DataError: the run lacks the metric, or the cell does not say which of its splits or ways of detection is meant.
    """
    if metric == "parameters" and run.parameters is not None:
        return run.parameters
    split = _chosen(run, SPLIT, cell, run.splits)
    event_class = cell.factors.get(EVENT_CLASS, "")
    known = set(split.class_metrics if event_class else split.metrics)
    detection = None
    if split.detections and (metric not in known or cell.factors.get(DETECTION)):
        detection = _chosen(run, DETECTION, cell, split.detections)
        known |= set(detection.class_metrics if event_class else {**detection.metrics, **detection.settings})
    if metric not in known:
        kind = "class-wise metric" if event_class else "metric"
        raise DataError(f"{run}: no {kind} '{metric}' in its metrics file; {did_you_mean(metric, known)}")
    if event_class:
        by_class = split.class_metrics | (detection.class_metrics if detection else {})
        return by_class[metric].get(event_class)
    of_detection = {**detection.metrics, **detection.settings} if detection else {}
    return {**split.metrics, **of_detection}[metric]


def _chosen(run: RunMetrics, factor: str, cell: Cell, parts: Mapping[str, Part]) -> Part:
    """The part that a factor of the cell names, or the only one."""
    name = cell.factors.get(factor, "")
    if name and name not in parts:
        raise DataError(f"{run}: has no {factor} '{name}'; {did_you_mean(name, parts)}")
    if not name and len(parts) > 1:
        raise DataError(f"{run}: has more than one {factor}; name one in the column '{factor}': {', '.join(parts)}")
    return parts[name] if name else next(iter(parts.values()))


def _split_notes(runs: Sequence[RunMetrics], cell: Cell) -> list[str]:
    """How many clips of the cell's own split there are, where some of those listed are not."""
    if cell.metric == "parameters":
        return []
    splits = [_chosen(run, SPLIT, cell, run.splits) for run in runs]
    short = {(split.clips, split.clips_expected) for split in splits if split.clips < (split.clips_expected or 0)}
    return [f"scored on {clips} of {expected} clips of its set" for clips, expected in sorted(short)]


def _clip_notes(runs: Sequence[RunMetrics]) -> list[str]:
    counts = Counter((run.clips, run.clips_expected) for run in runs)
    short = {pair: number for pair, number in counts.items() if pair[0] < pair[1]}
    if len(counts) == 1:
        return [f"on {clips} of {expected} clips" for clips, expected in short]
    return [f"on {clips} of {expected} clips in {n} of {len(runs)} runs" for (clips, expected), n in short.items()]
