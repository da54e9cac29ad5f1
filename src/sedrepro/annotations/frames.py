"""Events as frames: which frames of a clip each class is active in, by one of three rules."""

from collections.abc import Callable, Sequence
from math import ceil, floor
from typing import Literal

import numpy as np

from sedrepro.annotations.clips import Event
from sedrepro.base.errors import DataError, did_you_mean

FrameRule = Literal["touched", "rounded_down", "half_covered"]
#: First frame of an event and the one behind its last, from onset and offset in frames.
_BOUNDS: dict[FrameRule, Callable[[float, float], tuple[int, int]]] = {
    "touched": lambda onset, offset: (floor(onset), ceil(offset)),
    "rounded_down": lambda onset, offset: (floor(onset), floor(offset)),
    "half_covered": lambda onset, offset: (_half_covered_from(onset, offset), _half_covered_to(onset, offset)),
}


def event_frames(
    events: Sequence[Sequence[Event]],
    classes: Sequence[str],
    frames: int,
    frames_per_second: float,
    rule: FrameRule = "touched",
) -> np.ndarray:
    """Whether each class is active in each frame, bool (clip, frame, class), from the events of every clip.

    "touched": every frame that the event overlaps, however little, floor(onset x rate) <= frame < ceil(offset x rate),
    as in segment-based evaluation. "rounded_down": up to floor(offset x rate) only, as released labels have it.
    "half_covered": every frame of which the event covers at least half. What lies behind the last frame is left out.

    Raises:
        DataError: an event is of no class in `classes`, or its times are not in order (names the clip's row).
    """
    index, bounds = {label: number for number, label in enumerate(classes)}, _BOUNDS[rule]
    active = np.zeros((len(events), frames, len(classes)), dtype=bool)
    for clip, of_clip in enumerate(events):
        for event in of_clip:
            if event.event_label not in index:
                hint = did_you_mean(event.event_label, classes)
                raise DataError(
                    f"clip {clip}: event of class '{event.event_label}', which is not one of the run's classes; {hint}"
                )
            if not 0 <= event.onset <= event.offset:
                raise DataError(f"clip {clip}: event from {event.onset} s to {event.offset} s; correct its times")
            first, stop = bounds(
                _in_frames(event.onset, frames_per_second), _in_frames(event.offset, frames_per_second)
            )
            active[clip, first:stop, index[event.event_label]] = True
    return active


def _in_frames(seconds: float, frames_per_second: float) -> float:
    # Rounded: 2.32 s is the border of frame 29 at 12.5 frames per second, but 2.32 / 0.08 is below it.
    return round(seconds * frames_per_second, 6)


def _half_covered_from(onset: float, offset: float) -> int:
    """First frame j of which at least half is covered where an event covers all of the frame behind its onset."""
    first = floor(onset)
    return first if round(min(offset, first + 1) - onset, 6) >= 0.5 else first + 1


def _half_covered_to(onset: float, offset: float) -> int:
    """The frame behind the last one of which at least half is covered."""
    last = floor(offset)
    return last + 1 if round(offset - max(onset, last), 6) >= 0.5 else last
