"""Compute the metrics of a trained run from its stored scores; the network is not needed.

A run is scored split by split, and subset by subset where its corpus has any: its clip scores, its frame scores where
the paper has metrics of them, and the events that each of the paper's ways of `detection` finds. What a way chooses on
one split is used on all of them. While the scores are at hand, the ways of post-processing that `sweep` compares over
all papers are counted too.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sedrepro.annotations.clips import Event
from sedrepro.audio.front_end import FrontEnd
from sedrepro.base.errors import DataError, SettingsError, did_you_mean
from sedrepro.base.files import write_table
from sedrepro.base.typed import load
from sedrepro.corpora.settings import Corpus
from sedrepro.corpora.tables import read_clips, read_strong, read_subsets
from sedrepro.detection.median import event_durations
from sedrepro.detection.method import Detector
from sedrepro.detection.methods import detector
from sedrepro.detection.scores import Scores
from sedrepro.detection.settings import Method
from sedrepro.evaluation.clip_metrics import clip_f1, clip_metrics, tagging_f1
from sedrepro.evaluation.event_based import event_metrics
from sedrepro.evaluation.frame_level import frame_metrics
from sedrepro.evaluation.segment_based import segment_metrics
from sedrepro.evaluation.settings import Evaluation
from sedrepro.evaluation.sweep_counts import trials
from sedrepro.experiments.metrics_files import RunMetrics, write_metrics
from sedrepro.experiments.places import corpus_folder
from sedrepro.experiments.run_config import RunConfig, read_run_config, require_front_end
from sedrepro.experiments.run_files import CONFIG, read_scores
from sedrepro.experiments.runs import RunIdentity
from sedrepro.experiments.sweep_counts import SWEEP_COUNTS, write_sweep_counts
from sedrepro.steps.request import Request

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper

#: Files that scoring adds to a run's folder.
SCORE_FILES = ("metrics.json", "detected.tsv", SWEEP_COUNTS)
#: Arrays of scores.npz with an entry per clip.
PER_CLIP = ("clip", "targets", "frame", "segments", "splits", "durations", "filenames")
#: What metrics.json takes over from config.json.
COPIED = (
    *("paper", "system", "variant", "fold", "seed", "scale"),
    *("clips", "clips_expected", "data", "classes", "parameters"),
)
DETECTED_COLUMNS = ("detection", "split", "filename", "onset", "offset", "event_label")


def score(paper: Paper, who: RunIdentity, config: Config) -> Path:
    """Write metrics.json, detected.tsv and the sweep's counts of a run; returns the path of the metrics.

    Raises:
        DataError: a file of the run or of its corpus is missing, damaged, or does not fit (names it).
        SettingsError: a way of detection chooses on a split that is not held out.
    """
    name = paper.settings.corpus_of(who.variant)[0]
    folder, corpus = who.folder(config), corpus_folder(config, paper, name)
    strong = read_strong(corpus)
    described, held_out = held_out_scores(folder, strong, paper.settings.front_end_of(name))
    _require_corpus(folder, described, paper.settings.corpora[name])
    subsets = read_subsets(corpus) if paper.settings.corpora[name].subsets else {}
    with _files_that_fit(folder):
        parts = {subset: _part_of(held_out, subset, filenames) for subset, filenames in subsets.items()}
        splits = held_out | parts
        metrics: dict[str, Any] = described.model_dump(mode="json", include=set(COPIED))
        metrics["splits"] = {
            split: {"clips_expected": described.expected_by_split.get(split)}
            | _tagging(part, paper.settings.evaluation)
            for split, part in splits.items()
        }
    for split, part in splits.items():
        if paper.settings.needs_frames or part.frame is not None:
            require_frames(folder / "scores.npz", part)
        if paper.settings.needs_frames:
            _require_labels(corpus / "strong.tsv", split, part)
            _add(metrics["splits"][split], _frame_level(part, paper.settings.evaluation))
    durations = _training_durations(paper, name, corpus, strong, described.classes)
    detected: list[tuple] = []
    for method, how in paper.settings.detection_of(name).items():
        chosen = _detector(paper, method, how, splits, durations)
        for split, part in splits.items():
            found = chosen.events(part)
            metrics["splits"][split]["detections"][method] = outcome(chosen, part, found, paper.settings.evaluation)
            if split not in subsets:  # their events stand there already, as of their split
                detected += _rows(method, split, part, found)
    learnt = learnt_durations(paper.settings.corpora[name], who.fold, corpus, strong, described.classes)
    tried = list(trials(held_out, paper.settings.front_end_of(name), learnt))
    write_sweep_counts(folder, described.classes, tried)
    write_table(folder / "detected.tsv", DETECTED_COLUMNS, detected)
    metrics["evaluation"] = paper.settings.evaluation.model_dump(mode="json")
    write_metrics(folder / "metrics.json", RunMetrics.model_validate(metrics))
    return folder / "metrics.json"


def held_out_scores(
    folder: Path, strong: Mapping[str, list[Event]], front_end: FrontEnd
) -> tuple[RunConfig, dict[str, Scores]]:
    """What a run's config.json says, and its scores by held-out split.

    `strong` are the events of the strongly labelled clips by filename; `front_end` is that of the settings of today,
    which must be the one that the run was trained with.

    Raises:
        DataError: a file of the run is missing, damaged, or does not fit (names it), or it had another front end.
    """
    described, scores = read_run_config(folder), read_scores(folder)
    trained_with = require_front_end(folder, described, front_end)
    with _files_that_fit(folder):
        return described, dict(_splits(scores, strong, described.classes, trained_with))


def _require_corpus(folder: Path, described: RunConfig, corpus: Corpus) -> None:
    """Refuse a run whose clips and labels were those of other settings of its corpus than the tables are of today."""
    stored = load(type(corpus), described.corpus, str(folder / CONFIG))
    differing = [key for key, value in corpus if getattr(stored, key) != value]
    if differing:
        raise DataError(
            f"{folder}: was trained on a corpus that differs from the settings ({', '.join(differing)}); train it "
            "again, or restore the settings that it was trained with"
        )


@contextmanager
def _files_that_fit(folder: Path) -> Iterator[None]:
    try:
        yield
    except (AttributeError, KeyError, ValueError, TypeError, IndexError) as error:
        raise DataError(f"{folder}: config.json and scores.npz do not fit ({error}); train this run again") from error


def _training_durations(
    paper: Paper, name: str, folder: Path, strong: dict[str, list[Event]], classes: Sequence[str]
) -> dict[str, np.ndarray]:
    """Durations in seconds of the events of every class in the strongly labelled clips that train."""
    trained = paper.settings.corpora[name].strong
    clips = [row["filename"] for row in read_clips(folder) if row["split"] in trained] if trained else []
    for filename in clips:
        if filename not in strong:
            raise DataError(f"{folder}/strong.tsv: lacks {filename}, a training clip; make the corpus tables again")
        _require_classes(folder / "strong.tsv", filename, strong[filename], classes)
    return event_durations((strong[filename] for filename in clips), classes)


def learnt_durations(
    corpus: Corpus, fold: int, folder: Path, strong: Mapping[str, list[Event]], classes: Sequence[str]
) -> dict[str, np.ndarray]:
    """Durations in seconds of the events of every class in all clips that train when a fold is held out.

    They are known in clips with strong labels, and in a remix, although its systems train on weak labels. What the run
    has no class for is left out.
    """
    rows = read_clips(folder)
    splits, folds = np.array([row["split"] for row in rows]), np.array([int(row["fold"]) for row in rows])
    trains = corpus.parts(splits, folds, fold).training
    learnt = [strong.get(row["filename"], ()) for row, trained in zip(rows, trains, strict=True) if trained]
    return event_durations(
        ([event for event in of_clip if event.event_label in classes] for of_clip in learnt), classes
    )


def _part_of(splits: dict[str, Scores], subset: str, filenames: set[str]) -> Scores:
    """Scores of the clips of a subset, which lie in one split."""
    for part in splits.values():
        rows = [row for row, filename in enumerate(part.filenames) if filename in filenames]
        if rows:
            return part.rows(rows)
    raise ValueError(f"no clip of subset {subset}")


def _splits(
    scores: dict[str, np.ndarray], strong: Mapping[str, list[Event]], classes: list[str], front_end: FrontEnd
) -> Iterator[tuple[str, Scores]]:
    counts = sorted({len(array) for name, array in scores.items() if name in PER_CLIP})
    if len(counts) > 1:
        raise ValueError(f"arrays of {counts[0]} and of {counts[-1]} clips")
    for split in dict.fromkeys(map(str, scores["splits"])):
        rows = np.flatnonzero(scores["splits"] == split)
        filenames = tuple(map(str, scores["filenames"][rows]))
        part = Scores(
            classes=classes,
            filenames=filenames,
            clip=scores["clip"][rows],
            frame=scores["frame"][rows].astype(np.float32) if "frame" in scores else None,
            frames_per_second=float(scores["frames_per_second"]),
            durations=scores["durations"][rows],
            targets=scores["targets"][rows],
            reference=[strong.get(name) for name in filenames],
            feature_frames=front_end.n_frames,
            features_per_second=front_end.frames_per_second,
            segments=scores["segments"][rows] if "segments" in scores else None,
        )
        yield split, part


def _tagging(part: Scores, evaluation: Evaluation) -> dict[str, Any]:
    """Metrics of the clip scores of a split."""
    found = {"clips": len(part.clip)} | clip_metrics(part.targets, part.clip, part.classes) | {"detections": {}}
    if evaluation.clip_level:
        thresholds = np.full(len(part.classes), evaluation.clip_level.threshold)
        _add(found, clip_f1(part.targets, part.clip, part.classes, thresholds))
    return found


def _frame_level(part: Scores, evaluation: Evaluation) -> dict[str, Any]:
    """Metrics of the frame scores of a split, where the paper has them."""
    if evaluation.frame_level is None:
        return {}
    grid = part.on_feature_grid()
    return frame_metrics(
        grid.frame_scores,
        grid.clip,
        grid.known_reference,
        grid.classes,
        evaluation.frame_level,
        grid.frames_per_second,
        grid.durations,
    )


def _add(found: dict[str, Any], more: dict[str, Any]) -> None:
    """Metrics and class-wise metrics beside those that are there."""
    for key in more:
        found[key] = found.get(key, {}) | more[key]


def _detector(
    paper: Paper, name: str, how: Method, splits: dict[str, Scores], durations: dict[str, np.ndarray]
) -> Detector:
    if how.choose_on is not None and how.choose_on not in splits:
        hint = did_you_mean(how.choose_on, splits)
        raise SettingsError(f"{paper.name}: detection.{name}.choose_on = {how.choose_on}: no held-out split; {hint}")
    segments = paper.settings.evaluation.segment_based
    on = splits[how.choose_on] if how.choose_on else next(iter(splits.values()))
    return detector(how, on, segments.segment_seconds if segments else None, durations)


def outcome(chosen: Detector, part: Scores, found: list[list[Event]], evaluation: Evaluation) -> dict[str, Any]:
    """Settings and metrics of one way of detection on one split, whose clips have strong labels.

    Returns `settings`, `metrics`, and `class_metrics` by metric and class; `found` are the events of every clip.
    """
    reference = dict(zip(part.filenames, part.known_reference, strict=True))
    estimated: dict[str, Sequence[Event]] = dict(zip(part.filenames, found, strict=True))
    result: dict[str, Any] = {"settings": chosen.settings, "metrics": {}, "class_metrics": dict(chosen.class_settings)}
    if evaluation.segment_based:
        _add(result, segment_metrics(reference, estimated, part.classes, evaluation.segment_based))
    if evaluation.event_based:
        _add(result, event_metrics(reference, estimated, part.classes, evaluation.event_based))
    _add(result, tagging_f1(part.targets, found, part.classes))
    if chosen.clip_thresholds is not None:
        _add(result, clip_f1(part.targets, chosen.clip_scores(part), part.classes, chosen.clip_thresholds))
    return result


def _rows(method: str, split: str, part: Scores, found: list[list[Event]]) -> list[tuple]:
    """Rows of detected.tsv."""
    return [
        (method, split, filename, event.onset, event.offset, event.event_label)
        for filename, of_clip in zip(part.filenames, found, strict=True)
        for event in of_clip
    ]


def require_frames(path: Path, part: Scores) -> None:
    """Refuse scores from which no events can be detected.

    Raises:
        DataError: there are no frame scores, or they are not (clip, frame, class) of the run's classes (names `path`).
    """
    if part.frame is None:
        raise DataError(f"{path}: holds no frame scores to detect events in; train this run again")
    if part.frame.ndim != 3 or part.frame.shape[2] != len(part.classes):
        raise DataError(
            f"{path}: frame scores {part.frame.shape} do not fit {len(part.classes)} classes; train this run again"
        )


def _require_labels(path: Path, split: str, part: Scores) -> None:
    missing = [name for name, labelled in zip(part.filenames, part.reference, strict=True) if labelled is None]
    if missing:
        others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise DataError(
            f"{path}: lacks {missing[0]}{others} of split '{split}'; "
            "events are scored where all clips have strong labels"
        )
    for name, labelled in zip(part.filenames, part.reference, strict=True):
        _require_classes(path, name, labelled or (), part.classes)


def _require_classes(path: Path, name: str, labelled: Sequence[Event], classes: Sequence[str]) -> None:
    for event in labelled:
        if event.event_label not in classes:
            raise DataError(
                f"{path}: {name}: class '{event.event_label}' is not one of the run's classes: no weak label names it; "
                "correct the labels"
            )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_run

    add_run(parser)


def run(request: Request) -> None:
    """Score the run of the options."""
    paper, who = request.known_run
    print(score(paper, who, request.config))
