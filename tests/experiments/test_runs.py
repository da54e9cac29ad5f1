import csv
import json
import os
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file
from sklearn.metrics import average_precision_score, roc_auc_score

from sedrepro.annotations.clips import Coverage
from sedrepro.audio.store import StoreFacts, write_store
from sedrepro.base.errors import DataError, SettingsError
from sedrepro.base.locks import only_worker
from sedrepro.cli import main
from sedrepro.corpora.tables import write_tables
from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.metrics_files import read_metrics
from sedrepro.experiments.networks import build_network
from sedrepro.experiments.papers import load_paper
from sedrepro.experiments.places import corpus_folder, store_folder
from sedrepro.experiments.run_files import RUN_FILES, read_scores
from sedrepro.experiments.runs import RunIdentity
from sedrepro.steps import score as scoring
from sedrepro.steps import train as steps_train
from sedrepro.steps.score import SCORE_FILES

PAPER = "two_step_attention"
WHO = RunIdentity(PAPER, "2ap_alpha_0.1", "remix_0db", 1, 1)
CLASSES = ("Bark", "Bass_drum", "Cough", "Knock")
TINY = {
    "front_end.clip_seconds": 2,
    "front_end.n_mels": 8,
    "networks.two_step.channels": [4, 4],
    "networks.vgg_like.channels": [4, 4],
    "training.epochs": 3,
    "training.batch_size": 8,
}


@pytest.fixture(autouse=True)
def _threads_stay():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def configured(folder, changes=None, **overrides):
    given = {"scale": "miniature", "folds": [1], "seeds": [1], "device": "cpu", "frame_scores": True}
    given |= {"work_dir": folder / "data", "results_dir": folder / "results", "set": {PAPER: TINY | overrides}}
    return make_config(given | (changes or {}), "test")


def make_store(config, clips=24) -> None:
    """A store in which each class raises a mel band of its own; three folds, silence nowhere."""
    paper = load_paper(PAPER, config)
    front_end = paper.settings.front_end
    random = np.random.default_rng(0)
    targets = random.random((clips, len(CLASSES))) < 0.35
    targets[np.arange(clips), np.arange(clips) % len(CLASSES)] = True
    values = random.normal(-8, 1, (clips, front_end.n_frames, front_end.n_mels))
    values[:, 3:9, ::2] += 4 * targets[:, None, :]
    labels = [",".join(c for c, t in zip(CLASSES, row, strict=True) if t) for row in targets]
    index = [(f"{i:05d}.wav", "development", i % 3 + 1, 2, labels[i], f"g{i}") for i in range(clips)]
    facts = StoreFacts(
        front_end=front_end,
        classes=CLASSES,
        variants=("remix_0db", "remix_20db"),
        clips=clips,
        clips_expected=clips + 2,
        fingerprint="f" * 64,
        data={"some_set": Coverage(expected=90, usable=80, fingerprint="f" * 64)},
    )
    blocks = [{variant: values.astype(np.float16) for variant in facts.variants}]
    write_store(store_folder(config, paper, "remix"), facts, index, blocks)
    strong = [(row[0], 0.5, 1.5, label) for row in index for label in row[4].split(",")]
    rows = [(name, split, fold, seconds, group) for name, split, fold, seconds, _, group in index]
    write_tables(corpus_folder(config, paper, "remix"), rows, [(row[0], row[4]) for row in index], strong)


def train(config, who=WHO, log=lambda line: None):
    return steps_train.train(load_paper(PAPER, config), who, config, 1, log)


