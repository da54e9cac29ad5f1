"""A threshold for every class: the best for tagging on one split, and segments decided by the same thresholds.

DDC-FAP on DCASE 2017 Task 4 (Section 3.6), after Wang, Li and Metze (TALNet, 2019): the thresholds maximise the
micro-averaged F1 of clips, and decide on scores that are pooled within segments too.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from sedrepro.annotations.clips import Event
from sedrepro.base.errors import DataError
from sedrepro.detection.frames import frames_within, segment_frames
from sedrepro.detection.method import Detector
from sedrepro.detection.postprocessing import events
from sedrepro.detection.scores import Scores
from sedrepro.detection.settings import ClassThresholds

#: Above every probability: the threshold of a class that is best never found.
UNREACHABLE = 2.0


class _Candidates(NamedTuple):
    """What the thresholds of one class that differ in their decisions do, from the highest down, (candidate,) each."""

    threshold: np.ndarray
    found: np.ndarray
    """Clips that reach the threshold."""
    correct: np.ndarray
    """Positive ones among them."""


def best_class_thresholds(targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Thresholds (class,) with the highest micro-averaged F1 that any have; targets and scores are (clip, class).

    A class is found where its score, in [0, 1], is at least its threshold, which lies midway between two scores that
    occur. Of equally good ones the highest is taken; `UNREACHABLE` for a class that is best never found.

    F1 = 2 correct / (found + positive) is at least f exactly if the sum over classes of 2 correct - f found is at least
    f positive: for given f the classes are independent, so all are chosen at once and f raised to what they reach,
    until it stays (Dinkelbach 1967). It ends at the highest F1 there is.

    TALNet tunes one class at a time, the others held, until none changes. Where no class by itself improves F1, none do
    together, so that would end at the same F1; but its release takes F1 for 0 where a class is found nowhere, whatever
    the others reach, so it gives every class some clips, and ends lower where one is best never found.

    Raises:
        DataError: no clip has a label, so that nothing can be chosen.
    """
    if targets.shape != scores.shape:
        raise ValueError(f"targets {targets.shape} and scores {scores.shape} do not fit")
    positive = int(np.count_nonzero(targets))
    if not positive:
        raise DataError("class thresholds: the split to choose them on has no label; name another one in choose_on")
    classes = [_candidates(t.astype(bool), s.astype(np.float64)) for t, s in zip(targets.T, scores.T, strict=True)]
    # F1 as a fraction of integers, so that ties are exact and the end is reached.
    above: int = 0
    below: int = 1
    while True:
        best = [(c, int(np.argmax(2 * below * c.correct - above * c.found))) for c in classes]
        correct, found = sum(int(c.correct[b]) for c, b in best), sum(int(c.found[b]) for c, b in best)
        if 2 * correct * below == above * (found + positive):
            return np.array([c.threshold[b] for c, b in best])
        above, below = 2 * correct, found + positive


def _candidates(targets: np.ndarray, scores: np.ndarray) -> _Candidates:
    levels = np.unique(scores)
    positives = np.searchsorted(np.sort(scores[targets]), levels)
    midway = (levels + np.concatenate([[0], levels[:-1]])) / 2
    # Between neighbouring floating-point numbers there is none.
    midway = np.where(midway > np.concatenate([[-1], levels[:-1]]), midway, levels)
    return _Candidates(
        np.append(midway, UNREACHABLE)[::-1],
        np.append(len(scores) - np.searchsorted(np.sort(scores), levels), 0)[::-1],
        np.append(np.count_nonzero(targets) - positives, 0)[::-1],
    )


def active_segments(pooled: np.ndarray, clip_scores: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Whether each class is active in each segment, bool (clip, segment, class).

    Pooled scores are (clip, segment, class), clip scores (clip, class), thresholds (class,). A class is active in a
    segment where both its clip score and its pooled score of the segment reach its threshold.
    `sedrepro.detection.postprocessing.events` at 1 / segment_seconds per second makes events of it.
    """
    return (pooled >= thresholds) & (clip_scores >= thresholds)[:, None]


def pooled_segments(
    frame_scores: np.ndarray, how: ClassThresholds, frames_per_second: float, durations: Sequence[float] | np.ndarray
) -> np.ndarray:
    """Scores of segments (clip, segment, class) from those of frames (clip, frame, class); durations in seconds.

    A frame belongs to the segment that its centre lies in, if it starts before the clip ends; a segment without frames
    has the score 0.

    Raises:
        SettingsError: a segment is shorter than a frame.
    """
    frames = frame_scores.shape[1]
    firsts = [frame.start for frame in segment_frames(frames, frames_per_second, how.segment_seconds)]
    weights = np.ones_like(frame_scores) if how.segment_pooling == "mean" else frame_scores
    weights = np.where(frames_within(frames, frames_per_second, durations)[:, :, None], weights, 0)
    weighted, total = (np.add.reduceat(part, firsts, axis=1) for part in (weights * frame_scores, weights))
    return np.divide(weighted, total, out=np.zeros_like(weighted), where=total > 0)


class Thresholded(Detector):
    """A threshold per class, chosen for the highest micro-averaged F1 of clips."""

    def __init__(self, how: ClassThresholds, classes: Sequence[str], thresholds: np.ndarray) -> None:
        self.how, self.classes = how, classes
        self.clip_thresholds: np.ndarray = thresholds

    @property
    def settings(self) -> dict[str, Any]:
        """The threshold of every class."""
        return {c: round(float(t), 6) for c, t in zip(self.classes, self.clip_thresholds, strict=True)}

    @property
    def pooled_seconds(self) -> float | None:
        """Seconds of the segments that the network itself pools."""
        return self.how.pooled_seconds

    def events(self, scores: Scores) -> list[list[Event]]:
        """Detected events of every clip: whole segments.

        Raises:
            DataError: the network shall have pooled the segments, and there are no scores of them.
        """
        active = active_segments(self._pooled(scores), scores.clip, self.clip_thresholds)
        return events(active, 1 / self.how.segment_seconds, scores.classes, scores.durations)

    def _pooled(self, scores: Scores) -> np.ndarray:
        """Scores of segments; where the network has pooled them, they are comparable with its clip scores."""
        if self.how.segment_pooling != "own":
            return pooled_segments(scores.frame_scores, self.how, scores.frames_per_second, scores.durations)
        if scores.segments is None:
            raise DataError(
                "class thresholds: the scores hold no segments that the network itself pooled; train the run again, or "
                "take a detection with another segment_pooling"
            )
        return scores.segments

    @classmethod
    def choose(cls, how: ClassThresholds, on: Scores, segment_seconds: object, durations: object) -> "Thresholded":
        """The thresholds that are best for tagging the clips of a split."""
        return cls(how, on.classes, best_class_thresholds(on.targets, on.clip))

    @classmethod
    def recorded(
        cls,
        how: ClassThresholds,
        settings: Mapping[str, float],
        class_settings: object,
        classes: Sequence[str],
        rate: float,
    ) -> "Thresholded":
        """The thresholds of `settings`, to six decimals."""
        return cls(how, classes, np.array([settings[label] for label in classes]))


DETECTOR = Thresholded
