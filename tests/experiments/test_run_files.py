"""The files of a run's folder: what is written is read again, and damage is named."""

import json
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from sedrepro.base.errors import DataError
from sedrepro.experiments.environment import write_environment
from sedrepro.experiments.run_files import (
    HISTORY,
    PSEUDO_LABELS,
    RUN_FILES,
    SCORES,
    WEIGHTS,
    load_weights,
    read_history,
    read_pseudo_labels,
    read_scores,
    read_weights,
    write_history,
    write_pseudo_labels,
    write_scores,
    write_weights,
)

ARRAYS = {"clip": np.float32([[0.25, 0.5]]), "frame": np.float16([[[0.1, 0.2]]]), "filenames": np.array(["ä b.wav"])}


def refused(call: Callable, *arguments) -> str:
    with pytest.raises(DataError) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "write", "read"),
    [(SCORES, write_scores, read_scores), (PSEUDO_LABELS, write_pseudo_labels, read_pseudo_labels)],
)
def test_arrays_are_read_as_they_were_written(tmp_path: Path, name: str, write: Callable, read: Callable):
    assert write(tmp_path, ARRAYS) == tmp_path / name
    found = read(tmp_path)
    assert found.keys() == ARRAYS.keys()
    for key, array in ARRAYS.items():
        assert found[key].dtype == array.dtype
        np.testing.assert_array_equal(found[key], array)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("content", [None, b"", b"no archive", 100])
@pytest.mark.parametrize(
    ("name", "write", "read", "remedy"),
    [
        (SCORES, write_scores, read_scores, "train this run again"),
        (PSEUDO_LABELS, write_pseudo_labels, read_pseudo_labels, "write it with the verb pseudo-labels"),
    ],
)
def test_damaged_arrays_name_file_and_remedy(tmp_path: Path, content, name: str, write, read, remedy: str):
    write(tmp_path, ARRAYS)
    path = tmp_path / name
    if content is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:content] if isinstance(content, int) else content)
    message = refused(read, tmp_path)
    assert message.startswith(f"{path}: cannot be read (")
    assert remedy in message


def test_weights_return_to_an_equal_network_only(tmp_path: Path):
    first, second = nn.Linear(3, 2), nn.Linear(3, 2)
    write_weights(tmp_path, first.state_dict() | {"weight": first.weight.detach().T.contiguous().T})
    load_weights(second, tmp_path)
    assert torch.equal(first.weight, second.weight) and torch.equal(first.bias, second.bias)
    assert read_weights(tmp_path).keys() == {"weight", "bias"}
    for other in (nn.Linear(4, 2), nn.Linear(3, 2, bias=False), nn.Bilinear(3, 3, 2)):
        assert refused(load_weights, other, tmp_path).startswith(f"{tmp_path / WEIGHTS}: cannot be read (")


def test_weights_on_a_full_disk_leave_nothing(tmp_path: Path, largest_file):
    with largest_file(1000):
        told = refused(write_weights, tmp_path, {"weight": torch.ones(1000)})
    assert told.startswith(f"{tmp_path / WEIGHTS}: cannot be written (")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [None, b"", b"x" * 40])
def test_damaged_weights_are_named(tmp_path: Path, content):
    write_weights(tmp_path, {"weight": torch.ones(2)})
    (tmp_path / WEIGHTS).unlink()
    if content is not None:
        (tmp_path / WEIGHTS).write_bytes(content)
    assert refused(read_weights, tmp_path).startswith(f"{tmp_path / WEIGHTS}: cannot be read (")


values = st.floats(-1e6, 1e6, width=32)


@given(st.lists(st.fixed_dictionaries({"epoch": st.integers(1, 99), "loss": values, "n": values}), min_size=1))
def test_a_history_is_read_by_column(rows: list[dict[str, float]]):
    with tempfile.TemporaryDirectory() as name:
        write_history(Path(name), rows)
        found = read_history(Path(name))
    assert list(found) == list(rows[0])
    for column, array in found.items():
        np.testing.assert_allclose(array, [row[column] for row in rows], rtol=1e-7)


@pytest.mark.parametrize("text", ["", "epoch,loss\n", "epoch,loss\n1,low\n", "epoch,loss\n1\n", "step,loss\n1,2\n"])
def test_a_history_that_is_no_table_of_numbers_is_named(tmp_path: Path, text: str):
    (tmp_path / HISTORY).write_text(text)
    assert refused(read_history, tmp_path).startswith(str(tmp_path / HISTORY))


def test_a_missing_history_is_named(tmp_path: Path):
    assert refused(read_history, tmp_path) == f"{tmp_path / HISTORY}: no such file"


def test_the_environment_is_one_of_the_files_of_a_run(tmp_path: Path):
    write_environment(tmp_path, torch.device("cpu"), 3, 1.23456)
    (path,) = tmp_path.iterdir()
    assert path.name in RUN_FILES
    made = json.loads(path.read_text())
    assert (made["threads"], made["seconds"], made["peak_gpu_memory_mib"]) == (3, 1.235, None)