def score(config, who=WHO):
    return scoring.score(load_paper(PAPER, config), who, config)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A configuration, and the folder of one trained and scored run."""
    config = configured(tmp_path_factory.mktemp("runs"))
    make_store(config)
    folder = train(config)
    score(config)
    return config, folder


# --- not trained twice by mistake


def is_trained(config) -> bool:
    return steps_train.is_trained(load_paper(PAPER, config), WHO, config)


def test_clips_are_read_before_a_device_is_held(tmp_path, monkeypatch):
    order = []

    def noted(name, function):
        def call(*arguments, **named):
            order.append(name)
            return function(*arguments, **named)

        return call

    config = configured(tmp_path)
    make_store(config)
    for name in ("load_data", "leased_device"):
        monkeypatch.setattr(steps_train, name, noted(name, getattr(steps_train, name)))
    train(config)
    assert order == ["load_data", "leased_device"]


def test_a_run_is_trained_until_a_setting_the_precision_or_a_file_of_it_changes(trained, tmp_path):
    folder = trained[1]
    shutil.copytree(folder.parents[7], tmp_path / "copy")
    places = {"work_dir": str(tmp_path / "copy/data"), "results_dir": str(tmp_path / "copy/results")}
    config = configured(tmp_path, places)
    assert is_trained(config)
    assert not is_trained(configured(tmp_path, places, **{"training.epochs": 4}))
    assert not is_trained(configured(tmp_path, places | {"tf32": True}))
    copied = WHO.folder(config)
    (copied / "config.json").write_text("{}")
    assert not is_trained(config)
    shutil.copy(folder / "config.json", copied)
    assert is_trained(config)
    (copied / "history.csv").unlink()
    assert not is_trained(config)


def test_the_verb_leaves_a_trained_run_alone_unless_told_otherwise(trained, tmp_path, capsys):
    config, folder = trained
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(json.loads(config.model_dump_json(exclude_none=True))))
    command = [
        "train",
        "--config",
        str(file),
        *(word for key, value in vars(WHO).items() for word in (f"--{key}", str(value))),
    ]
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    assert main(command) == 1
    assert "is already trained with these settings; train --again" in capsys.readouterr().err
    assert before == {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in folder.iterdir()}
    assert main([*command, "--again"]) == 0
    after = {path.name: path.read_bytes() for path in folder.iterdir() if path.name != "environment.json"}
    assert after == {name: content for name, (content, _) in before.items() if name in after}


# --- where things lie


def test_folders_follow_the_identity(tmp_path):
    config = configured(tmp_path)
    expected = tmp_path / "results/miniature/two_step_attention/runs/2ap_alpha_0.1/remix_0db/fold1/seed1"
    assert WHO.folder(config) == expected
    resume = tmp_path / "data/miniature/resume/two_step_attention/runs/2ap_alpha_0.1/remix_0db/fold1/seed1.pt"
    assert WHO.resume_file(config) == resume
    assert config.results_dir not in resume.parents


def test_runs_never_share_a_folder_or_a_resume_file(tmp_path):
    config = configured(tmp_path)
    identities = [
        RunIdentity(PAPER, system, variant, fold, seed)
        for system in ("2ap_alpha_0", "2ap_alpha_0.1", "2ap_alpha_0.01")
        for variant in ("remix_0db", "remix_10db")
        for fold in (1, 11)
        for seed in (1, 11)
    ]
    assert len({who.folder(config) for who in identities}) == len(identities)
    assert len({who.resume_file(config) for who in identities}) == len(identities)


# --- a run


def test_a_run_leaves_its_files_and_no_resume_state(trained):
    config, folder = trained
    assert {path.name for path in folder.iterdir()} == {*RUN_FILES, *SCORE_FILES}
    assert list(WHO.resume_file(config).parent.iterdir()) == []


def test_a_run_that_another_process_trains_is_left_alone(trained):
    config, folder = trained
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with (
        only_worker(WHO.resume_file(config).with_suffix(".lock"), "this run is being trained"),
        pytest.raises(DataError, match=rf"seed1.lock: this run is being trained by process {os.getpid()} on "),
    ):
        train(config)
    assert before == {path.name: path.read_bytes() for path in folder.iterdir()}


def test_config_json_says_what_decides_the_result(trained):
    config, folder = trained
    described = json.loads((folder / "config.json").read_text())
    assert {key: described[key] for key in ("paper", "system", "variant", "fold", "seed")} == vars(WHO)
    assert described["scale"] == "miniature"
    assert described["budget"] == "cpu"
    assert described["classes"] == list(CLASSES)
    assert (described["clips"], described["clips_expected"]) == (24, 26)
    assert described["features_fingerprint"] == "f" * 64
    settings = described["settings"]
    assert settings["loss_weights"] == {"reconstruction": 0.1}
    assert settings["training"]["epochs"] == 3
    sigmoids = {"inner_sigmoid": False, "classification_sigmoid": True}
    assert settings["arguments"] == {"channels": [4, 4], "decode_from": "encoder"} | sigmoids
    assert settings["front_end"]["n_mels"] == 8
    assert 1 <= described["best_epoch"] <= 3
    assert (described["train_clips"], described["selection_clips"]) == (16, 8)  # the held-out fold selects
    network = build_network(load_paper(PAPER, config), WHO.system, len(CLASSES), 0)
    assert described["parameters"] == sum(p.numel() for p in network.parameters())


def test_environment_json_says_what_it_was_made_with(trained):
    made = json.loads((trained[1] / "environment.json").read_text())
    expected = {"sedrepro", "commit", "python", "torch", "numpy", "platform", "device", "threads", "seconds"}
    assert set(made) == expected | {"peak_memory_mib", "peak_gpu_memory_mib"}
    assert made["torch"] == torch.__version__
    assert made["numpy"] == np.__version__
    assert made["threads"] == 1
    assert made["seconds"] > 0
    assert 50 < made["peak_memory_mib"] < 100_000
    assert made["peak_gpu_memory_mib"] is None
    assert made["device"]


def test_history_csv_has_a_row_per_epoch(trained):
    with open(trained[1] / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["1", "2", "3"]
    assert set(rows[0]) == {"epoch", "learning_rate", "loss", "clip", "reconstruction", "selection_loss", "micro_ap"}
    best = json.loads((trained[1] / "config.json").read_text())["best_epoch"]
    scores = [float(row["micro_ap"]) for row in rows]
    assert scores.index(max(scores)) == best - 1


def test_scores_are_those_of_the_stored_weights_on_the_held_out_fold(trained):
    config, folder = trained
    paper, scores = load_paper(PAPER, config), read_scores(folder)
    assert list(scores["filenames"]) == [f"{i:05d}.wav" for i in range(0, 24, 3)]
    network = build_network(paper, WHO.system, len(CLASSES), 99).eval()
    network.load_state_dict(load_file(folder / "weights.safetensors"))
    raw = np.load(store_folder(config, paper, "remix") / "remix_0db.npy").astype(np.float32)[::3]
    features = torch.from_numpy((raw - scores["mean"]) / scores["deviation"])
    with torch.no_grad():
        output = network(features)
    np.testing.assert_allclose(scores["clip"], output.clip, rtol=1e-5)
    np.testing.assert_allclose(scores["frame"].astype(np.float32), output.frame, atol=1e-3)
    assert scores["targets"].dtype == np.uint8
    assert scores["targets"].shape == scores["clip"].shape == (8, 4)


def test_metrics_json_is_what_scikit_learn_says_of_the_scores(trained):
    folder = trained[1]
    scores, found = read_scores(folder), read_metrics(folder / "metrics.json")
    t, s = scores["targets"], scores["clip"]
    assert t.any(axis=0).all()
    assert not t.all(axis=0).any()
    assert list(found.splits) == ["development"]
    assert found.splits["development"].metrics == {
        "micro_ap": pytest.approx(average_precision_score(t, s, average="micro"), abs=1e-6),
        "macro_ap": pytest.approx(average_precision_score(t, s, average="macro"), abs=1e-6),
        "roc_auc": pytest.approx(roc_auc_score(t, s, average="macro"), abs=1e-6),
    }
    assert (found.paper, found.system, found.variant, found.fold, found.seed) == tuple(vars(WHO).values())
    assert (found.scale, found.clips, found.clips_expected) == ("miniature", 24, 26)
    assert found.classes == list(CLASSES)
    assert found.splits["development"].clips == 8
    assert found.splits["development"].detections == {}


def test_frame_scores_are_stored_on_request_only(trained, tmp_path):
    config = configured(tmp_path, {"frame_scores": False}, **{"training.epochs": 1})
    make_store(config)
    assert "frame" not in read_scores(train(config))
    assert "frame" in read_scores(trained[1])


@pytest.mark.parametrize("system", ["vgg_gwrp", "atrous_ap", "2ap_alpha_0.001", "2ap_by_equations"])
def test_every_kind_of_system_runs(tmp_path, system):
    config = configured(tmp_path, **{"training.epochs": 1, "networks.atrous.channels": [4, 4]})
    make_store(config)
    who = RunIdentity(PAPER, system, "remix_20db", 2, 3)
    train(config, who)
    assert read_metrics(score(config, who)).splits["development"].metrics["micro_ap"] > 0


def test_the_epoch_is_selected_on_the_clips_that_the_settings_name(tmp_path):
    config = configured(tmp_path, **{"training.epochs": 4})
    make_store(config)
    folder = train(config)
    score(config)
    with open(folder / "history.csv", newline="") as file:
        best = max(float(row["micro_ap"]) for row in csv.DictReader(file))
    assert read_metrics(folder / "metrics.json").splits["development"].metrics["micro_ap"] == pytest.approx(
        best, abs=1e-6
    )


def test_folds_and_seeds_make_different_runs(trained):
    config, folder = trained
    first = read_scores(folder)
    other_fold = read_scores(train(config, RunIdentity(PAPER, WHO.system, WHO.variant, 2, 1)))
    other_seed = read_scores(train(config, RunIdentity(PAPER, WHO.system, WHO.variant, 1, 2)))
    assert not set(first["filenames"]) & set(other_fold["filenames"])
    assert list(first["filenames"]) == list(other_seed["filenames"])
    assert not np.array_equal(first["clip"], other_seed["clip"])


# --- official splits in place of folds

OFFICIAL = "hierarchical_pooling"
SMALL = {
    "networks.gated_crnn.filters": [4, 4, 4, 4],
    "networks.gated_crnn.last_filters": 4,
    "networks.gated_crnn.recurrent": 4,
    "networks.gated_crnn.dropout": 0.25,
    "training.epochs": 4,
    "training.batch_size": 4,
    "training.stop_patience": None,
}


def trained_on_official_splits(folder, system, seed=1, **overrides):
    """Train a run on a store with the splits training, testing and evaluation; returns its folder."""
    given = {"scale": "miniature", "folds": [2, 3], "seeds": [1], "device": "cpu", "set": {OFFICIAL: SMALL | overrides}}
    config = make_config(given | {"work_dir": folder / "data", "results_dir": folder / "results"}, "test")
    paper = load_paper(OFFICIAL, config)
    front_end, random = paper.settings.front_end, np.random.default_rng(0)
    splits = ["training"] * 12 + ["testing", "evaluation"] * 4
    targets = random.random((20, 2)) < 0.5
    targets[::2, 0] = targets[1::2, 1] = True
    values = random.normal(-8, 1, (20, front_end.n_frames, front_end.n_mels))
    values[:, 10:40, ::2] += 2 * targets[:, :1, None]
    values[:, 20:50, 1::2] += 2 * targets[:, 1:, None]
    classes = ("Bus", "Air horn, truck horn")
    labels = [",".join(c for c, t in zip(classes, row, strict=True) if t) for row in targets]
    facts = StoreFacts(
        front_end=front_end,
        classes=classes,
        variants=("dcase2017",),
        clips=20,
        clips_expected=20,
        fingerprint="f" * 64,
        data={"dcase2017_task4": Coverage(expected=20, usable=20, fingerprint="f" * 64)},
    )
    index = [(f"{i}.wav", splits[i], 0, 9.5, labels[i], f"g{i}") for i in range(20)]
    write_store(store_folder(config, paper, "dcase2017"), facts, index, [{"dcase2017": values.astype(np.float16)}])
    return steps_train.train(paper, RunIdentity(OFFICIAL, system, "dcase2017", 0, seed), config, 1, lambda line: None)


def selection_losses(folder):
    with open(folder / "history.csv", newline="") as file:
        return [float(row["selection_loss"]) for row in csv.DictReader(file)]


def cross_entropy(scores, rows):
    p, t = scores["clip"][rows].astype(float), scores["targets"][rows]
    return -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean()


def test_one_held_out_split_picks_the_epoch_and_all_other_clips_train(tmp_path):
    folder = trained_on_official_splits(tmp_path, "linear_hierarchical_selected_on_testing")
    described, scores = json.loads((folder / "config.json").read_text()), read_scores(folder)
    assert (described["train_clips"], described["selection_clips"]) == (12, 4)
    assert described["settings"]["training"]["select_on"] == "testing"
    assert list(scores["splits"]) == ["testing", "evaluation"] * 4
    assert list(scores["filenames"]) == [f"{i}.wav" for i in range(12, 20)]
    assert set(scores["durations"]) == {9.5}
    losses = selection_losses(folder)
    assert losses.index(min(losses)) == described["best_epoch"] - 1
    # The stored scores are those of the best epoch, whose loss on testing alone is in the history.
    assert cross_entropy(scores, scores["splits"] == "testing") == pytest.approx(min(losses), rel=1e-4)
    assert cross_entropy(scores, scores["splits"] == "evaluation") != pytest.approx(min(losses), rel=1e-4)


def test_validation_clips_are_a_part_of_the_training_split(tmp_path):
    coarse = {"networks.gated_crnn.poolings": [[3, 2], [1, 2], [1, 2], [1, 1]], "training.validation_share": 0.25}
    folder = trained_on_official_splits(tmp_path, "linear_hierarchical", **coarse)
    described, scores = json.loads((folder / "config.json").read_text()), read_scores(folder)
    assert (described["train_clips"], described["selection_clips"]) == (9, 3)
    # A paper that detects events gets frame scores, whether or not they are asked for; pooling makes them coarser.
    front_end = load_paper(OFFICIAL, configured(tmp_path)).settings.front_end
    assert scores["frame"].shape == (8, front_end.n_frames // 3, 2)
    assert scores["frames_per_second"] == pytest.approx(front_end.frames_per_second / 3)


def test_equal_seeds_give_equal_runs_and_others_do_not(tmp_path):
    found = {
        name: load_file(
            trained_on_official_splits(tmp_path / name, "attention_hierarchical", seed) / "weights.safetensors"
        )
        for name, seed in (("first", 1), ("again", 1), ("other", 2))
    }
    assert all(torch.equal(weight, found["again"][name]) for name, weight in found["first"].items())
    assert not any(torch.equal(found["first"][name], found["other"][name]) for name in ("frame.weight", "frame.bias"))


# --- wrong or damaged


def refused(kind, call, *arguments) -> str:
    with pytest.raises(kind) as caught:
        call(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_features_of_another_front_end_are_refused(trained, tmp_path):
    config = trained[0]
    changed = make_config(config.model_dump() | {"set": {PAPER: TINY | {"front_end.fmin": 60}}}, "test")
    assert "fmin = 50" in refused(SettingsError, train, changed)


def test_unknown_variants_folds_and_systems_are_named(trained):
    config = trained[0]

    def who(**changes):
        return RunIdentity(**(vars(WHO) | changes))

    assert "'remix_0db'?" in refused(SettingsError, train, config, who(variant="remix_0bd"))
    assert "'2ap_alpha_0.1'?" in refused(SettingsError, train, config, who(system="2ap_alpha_0.11"))
    assert "no clip is held out" in refused(DataError, train, config, who(fold=9))


def test_a_missing_store_is_named(tmp_path):
    assert "store.json: no such file" in refused(DataError, train, configured(tmp_path))


@pytest.fixture
def copy(trained, tmp_path):
    """A configuration with a copy of the run's folder that may be damaged, and that folder."""
    config = trained[0].model_copy(update={"results_dir": tmp_path})
    shutil.copytree(trained[1], WHO.folder(config))
    return config, WHO.folder(config)


