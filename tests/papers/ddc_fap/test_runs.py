"""One epoch of each kind of network of the DDC-FAP paper, from a feature store to its metrics."""

import json

import numpy as np
import pytest
import torch

from sedrepro.annotations.clips import Coverage, join_labels
from sedrepro.audio.store import StoreFacts, write_store
from sedrepro.base.files import read_table
from sedrepro.corpora.tables import write_tables
from sedrepro.detection.frames import segment_frames
from sedrepro.detection.hysteresis import hysteresis_active
from sedrepro.detection.postprocessing import events
from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.metrics_files import read_metrics
from sedrepro.experiments.papers import load_paper
from sedrepro.experiments.places import corpus_folder, store_folder
from sedrepro.experiments.run_files import RUN_FILES, read_scores
from sedrepro.experiments.run_view import RunView
from sedrepro.experiments.runs import RunIdentity
from sedrepro.steps import score as scoring
from sedrepro.steps import train as steps_train
from sedrepro.steps.score import DETECTED_COLUMNS, SCORE_FILES

PAPER = "ddc_fap"
SECONDS, CLIPS = 4.0, 18
CLASSES = {
    "remix": ("Bark", "Bus", "Cough"),
    "desed": ("Blender", "Cat", "Speech"),
    "dcase2017": ("Air horn, truck horn", "Car", "Train"),
}
SPLITS = {
    "remix": ("development",) * 3,
    "desed": ("weak", "weak", "validation"),
    "dcase2017": ("training", "testing", "evaluation"),
}
TINY = {
    "front_end.clip_seconds": SECONDS,
    "front_end.hop_length": 2048,
    "front_end.window_length": 4096,
    "networks.vgg.channels": [4, 4],
    "networks.ddc.channels": [4, 4],
    "networks.gated_cnn.filters": [2, 2],
    "networks.gated_cnn.last_filters": 4,
    "networks.gated_cnn.recurrent": 3,
    "networks.talnet.channels": [2, 2, 4, 4],
    "networks.talnet.recurrent": 3,
    "networks.adaptive_distance.channels": [4, 4],
    "training.epochs": 1,
    "training.batch_size": 4,
    "training_on.desed.epochs": 1,
    "training_on.dcase2017.epochs": 1,
}
RUNS = [
    ("ddc_fap", "remix_0db"),
    ("attention", "desed"),
    ("talnet", "remix_0db"),
    ("talnet", "dcase2017"),
    ("adaptive_distance", "dcase2017"),
]


