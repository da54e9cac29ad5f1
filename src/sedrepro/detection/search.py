"""Search of the post-processing on a split with strong labels: the whole grid, one setting for all classes."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import Field

from sedrepro.annotations.clips import Event
from sedrepro.base.errors import DataError
from sedrepro.base.typed import Typed
from sedrepro.detection.method import Detector
from sedrepro.detection.postprocessing import (
    active_frames,
    by_class,
    events,
    frames_in,
    median_filtered,
    median_window,
    within_clips,
)
from sedrepro.detection.scores import Scores
from sedrepro.detection.segments import Counts, count, segment_activity, touched_segments
from sedrepro.detection.settings import Border, PostProcessing, Search
from sedrepro.detection.stretches import Runs, find_runs, joined, painted, without_short


class Found(Typed):
    """What a search chose."""

    chosen: PostProcessing
    value: float = Field(description="the criterion's value on the split")
    combinations: int = Field(description="settings of the grid")


def search(
    scores: np.ndarray,
    reference: np.ndarray,
    how: Search,
    frames_per_second: float,
    durations: Sequence[float] | np.ndarray,
    segment_seconds: float,
) -> Found:
    """The best post-processing of scores (clip, frame, class) against the reference (clip, segment, class).

    `reference` is the bool activity of `segment_activity`; durations of the clips (clip,) and of a segment in seconds.
    Of equally good settings the one that is better by the other criterion is taken, then the simplest: shortest median
    window, then shortest gap, then least `shortest_seconds`, then the threshold nearest to 0.5, the lower of two. The
    order of the grid does not count.

    Raises:
        DataError: the reference has no event, so that nothing can be chosen.
    """
    if (scores.shape[0], scores.shape[2]) != (reference.shape[0], reference.shape[2]) or len(scores) != len(durations):
        raise ValueError(f"scores {scores.shape}, reference {reference.shape}, {len(durations)} durations do not fit")
    if not reference.any():
        raise DataError(f"split '{how.choose_on}': has no event to choose the post-processing on; name another split")
    comparison = _Comparison(reference, scores.shape[1], frames_per_second, durations, segment_seconds)
    grid = how.thresholds, how.median_seconds, how.longest_gap_seconds, how.shortest_seconds
    tried = [(comparison.counts(runs), setting) for setting, runs in _grid(scores, how, frames_per_second)]
    best, chosen = min(tried, key=lambda one: _rank(one[0], one[1], how.criterion))
    return Found(chosen=chosen, value=getattr(best, how.criterion), combinations=math.prod(map(len, grid)))


def _grid(scores: np.ndarray, how: Search, frames_per_second: float) -> Iterator[tuple[PostProcessing, Runs]]:
    """Settings and the runs of active frames they give; each step is done once for all that follow from it.

    Of settings that are the same in frames only the simplest is tried.
    """
    rows = by_class(scores)
    medians = _distinct(how.median_seconds, lambda seconds: median_window(seconds, frames_per_second))
    gaps = _distinct(how.longest_gap_seconds, lambda seconds: frames_in(seconds, frames_per_second))
    # No run is shorter than a frame.
    lengths = _distinct(how.shortest_seconds, lambda seconds: max(1, frames_in(seconds, frames_per_second)))
    for threshold in how.thresholds:
        decisions = rows >= threshold
        for window, median in medians.items():
            filtered = find_runs(median_filtered(decisions, window, how.border))
            for longest_gap, gap in gaps.items():
                closed = joined(filtered, longest_gap)
                for length, shortest in lengths.items():
                    setting = PostProcessing(
                        threshold=threshold,
                        median_seconds=median,
                        longest_gap_seconds=gap,
                        shortest_seconds=shortest,
                    )
                    yield setting, without_short(closed, length)


def _distinct(grid: Sequence[float], frames: Callable[[float], int]) -> dict[int, float]:
    """The durations of a grid by what they are in frames; of equal ones the shortest, in seconds."""
    return {frames(seconds): seconds for seconds in sorted(grid, reverse=True)}


class _Comparison:
    """Counts the segments of runs of frames against one reference."""

    def __init__(
        self,
        reference: np.ndarray,
        frames: int,
        frames_per_second: float,
        durations: Sequence[float] | np.ndarray,
        segment_seconds: float,
    ):
        self.frames_per_second, self.segment_seconds = frames_per_second, segment_seconds
        self.durations = np.asarray(durations, dtype=float)
        clips, segments, self.classes = reference.shape
        self.rows = clips * self.classes
        # Either of the two may reach beyond the other: labels beyond a clip's end, or events behind the last label.
        self.segments = max(segments, int(np.ceil(frames / frames_per_second * 1 / segment_seconds)))
        self.reference = np.zeros((self.rows, self.segments), dtype=bool)
        self.reference[:, :segments] = by_class(reference)

    def counts(self, runs: Runs) -> Counts:
        """Counts of the events that runs of frames, of rows (clip * class), become."""
        runs, onset, offset = within_clips(runs, self.classes, self.frames_per_second, self.durations)
        touched = touched_segments(runs.row, onset, offset, self.segment_seconds)
        return count(self._by_clip(self.reference), self._by_clip(painted(touched, self.rows, self.segments)))

    def _by_clip(self, rows: np.ndarray) -> np.ndarray:
        return rows.reshape(-1, self.classes, self.segments).transpose(0, 2, 1)


def _rank(counts: Counts, how: PostProcessing, criterion: str) -> tuple[float, ...]:
    """Sorts the better, then the simpler setting to the front."""
    quality = (counts.error_rate, -counts.f1) if criterion == "error_rate" else (-counts.f1, counts.error_rate)
    # Rounded: 0.45 and 0.55 are equally far from 0.5 but for floating point.
    from_middle = round(abs(how.threshold - 0.5), 9)
    simplicity = (how.median_seconds, how.longest_gap_seconds, how.shortest_seconds, from_middle, how.threshold)
    return *quality, *simplicity


class Searched(Detector):
    """Post-processing found by a search for the lowest segment-based error rate or the highest F1."""

    def __init__(self, chosen: PostProcessing, border: Border) -> None:
        self.chosen, self.border = chosen, border

    @property
    def settings(self) -> dict[str, Any]:
        """What was chosen."""
        return self.chosen.model_dump()

    def events(self, scores: Scores) -> list[list[Event]]:
        """Detected events of every clip."""
        active = active_frames(scores.frame_scores, self.chosen, scores.frames_per_second, self.border)
        return events(active, scores.frames_per_second, scores.classes, scores.durations)

    @classmethod
    def choose(
        cls, how: Search, on: Scores, segment_seconds: float | None, durations: Mapping[str, np.ndarray]
    ) -> "Searched":
        """The post-processing that is best on the scores of a split."""
        if segment_seconds is None:
            raise ValueError("a search counts segments: give their length")
        reference = segment_activity(on.known_reference, on.classes, segment_seconds)
        found = search(on.frame_scores, reference, how, on.frames_per_second, on.durations, segment_seconds)
        return cls(found.chosen, how.border)

    @classmethod
    def recorded(
        cls, how: Search, settings: Mapping[str, float], class_settings: object, classes: object, rate: float
    ) -> "Searched":
        """The post-processing of `settings`."""
        return cls(PostProcessing(**settings), how.border)


DETECTOR = Searched
