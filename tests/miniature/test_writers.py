"""Each data set that can be synthesised has a writer of its own."""

import inspect
from pathlib import Path

import pytest

from sedrepro.base.errors import SettingsError
from sedrepro.miniature import archive_names, writer_of


def test_names_of_the_data_sets():
    assert archive_names() == ["fsdkaggle2018", "tau_urban_2019", "dcase2017_task4", "dcase2019_task4"]


@pytest.mark.parametrize("data_set", archive_names())
def test_a_writer_takes_a_root_and_a_seed(tmp_path: Path, data_set: str):
    assert list(inspect.signature(writer_of(data_set)).parameters)[:2] == ["root", "seed"]
    with pytest.raises(SettingsError, match="seed"):
        writer_of(data_set)(tmp_path, -1)
    assert not list(tmp_path.iterdir())
