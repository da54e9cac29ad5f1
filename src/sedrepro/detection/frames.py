"""Which frames of scores belong to a clip; shorter clips are padded to the length of all."""

from collections.abc import Sequence

import numpy as np


def frames_within(frames: int, frames_per_second: float, durations: Sequence[float] | np.ndarray) -> np.ndarray:
    """Whether each frame starts before its clip ends, bool (clip, frame); durations (clip,) in seconds."""
    return np.arange(frames) / frames_per_second < np.asarray(durations, dtype=float)[:, None]
