"""From predictions of any system to its metrics under a protocol, with intervals over clips, and what was assumed."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from sedrepro.annotations.clips import STRONG_COLUMNS, WEAK_COLUMNS, Event
from sedrepro.base.errors import DataError, SettingsError, did_you_mean
from sedrepro.corpora.survey import TOLERANCE
from sedrepro.detection.median import event_durations
from sedrepro.detection.method import Detector
from sedrepro.detection.methods import detector
from sedrepro.detection.scores import Scores
from sedrepro.detection.settings import Method
from sedrepro.detection.untuned import UNTUNED
from sedrepro.evaluation.averages import stored
from sedrepro.evaluation.frame_level import frame_metrics
from sedrepro.evaluation.settings import Evaluation
from sedrepro.predictions import bootstrap
from sedrepro.predictions.delimited import read_delimited
from sedrepro.predictions.events import DETECTION, KNOWN, read_event_list
from sedrepro.predictions.field_metrics import FieldMetrics, field_metrics
from sedrepro.predictions.measures import Measure, clip_measures, event_measures, nan_mean
from sedrepro.predictions.names import Names
from sedrepro.predictions.problems import Problems
from sedrepro.predictions.protocol import OF_CLIPS, OF_EVENTS, OF_FRAMES, Protocol
from sedrepro.predictions.reference import Labelled, Reference
from sedrepro.predictions.scores import ScoreSet, read_scores
from sedrepro.predictions.tags import read_tags

#: By so much probabilities may leave the range from 0 to 1.
ROUNDING = 1e-4


@dataclass(frozen=True)
class Wishes:
    """How predictions are read and evaluated, beside the protocol."""

    detection: str | None = None
    fold: int | None = None
    skip_bad_rows: bool = False
    resamples: int = bootstrap.RESAMPLES
    psds: bool = True
    """Whether scores are measured by what the field reports today, too."""


@dataclass
class Matched:
    """Predictions put beside the clips of the reference."""

    kind: str
    """events, scores or tags."""
    missing: list[str]
    """Clips of the reference without a prediction."""
    unmatched: list[str]
    """Predicted names without reference."""
    events: list[list[Event]] | None = None
    """Of every clip of the reference."""
    clip: np.ndarray | None = None
    """Clip scores (clip, class)."""
    scores: Scores | None = None
    thresholds: np.ndarray | None = None
    """On clip scores, (class,), where a way of detection has them."""
    assumed: list[str] = field(default_factory=list)
    by_detection: bool = False
    """Whether a way of detection can be chosen: that makes events of scores, or whose rows of a list are read."""


@dataclass(frozen=True)
class Evaluated:
    """What predictions score."""

    name: str
    source: str
    kind: str
    paper: str
    variant: str
    split: str
    detection: str
    reference: str
    clips: int
    missing: list[str]
    unmatched: list[str]
    problems: dict[str, int]
    problem_lines: list[str]
    metrics: dict[str, float | None]
    intervals: dict[str, tuple[float, float] | None]
    class_metrics: dict[str, dict[str, float | None]]
    class_intervals: dict[str, dict[str, tuple[float, float] | None]]
    assumed: list[str]
    field: FieldMetrics | None
    resamples: int


#: Gives the labels of another split, on which a way of detection chooses.
OtherSplit = Callable[[str], Reference]


def evaluate(
    path: Path, reference: Reference, protocol: Protocol, wishes: Wishes, other_split: OtherSplit, name: str = ""
) -> Evaluated:
    """Evaluate the predictions in a file or folder.

    Raises:
        DataError: they cannot be read, or none of them is of the reference (names file, row and what to do).
        SettingsError: the way of detection is unknown (names the nearest), or none can be chosen.
    """
    problems = Problems(wishes.skip_bad_rows)
    reference = reference if wishes.fold is None else reference.of_fold(wishes.fold)
    matched = read_predictions(path, reference, protocol, wishes, problems, other_split)
    require_choice(wishes, matched)
    groups = fold_groups(reference)
    measures = [(rows, measures_of(matched, reference, protocol.evaluation, rows)) for rows in groups]
    whole = np.ones((1, len(reference.clips)))
    overall, of_classes = values_of(measures, whole)
    frames, frame_classes = _frame_level(matched, protocol.evaluation, groups)
    samples = bootstrap.drawn(groups, len(reference.clips), wishes.resamples)
    drawn, drawn_classes = values_of(measures, samples) if wishes.resamples else ({}, {})
    classes = reference.classes
    return Evaluated(
        name=name or path.stem,
        source=str(path),
        kind=matched.kind,
        paper=protocol.paper.name if protocol.paper else "",
        variant=protocol.variant,
        split=protocol.split,
        detection=wishes.detection or "",
        reference=reference.source,
        clips=len(reference.clips),
        missing=matched.missing,
        unmatched=matched.unmatched,
        problems=problems.counts(),
        problem_lines=problems.lines(),
        metrics={key: stored(value[0]) for key, value in overall.items()} | frames,
        intervals={key: rounded(bootstrap.interval(value)) for key, value in drawn.items()},
        class_metrics={key: _by_class(value[0], classes) for key, value in of_classes.items()} | frame_classes,
        class_intervals={
            key: {label: rounded(bootstrap.interval(value[:, c])) for c, label in enumerate(classes)}
            for key, value in drawn_classes.items()
        },
        assumed=_assumed(matched, protocol, groups),
        field=_field(matched, reference, protocol, wishes),
        resamples=wishes.resamples,
    )


def _field(matched: Matched, reference: Reference, protocol: Protocol, wishes: Wishes) -> FieldMetrics | None:
    if not wishes.psds or matched.scores is None or not reference.has_events:
        return None
    return field_metrics(matched.scores, protocol.evaluation)


def require_choice(wishes: Wishes, *read: Matched) -> None:
    """Refuse a way of detection that none of the predictions leaves open.

    Raises:
        SettingsError: a way is asked for, and there are neither scores that it works on nor a column of ways.
    """
    if wishes.detection is not None and not any(one.by_detection for one in read):
        raise SettingsError(
            f"--detection {wishes.detection}: has nothing to choose: it turns scores into events, or selects rows of "
            f"an event list by a column '{DETECTION}'; leave it out"
        )


def read_predictions(
    path: Path,
    reference: Reference,
    protocol: Protocol,
    wishes: Wishes,
    problems: Problems,
    other_split: OtherSplit,
) -> Matched:
    """Read predictions of whatever kind and put them beside the clips of the reference; scores become events.

    Raises:
        DataError: they cannot be read, or none of them is of the reference.
    """
    if path.is_dir() or path.suffix == ".npz":
        return _with_scores(read_scores(path, reference.classes), reference, protocol, wishes, other_split)
    columns = read_delimited(path, (*KNOWN, *WEAK_COLUMNS, "score"), headerless=STRONG_COLUMNS).columns
    if "onset" in columns or "event_onset" in columns:
        split = _own_split(protocol)
        listed = read_event_list(path, reference.classes, problems, wishes.detection, split)
        matched = _with_events(path, listed, reference, problems)
        return replace(matched, by_detection=DETECTION in columns)
    scores = read_tags(path, reference.classes, problems)
    found, unmatched, missing = _beside(path, scores, reference)
    clip = np.zeros((len(reference.clips), len(reference.classes)))
    for row, names in found.items():
        clip[row] = np.max([scores[name] for name in names], axis=0)
    return Matched("tags", missing, unmatched, clip=clip)


def _own_split(protocol: Protocol) -> str | None:
    """What the column `split` of the suite's own lists says of the clips of the evaluated split."""
    if protocol.paper is None:
        return None
    subset = protocol.paper.settings.corpora[protocol.corpus].subsets.get(protocol.split)
    return subset.split if subset is not None else protocol.split or None


