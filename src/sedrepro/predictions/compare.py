"""Which of two prediction sets is better, clip by clip: both are scored on the same resamples of the clips."""

from dataclasses import dataclass

import numpy as np

from sedrepro.evaluation.averages import stored
from sedrepro.evaluation.settings import Evaluation
from sedrepro.predictions import bootstrap
from sedrepro.predictions.evaluate import Matched, fold_groups, measures_of, rounded, values_of
from sedrepro.predictions.reference import Reference
from sedrepro.published.verdict import METRICS


@dataclass(frozen=True)
class Difference:
    """A metric of two systems; difference, interval and p are of the second minus the first."""

    metric: str
    event_class: str
    """Empty: over all classes."""
    first: float | None
    second: float | None
    difference: float | None
    interval: tuple[float, float] | None
    p: float | None

    @property
    def outcome(self) -> str:
        """Which system is better, as far as the interval leaves 0 out."""
        known = METRICS.get(self.metric)
        higher_is_better = known.higher_is_better if known else not self.metric.endswith("_rate")
        if self.interval is None or self.interval[0] <= 0 <= self.interval[1] or higher_is_better is None:
            return "undecided"
        return "second" if (self.interval[0] > 0) == higher_is_better else "first"


def compare(
    first: Matched, second: Matched, reference: Reference, evaluation: Evaluation, resamples: int
) -> list[Difference]:
    """The metrics that both have, over all classes and class by class."""
    groups, clips = fold_groups(reference), len(reference.clips)
    measures = [[(rows, measures_of(one, reference, evaluation, rows)) for rows in groups] for one in (first, second)]
    whole = [values_of(each, np.ones((1, clips))) for each in measures]
    weights = bootstrap.drawn(groups, clips, resamples)  # one draw: the pairs stay together
    drawn = [values_of(each, weights) for each in measures]
    found = [
        _difference(metric, "", *(part[0][metric][0] for part in whole), *(part[0][metric] for part in drawn))
        for metric in whole[0][0]
        if metric in whole[1][0]
    ]
    for metric in whole[0][1]:
        if metric in whole[1][1]:
            found += [
                _difference(
                    metric,
                    label,
                    *(part[1][metric][0, c] for part in whole),
                    *(part[1][metric][:, c] for part in drawn),
                )
                for c, label in enumerate(reference.classes)
            ]
    return found


def _difference(
    metric: str, label: str, first: float, second: float, drawn_first: np.ndarray, drawn_second: np.ndarray
) -> Difference:
    apart = drawn_second - drawn_first
    p = bootstrap.two_sided(apart)
    return Difference(
        metric,
        label,
        stored(first),
        stored(second),
        stored(second - first),
        rounded(bootstrap.interval(apart)),
        None if p is None else round(p, 6),
    )
