"""Reading official label tables: strong, weak, lists of clips and scenes, and merging events.

Tables are UTF-8 text with tabs. Errors name the file and the row, counted from the file's first line, header or not.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from math import inf, isfinite
from pathlib import Path

from sedrepro.annotations.clips import STRONG_COLUMNS, WEAK_COLUMNS, Clip, Event, segment_of, split_labels
from sedrepro.base.errors import DataError, did_you_mean
from sedrepro.base.files import read_table

LIST_COLUMNS = ("filename",)
SCENE_COLUMNS = ("filename", "scene_label", "identifier")
# Clip lengths up to which an offset is taken for seconds; published ones are up to 1.1 (11 s in a clip of 10 s).
FARTHEST = 2
# Plainer than float(), which also takes '1_0', ' 1' and digits of other scripts.
NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?", re.ASCII)


def read_strong(path: Path, classes: Collection[str], clip_seconds: float = inf) -> dict[str, tuple[Event, ...]]:
    """Events per clip, row for row, of a table with header; a clip with an empty row has none.

    `clip_seconds` is how long the clips should be: times far behind their ends are no seconds.

    Raises:
        DataError: the table is missing or not readable as such, or has a bad row (names file and row).
    """
    events: dict[str, list[Event]] = {}
    for where, (filename, onset, offset, label) in _rows(path, STRONG_COLUMNS, header=True):
        _check_filename(where, filename)
        is_empty = not (onset or offset or label)
        if filename in events and (is_empty or not events[filename]):
            raise DataError(f"{where}: {filename} has an empty row and another row; keep either its events or none")
        of_clip = events.setdefault(filename, [])
        if not is_empty:
            of_clip.append(_event(where, onset, offset, label, classes, clip_seconds))
    return {filename: tuple(of_clip) for filename, of_clip in events.items()}


def read_headerless_strong(
    path: Path, classes: Collection[str], listed: Collection[str], clip_seconds: float = inf
) -> dict[str, tuple[Event, ...]]:
    """Events per clip, row for row, of a table of DCASE 2017; onset = offset = 0: the label's event was not heard.

    `clip_seconds` as in `read_strong`.

    Raises:
        DataError: the table is missing or not readable as such, or has a bad row, or one of a clip that is not
            `listed` in the weak table (names file and row).
    """
    events: dict[str, list[Event]] = {}
    for where, (filename, onset, offset, label) in _rows(path, STRONG_COLUMNS, header=False):
        if filename not in listed:
            raise DataError(f"{where}: {filename!r} is not in the weak table of its split; correct the name")
        event = _event(where, onset, offset, label, classes, clip_seconds, may_be_unheard=True)
        events.setdefault(filename, []).append(event)
    return {filename: tuple(of_clip) for filename, of_clip in events.items()}


def read_weak(path: Path, classes: Collection[str]) -> dict[str, tuple[str, ...]]:
    """Sorted labels per clip of a table with header and one row per clip; a label that is repeated counts once.

    Raises:
        DataError: the table is missing or not readable as such, or has a bad row (names file and row).
    """
    labels: dict[str, tuple[str, ...]] = {}
    for where, (filename, text) in _rows(path, WEAK_COLUMNS, header=True):
        check_new(where, filename, labels)
        if not text:
            raise DataError(f"{where}: {filename} has no label; name its classes or remove the row")
        of_clip = split_labels(text)
        for label in of_clip:
            _check_class(where, label, classes)
        labels[filename] = tuple(sorted(set(of_clip)))
    return labels


def read_headerless_weak(path: Path, classes: Collection[str], clip_seconds: float = inf) -> dict[str, tuple[str, ...]]:
    """Sorted labels per clip of a table of DCASE 2017: one row per label, with the clip's place in the video.

    `clip_seconds` as in `read_strong`.

    Raises:
        DataError: the table is missing or not readable as such, or has a bad row (names file and row).
    """
    labels: dict[str, list[str]] = {}
    for where, (filename, start, end, label) in _rows(path, STRONG_COLUMNS, header=False):
        of_clip = labels.get(filename)
        if of_clip is None:
            _check_filename(where, filename)
            of_clip = labels[filename] = []
        seconds = _seconds(where, "offset", end) - _seconds(where, "onset", start)
        _check_seconds(where, end, seconds, clip_seconds)
        _check_class(where, label, classes)
        if label in of_clip:
            raise DataError(f"{where}: {filename} has the label {label!r} twice; remove one row")
        of_clip.append(label)
    return {filename: tuple(sorted(of_clip)) for filename, of_clip in labels.items()}


def read_file_list(path: Path) -> list[str]:
    """File names of a table with header.

    Raises:
        DataError: the table is missing or not readable as such, or has a bad row (names file and row).
    """
    listed: dict[str, None] = {}
    for where, (filename,) in _rows(path, LIST_COLUMNS, header=True):
        check_new(where, filename, listed)
        listed[filename] = None
    return list(listed)


def read_scenes(data_root: Path, folder: str) -> list[Clip]:
    """Acoustic scenes of a TUT or TAU development set in the order of its `meta.csv`; the group is the place.

    Raises:
        DataError: the table is missing, lacks a column, or has a bad row (names file and row).
    """
    path = data_root / folder / "meta.csv"
    scenes: dict[str, Clip] = {}
    for number, row in enumerate(read_table(path, SCENE_COLUMNS), start=2):
        filename, scene, place = (row[column] for column in SCENE_COLUMNS)
        check_new(f"{path}: row {number}", filename, scenes, below="audio/")
        if not scene or not place:
            raise DataError(f"{path}: row {number}: {filename} has no scene_label or no identifier; fill both in")
        scenes[filename] = Clip(f"{folder}/{filename}", "development", group=place, labels=(scene,))
    if not scenes:
        raise DataError(f"{path}: lists no clip; obtain the table again")
    return list(scenes.values())


def merged(events: Iterable[Event]) -> tuple[Event, ...]:
    """Events sorted by onset, those of one class that overlap joined to one; events that only touch stay apart."""
    closed: list[Event] = []
    latest: dict[str, Event] = {}
    for event in sorted(events):
        before = latest.get(event.event_label)
        if before is not None and event.onset < before.offset:
            event = Event(before.onset, max(before.offset, event.offset), event.event_label)
        elif before is not None:
            closed.append(before)
        latest[event.event_label] = event
    return tuple(sorted([*closed, *latest.values()]))


def youtube_id(filename: str) -> str:
    """Id of the video that a clip named `Y<id>_<start>_<end>.wav` is cut from; for any other name, its stem."""
    try:
        return segment_of(filename).video_id
    except DataError:
        return filename.removesuffix(".wav")


def _rows(path: Path, columns: Sequence[str], header: bool) -> Iterator[tuple[str, list[str]]]:
    """Where each row stands, and its fields in the order of `columns`; blank lines are passed over.

    Not `read_table`: quotes mean nothing in these tables, a row may have no field too many either, and its number is
    that of its line.
    """
    numbered = ((n, line.split("\t")) for n, line in enumerate(_text(path).split("\n"), start=1) if line.strip())
    expected, order = len(columns), list(range(len(columns)))
    if header:
        _, found = next(numbered, (0, []))
        for column in columns:
            if column not in found:
                raise DataError(f"{path}: column '{column}' is missing (found: {', '.join(found) or 'an empty file'})")
        expected, order = len(found), [found.index(column) for column in columns]
    number = 0
    for number, fields in numbered:
        where = f"{path}: row {number}"
        if len(fields) != expected:
            raise DataError(f"{where}: the number of fields is {len(fields)}, not {expected}; separate them by tabs")
        yield where, [fields[i] for i in order]
    if not number:
        raise DataError(f"{path}: lists no clip; obtain the table again")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file; obtain the data set, or correct the data root") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8 text ({error.reason} at byte {error.start}); obtain it again") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error


def _event(
    where: str,
    onset: str,
    offset: str,
    label: str,
    classes: Collection[str],
    clip_seconds: float,
    may_be_unheard: bool = False,
) -> Event:
    """The event of a row; its offset may lie behind the clip's end, as published."""
    _check_class(where, label, classes)
    event = Event(_seconds(where, "onset", onset), _seconds(where, "offset", offset), label)
    is_unheard = may_be_unheard and event.offset == 0
    if event.offset < event.onset or (event.offset == event.onset and not is_unheard):
        raise DataError(f"{where}: offset {offset} is not after onset {onset}; correct the times")
    _check_seconds(where, offset, event.offset, clip_seconds)
    return event


