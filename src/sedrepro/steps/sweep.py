"""Try four ways of post-processing on the stored scores of a paper's runs; without --paper, join the papers' parts.

It goes beyond the papers, each of which has its own post-processing and its own metrics. Nothing is trained, and no
metric, table or figure of a paper changes. The ways and the metrics stand in `sedrepro.evaluation.sweep`.
"""

from __future__ import annotations

import argparse
import csv
import importlib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sedrepro.annotations.clips import Event
from sedrepro.base.files import atomic_path
from sedrepro.corpora.tables import read_clips, read_strong
from sedrepro.detection.median import event_durations
from sedrepro.detection.methods import detector
from sedrepro.detection.scores import Scores
from sedrepro.detection.settings import (
    FixedWindows,
    Median,
    Method,
)
from sedrepro.evaluation.sweep import EVALUATION, METRICS, WAYS
from sedrepro.experiments.places import corpus_folder, sweep_part
from sedrepro.experiments.runs import RunIdentity
from sedrepro.published.needs import table_runs
from sedrepro.reporting.sweep.parts import PART_COLUMNS
from sedrepro.steps.request import Request
from sedrepro.steps.score import held_out_scores, outcome, require_frames

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper

Durations = Mapping[str, np.ndarray]


def sweep_runs(config: Config, paper: Paper) -> list[RunIdentity]:
    """Every run that some table of a paper reads, each once: all folds and seeds."""
    return list(dict.fromkeys(who for table in paper.settings.tables for who in table_runs(config, paper, table)))


def sweep(config: Config, paper: Paper) -> Path:
    """Write a paper's part of the sweep; returns its path.

    Raises:
        DataError: a file of a run or of its corpus is missing, damaged, or does not fit (names it).
    """
    corpora = _Corpora(config, paper)
    rows = [row for who in sweep_runs(config, paper) for row in _of_run(config, paper, who, corpora)]
    path = sweep_part(config, paper.name)
    with atomic_path(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(PART_COLUMNS)
        writer.writerows(rows)
    return path


class _Corpora:
    """The labels of a paper's corpora; each is read once."""

    def __init__(self, config: Config, paper: Paper) -> None:
        self._config, self._paper = config, paper
        self.strong = cache(self._strong)
        self.durations = cache(self._durations)

    def _strong(self, name: str) -> dict[str, list[Event]]:
        return read_strong(corpus_folder(self._config, self._paper, name))

    def _durations(self, name: str, fold: int) -> Durations:
        """Durations in seconds of the events of every class in the clips that train when a fold is held out.

        They are known in clips with strong labels, and in a remix, although its systems train on weak labels.
        """
        settings = self._paper.settings
        rows = read_clips(corpus_folder(self._config, self._paper, name))
        splits, folds = np.array([row["split"] for row in rows]), np.array([int(row["fold"]) for row in rows])
        trains = settings.corpora[name].parts(splits, folds, fold).training
        known = [
            self.strong(name).get(row["filename"], ()) for row, trained in zip(rows, trains, strict=True) if trained
        ]
        return event_durations(known, settings.classes_of(name))


def _of_run(config: Config, paper: Paper, who: RunIdentity, corpora: _Corpora) -> Iterator[tuple]:
    """Rows of a run."""
    corpus, folder = paper.settings.corpus_of(who.variant)[0], who.folder(config)
    front_end = paper.settings.front_end_of(corpus)
    _, splits = held_out_scores(folder, corpora.strong(corpus), front_end)
    durations = corpora.durations(corpus, who.fold)
    for split, part in splits.items():
        if part.frame is not None:
            require_frames(folder / "scores.npz", part)
        for name, way in WAYS.items():
            how = way.method(front_end)
            reason = _why_not(part, how, durations)
            found = {} if reason else _metrics(part, how, durations)
            for metric in METRICS:
                value = found.get(metric)
                note = reason or ("" if value is not None else "no reference event")
                yield *vars(who).values(), split, name, metric, "" if value is None else value, note


def _why_not(part: Scores, how: Method, durations: Durations) -> str:
    """Why a way cannot be tried on a split; empty where it can."""
    if part.frame is None:
        return "the run stores no frame scores (frame_scores: true stores them)"
    unlabelled = sum(events is None for events in part.reference)
    if unlabelled:
        return f"{unlabelled} of {len(part.reference)} clips of the split have no strong labels"
    follows = isinstance(how, Median) and not isinstance(how.windows, FixedWindows)
    if follows and not any(map(len, durations.values())):
        return "no clip to train on has strong labels, whose durations the windows would follow"
    return ""


def _metrics(part: Scores, how: Method, durations: Durations) -> dict[str, float | None]:
    chosen = detector(how, part, None, durations)
    return outcome(chosen, part, chosen.events(part), EVALUATION)["metrics"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("--paper", default=None, help="paper to sweep (default: join what was swept)")


def run(request: Request) -> None:
    """Sweep the paper of the options; without one, join what was swept."""
    if request.options.paper:
        print(sweep(request.config, request.paper))
    else:
        importlib.import_module("sedrepro.steps.sweep_table").run(request)
