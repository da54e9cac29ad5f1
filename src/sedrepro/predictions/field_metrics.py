"""Further metrics in common use beside a paper's metrics: PSDS and F1 at the best thresholds, by sed_scores_eval.

Polyphonic sound detection scores are those of DCASE Task 4 since 2021 (Bilen et al. 2020; Ebbers, Serizel and
Haeb-Umbach 2022): scenario 1 rewards exact times, scenario 2 the right class. They need scores; an event list has one
threshold only. sed_scores_eval is an optional extra, since it is compiled when it is installed.
"""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sedrepro.annotations.clips import Event
from sedrepro.detection.scores import Scores
from sedrepro.evaluation.settings import Evaluation, EventBased

HOW_TO_GET = "python -m pip install sed_scores_eval==0.0.4 (it is compiled then: a C compiler is needed)"
#: Without event-based metrics in a paper: the collar of DCASE Task 4.
COLLAR = EventBased(collar_seconds=0.2, offset_share=0.2, averaging="macro", undetected_classes="zero")
PSDS = {
    "psds1": {"dtc_threshold": 0.7, "gtc_threshold": 0.7, "alpha_ct": 0.0, "alpha_st": 1.0},
    "psds2": {"dtc_threshold": 0.1, "gtc_threshold": 0.1, "cttc_threshold": 0.3, "alpha_ct": 0.5, "alpha_st": 1.0},
}
MAX_FALSE_ALARMS_PER_HOUR = 100.0


@dataclass(frozen=True)
class FieldMetrics:
    """Their values by name and by class; none, and why, where they could not be computed."""

    metrics: dict[str, float] = field(default_factory=dict)
    class_metrics: dict[str, dict[str, float]] = field(default_factory=dict)
    note: str = ""


def available() -> bool:
    """Whether sed_scores_eval is installed."""
    return importlib.util.find_spec("sed_scores_eval") is not None


def field_metrics(scores: Scores, evaluation: Evaluation) -> FieldMetrics:
    """PSDS 1 and 2, and the best F1 over thresholds, collar-based and by intersection, of scores as they are given."""
    if not available():
        return FieldMetrics(note=f"PSDS and F1 at the best thresholds need sed_scores_eval: {HOW_TO_GET}")
    from sed_scores_eval import collar_based, intersection_based

    truth = {key: _apart(events) for key, events in zip(scores.filenames, scores.known_reference, strict=True)}
    durations = dict(zip(scores.filenames, map(float, scores.durations), strict=True))
    tables = _tables(scores)
    metrics: dict[str, float] = {}
    of_classes: dict[str, dict[str, float]] = {}
    for name, settings in PSDS.items():
        value, single, *_ = intersection_based.psds(
            tables, truth, durations, **settings, unit_of_time="hour", max_efpr=MAX_FALSE_ALARMS_PER_HOUR
        )
        _keep(name, {**single, "": value}, metrics, of_classes)
    collar = evaluation.event_based or COLLAR
    best = collar_based.best_fscore(
        tables,
        truth,
        onset_collar=collar.collar_seconds,
        offset_collar=collar.collar_seconds,
        offset_collar_rate=collar.offset_share,
    )
    _keep("best_event_f1", best[0] | {"": best[0]["macro_average"]}, metrics, of_classes)
    best = intersection_based.best_fscore(tables, truth, dtc_threshold=0.5, gtc_threshold=0.5)
    _keep("best_intersection_f1", best[0] | {"": best[0]["macro_average"]}, metrics, of_classes)
    note = "of the scores as given, without post-processing; best F1: each class at its best threshold on this very set"
    return FieldMetrics(metrics, of_classes, note)


def _keep(
    name: str, values: dict[str, Any], metrics: dict[str, float], of_classes: dict[str, dict[str, float]]
) -> None:
    metrics[name] = round(float(values[""]), 6)
    averages = ("", "macro_average", "micro_average")
    of_classes[name] = {label: round(float(v), 6) for label, v in values.items() if label not in averages}


def _tables(scores: Scores) -> dict[str, Any]:
    """The data frames of sed_scores_eval; frames that start behind the clip's end are left out."""
    from sed_scores_eval.base_modules.scores import create_score_dataframe

    tables = {}
    for name, frame, seconds in zip(scores.filenames, scores.frame_scores, scores.durations, strict=True):
        edges = np.round(np.arange(len(frame) + 1) / scores.frames_per_second, 6)
        inside = max(1, int(np.count_nonzero(edges[:-1] < seconds)))
        times = np.append(edges[:inside], min(edges[inside], max(seconds, edges[inside - 1] + 1e-6)))
        tables[name] = create_score_dataframe(frame[:inside].astype(float), times, list(scores.classes))
    return tables


def _apart(events: Sequence[Event]) -> list[tuple[float, float, str]]:
    """Reference events as sed_scores_eval takes them: those of one class that overlap or touch are one."""
    kept: list[list[Any]] = []
    last: dict[str, list[Any]] = {}
    for event in sorted(events):
        before = last.get(event.event_label)
        if before is not None and event.onset <= before[1]:
            before[1] = max(before[1], event.offset)
        else:
            last[event.event_label] = [event.onset, event.offset, event.event_label]
            kept.append(last[event.event_label])
    return [tuple(event) for event in kept]
