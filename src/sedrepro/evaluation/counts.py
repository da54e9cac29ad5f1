"""Counts of segment-based and event-based evaluation clip by clip, and the metrics of any weighting of the clips.

All counts are those of sed_eval 0.2.1 (tested against it), which `event_based` and `segment_based` run for the numbers
of record and this stands beside: a metric of every one of a thousand resamples of the clips is a product of matrices
here, and the sweep of post-processing counts every run four times. What has no value stands in
`sedrepro.evaluation.by_sed_eval`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sedrepro.annotations.clips import Event
from sedrepro.detection.segments import segment_activity
from sedrepro.evaluation.by_sed_eval import CLASS_METRICS, METRICS
from sedrepro.evaluation.settings import Averaged, EventBased, SegmentBased

#: Values by metric: (weighting,) over all classes, (weighting, class) of classes.
Values = dict[str, np.ndarray]


@dataclass(frozen=True)
class Counts:
    """What is counted in every clip, float (clip, class); over all classes: substitutions and the like (clip,)."""

    reference: np.ndarray
    estimated: np.ndarray
    correct: np.ndarray
    substitutions: np.ndarray
    deletions: np.ndarray
    insertions: np.ndarray

    def metrics(self, weights: np.ndarray, settings: Averaged) -> tuple[Values, Values]:
        """Metrics by their names in `METRICS`, and of classes, of weightings (weighting, clip) of the clips."""
        reference, estimated, correct = (weights @ part for part in (self.reference, self.estimated, self.correct))
        of_classes = class_values(reference, estimated, correct, settings)
        if settings.averaging == "macro":
            overall = macro_averages(of_classes) | {"substitution_rate": np.full(len(weights), np.nan)}
        else:
            reference, estimated, correct = (part.sum(axis=1) for part in (reference, estimated, correct))
            deletions, insertions, substitutions = (
                weights @ part for part in (self.deletions, self.insertions, self.substitutions)
            )
            overall = _rates(reference, estimated, correct, deletions, insertions, substitutions, 0.0)
        return {name: overall[name] for name in METRICS}, of_classes


def class_values(reference: np.ndarray, estimated: np.ndarray, correct: np.ndarray, settings: Averaged) -> Values:
    """Metrics of classes by their names in `CLASS_METRICS`, of sums of counts; all are (weighting, class)."""
    without_output = 0.0 if settings.undetected_classes == "zero" else np.nan
    return _rates(reference, estimated, correct, reference - correct, estimated - correct, None, without_output)


def macro_averages(of_classes: Values) -> Values:
    """Means (weighting,) over the classes with reference events, by their names in `CLASS_METRICS`."""
    heard = ~np.isnan(of_classes["recall"])
    return {name: _mean(np.where(heard, of_classes[name], np.nan)) for name in CLASS_METRICS}


def _rates(
    reference: np.ndarray,
    estimated: np.ndarray,
    correct: np.ndarray,
    deletions: np.ndarray,
    insertions: np.ndarray,
    substitutions: np.ndarray | None,
    f1_without_output: float,
) -> Values:
    errors = deletions + insertions + (0 if substitutions is None else substitutions)
    f1 = np.where(estimated > 0, _ratio(2 * correct, reference + estimated), f1_without_output)
    return {
        "error_rate": _ratio(errors, reference),
        **({} if substitutions is None else {"substitution_rate": _ratio(substitutions, reference)}),
        "deletion_rate": _ratio(deletions, reference),
        "insertion_rate": _ratio(insertions, reference),
        "precision": _ratio(correct, estimated),
        "recall": _ratio(correct, reference),
        "f1": np.where(reference > 0, f1, np.nan),
    }


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """NaN where the whole is nothing."""
    return np.divide(part, whole, out=np.full(np.shape(whole), np.nan), where=whole > 0)


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean (weighting,) over the classes with a value; NaN where none has one."""
    defined = ~np.isnan(values)
    return _ratio(np.where(defined, values, 0).sum(axis=1), defined.sum(axis=1))


