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
        spectrum="magnitude",
        scale_by_window=True,
        n_mels=64,
        fmin=50,
        fmax=16000,
        log_offset=1e-8,
    )


@pytest.fixture(scope="session")
def small(published: FrontEnd) -> FrontEnd:
    """A front end with 3 frames and 4 mel bands per clip, for what does not depend on the size."""
    changes = {"sample_rate": 1000, "clip_seconds": 0.1, "window_length": 50, "hop_length": 25, "n_mels": 4}
    return FrontEnd(**published.model_dump() | changes | {"fmax": 500})
