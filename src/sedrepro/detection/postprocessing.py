"""From frame scores to events: threshold, median filter, joining of gaps, removal of short events, in this order.

The hierarchical pooling paper (Section 2.1) has a threshold, then "median filter and ignoring noise", without values;
joining gaps is this suite's addition, switched off by 0 s. Durations become frames by rounding to the nearest (a half
to the even one); the window of the median filter then becomes odd by one frame more.

What the filter takes for the frames outside the clip is a setting. "reflect" mirrors those inside at the border,
d c b a | a b c d, which is what `scipy.ndimage.median_filter` does unless told otherwise, and so what the releases of
guided learning and of the official baselines of DCASE 2019 and 2020 do: a run of active frames at the border needs half
the length that one elsewhere must have. With "inactive" (`mode="constant"` there) it needs as much as elsewhere.
"""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from sedrepro.annotations.clips import Event
from sedrepro.detection.settings import Border, PostProcessing
from sedrepro.detection.stretches import Runs, find_runs, joined, painted, without_short

#: What the median filter takes for frames outside the clip, and what NumPy calls that.
PADDING: dict[str, Literal["constant", "symmetric"]] = {"inactive": "constant", "reflect": "symmetric"}


def frames_in(seconds: float, frames_per_second: float) -> int:
    """A duration in frames, rounded."""
    return round(seconds * frames_per_second)


def median_window(seconds: float, frames_per_second: float) -> int:
    """Window of the median filter in frames, odd; 1 leaves decisions as they are."""
    return frames_in(seconds, frames_per_second) | 1


def median_filtered(active: np.ndarray, window: int, border: Border) -> np.ndarray:
    """Decisions (row, frame) by majority within an odd window; `border` says what lies outside the clip."""
    half = window // 2
    around = np.pad(active, ((0, 0), (half, half)), mode=PADDING[border])
    total = np.cumsum(np.pad(around, ((0, 0), (1, 0))), axis=1, dtype=np.int32)
    return total[:, window:] - total[:, :-window] > half


def by_class(scores: np.ndarray) -> np.ndarray:
    """(clip, frame, class) as rows (clip * class, frame): row = clip * classes + class."""
    clips, frames, classes = scores.shape
    return np.ascontiguousarray(scores.transpose(0, 2, 1)).reshape(clips * classes, frames)


def active_frames(scores: np.ndarray, how: PostProcessing, frames_per_second: float, border: Border) -> np.ndarray:
    """Whether each class is active in each frame, bool (clip, frame, class); scores (clip, frame, class) in [0, 1]."""
    clips, frames, classes = scores.shape
    window = median_window(how.median_seconds, frames_per_second)
    runs = find_runs(median_filtered(by_class(scores) >= how.threshold, window, border))
    runs = joined(runs, frames_in(how.longest_gap_seconds, frames_per_second))
    runs = without_short(runs, frames_in(how.shortest_seconds, frames_per_second))
    return painted(runs, clips * classes, frames).reshape(clips, classes, frames).transpose(0, 2, 1)


def within_clips(
    runs: Runs, classes: int, frames_per_second: float, durations: np.ndarray
) -> tuple[Runs, np.ndarray, np.ndarray]:
    """The runs that start before their clip ends, their onsets and their offsets, cut at the clip's end, in seconds.

    Runs are those of rows (clip * class, frame); `durations` are the clips' own, (clip,), s: shorter ones are padded.
    """
    runs = runs.where(runs.start / frames_per_second < durations[runs.row // classes])
    offsets = np.minimum(runs.stop / frames_per_second, durations[runs.row // classes])
    return runs, runs.start / frames_per_second, offsets


def events(
    active: np.ndarray,
    frames_per_second: float,
    classes: Sequence[str],
    durations: Sequence[float] | np.ndarray,
    within: bool = True,
) -> list[list[Event]]:
    """Events of each clip, sorted by onset, from activity (clip, frame, class) and the clips' own durations in seconds.

    An event lasts from the start of its first frame to the end of its last one. `within` clips, it does not last beyond
    the clip's duration, and one that would start there or later is dropped.
    """
    if active.shape[0] != len(durations) or active.shape[2] != len(classes):
        raise ValueError(f"activity {active.shape} does not fit {len(durations)} clips and {len(classes)} classes")
    ends = np.asarray(durations, dtype=float) if within else np.full(len(durations), np.inf)
    runs, onsets, offsets = within_clips(find_runs(by_class(active)), len(classes), frames_per_second, ends)
    of_clips: list[list[Event]] = [[] for _ in durations]
    for row, onset, offset in zip(runs.row.tolist(), onsets.tolist(), offsets.tolist(), strict=True):
        clip, label = divmod(row, len(classes))
        of_clips[clip].append(Event(onset, offset, classes[label]))
    return [sorted(of_clip) for of_clip in of_clips]
