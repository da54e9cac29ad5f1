"""`export` and `detect --model`: one file that finds the same events with the package alone."""

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import untrained as made
import yaml

from sedrepro.base.errors import DataError, SedreproError
from sedrepro.base.files import read_table
from sedrepro.cli import main
from sedrepro.experiments.runs import RunIdentity
from sedrepro.inference.detect import COLUMNS
from sedrepro.inference.model_file import MODEL, read_model
from sedrepro.reporting.status.model_card import MODEL_CARD

SOURCE = Path(__file__).parents[2] / "src"
POOLED = RunIdentity("hierarchical_pooling", "linear_single", "dcase2017", 0, 1)
DETECTIONS = {"lowest_error_rate": {"settings": made.SEARCHED | {"threshold": 1e-6}}}


@pytest.fixture(autouse=True)
def _threads_stay():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """A configuration with one run, a recording, and the run's file."""
    folder = tmp_path_factory.mktemp("export")
    config = made.configured(folder)
    (made.write_run(config, POOLED, DETECTIONS) / MODEL_CARD).write_text("# Model card: a tiny one\n")
    file = folder / "mine.yaml"
    file.write_text(yaml.safe_dump(json.loads(config.model_dump_json(exclude_none=True))))
    soundfile.write(folder / "noise.wav", 0.1 * np.random.default_rng(0).standard_normal(5 * 8000), 8000)
    command = ["export", f"{POOLED.paper}/{POOLED.system}", "--config", str(file), "--output", str(folder / "m.zip")]
    assert main(command) == 0
    return folder


def test_it_finds_the_events_of_its_run_away_from_results_and_settings(exported, tmp_path):
    by_run = ["--config", str(exported / "mine.yaml"), "--system", f"{POOLED.paper}/{POOLED.system}"]
    assert main(["detect", str(exported / "noise.wav"), *by_run, "--output", str(exported / "by_run")]) == 0
    done = subprocess.run(
        [sys.executable, "-m", "sedrepro", "detect", "--model", exported / "m.zip", exported / "noise.wav"],
        cwd=tmp_path,  # no config, no data, no results
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "warning: a miniature model" in done.stdout
    found = tmp_path / "detected" / "noise"
    expected = read_table(exported / "by_run" / "noise" / "events.tsv", COLUMNS)
    assert read_table(found / "events.tsv", COLUMNS) == expected
    assert expected
    record = json.loads((found / "events.json").read_text())
    assert record["warning"].startswith("a miniature model")
    assert record["run"]["system"] == POOLED.system


def test_equal_runs_give_equal_files_with_all_that_travels(exported, tmp_path):
    command = ["export", f"{POOLED.paper}/{POOLED.system}", "--config", str(exported / "mine.yaml")]
    assert main([*command, "--output", str(tmp_path / "again.zip")]) == 0
    assert (tmp_path / "again.zip").read_bytes() == (exported / "m.zip").read_bytes()
    with zipfile.ZipFile(exported / "m.zip") as file:
        assert file.namelist() == [MODEL, "weights.safetensors", MODEL_CARD]
        model = json.loads(file.read(MODEL))
    assert model["licences"]["fsdkaggle2018"]
    assert (model["detection"], model["chosen"]["threshold"]) == ("lowest_error_rate", 1e-6)


def changed(exported, path, **changes):
    """The exported file with other values in model.json, or without a member (None)."""
    with zipfile.ZipFile(exported / "m.zip") as file, zipfile.ZipFile(path, "w") as other:
        for name in file.namelist():
            content = file.read(name)
            if name == MODEL:
                content = json.dumps(json.loads(content) | changes).encode()
            if changes.get(name, "") is not None:
                other.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 2}, "'format'"),
        ({"paper": "another_paper"}, "which this package does not have"),
        ({"classes": ["Cat"]}, "do not fit"),
        ({"chosen": {}}, "is incomplete"),
        ({"weights.safetensors": None}, "is no model file"),
    ],
)
def test_a_file_that_does_not_fit_ends_in_one_line(exported, tmp_path, changes, words):
    with pytest.raises(SedreproError) as error:
        read_model(changed(exported, tmp_path / "changed.zip", **changes))
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_or_damaged_file_is_named(exported, tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_model(tmp_path / "none.zip")
    (tmp_path / "half.zip").write_bytes((exported / "m.zip").read_bytes()[:500])
    with pytest.raises(DataError, match=r"half\.zip: cannot be read"):
        read_model(tmp_path / "half.zip")


def test_a_model_file_takes_no_words_about_runs(exported, capsys):
    assert main(["detect", "a.wav", "--model", str(exported / "m.zip"), "--seed", "2"]) == 1
    assert "--seed: selects among the runs" in capsys.readouterr().err


def test_without_a_model_card_the_error_tells_what_writes_it(tmp_path, capsys):
    config = made.configured(tmp_path)
    made.write_run(config, POOLED, DETECTIONS)
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(json.loads(config.model_dump_json(exclude_none=True))))
    command = ["export", f"{POOLED.paper}/{POOLED.system}", "--config", str(tmp_path / "mine.yaml")]
    assert main([*command, "--output", str(tmp_path / "m.zip")]) == 1
    assert f"python -m sedrepro model-cards --scale {config.scale} --paper {POOLED.paper}" in capsys.readouterr().err
    assert not (tmp_path / "m.zip").exists()
