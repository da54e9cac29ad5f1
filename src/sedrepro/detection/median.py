"""From frame scores to events by median filters whose windows are fixed or follow how long a class's events last.

Windows in proportion to the mean duration of a class (c_ssed, Section 2.1) come from Guided Learning (Lin et al. 2019,
GL); joint_at_aed (Section II.D, eq. 7) takes the mean of the shorter events only. A class whose clip score is below a
threshold may be silenced first: GL's gate, joint_at_aed's product of tagging labels and posteriors (Section II.A).

Windows become frames as in `sedrepro.detection.postprocessing`: rounded, then odd. GL truncates the mean duration to
frames and their share (0.333) again, to one frame at least, and leaves even windows even; its windows are up to two
frames shorter.

Frames of scores may reach beyond the end of a clip: the 108 of the official baseline of DCASE 2019 end at 10.0114 s.
Its events that reach the end therefore touch an 11th segment of 1 s, where nothing can be right. Here events end with
their clip unless `ends` says otherwise. That release also saves its network without the attention layer; the clip
scores of a network read back are of an attention drawn anew, nearly the means of its frame scores (`clip_scores`).

A median of an odd number of scores reaches the threshold exactly if more than half of them do. So filtering posteriors
and then deciding equals deciding and then filtering, and filtering `both` means filtering the decisions twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from sedrepro.annotations.clips import Event
from sedrepro.base.errors import SettingsError
from sedrepro.detection.method import ClassSettings, Detector
from sedrepro.detection.postprocessing import events, median_filtered, median_window
from sedrepro.detection.scores import Scores
from sedrepro.detection.settings import AverageWindows, FixedWindows, Knee, Median, Windows

#: Two points of a curve are equally far from its chord within this part of the distance, which is rounding.
ROUNDING = 1e-9


def event_durations(events: Iterable[Iterable[Event]], classes: Sequence[str]) -> dict[str, np.ndarray]:
    """Durations (event,) in seconds of every class; `events` are those of each clip, `classes` hold all labels."""
    durations: dict[str, list[float]] = {label: [] for label in classes}
    for of_clip in events:
        for event in of_clip:
            durations[event.event_label].append(event.offset - event.onset)
    return {label: np.array(of_class, dtype=float) for label, of_class in durations.items()}


def average_duration(durations: np.ndarray) -> float:
    """Mean of the durations (event,) of a class, of which there is at least one; in their unit."""
    return float(_sorted(durations).mean())


def knee(durations: np.ndarray, of: Knee) -> int:
    """How many of the shortest durations (event,) of a class lie up to their knee, itself included: N_c of eq. 7.

    joint_at_aed has N_c as the "segment index for the inflection point of cumulative distribution of short-to-long
    sorted segments", without a formula. The knee of a curve is its point farthest, to either side, from the line
    between its ends: the first such point, and the last of all where the curve is that line.

    `of` the "cumulative_sum", the curve is the sum of the n shortest durations over n, from n = 0. It bends where
    durations pass their mean, so N_c counts the events that are shorter than the mean. Of the "chord", it is the n-th
    shortest duration over n, from n = 1; where durations are spread evenly up to the length of a clip, that has its
    knee at the very end.
    """
    ordered = _sorted(durations)
    curve = ordered if of == "chord" else np.concatenate([[0], np.cumsum(ordered)])
    distance = np.abs(curve - np.linspace(curve[0], curve[-1], len(curve)))
    if distance.max() <= ROUNDING * (curve[-1] - curve[0]):
        return len(ordered)
    farthest = int(np.argmax(distance >= (1 - ROUNDING) * distance.max()))
    return farthest + 1 if of == "chord" else farthest


def event_specific_duration(durations: np.ndarray, of: Knee) -> float:
    """Mean of the durations (event,) of a class up to their knee, in their unit; eq. 7 of joint_at_aed without eta."""
    return float(_sorted(durations)[: knee(durations, of)].mean())


def _sorted(durations: np.ndarray) -> np.ndarray:
    if not len(durations):
        raise ValueError("there are no durations")
    return np.sort(np.asarray(durations, dtype=float))


def window_seconds(how: Windows, durations: Mapping[str, np.ndarray], classes: Sequence[str]) -> dict[str, float]:
    """The window of every class in seconds, from the durations (event,) of its events in the clips to train on.

    A class without events has the mean window of the others. Fixed windows need no durations.

    Raises:
        SettingsError: no class has events that windows could follow.
    """
    if isinstance(how, FixedWindows):
        return dict.fromkeys(classes, how.seconds)

    def typical(of_class: np.ndarray) -> float:
        if isinstance(how, AverageWindows):
            return average_duration(of_class)
        return event_specific_duration(of_class, how.knee)

    measured = {label: how.share * typical(durations[label]) for label in classes if len(durations.get(label, ()))}
    if not measured:
        raise SettingsError(
            f"windows.kind = {how.kind}: the windows follow the durations of strong labels, and no training clip has "
            "any; name a split with strong labels in the corpus, or choose windows of kind fixed"
        )
    return dict.fromkeys(classes, float(np.mean(list(measured.values())))) | measured


def median_active(frame_scores: np.ndarray, clip_scores: np.ndarray, how: Median, windows: Sequence[int]) -> np.ndarray:
    """Whether each class is active in each frame, bool (clip, frame, class).

    Frame scores are (clip, frame, class), clip scores (clip, class), both in [0, 1]; windows (class,) are odd numbers
    of frames.
    """
    clips, _, classes = frame_scores.shape
    if clip_scores.shape != (clips, classes) or len(windows) != classes:
        raise ValueError(
            f"frame scores {frame_scores.shape}, clip scores {clip_scores.shape} and {len(windows)} windows do not fit"
        )
    active = frame_scores >= how.threshold
    if how.clip_threshold is not None:
        active &= (clip_scores >= how.clip_threshold)[:, None]
    for label, window in enumerate(windows):
        for _ in range(2 if how.filters == "both" else 1):
            active[:, :, label] = median_filtered(active[:, :, label], window, how.border)
    return active


class MedianFiltered(Detector):
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

    def clip_scores(self, scores: Scores) -> np.ndarray:
        """Clip scores (clip, class), as `Median.clip_scores` says."""
        return scores.frame_scores.mean(axis=1) if self.how.clip_scores == "frame_mean" else scores.clip

    def events(self, scores: Scores) -> list[list[Event]]:
        """Detected events of every clip."""
        active = median_active(scores.frame_scores, self.clip_scores(scores), self.how, self.windows)
        within = self.how.ends == "clip"
        return events(active, scores.frames_per_second, scores.classes, scores.durations, within)

    @classmethod
    def choose(
        cls, how: Median, on: Scores, segment_seconds: object, durations: Mapping[str, np.ndarray]
    ) -> "MedianFiltered":
        """Windows from the durations of the events in the clips to train on."""
        seconds = window_seconds(how.windows, durations, on.classes)
        windows = [median_window(seconds[label], on.frames_per_second) for label in on.classes]
        counts = {label: len(of_class) for label, of_class in durations.items()}
        return cls(how, on.classes, on.frames_per_second, windows, counts)

    @classmethod
    def recorded(
        cls,
        how: Median,
        settings: Mapping[str, float],
        class_settings: Mapping[str, Mapping[str, float]],
        classes: Sequence[str],
        rate: float,
    ) -> "MedianFiltered":
        """The thresholds of `settings`, and the windows of `class_settings`, at `rate` frames per second."""
        used = Median(**how.model_dump() | {"clip_threshold": None} | dict(settings))
        seconds = class_settings["median_seconds"]
        windows = [round(seconds[label] * rate) for label in classes]
        return cls(used, classes, rate, windows, class_settings.get("median_events", {}))


DETECTOR = MedianFiltered
