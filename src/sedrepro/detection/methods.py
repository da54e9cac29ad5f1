"""The ways from stored scores to events that a paper's settings can name, behind one interface.

A method is fixed (`hysteresis`), takes windows from the events it was trained with (`median`), or chooses something on
a split whose labels are known (`search`, `class_thresholds`); what it has chosen then detects the events of every
split. Each kind is a module of this folder, with its settings in `sedrepro.detection.settings`.
"""

import importlib
from collections.abc import Mapping, Sequence

import numpy as np

from sedrepro.detection.method import Detector
from sedrepro.detection.scores import Scores
from sedrepro.detection.settings import Method


def method_module(kind: str) -> str:
    """Name of the module of a kind of detection."""
    return f"sedrepro.detection.{kind}"


def detector(
    how: Method,
    on: Scores | None,
    segment_seconds: float | None,
    durations: Mapping[str, np.ndarray] | None = None,
) -> Detector:
    """What detects events as `how` says.

    `on` are the scores to choose on. A hysteresis needs none; for median filters they may be of any split, and say
    which classes and how many frames per second there are. Segments of `segment_seconds` are what a search counts.
    `durations` are those of the events in the clips to train on, (event,) by class in seconds, which windows follow.

    Raises:
        DataError: the split to choose on has no event or label.
        SettingsError: windows follow durations, and there are none.
    """
    kind = importlib.import_module(method_module(how.kind))
    return kind.DETECTOR.choose(how, on, segment_seconds, durations or {})


def chosen_before(
    how: Method,
    settings: Mapping[str, float],
    class_settings: Mapping[str, Mapping[str, float | None]],
    classes: Sequence[str],
    frames_per_second: float,
) -> Detector:
    """The detector that a run was scored with, from its `settings` and `class_settings`; nothing is chosen again.

    Thresholds of classes are as recorded, to six decimals.

    Raises:
        KeyError: a class or a setting is not among those recorded.
        ValueError: a recorded setting is impossible.
    """
    kind = importlib.import_module(method_module(how.kind))
    return kind.DETECTOR.recorded(how, settings, class_settings, classes, frames_per_second)