@pytest.mark.parametrize("content", [b"", b"no archive", None])
def test_damaged_scores_name_the_file(copy, content):
    config, folder = copy
    path = folder / "scores.npz"
    path.write_bytes(path.read_bytes()[:200] if content is None else content)
    message = refused(DataError, score, config)
    assert str(path) in message
    assert "train this run again" in message


def test_missing_files_are_named(copy):
    config, folder = copy
    (folder / "scores.npz").unlink()
    assert "scores.npz" in refused(DataError, score, config)
    (folder / "config.json").unlink()
    assert "config.json: no such file" in refused(DataError, score, config)


def test_files_that_do_not_fit_each_other_are_refused(copy):
    config, folder = copy
    described = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(described | {"classes": ["Bark"]}))
    assert "train this run again" in refused(DataError, score, config)
    del described["clips"]
    (folder / "config.json").write_text(json.dumps(described))
    assert "'clips'" in refused(DataError, score, config)
    np.savez(folder / "scores.npz", splits=np.array(["development"] * 2), filenames=np.array(["a", "b"]))
    assert "train this run again" in refused(DataError, score, config)


def test_an_edit_of_the_training_code_makes_resume_states_useless(trained, tmp_path, monkeypatch):
    config = configured(tmp_path)
    make_store(config)

    def stop(line):
        if line.startswith("epoch 2 "):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(config, log=stop)
    assert WHO.resume_file(config).exists()
    lines = []
    with monkeypatch.context() as patch:
        patch.setattr(steps_train, "code_digest", lambda modules: "edited")
        train(config, log=lines.append)
    assert lines[0].startswith("epoch 1 ")
    with pytest.raises(KeyboardInterrupt):
        train(config, log=stop)
    lines.clear()
    train(config, log=lines.append)
    assert lines[0] == "resuming after epoch 2"


