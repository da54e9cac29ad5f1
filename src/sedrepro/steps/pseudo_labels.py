"""Store a trained run's predictions for the training clips without strong labels, for runs that are based on it."""

from __future__ import annotations

import argparse
import functools
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from sedrepro.experiments import run_files
from sedrepro.experiments.networks import build_network, network_module
from sedrepro.experiments.reservation import memory_need
from sedrepro.experiments.run_data import open_store, parts_of, score_arrays
from sedrepro.experiments.runs import RunIdentity
from sedrepro.experiments.scales import REHEARSAL
from sedrepro.steps.request import Request
from sedrepro.training.data import Clips, stored_features
from sedrepro.training.device import leased_device, set_up_torch
from sedrepro.training.loop import Trainer
from sedrepro.training.rehearsal import random_scores
from sedrepro.training.seeds import RunSeeds

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper

#: Training clips that are asked at once for pseudo-labels.
ASKED_AT_ONCE = 512


def write_pseudo_labels(paper: Paper, who: RunIdentity, config: Config, threads: int) -> Path:
    """Write what a trained run says of the training clips without strong labels; returns the file's path.

    Arrays: filenames (clip,), clip (clip, class), frame and, where the network tells it, confidence (clip, frame,
    class), both float16.
    """
    run, folder = paper.run(who.system, who.variant), who.folder(config)
    set_up_torch(threads, config.tf32)
    store, scores = open_store(config, paper, who), run_files.read_scores(folder)
    parts = parts_of(paper, who, store)
    rows = np.flatnonzero(parts.weak | parts.unlabelled)
    network = build_network(paper, who.system, len(store.facts.classes), 0, who.variant)
    run_files.load_weights(network, folder)
    stored = stored_features(store.array(who.variant), rows, scores["mean"], scores["deviation"], threads)
    asked: list[dict[str, np.ndarray]] = []
    with leased_device(config.device, memory_need(config, paper, who)) as device:
        trainer = Trainer(network, run, RunSeeds(who.fold, who.seed), device, config.mixed_precision)
        score = functools.partial(random_scores, trainer) if config.scale == REHEARSAL else trainer.scores
        for start in range(0, len(rows), ASKED_AT_ONCE):
            some = slice(start, start + ASKED_AT_ONCE)
            features = replace(stored, values=stored.values[some]).to(device)
            clips = Clips(features, torch.empty(0), tuple(store.filenames[row] for row in rows[some]))
            scored = score_arrays(score(clips, with_frames=True))
            asked.append({"filenames": np.array(clips.filenames)} | scored)
    arrays = {name: np.concatenate([each[name] for each in asked]) for name in asked[0]}
    return run_files.write_pseudo_labels(folder, arrays)


def asking_code(paper: Paper) -> list[str]:
    """Modules that this step starts from: itself and the paper's network."""
    return [__name__, network_module(paper.name)]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_run, add_threads

    add_run(parser)
    add_threads(parser)


def run(request: Request) -> None:
    """Ask the run of the options."""
    paper, who = request.known_run
    print(write_pseudo_labels(paper, who, request.config, request.options.threads))
