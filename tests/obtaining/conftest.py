from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from web_server import WebServer

from sedrepro.base.files import write_table
from sedrepro.experiments.configuration import Config
from sedrepro.obtaining.manifest import COLUMNS


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebServer]:
    """A web server of the test's own, which misbehaves as told."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with WebServer() as server:
        yield server


@pytest.fixture
def listed(tmp_path: Path) -> Callable[..., Path]:
    """Writes a manifest, each row from what is special about it, and returns its path."""

    def write(*rows: dict[str, str]) -> Path:
        usual = {"data_set": "barks", "addresses": "http://127.0.0.1:9/none", "use": "needed", "into": "Barks"}
        usual |= {"file": "labels.csv", "licence": "CC0", "holds": "labels", "confidence": "high"}
        path = tmp_path / "manifest.tsv"
        write_table(path, COLUMNS, [[(usual | row).get(column, "") for column in COLUMNS] for row in rows])
        return path

    return write


@pytest.fixture
def configured(tmp_path: Path) -> Callable[..., Config]:
    """A configuration at the scale `full` whose every folder is the test's own."""

    def configure(**changes: object) -> Config:
        own = {"manifest": tmp_path / "manifest.tsv", "checksums": tmp_path / "checksums.tsv", "work_dir": tmp_path}
        own |= {"data_root": tmp_path / "corpora"}
        return Config(**{"scale": "full", "folds": (1,), "seeds": (1,)} | own | changes)

    return configure
