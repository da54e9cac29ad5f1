"""What the tests of separation share: front ends and tones."""

import numpy as np
import pytest

from sedrepro.audio.front_end import FrontEnd

RATE = 8000


@pytest.fixture(scope="session")
def hann(published: FrontEnd) -> FrontEnd:
    """Windows of 64 ms with half overlap at 8 kHz, 1 s clips (30 frames), 24 mel bands."""
    changes = {"sample_rate": RATE, "clip_seconds": 1, "window": "hann", "window_symmetric": False, "n_mels": 24}
    changes |= {"window_length": 512, "hop_length": 256, "scale_by_window": False, "fmax": RATE / 2}
    return FrontEnd(**published.model_dump() | changes)


@pytest.fixture(scope="session")
def tone():
    """Samples (sample,) of a tone, by frequency in Hz, length in s and onset in s; silent before it."""

    def make(frequency: float, seconds: float, onset: float = 0.0, level: float = 0.4) -> np.ndarray:
        time = np.arange(round(seconds * RATE)) / RATE
        return (level * np.sin(2 * np.pi * frequency * time) * (time >= onset)).astype(np.float32)

    return make
