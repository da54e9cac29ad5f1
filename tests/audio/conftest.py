import pytest

from sedrepro.audio.front_end import FrontEnd


@pytest.fixture(scope="session")
def small(published: FrontEnd) -> FrontEnd:
    """A front end with 3 frames and 4 mel bands per clip, for what does not depend on the size."""
    changes = {"sample_rate": 1000, "clip_seconds": 0.1, "window_length": 50, "hop_length": 25, "n_mels": 4}
    return FrontEnd(**published.model_dump() | changes | {"fmax": 500})
