"""Which frames of scores belong to a clip and to its segments; shorter clips are padded to the length of all."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from sedrepro.base.errors import SettingsError


def frames_within(frames: int, frames_per_second: float, durations: Sequence[float] | np.ndarray) -> np.ndarray:
    """Whether each frame starts before its clip ends, bool (clip, frame); durations (clip,) in seconds."""
    return np.arange(frames) / frames_per_second < np.asarray(durations, dtype=float)[:, None]


def segment_frames(frames: int, frames_per_second: float, segment_seconds: float) -> list[slice]:
    """The frames of each segment: those whose centres lie in it.

    Raises:
        SettingsError: a segment is shorter than a frame.
    """
    if segment_seconds * frames_per_second < 1:
        frame_seconds = 1 / frames_per_second
        raise SettingsError(f"segment_seconds = {segment_seconds}: shorter than a frame of {frame_seconds:.4g} s")
    segment = ((np.arange(frames) + 0.5) / frames_per_second / segment_seconds).astype(np.int64)
    firsts = [*np.flatnonzero(np.diff(segment, prepend=-1)).tolist(), frames]
    return [slice(start, stop) for start, stop in pairwise(firsts)]
