"""`python -m sedrepro detect` with tiny networks: files of any kind in, tables, JSON and pictures out."""

import json
import os
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
import torch
import untrained as made
import yaml

from sedrepro.annotations.clips import Event
from sedrepro.audio.extraction import file_features
from sedrepro.base.files import read_table
from sedrepro.cli import main
from sedrepro.experiments.papers import load_paper
from sedrepro.experiments.run_view import RunView
from sedrepro.experiments.runs import RunIdentity
from sedrepro.inference.detect import COLUMNS, event_scores

FIXED_LENGTH = RunIdentity("two_step_attention", "2ap_alpha_0.001", "remix_0db", 1, 1)
POOLED = RunIdentity("hierarchical_pooling", "linear_single", "dcase2017", 0, 1)
#: As good as always found.
DETECTIONS = {"lowest_error_rate": {"settings": made.SEARCHED | {"threshold": 1e-6}}}


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    """The configuration file under which two runs lie."""
    folder = tmp_path_factory.mktemp("detect")
    config = made.configured(folder)
    made.write_run(config, FIXED_LENGTH)
    made.write_run(config, POOLED, DETECTIONS)
    (folder / "mine.yaml").write_text(yaml.safe_dump(json.loads(config.model_dump_json(exclude_none=True))))
    return folder / "mine.yaml"


@pytest.fixture(autouse=True)
def _threads_stay():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def recordings(tmp_path):
    """Noise of several lengths, rates and numbers of channels, and silence."""
    random, paths = np.random.default_rng(0), []
    kinds = {"short": (0.1, 8000, 1), "mono": (2, 8000, 1), "stereo": (5.3, 44100, 2), "surround": (3, 96000, 6)}
    for name, (seconds, rate, channels) in kinds.items():
        paths.append(tmp_path / f"{name}.wav")
        soundfile.write(paths[-1], 0.1 * random.standard_normal((round(seconds * rate), channels)), rate)
    soundfile.write(tmp_path / "silence.flac", np.zeros(9 * 16000), 16000)
    return [*paths, tmp_path / "silence.flac"]


def words(file, output, recordings, who=POOLED, *more) -> list[str]:
    named = ["--config", str(file), "--system", f"{who.paper}/{who.system}", "--output", str(output)]
    return ["detect", *map(str, recordings), *named, *more]


def refused(command, capsys) -> str:
    assert main(command) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("sedrepro detect: error: ")
    return said


@pytest.mark.parametrize("who", [POOLED, FIXED_LENGTH], ids=lambda who: who.paper)
def test_recordings_of_any_kind_get_a_folder_each(file, tmp_path, recordings, who, request):
    if who == FIXED_LENGTH:
        request.getfixturevalue("blank_pictures")
    assert main(words(file, tmp_path / "out", recordings, who)) == 0
    for path in recordings:
        folder = tmp_path / "out" / path.stem
        found = json.loads((folder / "events.json").read_text())
        assert {each.name for each in folder.iterdir()} == {"events.tsv", "events.json", "events.png", "events.svg"}
        info = soundfile.info(path)
        assert found["recording"]["seconds"] == pytest.approx(info.duration, abs=1e-3)
        assert (found["recording"]["sample_rate"], found["recording"]["channels"]) == (info.samplerate, info.channels)
        assert found["run"]["system"] == who.system
        rows = read_table(folder / "events.tsv", COLUMNS)
        assert [row["event_label"] for row in rows] == [event["event_label"] for event in found["events"]]
        for event in found["events"]:
            assert 0 <= event["onset"] < event["offset"] <= found["recording"]["seconds"] + 1e-6
            assert 0 < event["mean_score"] <= event["largest_score"] <= 1


@pytest.mark.usefixtures("blank_pictures")
def test_what_was_found_always_lasts_as_long_as_the_recording(file, tmp_path, recordings):
    main(words(file, tmp_path / "out", recordings))
    found = json.loads((tmp_path / "out" / "stereo" / "events.json").read_text())
    assert [event["event_label"] for event in found["events"]] == sorted(found["classes"])
    assert {(event["onset"], round(event["offset"])) for event in found["events"]} == {(0, 5)}
    assert found["detection"]["name"] == "lowest_error_rate"
    assert found["detection"]["settings"]["threshold"] == 1e-6
    assert found["recording"]["windows"] > 1


