"""The suite's own runs give the same numbers by `evaluate`, from their scores and from their events, as by `score`."""

from pathlib import Path

import numpy as np
import pytest
from run_config_example import run_config

from sedrepro.annotations.clips import Event
from sedrepro.base.errors import DataError
from sedrepro.corpora.tables import write_tables
from sedrepro.experiments.configuration import Config, make_config
from sedrepro.experiments.metrics_files import RunMetrics, read_metrics
from sedrepro.experiments.papers import load_paper
from sedrepro.experiments.places import corpus_folder
from sedrepro.experiments.run_config import write_run_config
from sedrepro.experiments.runs import RunIdentity
from sedrepro.predictions.chosen import Chosen
from sedrepro.predictions.evaluate import Evaluated, Wishes, evaluate
from sedrepro.steps import score as scoring

RUN = RunIdentity("ddc_fap", "vgg_gap", "dcase2017", 0, 1)
CLASSES = ("Car", "Fire engine, fire truck (siren)", "Train")
SPLITS = ("testing", "evaluation")
RATE, FRAMES, SECONDS = 10.0, 50, 5.0
#: As many feature frames per second as frames of scores.
SAME_FRAMES = {"front_end.hop_length": 1600}
WAYS = {
    "search": {
        **{"kind": "search", "corpora": ["dcase2017"], "choose_on": "testing", "criterion": "f1"},
        **{
            "thresholds": [0.3, 0.6],
            "median_seconds": [0, 0.5],
            "longest_gap_seconds": [0],
            "shortest_seconds": [0],
            "border": "inactive",
        },
    },
    "class_thresholds": {
        **{"kind": "class_thresholds", "corpora": ["dcase2017"], "choose_on": "testing"},
        **{"segment_seconds": 0.5, "segment_pooling": "mean"},
    },
}


@pytest.fixture(scope="module")
def scored(tmp_path_factory) -> tuple[Config, RunMetrics]:
    """A run with random scores, its corpus' tables, and its metrics by `score`."""
    folder, random = tmp_path_factory.mktemp("own"), np.random.default_rng(0)
    given = {"scale": "miniature", "folds": [1], "seeds": [1], "set": {"ddc_fap": {"detection": WAYS, **SAME_FRAMES}}}
    config = make_config(given | {"work_dir": folder / "data", "results_dir": folder / "results"}, "test")
    names, splits, frames, strong, weak = [], [], [], [], []
    for number in range(16):
        name, frame = f"audio/Y{number:011d}_0.000_5.000.wav", random.normal(0.2, 0.1, (FRAMES, 3))
        labels = []
        for label, title in enumerate(CLASSES):
            if (number // 2 + label) % 3 == 0:
                onset = round(random.uniform(0, 3), 3)
                labels.append(Event(onset, round(random.uniform(onset + 0.5, SECONDS), 3), title))
                frame[int(onset * RATE) : int(labels[-1].offset * RATE), label] += random.uniform(0.1, 0.5)
        names.append(name)
        splits.append(SPLITS[number % 2])
        frames.append(frame.clip(0.01, 0.99))
        strong += [(name, e.onset, e.offset, e.event_label) for e in labels] or [(name, "", "", "")]
        weak.append((name, ",".join(sorted(e.event_label for e in labels))))
    frame = np.stack(frames)
    targets = np.array([[label in text for label in CLASSES] for _, text in weak], np.uint8)
    run = RUN.folder(config)
    run.mkdir(parents=True)
    np.savez(
        run / "scores.npz",
        clip=frame.mean(axis=1).astype(np.float32),
        targets=targets,
        filenames=np.array(names),
        splits=np.array(splits),
        durations=np.full(16, SECONDS),
        frames_per_second=np.array(RATE),
        mean=np.zeros(4, np.float32),
        deviation=np.ones(4, np.float32),
        frame=frame.astype(np.float16),
    )
    write_run_config(run, run_config(config, RUN, classes=list(CLASSES), clips=80, clips_expected=90))
    paper = load_paper(RUN.paper, config)
    clips = [(name, split, 0, SECONDS, name) for name, split in zip(names, splits, strict=True)]
    write_tables(corpus_folder(config, paper, "dcase2017"), clips, weak, strong)
    return config, read_metrics(scoring.score(paper, RUN, config))


def evaluated(config: Config, path: Path, split: str, detection: str) -> Evaluated:
    chosen = Chosen(paper=RUN.paper, variant=RUN.variant, split=split)
    reference, protocol = chosen.resolve(config)
    wishes = Wishes(detection, resamples=20)
    return evaluate(path, reference, protocol, wishes, lambda other: chosen.other_split(config, protocol, other))


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("way", WAYS)
def test_from_scores(scored, split, way):
    config, metrics = scored
    found = evaluated(config, RUN.folder(config) / "scores.npz", split, way)
    expected = metrics.splits[split]
    assert found.metrics == expected.metrics | expected.detections[way].metrics
    by_class = expected.class_metrics | expected.detections[way].class_metrics
    assert {name: found.class_metrics[name] for name in by_class} == by_class
    assert found.clips == expected.clips


@pytest.mark.parametrize("split", SPLITS)
@pytest.mark.parametrize("way", WAYS)
def test_from_the_list_of_its_events(scored, split, way):
    config, metrics = scored
    found = evaluated(config, RUN.folder(config) / "detected.tsv", split, way)
    expected = metrics.splits[split].detections[way].metrics
    assert found.metrics == {name: value for name, value in expected.items() if not name.startswith("clip_")}
    assert not found.unmatched


def test_a_way_that_chooses_elsewhere_needs_scores_of_that_split(scored, tmp_path):
    config, _ = scored
    arrays = dict(np.load(RUN.folder(config) / "scores.npz"))
    kept = arrays["splits"] == "evaluation"
    some = {name: arrays[name][kept] for name in ("frame", "clip", "filenames")}
    np.savez(tmp_path / "s.npz", **some, frames_per_second=RATE, classes=CLASSES)
    with pytest.raises(DataError, match="chooses its parameters on split 'testing', for which there are no scores"):
        evaluated(config, tmp_path / "s.npz", "evaluation", "search")
