"""What every way from stored scores to events offers once it is chosen."""

from typing import Any

import numpy as np

from sedrepro.annotations.clips import Event
from sedrepro.detection.scores import Scores

#: Settings by name and class.
ClassSettings = dict[str, dict[str, float]]


class Detector:
    """Detects the events of any split, by what was chosen.

    A module of a kind ends with its `DETECTOR`, which offers beside this

        choose(how, on, segment_seconds, durations)                           chosen anew
        recorded(how, settings, class_settings, classes, frames_per_second)   as a run was scored with
    """

    clip_thresholds: np.ndarray | None = None
    """By which the classes of a clip are decided on (class,), where the way has such."""

    @property
    def class_settings(self) -> ClassSettings:
        """What was chosen for each class, beside the settings."""
        return {}

    @property
    def pooled_seconds(self) -> float | None:
        """Seconds of the segments that the network itself has to pool; None: it pools none."""
        return None

    @property
    def settings(self) -> dict[str, Any]:
        """What was chosen, or is given."""
        raise NotImplementedError

    def clip_scores(self, scores: Scores) -> np.ndarray:
        """Clip scores (clip, class) that the thresholds are for: those of the network."""
        return scores.clip

    def events(self, scores: Scores) -> list[list[Event]]:
        """Detected events of every clip."""
        raise NotImplementedError
