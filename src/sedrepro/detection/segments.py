"""Fast counts of segment-based evaluation, equal to those of sed_eval 0.2.1 (tested).

They serve the search of post-processing; numbers of record come from `sedrepro.evaluation.segment_based`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from sedrepro.annotations.clips import Event
from sedrepro.detection.stretches import Runs, painted


class Counts(NamedTuple):
    """Active segments of all classes and clips, counted as in Mesaros et al., Metrics for Polyphonic SED, 2016."""

    reference: int
    estimated: int
    correct: int
    """Active in both."""
    errors: int
    """Substitutions, deletions and insertions."""

    @property
    def error_rate(self) -> float:
        """Micro-averaged segment-based error rate; NaN without reference."""
        return self.errors / self.reference if self.reference else float("nan")

    @property
    def f1(self) -> float:
        """Micro-averaged segment-based F1; NaN without reference."""
        return 2 * self.correct / (self.reference + self.estimated) if self.reference else float("nan")


def touched_segments(row: np.ndarray, onset: np.ndarray, offset: np.ndarray, segment_seconds: float) -> Runs:
    """Runs of segments that events (event,) touch, however little, as sed_eval rounds; times in seconds.

    The operations are sed_eval's own, so that rounding errors fall alike: 1.0000000001 s is in the second segment.
    """
    start = np.floor(onset * 1 / segment_seconds).astype(np.int64)
    return Runs(row, start, np.ceil(offset * 1 / segment_seconds).astype(np.int64))


def segment_activity(events: Sequence[Sequence[Event]], classes: Sequence[str], segment_seconds: float) -> np.ndarray:
    """Whether each class is active in each segment, bool (clip, segment, class), up to the last offset of all clips."""
    index = {label: number for number, label in enumerate(classes)}
    found = [(clip, index[e.event_label], e.onset, e.offset) for clip, of_clip in enumerate(events) for e in of_clip]
    clip, label, onset, offset = np.array(found, dtype=float).reshape(-1, 4).T
    row = (clip * len(classes) + label).astype(np.int64)
    runs = touched_segments(row, onset, offset, segment_seconds)
    segments = int(runs.stop.max(initial=0))
    activity = painted(runs, len(events) * len(classes), segments)
    return activity.reshape(len(events), len(classes), segments).transpose(0, 2, 1)


def count(reference: np.ndarray, estimated: np.ndarray) -> Counts:
    """Counts of two activities, bool (clip, segment, class) of one shape.

    In each segment substitutions are min(reference, estimated) - correct, deletions and insertions what either has
    more than the other; together max(reference, estimated) - correct.
    """
    in_reference, in_estimated = reference.sum(axis=2, dtype=np.int32), estimated.sum(axis=2, dtype=np.int32)
    correct = int(np.count_nonzero(reference & estimated))
    errors = int(np.maximum(in_reference, in_estimated).sum()) - correct
    return Counts(int(in_reference.sum()), int(in_estimated.sum()), correct, errors)
