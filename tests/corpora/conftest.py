import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sedrepro.audio.front_end import FrontEnd
from sedrepro.corpora.remix import Remix
from sedrepro.miniature.remix_sources import MiniatureSize, write_remix_sources


@pytest.fixture(scope="session")
def _sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("sources")
    write_remix_sources(root, seed=0, size=MiniatureSize(clips_per_class=2, rare_class_clips=1, segments_per_scene=1))
    return root


@pytest.fixture
def sources(_sources: Path, tmp_path: Path) -> Path:
    """A tiny miniature corpus of one's own, free to be damaged."""
    return Path(shutil.copytree(_sources, tmp_path / "sources"))


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
