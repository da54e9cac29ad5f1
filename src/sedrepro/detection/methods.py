"""The ways from stored scores to events that a paper's settings can name, behind one interface.

A method is fixed (`Hysteresis`) or chooses something on a split whose labels are known (`Search`, `ClassThresholds`);
what it has chosen then detects the events of every split.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
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
    filenames: Sequence[str]
    clip: np.ndarray
    """Clip scores (clip, class)."""
    frame: np.ndarray | None
    """Frame scores (clip, frame, class), where the run has stored them."""
    frames_per_second: float
    durations: np.ndarray
    """Seconds (clip,)."""
    targets: np.ndarray
    """Weak labels (clip, class)."""
    reference: Sequence[Sequence[Event] | None]
    """Events of every clip; None for a clip without strong labels."""
    feature_frames: int
    """Frames of the features, of which a network may make one frame of scores of several."""
    features_per_second: float

    def on_feature_grid(self) -> "Scores":
        """The same with frame scores repeated to the frames of the features, so that systems can be compared.

        Counts of frames then mean the same for every system, and so do frame-level metrics.
        """
        times = round(self.features_per_second / self.frames_per_second)
        if times == 1:
            return self
        repeated = np.repeat(self.frame, times, axis=1)
        missing = max(0, self.feature_frames - repeated.shape[1])  # of frames that did not fill a pooling
        repeated = np.pad(repeated, ((0, 0), (0, missing), (0, 0)), mode="edge")[:, : self.feature_frames]
        return replace(self, frame=repeated, frames_per_second=self.features_per_second)


class Searched:
    """Post-processing found by a search for the lowest segment-based error rate or the highest F1."""

    clip_thresholds = None

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
    """Hysteresis with thresholds and lengths in frames of the features that the settings give."""

    clip_thresholds = None

    def __init__(self, how: Hysteresis) -> None:
        self.how = how

    @property
    def settings(self) -> dict[str, Any]:
        """The thresholds."""
        return self.how.model_dump(exclude={"kind", "corpora"})

    def events(self, scores: Scores) -> list[list[Event]]:
        """Detected events of every clip."""
        grid = scores.on_feature_grid()
        active = hysteresis_active(grid.frame, grid.clip, self.how)
        return events(active, grid.frames_per_second, grid.classes, grid.durations)


class Thresholded:
    """A threshold per class, chosen for the highest micro-averaged F1 of clips."""

    def __init__(self, how: ClassThresholds, on: Scores) -> None:
        self.how, self.classes = how, on.classes
        self.clip_thresholds = best_class_thresholds(on.targets, on.clip)

    @property
    def settings(self) -> dict[str, Any]:
        """The threshold of every class."""
        return {c: round(float(t), 6) for c, t in zip(self.classes, self.clip_thresholds, strict=True)}

    def events(self, scores: Scores) -> list[list[Event]]:
        """Detected events of every clip: whole segments."""
        active = active_segments(
            scores.frame, scores.clip, self.clip_thresholds, self.how, scores.frames_per_second, scores.durations
        )
        return events(active, 1 / self.how.segment_seconds, scores.classes, scores.durations)


Detector = Searched | Fixed | Thresholded


def detector(how: Method, on: Scores | None, segment_seconds: float | None) -> Detector:
    """What detects events as `how` says; `on` are the scores to choose on, which a fixed method does not need.

    Segments of `segment_seconds` are what a search counts.
    """
    if isinstance(how, Hysteresis):
        return Fixed(how)
    return Searched(how, on, segment_seconds) if isinstance(how, Search) else Thresholded(how, on)
