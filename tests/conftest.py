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
