"""Try four ways of post-processing on the stored scores of a paper's runs; without --paper, join the papers' parts.

It goes beyond the papers, each of which has its own post-processing and its own metrics. Nothing is trained, and no
metric, table or figure of a paper changes. The settings of the sweep stand in this module and nowhere else.
"""

from __future__ import annotations

import argparse
import csv
import importlib
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from sedrepro.annotations.clips import Event
from sedrepro.audio.front_end import FrontEnd
from sedrepro.base.files import atomic_path
from sedrepro.corpora.tables import read_clips, read_strong
from sedrepro.detection.median import event_durations
from sedrepro.detection.methods import detector
from sedrepro.detection.scores import Scores
from sedrepro.detection.settings import (
    AverageWindows,
    EventSpecificWindows,
    FixedWindows,
    Hysteresis,
    Median,
    Method,
    Windows,
)
from sedrepro.evaluation.settings import Evaluation, EventBased, SegmentBased
from sedrepro.experiments.places import corpus_folder
from sedrepro.experiments.runs import RunIdentity
from sedrepro.reporting.paper_tables import table_runs
from sedrepro.steps.request import Request
from sedrepro.steps.score import held_out_scores, outcome, require_frames

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper

#: A frame is active, or the seed of an event, from this score on: half, as in both baselines of DCASE 2019 and 2020.
THRESHOLD = 0.5
#: Seconds of the fixed window. The official baseline of DCASE 2020 (0.45 s); that of 2019 has about as much.
FIXED_SECONDS = 0.45
#: Of the mean duration of a class, the window: Guided Learning (Lin et al. 2019), which C-SSED follows; the same share
#: for the shorter events only, so that the two ways differ in the durations alone.
SHARE = 1 / 3
#: Where the "shorter" events end, as in joint_at_aed.
KNEE = "cumulative_sum"
#: What median filters take for frames outside the clip, as in the releases of the baselines and of Guided Learning.
BORDER = "reflect"
#: Hysteresis: events grow over frames above this. An assumption; DDC-FAP has 0.2 and 0.1, half of the high threshold.
LOW = 0.2
#: Hysteresis: shorter gaps are closed, shorter events removed. DDC-FAP's 10 frames of 32 ms (Section 3.2), in seconds,
#: since papers and scales have frames of other lengths.
SHORT_SECONDS = 0.32
#: Clip scores gate nothing: only what is done along time shall differ.
NO_GATE = 0.0

#: One definition of the metrics for all papers: that of DCASE 2019 and 2020 Task 4; a class that is never detected
#: counts as F1 of 0, so that no way gains by silence.
EVALUATION = Evaluation(
    segment_based=SegmentBased(segment_seconds=1.0, averaging="macro", undetected_classes="zero"),
    event_based=EventBased(collar_seconds=0.2, offset_share=0.2, averaging="macro", undetected_classes="zero"),
)
METRICS = ("event_f1", "event_error_rate", "segment_f1")

#: Columns of a paper's part: a row per run, split, way and metric; value is empty where note says why.
PART_COLUMNS = ("paper", "system", "variant", "fold", "seed", "split", "method", "metric", "value", "note")

Durations = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Way:
    """One way of post-processing, the same for all papers."""

    label: str
    described: str
    method: Callable[[FrontEnd], Method]
    """Its settings for scores of features by a front end."""


def _median(windows: Windows) -> Callable[[FrontEnd], Method]:
    how = Median(kind="median", threshold=THRESHOLD, windows=windows, filters="decisions", border=BORDER)
    return lambda front_end: how


def _hysteresis(front_end: FrontEnd) -> Hysteresis:
    """Hysteresis with the lengths in frames of the features: `shortest` is the first that is not too short."""
    shortest = math.ceil(SHORT_SECONDS * front_end.frames_per_second - 1e-9)  # less than rounding makes of 10 frames
    return Hysteresis(
        kind="hysteresis",
        clip_threshold=NO_GATE,
        high=THRESHOLD,
        low=LOW,
        longest_gap_frames=shortest - 1,
        shortest_frames=shortest,
    )


WAYS = {
    "fixed_window": Way(
        "fixed window",
        f"scores of at least {THRESHOLD:g}, median filter of {FIXED_SECONDS:g} s",
        _median(FixedWindows(kind="fixed", seconds=FIXED_SECONDS)),
    ),
    "class_average": Way(
        "class-wise average",
        f"the same with a window per class, {SHARE:.2g} of the mean duration of its events in the clips to train on",
        _median(AverageWindows(kind="average", share=SHARE)),
    ),
    "event_specific": Way(
        "event-specific",
        f"the same with {SHARE:.2g} of the mean duration of the shorter events of the class",
        _median(EventSpecificWindows(kind="event_specific", share=SHARE, knee=KNEE)),
    ),
    "hysteresis": Way(
        "hysteresis",
        f"events from scores of at least {THRESHOLD:g}, as far as they are above {LOW:g}; gaps shorter than "
        f"{SHORT_SECONDS:g} s are closed, events shorter than that removed",
        _hysteresis,
    ),
}


def sweep_runs(config: Config, paper: Paper) -> list[RunIdentity]:
    """Every run that some table of a paper reads, each once: all folds and seeds."""
    return list(dict.fromkeys(who for table in paper.settings.tables for who in table_runs(config, paper, table)))


def part_file(config: Config, paper: str) -> Path:
    """The part of a paper in the sweep."""
    return config.results_dir / config.scale / paper / "post_processing.csv"


def sweep(config: Config, paper: Paper) -> Path:
    """Write a paper's part of the sweep; returns its path.

    Raises:
        DataError: a file of a run or of its corpus is missing, damaged, or does not fit (names it).
    """
    corpora = _Corpora(config, paper)
    rows = [row for who in sweep_runs(config, paper) for row in _of_run(config, paper, who, corpora)]
    path = part_file(config, paper.name)
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
