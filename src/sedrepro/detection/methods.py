"""The ways from stored scores to events that a paper's settings can name, behind one interface.

A method is fixed (`Hysteresis`) or chooses something on a split whose labels are known (`Search`, `ClassThresholds`);
what it has chosen then detects the events of every split.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from sedrepro.clips import Event
from sedrepro.detection.class_thresholds import ClassThresholds, active_segments, best_class_thresholds
from sedrepro.detection.hysteresis import Hysteresis, hysteresis_active
from sedrepro.detection.postprocessing import PostProcessing, active_frames, events
from sedrepro.detection.search import Search, search
from sedrepro.detection.segments import segment_activity

Method = Annotated[Search | Hysteresis | ClassThresholds, Field(discriminator="kind")]


@dataclass(frozen=True)
class Scores:
    """What a run says of some clips, and what their labels say."""

    classes: Sequence[str]
    clip: np.ndarray
    """Clip scores (clip, class)."""
    frame: np.ndarray
    """Frame scores (clip, frame, class)."""
    frames_per_second: float
    durations: np.ndarray
    """Seconds (clip,)."""
    targets: np.ndarray
    """Weak labels (clip, class)."""
    reference: Sequence[Sequence[Event]]
    """Events of every clip."""


class Searched:
    """Post-processing found by a search for the lowest segment-based error rate or the highest F1."""

    def __init__(self, how: Search, on: Scores, segment_seconds: float) -> None:
        reference = segment_activity(on.reference, on.classes, segment_seconds)
        found = search(on.frame, reference, how, on.frames_per_second, on.durations, segment_seconds)
        self.chosen: PostProcessing = found.chosen

    @property
    def settings(self) -> dict[str, Any]:
        """What was chosen."""
        return self.chosen.model_dump()

    def events(self, scores: Scores) -> list[list[Event]]:
        """Detected events of every clip."""
        active = active_frames(scores.frame, self.chosen, scores.frames_per_second)
        return events(active, scores.frames_per_second, scores.classes, scores.durations)


class Fixed:
    """Hysteresis with thresholds that the settings give."""

    def __init__(self, how: Hysteresis) -> None:
        self.how = how

    @property
    def settings(self) -> dict[str, Any]:
        """The thresholds."""
        return self.how.model_dump(exclude={"kind", "corpora"})

    def events(self, scores: Scores) -> list[list[Event]]:
        """Detected events of every clip."""
        active = hysteresis_active(scores.frame, scores.clip, self.how)
        return events(active, scores.frames_per_second, scores.classes, scores.durations)


class Thresholded:
    """A threshold per class, chosen for the highest micro-averaged F1 of clips."""

    def __init__(self, how: ClassThresholds, on: Scores) -> None:
        self.how = how
        self.clip_thresholds = best_class_thresholds(on.targets, on.clip)

    @property
    def settings(self) -> dict[str, Any]:
        """The threshold of every class."""
        return {"thresholds": [round(float(value), 6) for value in self.clip_thresholds]}

    def events(self, scores: Scores) -> list[list[Event]]:
        """Detected events of every clip: whole segments."""
        active = active_segments(
            scores.frame, scores.clip, self.clip_thresholds, self.how, scores.frames_per_second, scores.durations
        )
        return events(active, 1 / self.how.segment_seconds, scores.classes, scores.durations)


Detector = Searched | Fixed | Thresholded


def detector(how: Search | Hysteresis | ClassThresholds, on: Scores | None, segment_seconds: float) -> Detector:
    """What detects events as `how` says; `on` are the scores to choose on, which a fixed method does not need."""
    if isinstance(how, Hysteresis):
        return Fixed(how)
    return Searched(how, on, segment_seconds) if isinstance(how, Search) else Thresholded(how, on)
