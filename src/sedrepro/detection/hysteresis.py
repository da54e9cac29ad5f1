"""From frame scores to events by two thresholds, among the classes that are active in the clip.

DDC-FAP (Section 2, after eq. 2, and Section 3.2), after Kong et al. 2019: a class whose clip score is not above a
threshold is silent. Elsewhere a frame that reaches the high threshold is a seed, and an event grows from it on both
sides until a frame that is not above the low one. Then short gaps are closed and short events removed, in this order.

In the paper both are short if "shorter than 10 frames": `longest_gap_frames` 9, `shortest_frames` 10. The code released
by Kong et al. closes gaps and removes events of up to 10 frames: 10 and 11. It also has its seeds strictly above the
high threshold and grows over frames that equal the low one; here the paper's words hold.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from sedrepro.annotations.clips import Event
from sedrepro.detection.method import Detector
from sedrepro.detection.postprocessing import events
from sedrepro.detection.scores import Scores
from sedrepro.detection.settings import Hysteresis
from sedrepro.detection.stretches import Runs, find_runs, joined, painted, without_short


def hysteresis_active(frame_scores: np.ndarray, clip_scores: np.ndarray, how: Hysteresis) -> np.ndarray:
    """Whether each class is active in each frame, bool (clip, frame, class).

    Frame scores are (clip, frame, class), clip scores (clip, class), both in [0, 1].
    """
    clips, frames, classes = frame_scores.shape
    if clip_scores.shape != (clips, classes):
        raise ValueError(f"frame scores {frame_scores.shape} and clip scores {clip_scores.shape} do not fit")
    # Rows of classes that are silent in a clip, mostly nearly all, are not looked into.
    heard = clip_scores > how.clip_threshold
    scores = frame_scores.transpose(0, 2, 1)[heard]
    runs = joined(_grown(scores, how.high, how.low), how.longest_gap_frames)
    active = np.zeros((clips, classes, frames), dtype=bool)
    active[heard] = painted(without_short(runs, how.shortest_frames), len(scores), frames)
    return active.transpose(0, 2, 1)


def _grown(scores: np.ndarray, high: float, low: float) -> Runs:
    """Runs of frames above `low` that hold a seed, of scores (row, frame)."""
    runs = find_runs(scores > low)
    before = np.concatenate([[0], np.cumsum(scores >= high)])
    first = runs.row * scores.shape[1]
    return runs.where(before[first + runs.stop] > before[first + runs.start])


class Fixed(Detector):
    """Hysteresis with thresholds and lengths in frames of the features that the settings give."""

    def __init__(self, how: Hysteresis) -> None:
        self.how = how

    @property
    def settings(self) -> dict[str, Any]:
        """The thresholds."""
        return self.how.model_dump(exclude={"kind", "corpora"})

    def events(self, scores: Scores) -> list[list[Event]]:
        """Detected events of every clip."""
        grid = scores.on_feature_grid()
        active = hysteresis_active(grid.frame_scores, grid.clip, self.how)
        return events(active, grid.frames_per_second, grid.classes, grid.durations)

    @classmethod
    def choose(cls, how: Hysteresis, on: object, segment_seconds: object, durations: object) -> "Fixed":
        """Nothing is chosen."""
        return cls(how)

    @classmethod
    def recorded(
        cls, how: Hysteresis, settings: Mapping[str, float], class_settings: object, classes: object, rate: float
    ) -> "Fixed":
        """The thresholds of `settings`."""
        return cls(Hysteresis(**how.model_dump() | dict(settings)))


DETECTOR = Fixed
