"""Reading the metrics that a run leaves behind; the tables read nothing else of a run."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import FiniteFloat, NonNegativeInt, TypeAdapter, ValidationError

from sedrepro.clips import Coverage
from sedrepro.errors import DataError, did_you_mean
from sedrepro.files import read_json


@dataclass(frozen=True)
class RunMetrics:
    """The metrics of one run on one fold; a value is None where the metric is undefined there."""

    paper: str
    system: str
    variant: str
    fold: NonNegativeInt
    seed: NonNegativeInt
    scale: str
    clips: NonNegativeInt
    clips_expected: NonNegativeInt
    classes: list[str]
    metrics: dict[str, FiniteFloat | None]
    class_metrics: dict[str, dict[str, FiniteFloat | None]]
    classes_without_events: list[str]
    data: dict[str, Coverage]

    def __str__(self) -> str:
        return f"{self.paper}, {self.system}, {self.variant}, fold {self.fold}, seed {self.seed}"


_ADAPTER = TypeAdapter(RunMetrics)


def read_metrics(path: Path | str) -> RunMetrics:
    """The metrics of one run.

    Raises:
        DataError: the file is missing, is no JSON, or a key is missing or wrong (names file and key).
    """
    text = json.dumps(read_json(path))  # strict validation takes an object for a dataclass only from JSON text
    try:
        run = _ADAPTER.validate_json(text, strict=True)
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
    if run.clips > run.clips_expected:
        yield f"key 'clips': {run.clips} clips, but only {run.clips_expected} are expected"
    for name, part in run.data.items():
        if part.usable > part.expected:
            yield f"key 'data.{name}': {part.usable} clips, but only {part.expected} are expected"
    named = {"classes_without_events": run.classes_without_events}
    named |= {f"class_metrics.{metric}": list(values) for metric, values in run.class_metrics.items()}
    for key, names in named.items():
        for name in names:
            if name not in run.classes:
                yield f"key '{key}': class '{name}' is not among 'classes'; {did_you_mean(name, run.classes)}"