def _check_seconds(where: str, offset: str, seconds: float, clip_seconds: float) -> None:
    if seconds > FARTHEST * clip_seconds:
        raise DataError(
            f"{where}: offset {offset} is too large for a clip of {clip_seconds:g} s; "
            "give seconds, not milliseconds or samples"
        )


def _seconds(where: str, column: str, text: str) -> float:
    seconds = float(text) if NUMBER.fullmatch(text) else float("nan")
    if not isfinite(seconds):
        raise DataError(f"{where}: {column} {text!r} is not a finite number; give seconds")
    if seconds < 0:
        raise DataError(f"{where}: {column} {text} is negative; give seconds from the clip's start")
    return seconds


def _check_class(where: str, label: str, classes: Collection[str]) -> None:
    if label not in classes:
        raise DataError(f"{where}: class {label!r} is unknown; {did_you_mean(label, classes)}")


def check_new(where: str, filename: str, listed: Collection[str], below: str = "") -> None:
    """Check that a clip has a proper name and is not among those `listed` before.

    Raises:
        DataError: it has not, or is (starts with `where`).
    """
    _check_filename(where, filename, below)
    if filename in listed:
        raise DataError(f"{where}: {filename} is listed twice; remove one row")


def _check_filename(where: str, filename: str, below: str = "") -> None:
    """A clip's name is `below` and a plain name that ends in .wav."""
    name = filename.removeprefix(below)
    if not filename.startswith(below) or "/" in name or "\\" in name or not name.isprintable():
        raise DataError(f"{where}: {filename!r} is not a file name; give '{below}<name>.wav', no other folder")
    if not name.endswith(".wav") or name == ".wav":
        raise DataError(f"{where}: {filename!r} does not end in .wav; give '{below}<name>.wav'")
