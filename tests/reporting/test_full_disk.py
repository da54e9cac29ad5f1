"""A disk that is full while tables and figures are written: named, nothing half written, and equal bytes afterwards."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib import pyplot

from sedrepro.base.errors import DataError
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import load_paper
from sedrepro.reporting.figures.pictures import save_picture
from sedrepro.reporting.paper_tables import write_paper_table


def table(folder: Path) -> None:
    """The four forms of a table that needs no run."""
    config = Config(scale="miniature", folds=(1,), seeds=(1,), results_dir=folder)
    write_paper_table(config, load_paper("c_ssed", config), "table1")


def picture(folder: Path) -> None:
    """Both forms of a figure."""
    mpl.use("Agg")
    figure, panel = pyplot.subplots()
    panel.plot([(number * number) % 97 for number in range(500)])
    save_picture(figure, folder / "figure2")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("make", [table, picture])
@pytest.mark.parametrize("share", [0.01, 0.5, 0.99])
def test_what_does_not_fit_is_named_and_leaves_nothing(
    tmp_path: Path,
    largest_file: Callable[[int], AbstractContextManager[None]],
    make: Callable[[Path], None],
    share: float,
):
    whole, small = tmp_path / "whole", tmp_path / "small"
    for folder in (whole, small):
        folder.mkdir()
    make(whole)
    expected = files(whole)
    with (
        largest_file(int(share * max(map(len, expected.values())))),
        pytest.raises(DataError, match=r"cannot be written \(.*; free space") as caught,
    ):
        make(small)
    named = Path(str(caught.value).partition(": ")[0])
    assert str(named.relative_to(small)) in expected and not named.exists()
    assert files(small).items() <= expected.items()  # what is there is whole
    make(small)
    assert files(small) == expected