def _beside(
    path: Path, predicted: Sequence[str] | dict[str, Any], reference: Reference
) -> tuple[dict[int, list[str]], list[str], list[str]]:
    """By row of the reference the predicted names that mean it; names without reference; clips without prediction."""
    rows = {filename: row for row, filename in enumerate(reference.filenames)}
    names = Names(rows)
    found: dict[int, list[str]] = {}
    unmatched = []
    for name in predicted:
        try:
            meant = names.find(name)
        except DataError as error:
            raise DataError(f"{path}: {error}") from error
        if meant is None:
            unmatched.append(name)
        else:
            found.setdefault(rows[meant], []).append(name)
    if predicted and not found:
        raise DataError(_nothing_in_common(path, unmatched, reference))
    return found, unmatched, [name for row, name in enumerate(reference.filenames) if row not in found]


def _nothing_in_common(path: Path, unmatched: Sequence[str], reference: Reference) -> str:
    for split, filenames in reference.elsewhere.items():
        names = Names(filenames)
        if any(names.find(name) for name in unmatched[:100]):
            return (
                f"{path}: is of another split: its files ({unmatched[0]}, ...) are in '{split}', not in "
                f"{reference.source}; --split chooses"
            )
    return (
        f"{path}: has no file in common with the reference ({reference.source}): predicted {unmatched[0]}, expected "
        f"{reference.filenames[0]}; compare names, --split, --scale and --data-root, or give labels by --reference"
    )


