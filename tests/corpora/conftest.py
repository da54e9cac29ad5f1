from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sedrepro.audio.front_end import FrontEnd
from sedrepro.corpora.settings import Remix


@pytest.fixture
def recorded(tmp_path: Path) -> Callable[..., str]:
    """Writes a recording below the test's folder and returns its name there."""

    def write(name: str, samples: np.ndarray, rate: int = 32000, subtype: str = "FLOAT") -> str:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(tmp_path / name, samples, rate, subtype=subtype)
        return name

    return write


@pytest.fixture(scope="session")
def front_end(published: FrontEnd) -> FrontEnd:
    """The front end of the two-step attention paper."""
    return published


@pytest.fixture(scope="session")
def remix() -> Remix:
    """The remix of the two-step attention paper."""
    return Remix(
        kind="remix",
        events="fsdkaggle2018",
        scenes="tau_urban_2019",
        snr_db=(0, 10, 20),
        mixtures_per_fold=2000,
        draw="reshuffled",
        level="whole_file",
        seed=1234,
    )
