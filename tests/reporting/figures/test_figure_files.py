import json
from pathlib import Path

import numpy as np
import pytest
import torch

from sedrepro.audio.store import StoreFacts, write_store
from sedrepro.base.errors import DataError, SettingsError
from sedrepro.base.files import write_table
from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.networks import build_network
from sedrepro.experiments.papers import load_paper
from sedrepro.experiments.places import corpus_folder, store_folder
from sedrepro.experiments.run_files import read_scores, write_weights
from sedrepro.experiments.runs import RunIdentity
from sedrepro.papers.two_step_attention.figures import choose_clip
from sedrepro.steps import train as steps_train
from sedrepro.steps.examine import examine
from sedrepro.steps.figure import draw

PAPER = "two_step_attention"
FIGURE = "figure2"
CLASSES = ("Bark", "Bass_drum", "Cough", "Knock")
TINY = {
    "front_end.clip_seconds": 2,
    "front_end.n_mels": 16,
    "networks.two_step.channels": [4, 4],
    "training.epochs": 2,
}


@pytest.fixture(scope="module")
def examined(tmp_path_factory):
    """Configuration, paper and identity of a tiny trained run that Figure 2 has looked into."""
    folder = tmp_path_factory.mktemp("figures")
    given = {"scale": "miniature", "folds": [1], "seeds": [1], "device": "cpu", "set": {PAPER: TINY}}
    config = make_config(given | {"work_dir": folder / "data", "results_dir": folder / "results"}, "test")
    paper = load_paper(PAPER, config)
    shown = paper.settings.figures[FIGURE]
    who = RunIdentity(PAPER, *shown.systems, shown.variant, 1, 1)
    _make_store(config, paper, who.variant)
    threads = torch.get_num_threads()
    steps_train.train(paper, who, config, 1, lambda line: None)
    torch.set_num_threads(threads)
    examine(config, paper, FIGURE)
    return config, paper, who


def _make_store(config, paper, variant):
    """Twelve clips of three events each, in three folds."""
    front_end, random = paper.settings.front_end, np.random.default_rng(0)
    labels = [[CLASSES[(i + k) % 4] for k in range(3)] for i in range(12)]
    values = random.normal(-8, 1, (12, front_end.n_frames, front_end.n_mels)).astype(np.float16)
    facts = StoreFacts(
        front_end=front_end,
        classes=CLASSES,
        variants=(variant,),
        clips=12,
        clips_expected=12,
        fingerprint="0",
        data={},
    )
    index = [(f"{i:05d}.wav", "development", i % 3 + 1, 2, ",".join(sorted(labels[i])), str(i)) for i in range(12)]
    write_store(store_folder(config, paper, "remix"), facts, index, [{variant: values}])
    strong = [(f"{i:05d}.wav", 0.5 * k, 0.5 * k + 0.4, labels[i][k]) for i in range(12) for k in range(3)]
    columns = ("filename", "onset", "offset", "event_label")
    write_table(corpus_folder(config, paper, "remix") / "strong.tsv", columns, strong)


def stem(config) -> Path:
    return config.results_dir / "miniature" / PAPER / "figures" / FIGURE


def test_stored_facts_name_the_clip_its_run_and_its_events(examined):
    config, paper, who = examined
    facts = json.loads(stem(config).with_suffix(".json").read_text())
    number = int(facts["filename"][:5])
    assert number % 3 == 0  # fold 1 is held out
    assert (facts["variant"], facts["scale"], facts["runs"]) == (who.variant, "miniature", [str(who.path)])
    assert facts["classes"] == list(CLASSES)
    assert facts["front_end"] == paper.settings.front_end.model_dump(mode="json")
    assert facts["events"] == [
        {"onset": 0.5 * k, "offset": 0.5 * k + 0.4, "event_label": CLASSES[(number + k) % 4]} for k in range(3)
    ]