def _with_events(path: Path, listed: dict[str, list[Event]], reference: Reference, problems: Problems) -> Matched:
    _require_events(reference)
    found, unmatched, missing = _beside(path, listed, reference)
    events: list[list[Event]] = [[] for _ in reference.clips]
    for row, names in found.items():
        events[row] = [event for name in names for event in listed[name]]
        for event in events[row]:
            _note_past_the_end(reference.clips[row], event, problems)
    if not any(events):
        problems.note("the list holds no event of the reference's files", str(path))
    return Matched("events", missing, unmatched, events=events)


def _require_events(reference: Reference) -> None:
    if not reference.has_events:
        first = next(clip.filename for clip in reference.clips if clip.events is None)
        raise DataError(
            f"{reference.source}: {first} has no strong labels, so events cannot be evaluated; give tags with scores, "
            "or strong labels with --reference"
        )


def _note_past_the_end(clip: Labelled, event: Event, problems: Problems) -> None:
    if clip.duration is not None and event.offset > clip.duration + TOLERANCE:
        problems.note(
            "events past the clip's end (kept as they are)",
            f"{clip.filename}: {event.event_label} to {event.offset:g} s of {clip.duration:g} s",
        )


def _with_scores(
    scores: ScoreSet, reference: Reference, protocol: Protocol, wishes: Wishes, other_split: OtherSplit
) -> Matched:
    _beside(scores.path, scores.filenames, reference)
    names = Names(reference.filenames)
    part, missing = scores.of(reference.clips, reference.classes, protocol.grid)
    unmatched = [name for name in scores.filenames if names.find(name) is None]
    matched = Matched("scores", missing, unmatched, clip=part.clip, scores=part)
    if scores.clip is None:
        matched.assumed.append("clip scores: the largest frame score of each class, as none are given")
    if protocol.grid is not None and not scores.on_grid(protocol.grid):
        matched.assumed.append(
            f"lengths in frames: of the scores' own frames ({scores.frames_per_second:.4g} per second), which do not "
            "fit the paper's"
        )
    ways: Mapping[str, Method] = (
        protocol.paper.settings.detection_of(protocol.corpus) if protocol.paper else {"default": UNTUNED}
    )
    matched.by_detection = bool(ways)
    if ways:
        _require_events(reference)
        _detect(matched, part, scores, reference, protocol, ways, wishes.detection, other_split)
    return matched


def _detect(
    matched: Matched,
    part: Scores,
    scores: ScoreSet,
    reference: Reference,
    protocol: Protocol,
    ways: Mapping[str, Method],
    wanted: str | None,
    other_split: OtherSplit,
) -> None:
    """Add the events that a way of detection finds in `part`, the scores of the clips of the reference."""
    # Segments that a network pools itself are no part of a file of scores.
    name = wanted or next((name for name, how in ways.items() if how.pooled_seconds is None), next(iter(ways)))
    if name not in ways:
        raise SettingsError(f"detection '{name}' is unknown; {did_you_mean(name, ways)}")
    chosen = _detector(ways[name], part, scores, reference, protocol, other_split)
    matched.events, matched.thresholds = chosen.events(part), chosen.clip_thresholds
    said = ", ".join(f"{key} = {value}" for key, value in chosen.settings.items())
    own = "" if protocol.paper else "this suite's own, and untuned: "
    matched.assumed.append(f"detection '{name}' ({ways[name].kind}): {own}{said}")


def _detector(
    how: Method,
    part: Scores,
    scores: ScoreSet,
    reference: Reference,
    protocol: Protocol,
    other_split: OtherSplit,
) -> Detector:
    segments = protocol.evaluation.segment_based
    on = part
    if how.choose_on is not None and how.choose_on != protocol.split:
        other = other_split(how.choose_on)
        on, missing = scores.of(other.clips, reference.classes, protocol.grid)
        if len(missing) == len(other.clips):
            raise DataError(
                f"{scores.path}: this detection method chooses its parameters on split '{how.choose_on}', for which "
                "there are no scores; put them into the same file or folder, or choose another method with --detection"
            )
    if reference.lacking and getattr(getattr(how, "windows", None), "kind", "fixed") != "fixed":
        raise DataError(
            f"{reference.lacking}; the windows of this detection method follow the events of those labels; choose "
            "another method with --detection"
        )
    durations = event_durations((clip.events or () for clip in reference.trained), reference.classes)
    return detector(how, on, segments.segment_seconds if segments else None, durations)


