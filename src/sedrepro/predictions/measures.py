"""What predictions are measured by: groups of metrics that any weighting of the clips can be put into.

A weighting (clip,) says how often each clip counts: once in the number of record, as often as it was drawn in a
resample.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from sedrepro.annotations.clips import Event
from sedrepro.evaluation.by_sed_eval import CLASS_METRICS
from sedrepro.evaluation.counts import Counts, Decisions, Values, event_counts, segment_counts
from sedrepro.evaluation.settings import Averaged, Evaluation
from sedrepro.predictions.ranking import Ranking


class Measure(Protocol):
    """Some metrics of some clips."""

    def values(self, weights: np.ndarray) -> tuple[Values, Values]:
        """Metrics (weighting,) and metrics of classes (weighting, class) of weightings (weighting, clip)."""


@dataclass(frozen=True)
class Counted:
    """Segment-based or event-based metrics."""

    prefix: str
    counts: Counts
    settings: Averaged

    def values(self, weights: np.ndarray) -> tuple[Values, Values]:
        """See `Measure`."""
        overall, of_classes = self.counts.metrics(weights, self.settings)
        return (
            {f"{self.prefix}_{name}": value for name, value in overall.items()},
            {f"{self.prefix}_{name}": of_classes[name] for name in CLASS_METRICS},
        )


@dataclass(frozen=True)
class Tagged:
    """F1 of the classes that clips are tagged with: `<prefix>_f1` and, where wished, `<prefix>_micro_f1`."""

    prefix: str
    decisions: Decisions
    pooled: bool = False

    def values(self, weights: np.ndarray) -> tuple[Values, Values]:
        """See `Measure`."""
        macro, pooled, of_classes = self.decisions.f1(weights)
        more = {f"{self.prefix}_micro_f1": pooled} if self.pooled else {}
        return {f"{self.prefix}_f1": macro} | more, {f"{self.prefix}_f1": of_classes}


class Ranked:
    """Average precision and area under the ROC curve of clip scores: micro_ap, macro_ap, roc_auc."""

    def __init__(self, targets: np.ndarray, scores: np.ndarray) -> None:
        clips, classes = targets.shape
        numbers = np.arange(clips)
        self._of_classes = [Ranking(targets[:, c], scores[:, c], numbers) for c in range(classes)]
        self._pooled = Ranking(targets.ravel(), scores.ravel(), np.repeat(numbers, classes))

    def values(self, weights: np.ndarray) -> tuple[Values, Values]:
        """See `Measure`."""
        found = [ranking.metrics(weights) for ranking in self._of_classes]
        precision, area = (np.stack([pair[which] for pair in found], axis=1) for which in (0, 1))
        overall = {
            "micro_ap": self._pooled.metrics(weights)[0],
            "macro_ap": nan_mean(precision, axis=1),
            "roc_auc": nan_mean(area, axis=1),
        }
        return overall, {"average_precision": precision, "roc_auc": area}


def nan_mean(values: np.ndarray, axis: int) -> np.ndarray:
    """Mean of the values that are not NaN; NaN where none is."""
    defined = ~np.isnan(values)
    number = defined.sum(axis=axis)
    total = np.where(defined, values, 0).sum(axis=axis)
    return np.divide(total, number, out=np.full(total.shape, np.nan), where=number > 0)


def event_measures(
    reference: Sequence[Sequence[Event]],
    found: Sequence[Sequence[Event]],
    targets: np.ndarray,
    classes: Sequence[str],
    evaluation: Evaluation,
) -> list[Measure]:
    """The metrics of detected events; lists of events of every clip, targets bool (clip, class)."""
    measures: list[Measure] = []
    if evaluation.segment_based:
        counts = segment_counts(reference, found, classes, evaluation.segment_based)
        measures.append(Counted("segment", counts, evaluation.segment_based))
    if evaluation.event_based:
        counts = event_counts(reference, found, classes, evaluation.event_based)
        measures.append(Counted("event", counts, evaluation.event_based))
    tagged = np.array([[label in {event.event_label for event in events} for label in classes] for events in found])
    return [*measures, Tagged("tagging", Decisions(targets, tagged.reshape(targets.shape)))]


def clip_measures(
    targets: np.ndarray, scores: np.ndarray, evaluation: Evaluation, thresholds: np.ndarray | None = None
) -> list[Measure]:
    """The metrics of clip scores (clip, class); `thresholds` (class,) are those of a way of detection."""
    measures: list[Measure] = [Ranked(targets, scores)]
    if thresholds is None and evaluation.clip_level:
        thresholds = np.full(targets.shape[1], evaluation.clip_level.threshold)
    if thresholds is not None:
        measures.append(Tagged("clip", Decisions(targets, scores >= thresholds), pooled=True))
    return measures
