"""The metrics of a trained run from its stored scores; the network is not needed.

A run is scored split by split. Its frame scores become events in every way that the paper's `detection` names: the
post-processing is chosen on one split, and what was chosen is used on all of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sedrepro.clips import Event
from sedrepro.config import Config
from sedrepro.corpora.tables import read_strong
from sedrepro.detection.postprocessing import PostProcessing, active_frames, events
from sedrepro.detection.search import Search, search
from sedrepro.detection.segments import segment_activity
from sedrepro.errors import DataError, SettingsError, did_you_mean
from sedrepro.evaluation.clip_metrics import clip_metrics
from sedrepro.evaluation.segment_based import segment_metrics
from sedrepro.files import read_json, write_json, write_table
from sedrepro.runs import RunIdentity, corpus_folder, read_scores
from sedrepro.settings import Paper

#: Files that scoring adds to a run's folder.
SCORE_FILES = ("metrics.json", "detected.tsv")
#: Arrays of scores.npz with an entry per clip.
PER_CLIP = ("clip", "targets", "frame", "splits", "durations", "filenames")
DETECTED_COLUMNS = ("detection", "split", "filename", "onset", "offset", "event_label")


@dataclass(frozen=True)
class SplitScores:
    """Scores, targets and reference events of the clips of one split."""

    clip: np.ndarray
    """(clip, class)"""
    targets: np.ndarray
    """(clip, class)"""
    frame: np.ndarray | None
    """(clip, frame, class)"""
    frames_per_second: float
    durations: np.ndarray
    """Seconds, (clip,)"""
    filenames: tuple[str, ...]
    reference: dict[str, list[Event]]


def score(paper: Paper, who: RunIdentity, config: Config) -> Path:
    """Write metrics.json and detected.tsv of a run; returns the path of the metrics.

    Raises:
        DataError: a file of the run or of its corpus is missing, damaged, or does not fit (names it).
        SettingsError: a way of detection chooses on a split that is not held out.
    """
    folder, corpus = who.folder(config), corpus_folder(config, paper, paper.settings.corpus_of(who.variant)[0])
    described, scores = read_json(folder / "config.json"), read_scores(folder)
    strong = read_strong(corpus)
    try:
        splits = dict(_splits(scores, strong))
        classes = described["classes"]
        copied = ("paper", "system", "variant", "fold", "seed", "scale", "clips", "clips_expected", "data", "classes")
        metrics = {key: described[key] for key in copied}
        metrics["splits"] = {
            name: {"clips": len(part.clip)} | clip_metrics(part.targets, part.clip, classes) | {"detections": {}}
            for name, part in splits.items()
        }
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise DataError(f"{folder}: config.json and scores.npz do not fit ({error}); train this run again") from error
    if paper.settings.detection:
        for split, part in splits.items():
            _require_frames(folder / "scores.npz", part, classes)
            _require_labels(corpus / "strong.tsv", split, part, classes)
    detected: list[tuple] = []
    for name, how in paper.settings.detection.items():
        rows, outcomes = _detection(paper, splits, classes, name, how)
        detected += rows
        for split, outcome in outcomes.items():
            metrics["splits"][split]["detections"][name] = outcome
    write_table(folder / "detected.tsv", DETECTED_COLUMNS, detected)
    write_json(folder / "metrics.json", metrics | {"evaluation": paper.settings.evaluation.model_dump(mode="json")})
    return folder / "metrics.json"


def _splits(scores: dict[str, np.ndarray], strong: dict[str, list[Event]]) -> Iterator[tuple[str, SplitScores]]:
    counts = sorted({len(array) for name, array in scores.items() if name in PER_CLIP})
    if len(counts) > 1:
        raise ValueError(f"arrays of {counts[0]} and of {counts[-1]} clips")
    for split in dict.fromkeys(map(str, scores["splits"])):
        rows = np.flatnonzero(scores["splits"] == split)
        filenames = tuple(map(str, scores["filenames"][rows]))
        yield (
            split,
            SplitScores(
                clip=scores["clip"][rows],
                targets=scores["targets"][rows],
                frame=scores["frame"][rows].astype(np.float32) if "frame" in scores else None,
                frames_per_second=float(scores["frames_per_second"]),
                durations=scores["durations"][rows],
                filenames=filenames,
                reference={name: strong[name] for name in filenames if name in strong},
            ),
        )


def _detection(
    paper: Paper, splits: dict[str, SplitScores], classes: list[str], name: str, how: Search
) -> tuple[list[tuple], dict[str, dict[str, Any]]]:
    """Rows of detected.tsv and, by split, the settings and metrics of one way of detection."""
    settings = paper.settings.evaluation.segment_based
    if how.choose_on not in splits:
        hint = did_you_mean(how.choose_on, splits)
        raise SettingsError(f"{paper.name}: detection.{name}.choose_on = {how.choose_on}: no held-out split; {hint}")
    chosen = _chosen(splits[how.choose_on], classes, how, settings.segment_seconds)
    rows, outcomes = [], {}
    for split, part in splits.items():
        found = _detected(part, chosen, classes)
        rows += [
            (name, split, filename, e.onset, e.offset, e.event_label) for filename in found for e in found[filename]
        ]
        outcomes[split] = {"settings": chosen.model_dump()} | segment_metrics(part.reference, found, classes, settings)
    return rows, outcomes


def _require_frames(path: Path, part: SplitScores, classes: list[str]) -> None:
    if part.frame is None:
        raise DataError(f"{path}: holds no frame scores to detect events in; train this run again")
    if part.frame.ndim != 3 or part.frame.shape[2] != len(classes):
        raise DataError(
            f"{path}: frame scores {part.frame.shape} do not fit {len(classes)} classes; train this run again"
        )


def _require_labels(path: Path, split: str, part: SplitScores, classes: list[str]) -> None:
    missing = [name for name in part.filenames if name not in part.reference]
    if missing:
        others = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise DataError(
            f"{path}: lacks {missing[0]}{others} of split '{split}'; "
            "events are scored where all clips have strong labels"
        )
    for name, labelled in part.reference.items():
        for event in labelled:
            if event.event_label not in classes:
                raise DataError(
                    f"{path}: {name}: class '{event.event_label}' is none of the run's, no weak label names it; "
                    "correct the labels"
                )


def _chosen(part: SplitScores, classes: list[str], how: Search, segment_seconds: float) -> PostProcessing:
    references = [part.reference[name] for name in part.filenames]
    reference = segment_activity(references, classes, segment_seconds)
    found = search(part.frame, reference, how, part.frames_per_second, part.durations, segment_seconds)
    return found.chosen


def _detected(part: SplitScores, how: PostProcessing, classes: list[str]) -> dict[str, list[Event]]:
    active = active_frames(part.frame, how, part.frames_per_second)
    found = events(active, part.frames_per_second, classes, part.durations)
    return dict(zip(part.filenames, found, strict=True))
