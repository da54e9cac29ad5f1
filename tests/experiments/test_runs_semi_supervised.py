"""Runs on clips with weak labels, strong ones and none, and runs that are based on others: C-SSED in small."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from sedrepro.annotations.clips import Coverage
from sedrepro.audio.store import FeatureStore, StoreFacts, write_store
from sedrepro.base.errors import DataError, SettingsError
from sedrepro.corpora.tables import write_tables
from sedrepro.experiments import places
from sedrepro.experiments.configuration import Config, make_config
from sedrepro.experiments.networks import build_network
from sedrepro.experiments.papers import load_paper
from sedrepro.experiments.places import corpus_folder
from sedrepro.experiments.run_files import (
    PSEUDO_LABELS,
    RUN_FILES,
    load_weights,
    read_history,
    read_pseudo_labels,
    read_scores,
    read_weights,
    write_pseudo_labels,
    write_weights,
)
from sedrepro.experiments.run_view import RunView
from sedrepro.experiments.runs import RunIdentity, base_files, base_of, needs_strong_labels
from sedrepro.steps import pseudo_labels
from sedrepro.steps import train as steps_train

PAPER, CORPUS = "c_ssed", "dcase2019"
STAGE_ONE = RunIdentity(PAPER, "power", CORPUS, 0, 1)
BRANCH = replace(STAGE_ONE, system="mt_ssed_lambda_0.1")
STAGE_TWO = replace(STAGE_ONE, system="c_ssed_0.1_0.3")
BASES = {STAGE_ONE: None, BRANCH: STAGE_ONE.system, STAGE_TWO: BRANCH.system}
CLASSES = ("Cat", "Dog")
SPLITS = ("weak", "synthetic", "unlabelled", "validation")
COUNTS = {"weak": 6, "synthetic": 6, "unlabelled": 5, "validation": 4}
TINY = {
    "front_end.hop_length": 1600,
    "front_end.n_mels": 8,
    "networks.crnn.filters": [4, 4],
    "networks.crnn.poolings": [[2, 2], [2, 4]],
    "networks.crnn.recurrent": 4,
    "training.epochs": 2,
    "training.batch_size": 6,
    "training.method.composition": {"weak": 2, "unlabelled": 2, "strong": 2},
    "systems.mt_ssed_lambda_0.1.training.epochs": 2,
}
SUPERVISED = {
    "label": "On weak labels",
    "network": "crnn",
    "arguments": {"pooling": "linear"},
    "training": {"method": {"kind": "supervised"}, "monitor": "loss"},
}


@pytest.fixture(autouse=True)
def _threads_stay():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def configured(folder: Path, **overrides) -> Config:
    given = {"scale": "miniature", "folds": [1], "seeds": [1], "device": "cpu", "set": {PAPER: TINY | overrides}}
    return make_config(given | {"work_dir": folder / "data", "results_dir": folder / "results"}, "test")


def make_corpus(config: Config, corpus: str = CORPUS) -> None:
    """Store and tables of a few clips of each split, in turn; a class raises some mel bands for a while."""
    paper, random = load_paper(PAPER, config), np.random.default_rng(0)
    front_end = paper.settings.front_end_of(corpus)
    splits = [split for number in range(6) for split in SPLITS if number < COUNTS[split]]
    labels = [(CLASSES[number // 2 % 2],) if split != "unlabelled" else () for number, split in enumerate(splits)]
    values = random.normal(-5, 1, (len(splits), front_end.n_frames, front_end.n_mels))
    for row, of_clip in enumerate(labels):
        for label in of_clip:
            values[row, 20:60, CLASSES.index(label) :: 2] += 3
    names = [f"{split}/{number}.wav" for number, split in enumerate(splits)]
    facts = StoreFacts(
        front_end=front_end,
        classes=CLASSES,
        variants=(corpus,),
        clips=len(splits),
        clips_expected=len(splits),
        fingerprint="f",
        data={"dcase2019_task4": Coverage(expected=21, usable=21, fingerprint="f")},
    )
    clips = [(name, split, 0, 10.0, f"g {name}") for name, split in zip(names, splits, strict=True)]
    weak = [(name, ",".join(of_clip)) for name, of_clip in zip(names, labels, strict=True) if of_clip]
    strong = [
        (name, 2.0, 6.0, of_clip[0])
        for name, split, of_clip in zip(names, splits, labels, strict=True)
        if split in ("synthetic", "validation")
    ]
    index = [(*clip[:4], ",".join(of_clip), clip[4]) for clip, of_clip in zip(clips, labels, strict=True)]
    write_store(places.store_folder(config, paper, corpus), facts, index, [{corpus: values.astype(np.float16)}])
    write_tables(corpus_folder(config, paper, corpus), clips, weak, strong)


def train(config: Config, who: RunIdentity) -> Path:
    return steps_train.train(load_paper(PAPER, config), who, config, 1, lambda line: None)


def ask(config: Config, who: RunIdentity) -> dict[str, np.ndarray]:
    return read_pseudo_labels(pseudo_labels.write_pseudo_labels(load_paper(PAPER, config), who, config, 1).parent)


@pytest.fixture(scope="module")
def trained(tmp_path_factory) -> Config:
    """The configuration of three runs, each based on the one before."""
    config = configured(tmp_path_factory.mktemp("based"))
    make_corpus(config)
    train(config, STAGE_ONE)
    train(config, BRANCH)
    ask(config, BRANCH)
    train(config, STAGE_TWO)
    return config


@pytest.fixture
def copy(trained: Config, tmp_path: Path) -> Config:
    """The same runs in a folder of their own, which may be damaged."""
    shutil.copytree(trained.results_dir, tmp_path / "results")
    return trained.model_copy(update={"results_dir": tmp_path / "results"})


def refused(kind: type[Exception], call, *arguments) -> str:
    with pytest.raises(kind) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# --- which run is based on which


def test_a_run_is_based_on_that_of_equal_variant_fold_and_seed(tmp_path: Path):
    paper = load_paper(PAPER, configured(tmp_path))
    assert base_of(paper, STAGE_ONE) is None
    assert base_of(paper, BRANCH) == STAGE_ONE
    for variant, seed in (("dcase2019", 1), ("dcase2019_44k", 7)):
        who = RunIdentity(PAPER, "c_ssed_0.01_0.7", variant, 0, seed)
        assert base_of(paper, who) == RunIdentity(PAPER, "mt_ssed_lambda_0.01", variant, 0, seed)


def test_the_confidence_branch_needs_weights_and_stage_two_pseudo_labels_too(tmp_path: Path):
    config = configured(tmp_path)
    paper = load_paper(PAPER, config)
    read = {who: base_files(config, paper, who) for who in (STAGE_ONE, BRANCH, STAGE_TWO)}
    assert read[STAGE_ONE] == []
    assert read[BRANCH] == [STAGE_ONE.folder(config) / name for name in ("config.json", "weights.safetensors")]
    names = ("config.json", "weights.safetensors", PSEUDO_LABELS)
    assert read[STAGE_TWO] == [BRANCH.folder(config) / name for name in names]


def test_only_methods_that_use_strong_labels_need_them(tmp_path: Path):
    paper = load_paper(PAPER, configured(tmp_path))
    assert all(needs_strong_labels(paper, who) for who in (STAGE_ONE, BRANCH, STAGE_TWO))
    assert not needs_strong_labels(load_paper(PAPER, configured(tmp_path, **{"systems.power": SUPERVISED})), STAGE_ONE)


# --- the runs


def test_every_stage_leaves_the_files_of_a_run(trained: Config):
    for who in (STAGE_ONE, BRANCH, STAGE_TWO):
        left = {path.name for path in who.folder(trained).iterdir()}
        assert left == {*RUN_FILES, *([PSEUDO_LABELS] if who == BRANCH else [])}
        assert not who.resume_file(trained).exists()
        described = json.loads((who.folder(trained) / "config.json").read_text())
        # A fifth of the 6 weak and of the 6 synthetic clips picks the epoch; 5 unlabelled ones train.
        assert (described["train_clips"], described["selection_clips"]) == (5 + 5 + 5, 1 + 1)
        assert described["settings"]["based_on"] == BASES[who]
        assert list(read_scores(who.folder(trained))["splits"]) == ["validation"] * 4


def test_the_branch_run_has_the_weights_of_its_base_and_a_confidence_of_its_own(trained: Config):
    base, own = (read_weights(who.folder(trained)) for who in (STAGE_ONE, BRANCH))
    assert {name for name in own if name not in base} == {"confidence.weight", "confidence.bias"}
    assert all(torch.equal(own[name], weight) for name, weight in base.items())
    scores = read_scores(BRANCH.folder(trained))
    assert scores["confidence"].shape == scores["frame"].shape
    assert scores["confidence"].dtype == scores["frame"].dtype == np.float16
    assert "confidence" not in read_scores(STAGE_ONE.folder(trained))


def test_supervised_training_leaves_out_clips_without_labels(tmp_path: Path):
    config = configured(tmp_path, **{"systems.power": SUPERVISED})
    make_corpus(config)
    described = json.loads((train(config, STAGE_ONE) / "config.json").read_text())
    assert (described["train_clips"], described["selection_clips"]) == (5 + 5, 1 + 1)


# --- pseudo-labels


@pytest.fixture(params=[STAGE_ONE, BRANCH], ids=["without confidence", "with confidence"])
def who(request) -> RunIdentity:
    return request.param


def test_pseudo_labels_are_what_the_network_says_clip_by_clip(copy: Config, who: RunIdentity, monkeypatch):
    monkeypatch.setattr(pseudo_labels, "ASKED_AT_ONCE", 4)  # so that the blocks' borders are seen
    paper, found = load_paper(PAPER, copy), ask(copy, who)
    store = FeatureStore(places.store_folder(copy, paper, CORPUS))
    wanted = [row for row, split in enumerate(store.splits) if split in ("weak", "unlabelled")]
    assert list(found["filenames"]) == [store.filenames[row] for row in wanted]
    assert len(wanted) == 11  # all, whether they trained the run or picked its epoch
    assert ("confidence" in found) == (who == BRANCH)
    assert {name: array.dtype for name, array in found.items() if name in ("frame", "confidence")} == {
        name: np.float16 for name in (("frame", "confidence") if who == BRANCH else ("frame",))
    }
    network = build_network(paper, who.system, len(CLASSES), 5, CORPUS)
    load_weights(network, who.folder(copy))
    scores = read_scores(who.folder(copy))
    for place, row in enumerate(wanted):
        raw = store.array(CORPUS)[row].astype(np.float32)
        with torch.no_grad():
            output = network.eval()(torch.from_numpy((raw - scores["mean"]) / scores["deviation"])[None])
        np.testing.assert_allclose(found["clip"][place], output.clip[0], rtol=1e-4)
        np.testing.assert_allclose(found["frame"][place].astype(np.float32), output.frame[0], atol=1e-3)
        if who == BRANCH:
            np.testing.assert_allclose(found["confidence"][place].astype(np.float32), output.confidence[0], atol=1e-3)


@pytest.mark.parametrize("size", [1, 3, 11, 512])
def test_pseudo_labels_do_not_depend_on_the_blocks(copy: Config, size: int, monkeypatch):
    whole = read_pseudo_labels(BRANCH.folder(copy))
    monkeypatch.setattr(pseudo_labels, "ASKED_AT_ONCE", size)
    again = ask(copy, BRANCH)
    assert again.keys() == whole.keys()
    assert list(again["filenames"]) == list(whole["filenames"])
    for name in ("clip", "frame", "confidence"):
        np.testing.assert_allclose(again[name].astype(np.float32), whole[name].astype(np.float32), atol=1e-3)


def test_pseudo_labels_of_a_run_that_is_not_there_name_the_file(trained: Config):
    message = refused(DataError, ask, trained, replace(STAGE_ONE, seed=2))
    assert message.startswith(str(replace(STAGE_ONE, seed=2).folder(trained) / "scores.npz"))
    assert "train this run again" in message


def test_pseudo_labels_of_a_changed_network_are_refused(copy: Config):
    wider = copy.model_copy(update={"set": {PAPER: TINY | {"networks.crnn.recurrent": 5}}})
    message = refused(DataError, ask, wider, BRANCH)
    assert message.startswith(str(BRANCH.folder(copy) / "weights.safetensors"))


# --- missing, damaged or changed bases


@pytest.mark.parametrize(
    ("who", "name", "verb", "base"),
    [
        (BRANCH, "weights.safetensors", "train", STAGE_ONE),
        (BRANCH, "config.json", "train", STAGE_ONE),
        (STAGE_TWO, "weights.safetensors", "train", BRANCH),
        (STAGE_TWO, PSEUDO_LABELS, "pseudo-labels", BRANCH),
    ],
)
def test_a_missing_base_names_the_command_that_makes_it(copy: Config, who, name, verb, base):
    path = base.folder(copy) / name
    path.unlink()
    message = refused(DataError, train, copy, who)
    words = f"--paper c_ssed --system {base.system} --variant dcase2019 --fold 0 --seed 1"
    assert message == f"{path}: no such file, but {who.system} needs it; first python -m sedrepro {verb} {words}"


@pytest.mark.parametrize("name", ["weights.safetensors", PSEUDO_LABELS])
@pytest.mark.parametrize("kept", [0, 100])
def test_a_damaged_base_is_named(copy: Config, name: str, kept: int):
    path = BRANCH.folder(copy) / name
    path.write_bytes(path.read_bytes()[:kept])
    message = refused(DataError, train, copy, STAGE_TWO)
    assert message.startswith(f"{path}: cannot be read (")
    assert message.endswith(
        "write it with the verb pseudo-labels, for this run" if name == PSEUDO_LABELS else "train this run again"
    )


def test_pseudo_labels_that_lack_a_clip_name_it(copy: Config):
    arrays = read_pseudo_labels(BRANCH.folder(copy))
    lost = next(name for name in arrays["filenames"] if name.startswith("unlabelled"))
    kept = arrays["filenames"] != lost
    write_pseudo_labels(BRANCH.folder(copy), {name: array[kept] for name, array in arrays.items()})
    assert str(lost) in refused(DataError, train, copy, STAGE_TWO)


@pytest.mark.parametrize("changed", [*("config.json", "weights.safetensors", PSEUDO_LABELS), None])
def test_a_changed_base_makes_resume_states_useless(copy: Config, changed: str | None):
    lines: list[str] = []

    def stop(line: str) -> None:
        lines.append(line)
        if line.startswith("epoch 1 "):
            raise KeyboardInterrupt

    paper = load_paper(PAPER, copy)
    with pytest.raises(KeyboardInterrupt):
        steps_train.train(paper, STAGE_TWO, copy, 1, stop)
    folder = BRANCH.folder(copy)
    if changed == "config.json":
        (folder / changed).write_text((folder / changed).read_text().replace('"seed": 1', '"seed":  1'))
    elif changed == PSEUDO_LABELS:
        arrays = read_pseudo_labels(folder)
        write_pseudo_labels(folder, arrays | {"frame": arrays["frame"] / 2})
    elif changed is not None:
        weights = read_weights(folder)
        write_weights(folder, {name: weight + 1 for name, weight in weights.items()})
    lines.clear()
    steps_train.train(paper, STAGE_TWO, copy, 1, lines.append)
    assert lines[0] == "resuming after epoch 1" if changed is None else lines[0].startswith("epoch 1 ")


# --- views of the runs


def test_a_view_has_the_history_by_epoch_and_the_arguments_of_its_network(trained: Config):
    view = RunView(trained, load_paper(PAPER, trained), STAGE_ONE)
    history = view.history
    assert history.keys() == read_history(STAGE_ONE.folder(trained)).keys()
    assert {"epoch", "learning_rate", "loss", "macro_f1", "n"} <= history.keys()
    np.testing.assert_array_equal(history["epoch"], [1, 2])
    assert history["n"].shape == (2,) and (history["n"] != 1.2).all()
    assert view.arguments["pooling_arguments"] == {"n": 1.2}
    assert view.arguments["recurrent"] == 4
    with torch.no_grad():
        said = view.network()(view.logmel("validation/3.wav"))
    place = list(view.scores["filenames"]).index("validation/3.wav")
    np.testing.assert_allclose(said.clip[0], view.scores["clip"][place], rtol=1e-4)


# --- a front end per corpus


def test_the_network_is_built_for_the_features_of_its_corpus(tmp_path: Path):
    finer = {"corpora.dcase2019_44k.front_end": {"n_mels": 32}}
    paper = load_paper(PAPER, configured(tmp_path, **finer))
    assert paper.run("power", "dcase2019").front_end == paper.run("power").front_end == paper.settings.front_end
    assert paper.run("power", "dcase2019_44k").front_end == paper.settings.front_end.model_copy(update={"n_mels": 32})
    plain, unnamed, fine = (build_network(paper, "power", 2, 1, each) for each in ("dcase2019", None, "dcase2019_44k"))
    assert plain.recurrent.weight_ih_l0.shape == unnamed.recurrent.weight_ih_l0.shape == (12, 4)
    assert fine.recurrent.weight_ih_l0.shape == (12, 16)


def test_all_steps_of_a_run_take_the_front_end_of_its_corpus(tmp_path: Path):
    who = replace(STAGE_ONE, variant="dcase2019_44k")
    config = configured(tmp_path, **{"corpora.dcase2019_44k.front_end": {"n_mels": 32}, "training.epochs": 1})
    make_corpus(config, who.variant)
    paper = load_paper(PAPER, config)
    front_end = paper.settings.front_end_of(who.variant)
    described = json.loads((train(config, who) / "config.json").read_text())
    assert described["settings"]["front_end"] == front_end.model_dump(mode="json")
    assert len(ask(config, who)["filenames"]) == 11
    view = RunView(config, paper, who)
    assert view.front_end == front_end
    logmel = view.logmel("validation/3.wav")
    assert logmel.shape == (1, front_end.n_frames, 32)
    with torch.no_grad():
        said = view.network()(logmel).clip[0]
    np.testing.assert_allclose(said, view.scores["clip"][0], rtol=1e-4)


def test_features_of_another_corpus_front_end_are_refused(trained: Config):
    changed = TINY | {"corpora.dcase2019_44k.front_end": {"n_mels": 32}}
    config = trained.model_copy(update={"set": {PAPER: changed}})
    paper = load_paper(PAPER, config)
    stores = [places.store_folder(config, paper, name) for name in (CORPUS, "dcase2019_44k")]
    shutil.copytree(*stores)
    try:
        message = refused(SettingsError, train, config, replace(STAGE_ONE, variant="dcase2019_44k"))
    finally:
        shutil.rmtree(stores[1])
    assert message.startswith(f"{stores[1]}: features were extracted with n_mels = 8, the paper's settings say 32")