@pytest.mark.usefixtures("blank_pictures")
def test_the_default_of_a_paper_without_detection_is_named(file, tmp_path, recordings, capsys):
    main(words(file, tmp_path / "out", recordings[:1], FIXED_LENGTH))
    assert "detection 'default': the paper detects no events" in capsys.readouterr().out
    found = json.loads((tmp_path / "out" / "short" / "events.json").read_text())["detection"]
    assert (found["name"], found["settings"]) == ("default", {"threshold": 0.5})
    assert "untuned" in found["note"]


@pytest.mark.parametrize(("form", "left_out"), [("tsv", "events.json"), ("json", "events.tsv")])
@pytest.mark.usefixtures("blank_pictures")
def test_one_format_is_enough(file, tmp_path, recordings, form, left_out):
    for _ in range(2):  # the second time it replaces its own
        assert main(words(file, tmp_path / "out", recordings[:1], POOLED, "--format", form)) == 0
    names = {"events.tsv", "events.json", "events.png", "events.svg"} - {left_out}
    assert {path.name for path in (tmp_path / "out" / "short").iterdir()} == names


@pytest.mark.usefixtures("blank_pictures")
def test_results_lie_with_those_of_the_paper(file, recordings):
    command = words(file, "", recordings[:1])
    command[command.index("--output") : command.index("--output") + 2] = []
    assert main(command) == 0
    folder = file.parent / "results/miniature/hierarchical_pooling/detected/linear_single/short"
    assert (folder / "events.tsv").is_file()


@pytest.mark.usefixtures("blank_pictures")
def test_one_that_cannot_be_read_keeps_none_back(file, tmp_path, recordings, capsys):
    (tmp_path / "broken.wav").write_bytes(b"RIFF and no more")
    paths = [tmp_path / "broken.wav", *recordings[:2], tmp_path / "gone.wav"]
    said = refused(words(file, tmp_path / "out", paths), capsys)
    assert "2 of 4 recordings cannot be used, the first: " in said
    assert "broken.wav: corrupt" in said
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["mono", "short"]


def test_each_bad_file_of_a_batch_is_named_with_its_true_reason(file, tmp_path, recordings, capsys):
    """And names of every kind: a dollar, a Latin-1 byte, 250 bytes, a dash, equal base names."""
    content = recordings[0].read_bytes()
    (tmp_path / "again").mkdir()
    good = [
        b"cash $$ register.wav",
        b"$x_{1}.wav",
        b"caf\xe9.wav",
        b"y" * 246 + b".wav",
        b"-dash.wav",
        b"tab\there.wav",
    ]
    good = [tmp_path / os.fsdecode(name) for name in good]
    twin = tmp_path / "again" / "-dash.flac"
    bad = {"none.wav": b"", "voice.m4a": b"\0\0\0\x20ftypM4A " + bytes(99), "cut.wav": content[:-100]}
    for path in (*good, twin):
        path.write_bytes(content)
    for name, what in bad.items():
        (tmp_path / name).write_bytes(what)
    (tmp_path / "folder").mkdir()
    (tmp_path / "RIFF.WAV").write_bytes(content)
    unread = [tmp_path / name for name in (*bad, "folder", "RIFF.wav")]
    command = words(file, tmp_path / "out", [*unread, *good, twin, recordings[1]])
    command = [
        "detect",
        *command[1 + len(unread) + len(good) + 2 :],
        "--",
        *map(str, [*unread, *good, twin, recordings[1]]),
    ]
    assert main(command) == 1
    said = capsys.readouterr()
    assert "6 of 13 recordings cannot be used" in said.err
    left_out = [line for line in said.out.splitlines() if line.startswith("left out: ")]
    reasons = ["empty", "MPEG-4", "shorter than its header", "is a folder", "there is 'RIFF.WAV'", "has the name of"]
    for line, reason in zip(left_out, reasons, strict=True):
        assert reason in line
    done = {os.fsencode(path.name) for path in (tmp_path / "out").iterdir()}
    assert done == {*(os.fsencode(path.stem) for path in good), b"mono"}
    table = read_table(tmp_path / "out" / os.fsdecode(b"caf\xe9") / "events.tsv", COLUMNS)
    assert table[0]["filename"] == "caf\ufffd.wav"
    assert "cash $$ register.wav" in (tmp_path / "out" / "cash $$ register" / "events.svg").read_text()


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        (("--format", "tvs"), "format 'tvs' is unknown; did you mean 'tsv'?"),
        (("--detection", "highest_f2"), "did you mean 'highest_f1'?"),
        (("--detection", "highest_f1"), "holds no detection 'highest_f1'"),
        (("--variant", "dcase2018"), "corpus variant 'dcase2018' is unknown; did you mean 'dcase2017'?"),
        (("--seed", "9"), "seed 9: no trained run; there are: dcase2017, fold 0, seed 1"),
    ],
)
def test_wrong_words_end_in_one_line(file, tmp_path, recordings, capsys, more, problem):
    assert problem in refused(words(file, tmp_path / "out", recordings, POOLED, *more), capsys)
    assert not (tmp_path / "out").exists()


