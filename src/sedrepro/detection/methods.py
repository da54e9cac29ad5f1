"""The ways from stored scores to events that a paper's settings can name, behind one interface.

A method is fixed (`Hysteresis`), takes windows from the events it was trained with (`Median`), or chooses something on
a split whose labels are known (`Search`, `ClassThresholds`); what it has chosen then detects the events of every split.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

import numpy as np
from pydantic import Field

from sedrepro.annotations.clips import Event
from sedrepro.detection.class_thresholds import ClassThresholds, active_segments, best_class_thresholds
from sedrepro.detection.hysteresis import Hysteresis, hysteresis_active
from sedrepro.detection.median import Median, median_active, window_seconds
from sedrepro.detection.postprocessing import PostProcessing, active_frames, events, median_window
from sedrepro.detection.search import Search, search
from sedrepro.detection.segments import segment_activity

Method = Annotated[Search | Hysteresis | ClassThresholds | Median, Field(discriminator="kind")]
#: Settings by name and class.
ClassSettings = dict[str, dict[str, float]]


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

    def rows(self, rows: Sequence[int]) -> "Scores":
        """Those of some of the clips."""
        return replace(
            self,
            filenames=[self.filenames[row] for row in rows],
            clip=self.clip[rows],
            frame=None if self.frame is None else self.frame[rows],
            durations=self.durations[rows],
            targets=self.targets[rows],
            reference=[self.reference[row] for row in rows],
        )

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
    class_settings: ClassVar[ClassSettings] = {}

    def __init__(self, chosen: PostProcessing) -> None:
        self.chosen = chosen

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
    class_settings: ClassVar[ClassSettings] = {}

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

    class_settings: ClassVar[ClassSettings] = {}

    def __init__(self, how: ClassThresholds, classes: Sequence[str], thresholds: np.ndarray) -> None:
        self.how, self.classes, self.clip_thresholds = how, classes, thresholds

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


class MedianFiltered:
    """Median filters with a window per class, on the grid of the network's scores."""

    def __init__(
        self,
        how: Median,
        classes: Sequence[str],
        frames_per_second: float,
        windows: Sequence[int],
        counts: Mapping[str, float],
    ) -> None:
        self.how, self.classes, self.frames_per_second = how, classes, frames_per_second
        self.windows, self.counts = windows, counts
        gate = how.clip_threshold
        self.clip_thresholds = None if gate is None else np.full(len(classes), gate)

    @property
    def settings(self) -> dict[str, Any]:
        """The thresholds."""
        return self.how.model_dump(include={"threshold", "clip_threshold"}, exclude_none=True)

    @property
    def class_settings(self) -> ClassSettings:
        """The windows used, in seconds, and of how many events they come; a class without any has the others' mean."""
        used = {"median_seconds": [window / self.frames_per_second for window in self.windows]}
        if self.how.windows.kind != "fixed":
            used["median_events"] = [float(self.counts.get(label, 0)) for label in self.classes]
        return {name: dict(zip(self.classes, values, strict=True)) for name, values in used.items()}

    def events(self, scores: Scores) -> list[list[Event]]:
        """Detected events of every clip."""
        active = median_active(scores.frame, scores.clip, self.how, self.windows)
        return events(active, scores.frames_per_second, scores.classes, scores.durations)


Detector = Searched | Fixed | Thresholded | MedianFiltered


def detector(
    how: Method,
    on: Scores | None,
    segment_seconds: float | None,
    durations: Mapping[str, np.ndarray] | None = None,
) -> Detector:
    """What detects events as `how` says.

    `on` are the scores to choose on. A hysteresis needs none; for median filters they may be of any split, and say
    which classes and how many frames per second there are. Segments of `segment_seconds` are what a search counts.
    `durations` are those of the events in the clips to train on, (event,) by class in seconds, which windows follow.

    Raises:
        DataError: the split to choose on has no event or label.
        SettingsError: windows follow durations, and there are none.
    """
    if isinstance(how, Hysteresis):
        return Fixed(how)
    if isinstance(how, Median):
        return _median_filtered(how, on.classes, on.frames_per_second, durations or {})
    if isinstance(how, ClassThresholds):
        return Thresholded(how, on.classes, best_class_thresholds(on.targets, on.clip))
    reference = segment_activity(on.reference, on.classes, segment_seconds)
    return Searched(search(on.frame, reference, how, on.frames_per_second, on.durations, segment_seconds).chosen)


def _median_filtered(
    how: Median, classes: Sequence[str], frames_per_second: float, durations: Mapping[str, np.ndarray]
) -> MedianFiltered:
    seconds = window_seconds(how.windows, durations, classes)
    windows = [median_window(seconds[label], frames_per_second) for label in classes]
    counts = {label: len(of_class) for label, of_class in durations.items()}
    return MedianFiltered(how, classes, frames_per_second, windows, counts)


def chosen_before(
    how: Method,
    settings: Mapping[str, float],
    class_settings: Mapping[str, Mapping[str, float]],
    classes: Sequence[str],
    frames_per_second: float,
) -> Detector:
    """The detector that a run was scored with, from its `settings` and `class_settings`; nothing is chosen again.

    Thresholds of classes are as recorded, to six decimals.

    Raises:
        KeyError: a class or a setting is not among those recorded.
        ValueError: a recorded setting is impossible.
    """
    if isinstance(how, Hysteresis):
        return Fixed(Hysteresis(**how.model_dump() | dict(settings)))
    if isinstance(how, Search):
        return Searched(PostProcessing(**settings))
    if isinstance(how, ClassThresholds):
        return Thresholded(how, classes, np.array([settings[label] for label in classes]))
    recorded = Median(**how.model_dump() | {"clip_threshold": None} | dict(settings))
    seconds = class_settings["median_seconds"]
    windows = [round(seconds[label] * frames_per_second) for label in classes]
    return MedianFiltered(recorded, classes, frames_per_second, windows, class_settings.get("median_events", {}))
