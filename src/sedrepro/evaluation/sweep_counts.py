"""What the sweep over post-processing counts of a run, and the metrics that follow from it.

Counts are those of sed_eval (`sedrepro.evaluation.counts`), summed over the clips of a split: they are few, and all
that the metrics of `sedrepro.evaluation.sweep` need.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from sedrepro.audio.front_end import FrontEnd
from sedrepro.detection.methods import detector
from sedrepro.detection.scores import Scores
from sedrepro.detection.settings import FixedWindows, Median, Method
from sedrepro.evaluation.averages import stored
from sedrepro.evaluation.counts import Counts, class_values, event_counts, macro_averages, segment_counts
from sedrepro.evaluation.settings import Averaged
from sedrepro.evaluation.sweep import EVENT_BASED, METRICS, SEGMENT_BASED, WAYS

#: Durations in seconds (event,) of the events of every class in the clips to train on.
Durations = Mapping[str, np.ndarray]
#: By the beginning of a metric's name: what is compared with the reference.
COMPARED: dict[str, Averaged] = {"event": EVENT_BASED, "segment": SEGMENT_BASED}


@dataclass(frozen=True)
class ClassCounts:
    """Events, or active segments, of every class in the clips of a split, (class,) each."""

    reference: np.ndarray
    estimated: np.ndarray
    correct: np.ndarray


@dataclass(frozen=True)
class Trial:
    """A way of post-processing on a split: its counts by what is compared, or why it could not be tried."""

    split: str
    way: str
    counts: Mapping[str, ClassCounts]
    reason: str = ""

    def values(self) -> dict[str, float | None]:
        """The metrics of the sweep, rounded to 6 digits; None for what has no value."""
        found = {
            f"{name}_{metric}": value
            for name, counts in self.counts.items()
            for metric, value in _macro_averages(counts, COMPARED[name]).items()
        }
        return {metric: found.get(metric) for metric in METRICS}


def trials(splits: Mapping[str, Scores], front_end: FrontEnd, durations: Durations) -> Iterator[Trial]:
    """Every way of the sweep on the scores of every split of a run."""
    for split, part in splits.items():
        for name, way in WAYS.items():
            how = way.method(front_end)
            reason = _why_not(part, how, durations)
            yield Trial(split, name, {} if reason else _counted(part, how, durations), reason)


def _why_not(part: Scores, how: Method, durations: Durations) -> str:
    """Why a way cannot be tried on a split; empty where it can."""
    if part.frame is None:
        return "the run stores no frame scores (frame_scores: true stores them)"
    unlabelled = sum(events is None for events in part.reference)
    if unlabelled:
        return f"{unlabelled} of {len(part.reference)} clips of the split have no strong labels"
    unknown = {e.event_label for events in part.known_reference for e in events} - set(part.classes)
    if unknown:
        return f"a reference event is of class '{min(unknown)}', which the run does not know"
    follows = isinstance(how, Median) and not isinstance(how.windows, FixedWindows)
    if follows and not any(map(len, durations.values())):
        return "no clip to train on has strong labels, whose durations the windows would follow"
    return ""


def _counted(part: Scores, how: Method, durations: Durations) -> dict[str, ClassCounts]:
    found, reference = detector(how, part, None, durations).events(part), part.known_reference
    return {
        "event": _summed(event_counts(reference, found, part.classes, EVENT_BASED)),
        "segment": _summed(segment_counts(reference, found, part.classes, SEGMENT_BASED)),
    }


def _summed(counts: Counts) -> ClassCounts:
    return ClassCounts(*(part.sum(axis=0).astype(int) for part in (counts.reference, counts.estimated, counts.correct)))


def _macro_averages(counts: ClassCounts, settings: Averaged) -> dict[str, float | None]:
    reference, estimated, correct = (
        part[None].astype(float) for part in (counts.reference, counts.estimated, counts.correct)
    )
    means = macro_averages(class_values(reference, estimated, correct, settings))
    return {name: stored(mean[0]) for name, mean in means.items()}
