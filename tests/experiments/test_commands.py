"""Commands that are shown mean the same to a shell and to make, whatever the names of folders hold."""

import shlex
from pathlib import Path

import pytest

from sedrepro.experiments.commands import make_results
from sedrepro.experiments.configuration import Config


@pytest.mark.parametrize("folder", ["/data/set", "/data/set #2", "/it's $HOME", "/{a}", "/a;b", "/new\nline"])
def test_what_a_shell_makes_of_a_shown_command(folder: str):
    config = Config(scale="recordings", data_root=Path(folder), folds=[0], seeds=[1])
    words = shlex.split(make_results(config, PAPER="c_ssed", TARGET=Path(folder) / "table1.csv"))
    expected = ["SCALE=recordings", f"DATA_ROOT={folder}", "PAPER=c_ssed", f"TARGET={folder}/table1.csv"]
    assert words == ["make", "results", *expected]


def test_without_recordings_of_ones_own_none_are_named():
    assert make_results(Config(scale="miniature", folds=[0], seeds=[1])) == "make results SCALE=miniature"
