"""Runs of networks with their first or with constructed weights, written as training and scoring leave them."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from sedrepro.annotations.clips import Coverage
from sedrepro.audio.store import StoreFacts
from sedrepro.base.files import write_json
from sedrepro.experiments import networks, places, run_files
from sedrepro.experiments.configuration import Config, make_config
from sedrepro.experiments.papers import load_paper
from sedrepro.experiments.run_config import RunConfig, write_run_config
from sedrepro.experiments.runs import RunIdentity
from sedrepro.nn.output import Network
from sedrepro.steps import train as steps_train

RATE, SECONDS = 8000, 2
CLASSES = 2
FRONT_END = {
    "front_end.sample_rate": RATE,
    "front_end.fmax": RATE / 2,
    "front_end.clip_seconds": SECONDS,
    "front_end.window_length": 512,
    "front_end.hop_length": 256,
    "front_end.n_mels": 16,
}
TINY = {
    "two_step_attention": FRONT_END | {"networks.two_step.channels": [2, 2], "networks.vgg_like.channels": [2, 2]},
    "hierarchical_pooling": FRONT_END
    | {
        "networks.gated_crnn.filters": [2],
        "networks.gated_crnn.poolings": [[2, 4]],
        "networks.gated_crnn.last_filters": 2,
        "networks.gated_crnn.last_pooling": [1, 4],
        "networks.gated_crnn.recurrent": 2,
    },
}
SEARCHED = {"threshold": 0.4, "median_seconds": 0.0, "longest_gap_seconds": 0.0, "shortest_seconds": 0.0}


def configured(folder: Path, **overrides) -> Config:
    """A configuration of tiny networks; overrides are settings of two_step_attention, with __ for a dot."""
    changes = {key.replace("__", "."): value for key, value in overrides.items()}
    papers = TINY | {"two_step_attention": TINY["two_step_attention"] | changes}
    given = {"scale": "miniature", "folds": [1], "seeds": [1], "device": "cpu", "set": papers}
    return make_config(given | {"work_dir": folder / "data", "results_dir": folder / "results"}, "test")


def write_run(
    config: Config,
    who: RunIdentity,
    detections: dict | None = None,
    classes: Sequence[str] = (),
    construct: Callable[[Network], None] = lambda network: None,
    mean: float = -5,
    deviation: float = 2,
) -> Path:
    """Write the files of a run; `detections` are those of its metrics. Returns its folder.

    `construct` sets the weights; `mean` and `deviation` of every mel band standardise the features.
    """
    paper, folder = load_paper(who.paper, config), who.folder(config)
    corpus = paper.settings.corpus_of(who.variant)[0]
    classes = tuple(classes) or paper.settings.classes_of(corpus)[:CLASSES]
    coverage = {"fsdkaggle2018": Coverage(expected=9, usable=8, fingerprint="f" * 64)}
    front_end = paper.settings.front_end_of(corpus)
    facts = StoreFacts(
        front_end=front_end,
        classes=classes,
        variants=(who.variant,),
        clips=40,
        clips_expected=41,
        fingerprint="a" * 64,
        data=coverage,
    )
    network = networks.build_network(paper, who.system, len(classes), who.seed, who.variant)
    construct(network)
    described = steps_train.describe(paper, who, config, facts) | {"parameters": 77, "best_epoch": 3, "train_clips": 20}
    folder.mkdir(parents=True, exist_ok=True)
    run_files.write_weights(folder, network.state_dict())
    run_files.write_history(folder, [{"epoch": 1.0}])
    environment = {"seconds": 61.0, "peak_memory_mib": 300, "peak_gpu_memory_mib": None, "device": "some processor"}
    versions = {"sedrepro": "0.1.0", "commit": "abc", "torch": "2", "threads": 1}
    write_json(folder / run_files.ENVIRONMENT, environment | versions)
    rate = front_end.frames_per_second / network.time_reduction
    run_files.write_scores(
        folder,
        {
            "clip": np.zeros((2, len(classes)), np.float32),
            "targets": np.zeros((2, len(classes)), np.uint8),
            "filenames": np.array(["a.wav", "b.wav"]),
            "splits": np.array(["held_out", "held_out"]),
            "frames_per_second": np.array(rate),
            "mean": np.full(front_end.n_mels, mean, np.float32),
            "deviation": np.full(front_end.n_mels, deviation, np.float32),
        },
    )
    write_run_config(folder, RunConfig.model_validate(described))
    write_json(folder / "metrics.json", metrics_of(who, described, detections or {}))
    return folder


def store_file(config: Config, who: RunIdentity) -> Path:
    """What says from which data the features of a run's corpus are."""
    paper = load_paper(who.paper, config)
    return places.store_folder(config, paper, paper.settings.corpus_of(who.variant)[0]) / "store.json"


def metrics_of(who: RunIdentity, described: dict, detections: dict) -> dict:
    """What metrics.json holds of one split."""
    split = {"clips": 12, "metrics": {"micro_ap": 0.75}, "class_metrics": {}, "classes_without_events": []}
    found = {name: {"metrics": {"segment_f1": 0.5}, "class_metrics": {}} | each for name, each in detections.items()}
    kept = {key: described[key] for key in ("clips", "clips_expected", "data", "classes", "parameters", "scale")}
    return {**vars(who), **kept, "splits": {"held_out": split | {"detections": found}}}