def test_the_chosen_clip_is_the_one_of_the_papers_rule_and_its_arrays_are_the_runs(examined):
    config, paper, who = examined
    scores = read_scores(who.folder(config))
    clip = choose_clip(scores["clip"], scores["targets"])
    facts = json.loads(stem(config).with_suffix(".json").read_text())
    assert facts["filename"] == scores["filenames"][clip]
    with np.load(stem(config).with_suffix(".npz")) as arrays:
        np.testing.assert_allclose(arrays["clip"], scores["clip"][clip], rtol=1e-5)
        np.testing.assert_array_equal(arrays["targets"], scores["targets"][clip])
        raw = np.load(store_folder(config, paper, "remix") / f"{who.variant}.npy")[int(facts["filename"][:5])]
        expected = (raw.astype(np.float32) - scores["mean"]) / scores["deviation"]
        np.testing.assert_allclose(arrays["logmel"], expected, rtol=1e-5)


def test_drawing_twice_gives_equal_bytes(examined):
    import matplotlib.pyplot as plt

    config, paper, _ = examined
    drawn, open_before = [], plt.get_fignums()
    for _ in range(2):
        assert draw(config, paper, FIGURE) == stem(config).with_suffix(".svg")
        drawn.append([stem(config).with_suffix(suffix).read_bytes() for suffix in (".svg", ".png")])
    assert drawn[0] == drawn[1]
    svg, png = drawn[0]
    assert svg.startswith(b"<?xml")
    assert png.startswith(b"\x89PNG")
    assert b"Step 1 weights" in svg  # text stays text
    assert plt.get_fignums() == open_before


@pytest.mark.parametrize("content", [None, b"", b"no archive"])
def test_damaged_arrays_name_their_file(examined, tmp_path, content):
    config, paper, _ = examined
    moved = config.model_copy(update={"results_dir": tmp_path})
    target = stem(moved).with_suffix(".npz")
    target.parent.mkdir(parents=True)
    whole = stem(config).with_suffix(".npz").read_bytes()
    target.write_bytes(whole[: len(whole) // 2] if content is None else content)
    with pytest.raises(DataError, match="run the examine step again") as caught:
        draw(moved, paper, FIGURE)
    assert "\n" not in str(caught.value)
    assert str(target) in str(caught.value)


def test_missing_arrays_and_facts_name_their_file(examined, tmp_path):
    config, paper, _ = examined
    moved = config.model_copy(update={"results_dir": tmp_path})
    with pytest.raises(DataError, match=r"figure2\.npz"):
        draw(moved, paper, FIGURE)
    stem(moved).parent.mkdir(parents=True)
    stem(moved).with_suffix(".npz").write_bytes(stem(config).with_suffix(".npz").read_bytes())
    with pytest.raises(DataError, match=r"figure2\.json: no such file"):
        draw(moved, paper, FIGURE)


def test_a_run_that_is_not_there_is_named(examined):
    config, paper, _ = examined
    other = config.model_copy(update={"folds": (2,)})
    with pytest.raises(DataError, match="fold2") as caught:
        examine(other, paper, FIGURE)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("damage", ["missing", "empty", "cut", "other network"])
def test_damaged_weights_name_their_file(examined, damage, tmp_path):
    config, paper, who = examined
    moved = config.model_copy(update={"results_dir": tmp_path})
    folder = who.folder(moved)
    folder.mkdir(parents=True)
    for path in who.folder(config).iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    weights = folder / "weights.safetensors"
    if damage == "missing":
        weights.unlink()
    elif damage == "empty":
        weights.write_bytes(b"")
    elif damage == "cut":
        weights.write_bytes(weights.read_bytes()[:100])
    else:
        other = build_network(paper, who.system, 7, 0)
        write_weights(folder, other.state_dict())
    with pytest.raises((DataError, SettingsError)) as caught:
        examine(moved, paper, FIGURE)
    assert str(weights) in str(caught.value)
    assert "\n" not in str(caught.value)
