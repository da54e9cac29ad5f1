"""What figures see of trained runs: features and network as in training, and damage by its file."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from sedrepro.annotations.clips import STRONG_COLUMNS, Coverage, Event
from sedrepro.audio.store import StoreFacts, write_store
from sedrepro.base.errors import DataError
from sedrepro.base.files import write_json, write_table
from sedrepro.experiments.configuration import Config, make_config
from sedrepro.experiments.papers import Paper, load_paper
from sedrepro.experiments.places import corpus_folder, store_folder
from sedrepro.experiments.run_files import read_scores
from sedrepro.experiments.run_view import RunView
from sedrepro.experiments.runs import RunIdentity, figure_runs
from sedrepro.steps import train as steps_train
from sedrepro.steps.examine import examine
from sedrepro.steps.figure import draw

PAPER, FIGURE, CORPUS = "hierarchical_pooling", "figure5", "dcase2017"
WHO = RunIdentity(PAPER, "linear_hierarchical", CORPUS, 0, 1)
CLASSES = ("Bus", "Train")
SPLITS = ("training", "training", "training", "testing", "evaluation")
TINY = {
    "networks.gated_crnn.filters": [4, 4, 4, 4],
    "networks.gated_crnn.last_filters": 4,
    "networks.gated_crnn.recurrent": 4,
    "training.epochs": 1,
}


def make_store(config: Config, paper: Paper) -> None:
    """Fifteen clips of official splits; a class raises some mel bands. Every other clip of a split has one class."""
    front_end, random = paper.settings.front_end, np.random.default_rng(0)
    labels = [CLASSES[number % 2] for number in range(15)]
    values = random.normal(-8, 2, (15, front_end.n_frames, front_end.n_mels))
    values[1::2, 20:60, :16] += 5
    facts = StoreFacts(
        front_end=front_end,
        classes=CLASSES,
        variants=(CORPUS,),
        clips=15,
        clips_expected=15,
        fingerprint="f",
        data={"dcase2017_task4": Coverage(expected=15, usable=15, fingerprint="f")},
    )
    index = [(f"{n}.wav", SPLITS[n % 5], 0, 10.0, labels[n], f"g{n}") for n in range(15)]
    write_store(store_folder(config, paper, CORPUS), facts, index, [{CORPUS: values.astype(np.float16)}])
    strong = [(f"{n}.wav", 1.5, 4.0 + n / 10, labels[n]) for n in range(15) if n % 5 > 2]
    write_table(corpus_folder(config, paper, CORPUS) / "strong.tsv", STRONG_COLUMNS, strong)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Configuration and paper of the tiny runs of Figure 5."""
    folder = tmp_path_factory.mktemp("views")
    given = {"scale": "miniature", "folds": [3], "seeds": [1], "device": "cpu", "set": {PAPER: TINY}}
    config = make_config(given | {"work_dir": folder / "data", "results_dir": folder / "results"}, "test")
    paper = load_paper(PAPER, config)
    make_store(config, paper)
    threads = torch.get_num_threads()
    for who in figure_runs(config, paper, FIGURE):
        steps_train.train(paper, who, config, 1, lambda line: None)
    torch.set_num_threads(threads)
    return config, paper


@pytest.fixture
def view(trained) -> RunView:
    return RunView(*trained, WHO)


@pytest.fixture
def damaged(trained, tmp_path):
    """A copy of all runs that may be damaged: a new view of one of them, and its folder."""
    config = trained[0].model_copy(update={"results_dir": tmp_path})
    shutil.copytree(trained[0].results_dir, tmp_path, dirs_exist_ok=True)
    return RunView(config, trained[1], WHO), WHO.folder(config)


# --- one run


def test_a_view_tells_what_lies_in_the_runs_folder(trained, view):
    config, paper = trained
    assert view.label == "Linear, hierarchical"
    assert view.classes == list(CLASSES)
    assert view.front_end == paper.settings.front_end
    stored = read_scores(WHO.folder(config))
    assert view.scores.keys() == stored.keys()
    assert all(np.array_equal(view.scores[name], stored[name]) for name in stored)
    assert view.events["8.wav"] == [Event(1.5, 4.8, "Bus")]
    assert len(view.events) == 6


def test_features_are_standardised_as_those_that_trained_it(trained, view):
    config, paper = trained
    raw = np.load(store_folder(config, paper, CORPUS) / f"{CORPUS}.npy").astype(np.float64)
    training = np.array([split == "training" for split in SPLITS] * 3)
    mean, deviation = raw[training].mean(axis=(0, 1)), raw[training].std(axis=(0, 1))
    for number in (0, 3, 14):
        logmel = view.logmel(f"{number}.wav")
        assert logmel.shape == (1, paper.settings.front_end.n_frames, paper.settings.front_end.n_mels)
        assert logmel.dtype == torch.float32
        # Of all clips of the split, whether they train or pick the epoch.
        np.testing.assert_allclose(logmel[0], (raw[number] - mean) / deviation, rtol=1e-4, atol=1e-4)