def segment_counts(
    reference: Sequence[Sequence[Event]],
    estimated: Sequence[Sequence[Event]],
    classes: Sequence[str],
    settings: SegmentBased,
) -> Counts:
    """Counts of active segments of every clip."""
    both = segment_activity([*reference, *estimated], classes, settings.segment_seconds)
    ref, est = both[: len(reference)], both[len(reference) :]
    missed = np.count_nonzero(ref & ~est, axis=2)  # (clip, segment)
    false = np.count_nonzero(est & ~ref, axis=2)
    substituted = np.minimum(missed, false)
    return Counts(
        reference=ref.sum(axis=1, dtype=float),
        estimated=est.sum(axis=1, dtype=float),
        correct=(ref & est).sum(axis=1, dtype=float),
        substitutions=substituted.sum(axis=1, dtype=float),
        deletions=(missed - substituted).sum(axis=1, dtype=float),
        insertions=(false - substituted).sum(axis=1, dtype=float),
    )


def event_counts(
    reference: Sequence[Sequence[Event]],
    estimated: Sequence[Sequence[Event]],
    classes: Sequence[str],
    settings: EventBased,
) -> Counts:
    """Counts of events of every clip, each matched at most once."""
    index = {label: number for number, label in enumerate(classes)}
    shape = (len(reference), len(classes))
    ref, est, correct, substituted = np.zeros(shape), np.zeros(shape), np.zeros(shape), np.zeros(shape[0])
    for clip, (of_ref, of_est) in enumerate(zip(reference, estimated, strict=True)):
        for event in of_ref:
            ref[clip, index[event.event_label]] += 1
        for event in of_est:
            est[clip, index[event.event_label]] += 1
        if of_ref and of_est:
            matched, substituted[clip] = _matched(of_ref, of_est, settings)
            for number in matched:
                correct[clip, index[of_ref[number].event_label]] += 1
    hits = correct.sum(axis=1)
    return Counts(
        reference=ref,
        estimated=est,
        correct=correct,
        substitutions=substituted,
        deletions=ref.sum(axis=1) - hits - substituted,
        insertions=est.sum(axis=1) - hits - substituted,
    )


def _matched(reference: Sequence[Event], estimated: Sequence[Event], how: EventBased) -> tuple[list[int], int]:
    """Reference events (their numbers) that are detected in one clip, and how many others only change their class.

    Which of several largest matchings is taken decides on the substitutions: as in sed_eval, its own function matches
    where there is a choice, and what is left over pairs up in the order of the lists.
    """
    fits = [
        [
            abs(r.onset - e.onset) <= how.collar_seconds
            and abs(r.offset - e.offset) <= max(how.collar_seconds, how.offset_share * (r.offset - r.onset))
            for e in estimated
        ]
        for r in reference
    ]
    graph: dict[int, list[int]] = {}
    for i, (row, r) in enumerate(zip(fits, reference, strict=True)):
        for j, (fit, e) in enumerate(zip(row, estimated, strict=True)):
            if fit and r.event_label == e.event_label:
                graph.setdefault(j, []).append(i)
    matching = _matching(graph)
    taken = set(matching.values())
    substitutions = 0
    for i, row in enumerate(fits):
        if i not in matching:
            other = next((j for j, fit in enumerate(row) if fit and j not in taken), None)
            if other is not None:
                taken.add(other)
                substitutions += 1
    return list(matching), substitutions


def _matching(graph: dict[int, list[int]]) -> dict[int, int]:
    """Reference event to estimated event, of a graph from estimated to reference events: a largest matching."""
    wanted = [i for fitting in graph.values() for i in fitting]
    if len(wanted) == len(graph) and len(set(wanted)) == len(wanted):  # each has one: nothing to choose
        return {fitting[0]: j for j, fitting in graph.items()}
    from sedrepro.evaluation.by_sed_eval import sed_eval

    return sed_eval().util.bipartite_match(graph)


@dataclass(frozen=True)
class Decisions:
    """What clips hold and what is found in them, bool (clip, class) each."""

    positive: np.ndarray
    found: np.ndarray

    def f1(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """F1 of weightings of the clips: mean of the classes (weighting,), pooled, and of classes (weighting, class).

        A class without a positive clip has none: NaN.
        """
        both = weights @ (self.positive & self.found).astype(float)
        positive, found = weights @ self.positive.astype(float), weights @ self.found.astype(float)
        of_classes = np.where(positive > 0, _ratio(2 * both, positive + found), np.nan)
        pooled = _ratio(2 * both.sum(axis=1), positive.sum(axis=1) + found.sum(axis=1))
        return _mean(of_classes), np.where(positive.sum(axis=1) > 0, pooled, np.nan), of_classes