def fold_groups(reference: Reference) -> list[np.ndarray]:
    """Numbers of the clips of each fold: papers with folds print the mean over them."""
    folds = np.array([clip.fold for clip in reference.clips])
    return [np.flatnonzero(folds == fold) for fold in np.unique(folds)]


def targets_of(reference: Reference) -> np.ndarray:
    """Weak labels, bool (clip, class).

    Raises:
        DataError: a clip has none.
    """
    tags = []
    for clip in reference.clips:
        if clip.tags is None:
            raise DataError(f"{reference.source}: {clip.filename} has no labels")
        tags.append(clip.tags)
    return np.array([[label in of_clip for label in reference.classes] for of_clip in tags])


def measures_of(matched: Matched, reference: Reference, evaluation: Evaluation, rows: np.ndarray) -> list[Measure]:
    """What predictions are measured by on some clips."""
    targets, measures = targets_of(reference)[rows], []
    if matched.clip is not None:
        measures += clip_measures(targets, matched.clip[rows], evaluation, matched.thresholds)
    if matched.events is not None:
        events, found = (
            [of_all[row] for row in rows] for of_all in ([c.events for c in reference.clips], matched.events)
        )
        measures += event_measures(events, found, targets, reference.classes, evaluation)
    return measures


def values_of(
    measures: Sequence[tuple[np.ndarray, Sequence[Measure]]], weights: np.ndarray
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Metrics (weighting,) and metrics of classes (weighting, class): the mean over the groups of clips."""
    overall: dict[str, list[np.ndarray]] = {}
    of_classes: dict[str, list[np.ndarray]] = {}
    for rows, of_group in measures:
        for measure in of_group:
            for into, values in zip((overall, of_classes), measure.values(weights[:, rows]), strict=True):
                for key, value in values.items():
                    into.setdefault(key, []).append(value)
    return _means(overall), _means(of_classes)


def _means(groups: Mapping[str, Sequence[np.ndarray]]) -> dict[str, np.ndarray]:
    return {key: nan_mean(np.stack(each), axis=0) for key, each in groups.items()}


def _frame_level(matched: Matched, evaluation: Evaluation, groups: Sequence[np.ndarray]) -> tuple[dict, dict]:
    """Frame-level metrics, where the paper has them; they have no interval."""
    if evaluation.frame_level is None or matched.scores is None:
        return {}, {}
    grid = matched.scores.on_feature_grid()
    parts = [grid.rows(rows) for rows in groups]
    found = [
        frame_metrics(
            part.frame_scores,
            part.clip,
            part.known_reference,
            part.classes,
            evaluation.frame_level,
            part.frames_per_second,
            part.durations,
        )
        for part in parts
    ]

    def mean(values: list[float | None]) -> float | None:
        return stored(float(nan_mean(np.array([np.nan if v is None else v for v in values])[None], axis=1)[0]))

    overall = {key: mean([each["metrics"][key] for each in found]) for key in found[0]["metrics"]}
    of_classes = {
        key: {label: mean([each["class_metrics"][key][label] for each in found]) for label in grid.classes}
        for key in found[0]["class_metrics"]
    }
    return overall, of_classes


def _by_class(values: np.ndarray, classes: Sequence[str]) -> dict[str, float | None]:
    return {label: stored(value) for label, value in zip(classes, values, strict=True)}


def rounded(pair: tuple[float, float] | None) -> tuple[float, float] | None:
    """An interval as files hold it."""
    return None if pair is None else (round(pair[0], 6), round(pair[1], 6))


def _out_of_range(matched: Matched) -> list[str]:
    """That scores are no probabilities, as thresholds expect them."""
    kinds = (matched.clip, None if matched.scores is None else matched.scores.frame)
    given = [scores for scores in kinds if scores is not None and scores.size]
    low, high = min(map(np.min, given), default=0), max(map(np.max, given), default=1)
    if low >= -ROUNDING and high <= 1 + ROUNDING:
        return []
    return [f"scores reach from {low:.4g} to {high:.4g}: thresholds are applied to them as they are"]


def _assumed(matched: Matched, protocol: Protocol, groups: Sequence[np.ndarray]) -> list[str]:
    """What decides on the numbers and could have been otherwise."""
    sections = (*(OF_EVENTS if matched.events is not None else ()), *(OF_CLIPS if matched.clip is not None else ()))
    lines = protocol.assumed((*sections, *(OF_FRAMES if matched.scores is not None else ())))
    lines += matched.assumed
    lines += _out_of_range(matched)
    lines.append("a clip without prediction counts as one in which nothing is found")
    if len(groups) > 1:
        lines.append(f"{len(groups)} folds: metrics are the mean over the folds")
    return lines
