"""metrics.json of a run: one reader, one writer. The tables read nothing else of a run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, NonNegativeInt

from sedrepro.annotations.clips import Coverage
from sedrepro.base.errors import DataError, did_you_mean
from sedrepro.base.files import write_json
from sedrepro.base.typed import Typed, read_typed

#: Values by metric, and by metric and class; None where a metric is undefined.
Values = dict[str, float | None]
ClassValues = dict[str, Values]


class Detection(Typed):
    """The events of one way of detection: its post-processing, and what the events score."""

    settings: dict[str, int | float]
    metrics: Values
    class_metrics: ClassValues


class Split(Typed):
    """The metrics of one split that was held out."""

    clips_expected: NonNegativeInt | None = None
    """Clips that the official tables list, where they do."""
    clips: NonNegativeInt
    metrics: Values
    class_metrics: ClassValues
    classes_without_events: list[str]
    detections: dict[str, Detection]


class RunMetrics(Typed):
    """The metrics of one run on one fold; another version of the suite may have written more."""

    model_config = ConfigDict(extra="ignore")

    paper: str
    system: str
    variant: str
    fold: NonNegativeInt
    seed: NonNegativeInt
    scale: str
    clips: NonNegativeInt
    clips_expected: NonNegativeInt
    data: dict[str, Coverage]
    classes: list[str]
    parameters: NonNegativeInt | None = None
    splits: dict[str, Split] = Field(min_length=1)
    evaluation: dict[str, Any] = Field(default={})
    """How it was scored, as the settings had it then."""

    def __str__(self) -> str:
        return f"{self.paper}, {self.system}, {self.variant}, fold {self.fold}, seed {self.seed}"


def write_metrics(path: Path | str, metrics: RunMetrics) -> None:
    """Write metrics.json."""
    write_json(path, metrics.model_dump(mode="json"))


def read_metrics(path: Path | str) -> RunMetrics:
    """The metrics of one run.

    Raises:
        DataError: the file is missing, is no JSON, or a key is missing, unknown or wrong (names file and key).
    """
    run = read_typed(RunMetrics, path, "score the run again")
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
