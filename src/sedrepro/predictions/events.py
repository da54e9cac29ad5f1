"""Event lists of any system: tsv or csv with filename, onset, offset and event_label; other columns are ignored.

The suite's own detected.tsv is one of them: its columns `detection` and `split` choose among its rows.
"""

from collections.abc import Collection
from pathlib import Path

from sedrepro.annotations.clips import STRONG_COLUMNS, Event
from sedrepro.base.errors import DataError, did_you_mean
from sedrepro.predictions.delimited import Delimited, finite_in, read_delimited
from sedrepro.predictions.problems import Problems

#: Columns by which one file holds the lists of several ways of detection, or splits.
DETECTION, SPLIT = "detection", "split"
#: Other names of the columns, as sed_eval and dcase_util write them.
SYNONYMS = {"event_onset": "onset", "event_offset": "offset", "file": "filename", "label": "event_label"}
KNOWN = (*STRONG_COLUMNS, *SYNONYMS)


def read_event_list(
    path: Path,
    classes: Collection[str],
    problems: Problems,
    detection: str | None = None,
    split: str | None = None,
) -> dict[str, list[Event]]:
    """Events by file name as the list writes it; a file with an empty row has none.

    Where the list has a column `detection` or `split`, rows of another way or split than the given one are left out.

    Raises:
        DataError: the list cannot be read, a row is wrong (unless `problems` skips it), or the list holds several ways
            of detection and none is chosen (names file and row).
    """
    table = read_delimited(path, KNOWN, headerless=STRONG_COLUMNS)
    return events_of(with_strong_columns(table), classes, problems, detection, split)


def with_strong_columns(table: Delimited) -> Delimited:
    """The table with the columns of strong labels, whatever they are called in it.

    Raises:
        DataError: it lacks one (names it).
    """
    names = tuple(
        SYNONYMS.get(name, name) if SYNONYMS.get(name) not in table.columns else name for name in table.columns
    )
    for column in STRONG_COLUMNS:
        if column not in names:
            raise DataError(f"{table.path}: column '{column}' is missing (found: {', '.join(names)})")
    return Delimited(table.path, names, table.rows)


def events_of(
    table: Delimited,
    classes: Collection[str],
    problems: Problems,
    detection: str | None = None,
    split: str | None = None,
) -> dict[str, list[Event]]:
    """Events by file name, of a table with the columns of strong labels; see `read_event_list`."""
    rows = _chosen(table, DETECTION, detection)
    if SPLIT in table.columns and split is not None:
        rows = _of_split(table, rows, split)
    name, onset, offset, label = table.places(STRONG_COLUMNS)
    known = set(classes)
    events: dict[str, list[Event]] = {}
    seen: set[tuple[str, Event]] = set()
    for number, fields in rows:
        where = f"{table.path}: row {number}"
        filename = fields[name].strip()
        if not filename:
            problems.refuse("no file name", f"{where}: filename is empty; name the clip")
            continue
        of_clip = events.setdefault(filename, [])
        if not (fields[onset].strip() or fields[offset].strip() or fields[label].strip()):
            continue
        event = _event(where, fields[onset], fields[offset], fields[label].strip(), known, problems)
        if event is None:
            continue
        if (filename, event) in seen:
            problems.note("the same row twice (both count)", f"row {number} ({filename})")
        seen.add((filename, event))
        of_clip.append(event)
    return events


def _chosen(table: Delimited, column: str, wanted: str | None) -> list[tuple[int, list[str]]]:
    if column not in table.columns:
        return table.rows
    place = table.columns.index(column)
    there = list(dict.fromkeys(fields[place] for _, fields in table.rows))
    if wanted is None and len(there) > 1:
        raise DataError(
            f"{table.path}: holds events of several methods; choose one with --{column}: {', '.join(there)}"
        )
    if wanted is not None and there and wanted not in there:
        raise DataError(f"{table.path}: holds no {column} '{wanted}'; {did_you_mean(wanted, there)}")
    return [row for row in table.rows if wanted is None or row[1][place] == wanted]


def _of_split(table: Delimited, rows: list[tuple[int, list[str]]], split: str) -> list[tuple[int, list[str]]]:
    place = table.columns.index(SPLIT)
    there = {fields[place] for _, fields in rows}
    if rows and split not in there:
        raise DataError(f"{table.path}: holds no event of split '{split}'; {did_you_mean(split, there)}")
    return [row for row in rows if row[1][place] == split]


def _event(
    where: str, onset: str, offset: str, label: str, classes: Collection[str], problems: Problems
) -> Event | None:
    times: list[float] = []
    for column, text in (("onset", onset), ("offset", offset)):
        seconds = finite_in(text)
        if seconds is None:
            problems.refuse("no time", f"{where}: {column} {text.strip()!r} is not a finite number; give seconds")
            return None
        times.append(seconds)
    if times[0] < 0:
        problems.refuse("negative time", f"{where}: onset {onset.strip()} is negative; count from the clip's start")
        return None
    if times[1] < times[0]:
        problems.refuse(
            "onset after offset",
            f"{where}: onset {onset.strip()} is after offset {offset.strip()}; correct the times",
        )
        return None
    if label not in classes:
        hint = did_you_mean(label, classes)
        problems.refuse("unknown class", f"{where}: class '{label}' is unknown; {hint}")
        return None
    return Event(times[0], times[1], label)
