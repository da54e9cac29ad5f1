"""What the tests of separation share: tones."""

import numpy as np
import pytest

RATE = 8000


@pytest.fixture(scope="session")
def tone():
    """Samples (sample,) of a tone, by frequency in Hz, length in s and onset in s; silent before it."""

    def make(frequency: float, seconds: float, onset: float = 0.0, level: float = 0.4) -> np.ndarray:
        time = np.arange(round(seconds * RATE)) / RATE
        return (level * np.sin(2 * np.pi * frequency * time) * (time >= onset)).astype(np.float32)

    return make
