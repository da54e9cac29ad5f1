"""What tests of several rooms share."""

import resource
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from examples import ROWS, run
from examples import published as published_table
from hypothesis import settings

from sedrepro.audio.front_end import FrontEnd
from sedrepro.miniature.remix_sources import MiniatureSize, write_remix_sources
from sedrepro.published.cells import read_cells
from sedrepro.reporting.tables.numbers import fill

# How long an example takes says something of the machine's load only. Each run of the suite draws other examples;
# `--hypothesis-profile thorough` draws many at once.
settings.register_profile("suite", deadline=None, max_examples=20)
settings.register_profile("thorough", deadline=None, max_examples=500)
settings.load_profile("suite")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that no process waits long for another at the end."""
    items.sort(key=lambda item: [item.get_closest_marker(marker) is None for marker in ("slurm", "dag")])


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
def largest_file() -> Callable[[int], AbstractContextManager[None]]:
    """In `with largest_file(size)` the system lets no file become larger, which fails like a full disk.

    The limit ends with the block: pytest itself may write a longer file of its report.
    """

    @contextmanager
    def limited(size: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited


@pytest.fixture
def cells(tmp_path):
    return read_cells(published_table(tmp_path, *ROWS))


@pytest.fixture
def table(cells):
    runs = [
        run(value, system, variant, fold)
        for system, variant, values in [
            ("gap", "remix_10db", (0.70, 0.72)),
            ("gap", "remix_0db", (0.50, 0.52)),
            ("gmp", "remix_10db", (0.60, 0.62)),
            ("gmp", "remix_0db", (0.52, 0.53)),
        ]
        for fold, value in enumerate(values, start=1)
    ]
    return fill(cells, runs, "full")