@pytest.fixture(autouse=True)
def _threads_stay():
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def make_store(config, corpus: str, variant: str) -> None:
    """Clips of one or two classes, in bands of their own for two seconds; the last ones are shorter."""
    paper, random, classes = load_paper(PAPER, config), np.random.default_rng(0), CLASSES[corpus]
    front_end = paper.settings.front_end
    values = random.normal(-8, 1, (CLIPS, front_end.n_frames, front_end.n_mels))
    index, strong, rate = [], [], front_end.frames_per_second
    for number in range(CLIPS):
        heard = sorted({number // 3 % 3, number % 2})
        for label in heard:
            onset = 0.5 + label / 4
            values[number, int(onset * rate) : int((onset + 2) * rate), label::3] += 4
            strong.append((f"{number}.wav", onset, onset + 2, classes[label]))
        fold = number % 3 + 1 if corpus == "remix" else 0
        labels = join_labels(classes[label] for label in heard)
        index.append((f"{number}.wav", SPLITS[corpus][number % 3], fold, SECONDS - (number > 14), labels, f"g{number}"))
    facts = StoreFacts(
        front_end=front_end,
        classes=classes,
        variants=(variant,),
        clips=CLIPS,
        clips_expected=CLIPS,
        fingerprint="f" * 64,
        data={"some_set": Coverage(expected=CLIPS, usable=CLIPS, fingerprint="f" * 64)},
    )
    write_store(store_folder(config, paper, corpus), facts, index, [{variant: values.astype(np.float16)}])
    rows = [(name, split, fold, seconds, group) for name, split, fold, seconds, _, group in index]
    write_tables(corpus_folder(config, paper, corpus), rows, [(row[0], row[4]) for row in index], strong)


def of(*variants: str):
    """Run a test on the runs on some corpora only."""
    chosen = [run for run in RUNS if run[1] in variants]
    return pytest.mark.parametrize("scored", chosen, indirect=True, ids="-".join)


@pytest.fixture(scope="module", params=RUNS, ids="-".join)
def scored(request, tmp_path_factory):
    """Configuration, identity and folder of a run, trained for one epoch and scored."""
    system, variant = request.param
    folder = tmp_path_factory.mktemp("ddc_fap")
    given = {"scale": "miniature", "folds": [1], "seeds": [1], "device": "cpu", "set": {PAPER: TINY}}
    config = make_config(given | {"work_dir": folder / "data", "results_dir": folder / "results"}, "test")
    paper = load_paper(PAPER, config)
    corpus = paper.settings.corpus_of(variant)[0]
    make_store(config, corpus, variant)
    who = RunIdentity(PAPER, system, variant, 1 if corpus == "remix" else 0, 1)
    made = steps_train.train(paper, who, config, 1, lambda line: None)
    scoring.score(paper, who, config)
    return config, who, made


def test_a_run_is_trained_scored_and_its_metrics_can_be_read(scored):
    config, who, folder = scored
    paper = load_paper(PAPER, config)
    corpus = paper.settings.corpus_of(who.variant)[0]
    assert {path.name for path in folder.iterdir()} == {*RUN_FILES, *SCORE_FILES}
    described, found = json.loads((folder / "config.json").read_text()), read_metrics(folder / "metrics.json")
    assert (described["best_epoch"], described["settings"]["training"]["balance"]) == (
        1,
        5 if corpus == "dcase2017" else None,
    )
    assert described["train_clips"] == {"remix": 12, "desed": 12, "dcase2017": 6}[corpus]
    assert described["selection_clips"] == CLIPS - described["train_clips"]  # the held-out ones: nothing is selected
    assert list(found.splits) == list(paper.settings.corpora[corpus].held_out)
    assert found.parameters == described["parameters"] > 0
    for split in found.splits.values():
        expected = {"dcase2017": ["class_thresholds", "class_thresholds_mean"]}.get(corpus, ["hysteresis"])
        assert list(split.detections) == expected
        for metric in ("clip_f1", "clip_micro_f1", "frame_f1", "frame_roc_auc", "frame_macro_ap", "macro_ap"):
            assert 0 <= split.metrics[metric] <= 1
        assert {"event_error_rate", "event_f1", "segment_f1"} <= set(split.detections[expected[0]].metrics)


def test_frame_scores_have_the_rate_that_the_network_gives_them(scored):
    config, who, folder = scored
    front_end, scores = load_paper(PAPER, config).settings.front_end, read_scores(folder)
    assert front_end.frames_per_second == 16000 / 2048
    reduction = 4 if who.system == "talnet" else 1
    assert scores["frame"].shape[1] == front_end.n_frames // reduction
    assert scores["frames_per_second"] == pytest.approx(front_end.frames_per_second / reduction)
    assert scores["frame"].shape[1] / scores["frames_per_second"] == pytest.approx(SECONDS, abs=0.5)


@of("remix_0db", "desed")
def test_hysteresis_counts_frames_of_the_features_whatever_the_network_makes_of_them(scored):
    config, who, folder = scored
    paper, scores = load_paper(PAPER, config), read_scores(folder)
    front_end, frame = paper.settings.front_end, scores["frame"].astype(np.float32)
    if who.system == "talnet":
        frame = np.repeat(frame, 4, axis=1)
        left = front_end.n_frames - frame.shape[1]
        assert left > 0  # frames that did not fill a pooling: they have the scores of those before
        frame = np.concatenate([frame, np.repeat(frame[:, -1:], left, axis=1)], axis=1)
    active = hysteresis_active(frame, scores["clip"], paper.settings.detection["hysteresis"])
    classes = read_metrics(folder / "metrics.json").classes
    found = events(active, front_end.frames_per_second, classes, scores["durations"])
    expected = [
        (str(name), e.onset, e.offset, e.event_label)
        for name, of_clip in zip(scores["filenames"], found, strict=True)
        for e in of_clip
    ]
    assert [
        (row["filename"], float(row["onset"]), float(row["offset"]), row["event_label"])
        for row in read_table(folder / "detected.tsv", DETECTED_COLUMNS)
    ] == expected
    assert expected


@of("dcase2017")
def test_segments_are_pooled_by_the_network_itself(scored):
    config, who, folder = scored
    scores, described = read_scores(folder), json.loads((folder / "config.json").read_text())
    assert described["segment_seconds"] == 1
    assert scores["segments"].shape == (len(scores["clip"]), SECONDS, scores["clip"].shape[1])
    view = RunView(config, load_paper(PAPER, config), who)
    network, filename = view.network(), str(scores["filenames"][0])
    with torch.no_grad():
        output = network(view.logmel(filename), explain=True)
        frames = segment_frames(output.frame.shape[1], float(scores["frames_per_second"]), 1)
        expected = [network.pooled(output, each)[0].numpy() for each in frames]
    np.testing.assert_allclose(scores["segments"][0], expected, atol=1e-5)


@of("remix_0db", "desed")
def test_other_corpora_need_no_segments(scored):
    assert "segments" not in read_scores(scored[2])
    assert json.loads((scored[2] / "config.json").read_text())["segment_seconds"] is None


@of("dcase2017")
def test_class_thresholds_are_frozen_on_the_evaluation_set(scored):
    folder = scored[2]
    found = read_metrics(folder / "metrics.json")
    testing, evaluation = (found.splits[name].detections["class_thresholds"] for name in ("testing", "evaluation"))
    assert testing.settings == evaluation.settings
    assert set(testing.settings) == set(CLASSES["dcase2017"])
    assert testing.metrics["clip_micro_f1"] >= found.splits["testing"].metrics["clip_micro_f1"]
    rows = read_table(folder / "detected.tsv", DETECTED_COLUMNS)
    assert {row["detection"] for row in rows} <= {"class_thresholds", "class_thresholds_mean"}
    assert {float(row["onset"]) % 1 for row in rows} <= {0.0}
    assert all(float(row["offset"]) <= SECONDS for row in rows)