def test_the_network_has_the_stored_weights_and_gives_the_stored_scores(trained, view):
    config, _ = trained
    network = view.network()
    assert not network.training
    stored = load_file(WHO.folder(config) / "weights.safetensors")
    assert all(torch.equal(weight, stored[name]) for name, weight in network.state_dict().items())
    for row, name in enumerate(map(str, view.scores["filenames"])):
        with torch.no_grad():
            output = network(view.logmel(name))
        np.testing.assert_allclose(view.scores["clip"][row], output.clip[0], rtol=1e-4)
        for label, scores in zip(CLASSES, output.frame[0].T, strict=True):
            np.testing.assert_allclose(view.frame_scores(name, label).astype(float), scores, atol=1e-3)


@pytest.mark.parametrize(
    ("asked", "file"),
    [
        (lambda view: view.logmel("99.wav"), "index.tsv: '99.wav'"),
        (lambda view: view.frame_scores("99.wav", "Bus"), "scores.npz: '99.wav'"),
        (lambda view: view.frame_scores("0.wav", "Bus"), "scores.npz: '0.wav'"),  # it trained
        (lambda view: view.frame_scores("3.wav", "Boat"), "config.json: 'Boat'"),
    ],
)
def test_clips_and_classes_that_are_not_there_are_named(view, asked, file):
    with pytest.raises(DataError) as caught:
        asked(view)
    assert f"{file} is not in it" in str(caught.value)


# --- damage


def refused(kind, call, *arguments) -> str:
    with pytest.raises(kind) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def whole(view: RunView) -> None:
    """Ask for everything."""
    view.events, view.classes, view.scores  # noqa: B018
    view.frame_scores("3.wav", "Bus"), view.logmel("3.wav"), view.network()


def test_the_copy_is_whole(damaged):
    whole(damaged[0])


@pytest.mark.parametrize("name", ["config.json", "scores.npz", "weights.safetensors"])
@pytest.mark.parametrize("content", ["deleted", "empty", "cut", "text"])
def test_damaged_files_are_named(damaged, name, content):
    view, folder = damaged
    path = folder / name
    if content == "deleted":
        path.unlink()
    else:
        path.write_bytes({"empty": b"", "cut": path.read_bytes()[:150], "text": b"404 not found"}[content])
    assert str(path) in refused(DataError, whole, view)


@pytest.mark.parametrize("values", [{"paper": PAPER}, [1], "classes"])
def test_a_config_json_that_is_none_is_named(damaged, values):
    view, folder = damaged
    write_json(folder / "config.json", values)
    message = refused(DataError, whole, view)
    assert message.startswith(f"{folder}/config.json: ")
    assert message.endswith("; train this run again")


@pytest.mark.parametrize("name", ["filenames", "splits", "frames_per_second", "mean", "deviation", "frame"])
def test_arrays_that_lack_are_named(damaged, name):
    view, folder = damaged
    arrays = read_scores(folder)
    del arrays[name]
    np.savez(folder / "scores.npz", **arrays)
    message = refused(DataError, whole, view)
    assert message.startswith(f"{folder}/scores.npz: holds no ")
    assert name in message
    assert "train this run again" in message


def test_weights_of_another_network_are_named(damaged):
    view, folder = damaged
    other = RunIdentity(PAPER, "attention_single", CORPUS, 0, 1).folder(view._config)
    shutil.copy(other / "weights.safetensors", folder)
    assert refused(DataError, whole, view).startswith(f"{folder}/weights.safetensors: cannot be read")


def test_features_of_another_front_end_are_refused(trained):
    config = make_config(trained[0].model_dump() | {"set": {PAPER: TINY | {"front_end.fmin": 60}}}, "test")
    view = RunView(config, load_paper(PAPER, config), WHO)
    assert "(fmin 0.0, not 60.0)" in refused(DataError, view.logmel, "3.wav")


# --- several runs in one figure


def stem(config: Config) -> Path:
    return config.results_dir / "miniature" / PAPER / "figures" / FIGURE


def test_the_facts_of_a_figure_name_all_its_runs(trained, tmp_path):
    config, paper = trained
    assert examine(config, paper, FIGURE) == stem(config).with_suffix(".npz")
    facts = json.loads(stem(config).with_suffix(".json").read_text())
    # The miniature gives attention a second seed. Official clips have no folds, whatever is configured.
    runs = [
        RunIdentity(PAPER, f"{pooling}_{form}", CORPUS, 0, seed)
        for pooling, seeds in {"linear": [1], "exponential": [1], "attention": [1, 2]}.items()
        for form in ("single", "hierarchical")
        for seed in seeds
    ]
    assert facts["runs"] == [str(run.path) for run in runs]
    assert facts["labels"] == [paper.settings.systems[run.system].label for run in runs]
    assert (facts["scale"], facts["variant"], facts["classes"]) == ("miniature", CORPUS, list(CLASSES))
    # Of the evaluation clips 4, 9 and 14 only the second is of the class Train.
    assert (facts["filename"], facts["event_label"]) == ("9.wav", "Train")
    with np.load(stem(config).with_suffix(".npz")) as arrays:
        for run, curve in zip(runs, arrays["frame"], strict=True):
            expected = RunView(config, paper, run).frame_scores("9.wav", "Train")
            np.testing.assert_array_equal(curve, expected.astype(np.float32))
    assert draw(config, paper, FIGURE).read_bytes().startswith(b"<?xml")


def test_one_missing_run_of_several_is_named(trained, damaged):
    config = damaged[0]._config
    last = figure_runs(config, trained[1], FIGURE)[-1].folder(config)
    shutil.rmtree(last)
    assert str(last) in refused(DataError, examine, config, trained[1], FIGURE)