def test_a_folder_of_the_user_is_never_replaced(file, tmp_path, recordings, capsys):
    kept = tmp_path / "out" / "short" / "thesis.tex"
    kept.parent.mkdir(parents=True)
    kept.write_text("years of work")
    assert "was not written by this command" in refused(words(file, tmp_path / "out", recordings[:1]), capsys)
    assert kept.read_text() == "years of work"


def test_a_run_of_another_front_end_is_refused(file, tmp_path, recordings, capsys):
    changed = ["--set", "hierarchical_pooling.front_end.n_mels=17"]
    values = yaml.safe_load(file.read_text())
    values["set"]["hierarchical_pooling"].pop("front_end.n_mels")
    (tmp_path / "other.yaml").write_text(yaml.safe_dump(values))
    said = refused([*words(tmp_path / "other.yaml", tmp_path / "out", recordings[:1]), *changed], capsys)
    assert "was trained with a front end that differs" in said


def test_scores_of_an_event_are_those_of_the_frames_it_touches():
    frame = np.array([[0.1, 0], [0.2, 0], [0.4, 0], [0.9, 0]])
    heard = SimpleNamespace(frame=frame, frames_per_second=10.0)
    classes = ["Cat", "Dog"]
    assert event_scores(heard, Event(0.1, 0.3, "Cat"), classes) == (0.3, 0.4)
    assert event_scores(heard, Event(0.15, 0.31, "Cat"), classes) == (0.5, 0.9)
    assert event_scores(heard, Event(0.1, 0.3, "Dog"), classes) == (0, 0)
    assert event_scores(heard, Event(0.5, 0.6, "Cat"), classes) == (0.9, 0.9)  # frames left over have no scores


@pytest.mark.usefixtures("blank_pictures")
def test_events_are_those_of_the_networks_scores(file, tmp_path, recordings):
    """A recording of the training length is one window: its scores are those of the network on its features."""
    main(words(file, tmp_path / "out", recordings[1:2]))
    config = made.configured(file.parent)
    run = RunView(config, load_paper(POOLED.paper, config), POOLED)
    logmel = torch.from_numpy((file_features(recordings[1], run.front_end) + 5) / 2)
    with torch.no_grad():
        frame = run.network()(logmel[None]).frame[0].numpy()
    found = json.loads((tmp_path / "out" / "mono" / "events.json").read_text())
    for event in found["events"]:
        scores = frame[:, found["classes"].index(event["event_label"])]
        assert event["mean_score"] == pytest.approx(scores.mean(), abs=1e-5)
        assert event["largest_score"] == pytest.approx(scores.max(), abs=1e-5)
