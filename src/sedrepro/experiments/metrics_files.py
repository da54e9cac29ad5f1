"""Reading the metrics that a run leaves behind; the tables read nothing else of a run."""

import json
from collections.abc import Iterator
from pathlib import Path

from pydantic import ConfigDict, Field, NonNegativeInt, ValidationError

from sedrepro.annotations.clips import Coverage
from sedrepro.base.errors import DataError, did_you_mean
from sedrepro.base.files import read_json
from sedrepro.base.typed import Typed

#: Values by metric, and by metric and class; None where a metric is undefined.
Values = dict[str, float | None]
ClassValues = dict[str, Values]


class Detection(Typed):
    """The events of one way of detection: its post-processing, and what the events score."""

    settings: dict[str, float]
    metrics: Values
    class_metrics: ClassValues


class Split(Typed):
    """The metrics of one split that was held out."""

    clips: NonNegativeInt
    clips_expected: NonNegativeInt | None = None
    """Clips that the official tables list, where they do."""
    metrics: Values
    class_metrics: ClassValues
    classes_without_events: list[str]
    detections: dict[str, Detection]


class RunMetrics(Typed):
    """The metrics of one run on one fold; the file may say more about the run."""

    model_config = ConfigDict(extra="ignore")

    paper: str
    system: str
    variant: str
    fold: NonNegativeInt
    seed: NonNegativeInt
    scale: str
    clips: NonNegativeInt
    clips_expected: NonNegativeInt
    classes: list[str]
    splits: dict[str, Split] = Field(min_length=1)
    data: dict[str, Coverage]
    parameters: NonNegativeInt | None = None

    def __str__(self) -> str:
        return f"{self.paper}, {self.system}, {self.variant}, fold {self.fold}, seed {self.seed}"


def read_metrics(path: Path | str) -> RunMetrics:
    """The metrics of one run.

    Raises:
        DataError: the file is missing, is no JSON, or a key is missing, unknown or wrong (names file and key).
    """
    text = json.dumps(read_json(path))  # strict validation takes a whole number for a float only from JSON text
    try:
        run = RunMetrics.model_validate_json(text, strict=True)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        place = f"key '{key}': " if key else ""
        raise DataError(f"{path}: {place}{first['msg'].lower()}; score the run again") from error
    for problem in _contradictions(run):
        raise DataError(f"{path}: {problem}")
    return run


def _contradictions(run: RunMetrics) -> Iterator[str]:
    if len(set(run.classes)) < len(run.classes):
        yield "key 'classes': a class is listed twice"
    yield from _too_many("clips", run.clips, run.clips_expected)
    for name, part in run.data.items():
        yield from _too_many(f"data.{name}", part.usable, part.expected)
    for name, split in run.splits.items():
        if split.clips > run.clips:
            yield f"key 'splits.{name}.clips': {split.clips} clips, but the corpus holds only {run.clips}"
        for key, names in _class_lists(split):
            for unknown in [label for label in names if label not in run.classes]:
                hint = did_you_mean(unknown, run.classes)
                yield f"key 'splits.{name}.{key}': class '{unknown}' is not among 'classes'; {hint}"


def _too_many(key: str, clips: int, expected: int) -> Iterator[str]:
    if clips > expected:
        yield f"key '{key}': {clips} clips, but only {expected} are expected"


def _class_lists(split: Split) -> Iterator[tuple[str, list[str]]]:
    """The keys of a split under which classes are named, and these classes."""
    yield "classes_without_events", split.classes_without_events
    holders = {"": split} | {f"detections.{name}.": found for name, found in split.detections.items()}
    for prefix, holder in holders.items():
        for metric, values in holder.class_metrics.items():
            yield f"{prefix}class_metrics.{metric}", list(values)
