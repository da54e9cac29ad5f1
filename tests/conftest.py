"""What tests of several rooms share."""

import pytest

from sedrepro.audio.front_end import FrontEnd


@pytest.fixture(scope="session")
def published() -> FrontEnd:
    """The front end of the two-step attention paper."""
    return FrontEnd(
        sample_rate=32000,
        clip_seconds=10,
        window="hamming",
        window_symmetric=True,
        window_length=2048,
        hop_length=1024,
        centred=False,
        spectrum="magnitude",
        scale_by_window=True,
        n_mels=64,
        fmin=50,
        fmax=16000,
        log_offset=1e-8,
    )


@pytest.fixture(scope="session")
def hann(published: FrontEnd) -> FrontEnd:
    """Windows of 64 ms with half overlap at 8 kHz, 1 s clips (30 frames), 24 mel bands."""
    changes = {"sample_rate": 8000, "clip_seconds": 1, "window": "hann", "window_symmetric": False, "n_mels": 24}
    changes |= {"window_length": 512, "hop_length": 256, "scale_by_window": False, "fmax": 4000}
    return FrontEnd(**published.model_dump() | changes)
