"""`python -m sedrepro separate` on a run of the paper whose masks it is for."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import tones
import torch
import yaml
from tones import PAPER, RATE, TONES, UNMASKED, WHO, sounds

from sedrepro.base.files import read_table
from sedrepro.cli import main
from sedrepro.experiments.runs import RunIdentity

EVENTS = [("Bark", 0.5, 1.7), ("Meow", 2.4, 3.6)]


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Path:
    """The configuration file under which two runs lie, one of them of a network without masks."""
    folder = tmp_path_factory.mktemp("command")
    config = tones.configured(folder)
    tones.write_runs(config)
    (folder / "mine.yaml").write_text(yaml.safe_dump(json.loads(config.model_dump_json(exclude_none=True))))
    return folder / "mine.yaml"


@pytest.fixture(autouse=True)
def _threads_stay():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def clip(tmp_path) -> Path:
    """A recording of two tones, twice as long as the clips of training."""
    soundfile.write(tmp_path / "long.wav", sounds(EVENTS, 4, 99), RATE, "FLOAT")
    return tmp_path / "long.wav"


def words(config: Path, *clips: Path, who: RunIdentity = WHO, **changes) -> list[str]:
    """The command line for a run; `changes` are other words in its name."""
    named = {key: str(value) for key, value in (vars(who) | changes).items()}
    return ["separate", *map(str, clips), "--config", str(config), *(w for k in named for w in (f"--{k}", named[k]))]


def labels_in(folder: Path) -> list[str]:
    return [row["event_label"] for row in read_table(folder / "events.tsv", ("onset", "offset", "event_label"))]


def refused(command: list[str], capsys) -> str:
    """The one line with which a command ends."""
    assert main(command) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("sedrepro separate: error: ")
    return said


# --- what it does


def test_a_recording_is_separated_into_the_results_of_its_paper(trained, clip, capsys):
    assert main(words(trained, clip)) == 0
    folder = trained.parent / "results/miniature/ddc_fap/separated/vgg_fap/long"
    assert labels_in(folder) == ["Bark", "Meow"]
    assert capsys.readouterr().out == f"{clip}: 2 events in {folder}\n"
    for row, (label, onset, offset) in zip(read_table(folder / "events.tsv", ()), EVENTS, strict=True):
        assert [float(row["onset"]), float(row["offset"])] == pytest.approx([onset, offset], abs=0.3)
        (path,) = folder.glob(f"*_{label}_*.wav")
        samples, rate = soundfile.read(path)
        frequencies = np.fft.rfftfreq(len(samples), 1 / rate)
        assert frequencies[np.abs(np.fft.rfft(samples)).argmax()] == pytest.approx(TONES[label], abs=2)
    assert json.loads((folder / "separation.json").read_text())["run"] == vars(WHO)
    assert (folder / "separation.svg").is_file()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"padding": None, "mel_norm": None, "dynamic_range_db": None}, ""),  # of before these settings were there
        (
            {"padding": "zero_features"},
            "was trained with a front end that differs from the settings (padding zero_features, ",
        ),
        (
            {"n_mels": 31},
            "was trained with a front end that differs from the settings (n_mels 31, not 32); train it again",
        ),
        ({"n_mells": 32}, "config.json: unknown key 'n_mells'; did you mean 'n_mels'?"),
    ],
)
@pytest.mark.usefixtures("blank_pictures")
def test_only_a_run_of_another_front_end_is_refused(trained, clip, tmp_path, capsys, changes, problem):
    values = yaml.safe_load(trained.read_text()) | {"results_dir": str(tmp_path / "results")}
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(values))
    shutil.copytree(trained.parent / "results", tmp_path / "results")
    path = tmp_path / "results/miniature" / WHO.path / "config.json"
    described = json.loads(path.read_text())
    front_end = described["settings"]["front_end"] | changes
    described["settings"]["front_end"] = {key: value for key, value in front_end.items() if value is not None}
    path.write_text(json.dumps(described))
    command = [*words(tmp_path / "other.yaml", clip), "--output", str(tmp_path / "out")]
    if problem:
        assert problem in refused(command, capsys)
    else:
        assert main(command) == 0


@pytest.mark.usefixtures("blank_pictures")
def test_the_output_may_lie_elsewhere(trained, clip, tmp_path):
    assert main([*words(trained, clip), "--output", str(tmp_path / "out")]) == 0
    assert labels_in(tmp_path / "out" / "long") == ["Bark", "Meow"]


@pytest.mark.parametrize(
    "change", ["clip_threshold=0.999", "high=0.999", "shortest_frames=1000"], ids=lambda text: text.partition("=")[0]
)
@pytest.mark.usefixtures("blank_pictures")
def test_events_are_found_by_the_hysteresis_of_the_settings(trained, clip, tmp_path, change):
    settings = yaml.safe_load(trained.read_text())
    key, _, value = change.partition("=")
    settings["set"][PAPER][f"detection.hysteresis.{key}"] = yaml.safe_load(value)
    (tmp_path / "strict.yaml").write_text(yaml.safe_dump(settings))
    assert main([*words(tmp_path / "strict.yaml", clip), "--output", str(tmp_path / "out")]) == 0
    assert labels_in(tmp_path / "out" / "long") == []


# --- errors


@pytest.mark.usefixtures("blank_pictures")
def test_one_unreadable_recording_does_not_keep_the_other_from_being_done(trained, clip, tmp_path, capsys):
    (tmp_path / "broken.wav").write_bytes(b"RIFF and no more")
    command = [*words(trained, tmp_path / "broken.wav", clip), "--output", str(tmp_path / "out")]
    assert "1 of 2 recordings cannot be separated, the first: " in refused(command, capsys)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["long"]
    assert labels_in(tmp_path / "out" / "long") == ["Bark", "Meow"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"paper": "ddc_fab"}, "paper 'ddc_fab' is unknown; did you mean 'ddc_fap'?"),
        ({"system": "ddc_fab"}, "system 'ddc_fab' is unknown; did you mean 'ddc_fap'?"),
        ({"variant": "remix_10db"}, "corpus variant 'remix_10db' is unknown; did you mean 'remix_0db'?"),
        ({"seed": 7}, "no such run; make its features, then: python -m sedrepro train --paper ddc_fap"),
        ({"fold": 3}, "--system vgg_fap --variant remix_0db --fold 3 --seed 1"),
        (
            {"paper": "hierarchical_pooling", "system": "linear_single", "variant": "dcase2017", "fold": 0},
            "hierarchical_pooling: has no detection of kind hysteresis on 'dcase2017' to find events with",
        ),
        (
            {"variant": "dcase2017", "fold": 0},
            "ddc_fap: has no detection of kind hysteresis on 'dcase2017' to find events with",
        ),
        (vars(UNMASKED), "system 'talnet' gives no masks"),
    ],
)
def test_a_wrong_run_ends_with_one_line(trained, clip, tmp_path, capsys, changes, message):
    command = [*words(trained, clip, **changes), "--output", str(tmp_path / "out")]
    assert message in refused(command, capsys)
    assert not (tmp_path / "out").exists()


def test_without_a_recording_usage_is_shown(trained, capsys):
    with pytest.raises(SystemExit) as left:
        main(words(trained))
    assert left.value.code == 2
    assert "recordings" in capsys.readouterr().err.lower()