# --- a real kill


def start(config_file, env):
    words = ["train", "--config", str(config_file)]
    words += [word for key, value in vars(WHO).items() for word in (f"--{key}", str(value))]
    return subprocess.Popen(
        [sys.executable, "-m", "sedrepro", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=env
    )


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_process_goes_on_and_ends_with_the_same_bytes(tmp_path):
    configs = {name: configured(tmp_path / name, **{"training.epochs": 12}) for name in ("undisturbed", "killed")}
    for config in configs.values():
        make_store(config, clips=60)
    file = tmp_path / "killed.yaml"
    file.write_text(yaml.safe_dump(json.loads(configs["killed"].model_dump_json(exclude_none=True))))
    killed = start(file, os.environ | {"OMP_NUM_THREADS": "1"})
    for line in killed.stdout:
        if line.startswith("epoch 3 "):
            killed.kill()
            break
    assert killed.wait() == -signal.SIGKILL
    resume = WHO.resume_file(configs["killed"])
    resume.with_name(f".{resume.name}.half.pt").touch()  # as a kill while saving leaves it
    assert not WHO.folder(configs["killed"]).exists()
    lines = []
    again, undisturbed = train(configs["killed"], log=lines.append), train(configs["undisturbed"])
    assert lines[0].startswith("resuming after epoch ")
    assert int(lines[0].split()[-1]) >= 3
    for name in ("weights.safetensors", "scores.npz", "history.csv", "config.json"):
        assert (again / name).read_bytes() == (undisturbed / name).read_bytes(), name
    assert not list(resume.parent.iterdir())
