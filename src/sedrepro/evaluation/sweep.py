"""The sweep over post-processing: four ways from frame scores to events, and the one set of metrics they are held to.

It goes beyond the papers, each of which has its own post-processing and its own metrics. The settings of the sweep
stand in this module and nowhere else.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from sedrepro.audio.front_end import FrontEnd
from sedrepro.detection.settings import (
    AverageWindows,
    EventSpecificWindows,
    FixedWindows,
    Hysteresis,
    Median,
    Method,
    Windows,
)
from sedrepro.evaluation.settings import EventBased, SegmentBased

#: A frame is active, or the seed of an event, from this score on: half, as in both baselines of DCASE 2019 and 2020.
THRESHOLD = 0.5
#: Seconds of the fixed window. The official baseline of DCASE 2020 (0.45 s); that of 2019 has about as much.
FIXED_SECONDS = 0.45
#: Of the mean duration of a class, the window: Guided Learning (Lin et al. 2019), which C-SSED follows; the same share
#: for the shorter events only, so that the two ways differ in the durations alone.
SHARE = 1 / 3
#: Where the "shorter" events end, as in joint_at_aed.
KNEE: Literal["cumulative_sum"] = "cumulative_sum"
#: What median filters take for frames outside the clip, as in the releases of the baselines and of Guided Learning.
BORDER: Literal["reflect"] = "reflect"
#: Hysteresis: events grow over frames above this. An assumption; DDC-FAP has 0.2 and 0.1, half of the high threshold.
LOW = 0.2
#: Hysteresis: shorter gaps are closed, shorter events removed. DDC-FAP's 10 frames of 32 ms (Section 3.2), in seconds,
#: since papers and scales have frames of other lengths.
SHORT_SECONDS = 0.32
#: Clip scores gate nothing: only what is done along time shall differ.
NO_GATE = 0.0

#: One definition of the metrics for all papers: that of DCASE 2019 and 2020 Task 4; a class that is never detected
#: counts as F1 of 0, so that no way gains by silence.
SEGMENT_BASED = SegmentBased(segment_seconds=1.0, averaging="macro", undetected_classes="zero")
EVENT_BASED = EventBased(collar_seconds=0.2, offset_share=0.2, averaging="macro", undetected_classes="zero")
METRICS = ("event_f1", "event_error_rate", "segment_f1")


@dataclass(frozen=True)
class Way:
    """One way of post-processing, the same for all papers."""

    label: str
    described: str
    method: Callable[[FrontEnd], Method]
    """Its settings for scores of features by a front end."""


def _median(windows: Windows) -> Callable[[FrontEnd], Method]:
    method = Median(kind="median", threshold=THRESHOLD, windows=windows, filters="decisions", border=BORDER)
    return lambda front_end: method


def _hysteresis(front_end: FrontEnd) -> Hysteresis:
    """Hysteresis with the lengths in frames of the features: `shortest` is the first that is not too short."""
    shortest = math.ceil(SHORT_SECONDS * front_end.frames_per_second - 1e-9)  # less than rounding makes of 10 frames
    return Hysteresis(
        kind="hysteresis",
        clip_threshold=NO_GATE,
        high=THRESHOLD,
        low=LOW,
        longest_gap_frames=shortest - 1,
        shortest_frames=shortest,
    )


WAYS = {
    "fixed_window": Way(
        "fixed window",
        f"scores of at least {THRESHOLD:g}, median filter of {FIXED_SECONDS:g} s",
        _median(FixedWindows(kind="fixed", seconds=FIXED_SECONDS)),
    ),
    "class_average": Way(
        "class-wise average",
        f"the same with a window per class, {SHARE:.2g} of the mean duration of its events in the clips to train on",
        _median(AverageWindows(kind="average", share=SHARE)),
    ),
    "event_specific": Way(
        "event-specific",
        f"the same with {SHARE:.2g} of the mean duration of the shorter events of the class",
        _median(EventSpecificWindows(kind="event_specific", share=SHARE, knee=KNEE)),
    ),
    "hysteresis": Way(
        "hysteresis",
        f"events from scores of at least {THRESHOLD:g}, as far as they are above {LOW:g}; gaps shorter than "
        f"{SHORT_SECONDS:g} s are closed, events shorter than that removed",
        _hysteresis,
    ),
}
#: The kinds of detection among the ways.
KINDS = ("median", "hysteresis")
