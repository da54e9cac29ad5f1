"""A clip as its data set lists it, labels as text, and how much of a data set is there."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sedrepro.base.errors import DataError
from sedrepro.base.typed import Typed

WEAK_COLUMNS = ("filename", "event_labels")
STRONG_COLUMNS = ("filename", "onset", "offset", "event_label")


@dataclass(frozen=True, order=True)
class Event:
    """One strongly labelled event; onset and offset in seconds from the clip's start."""

    onset: float
    offset: float
    event_label: str


@dataclass(frozen=True)
class Clip:
    """One clip as its data set lists it; nothing of it is decoded yet."""

    filename: str
    """Path below the data root."""
    split: str
    """Part of the data set, `training` or `validation` for example."""
    group: str
    """Clips of one group share their source (a video, a place, a recording)."""
    fold: int = 0
    """Fold for cross-validation, 1 to n; 0 where the data set has none."""
    labels: tuple[str, ...] | None = None
    """Weak labels, sorted; None for an unlabelled clip, () for one that is known to hold no event."""
    events: tuple[Event, ...] | None = None
    """Strong labels, cleaned and sorted by onset; None where the data set gives none."""
    events_as_released: tuple[Event, ...] | None = None
    """Strong labels row for row as the official table has them; None where the data set gives none."""


class Coverage(Typed):
    """How much of a data set a result stands on."""

    expected: int
    usable: int
    fingerprint: str


@dataclass(frozen=True)
class Segment:
    """A piece of a YouTube video; start and end in seconds."""

    video_id: str
    start: float
    end: float


# A class name may hold a comma, but then a space follows it: "Fire engine, fire truck (siren)".
SEPARATOR = re.compile(r",(?! )")


def join_labels(labels: Iterable[str]) -> str:
    """Labels of a clip as one text, `Cat,Dog`.

    Raises:
        DataError: a label is empty or could not be told from two labels.
    """
    labels = list(labels)
    for label in labels:
        if not label:
            raise DataError("a class name is empty; fill it in")
        if label != label.strip() or SEPARATOR.search(label):
            raise DataError(f"class name '{label}': a comma in a class name must be followed by a space")
    return ",".join(labels)


def split_labels(text: str) -> list[str]:
    """The labels in a text like `Cat,Dog`; commas with a space behind them belong to a class name."""
    return SEPARATOR.split(text) if text else []


SEGMENT_NAME = re.compile(r"Y?([A-Za-z0-9_-]{11})_([0-9]+(?:\.[0-9]+)?)_([0-9]+(?:\.[0-9]+)?)\.wav")


def segment_of(filename: str) -> Segment:
    """The segment that a clip's name tells, `Y<id>_<start>_<end>.wav` with or without the Y.

    Raises:
        DataError: the name is not of that form, or its end is not after its start.
    """
    match = SEGMENT_NAME.fullmatch(Path(filename).name)
    if not match or float(match[2]) >= float(match[3]):
        raise DataError(f"{filename}: is not named Y<YouTube id>_<start>_<end>.wav")
    return Segment(match[1], float(match[2]), float(match[3]))


#: Seconds by which audio may be longer than the segment that it is named after. A downloader that kept more of the
#: video has kept sound that the labels do not speak of, and nothing says where in it the segment lies: it is not used.
LONGER_BY = 1.0


def too_long(filename: str, seconds: float) -> str:
    """Why audio of so many seconds is not the segment that its name tells; empty if it may be, or tells none."""
    try:
        segment = segment_of(filename)
    except DataError:
        return ""
    named = segment.end - segment.start
    if seconds <= named + LONGER_BY:
        return ""
    return f"lasts {seconds:g} s, its segment {named:g} s; cut it to the segment or obtain it again"
