"""Clip-level predictions of any system: a score per clip and class, in long or in wide tables, or tags without scores.

long    filename, event_label, score: a row per clip and class; a class that is not listed has the score 0
wide    filename and a column of scores per class
tags    filename, event_labels: the classes found, `Cat,Dog`; they score 1, all others 0
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from sedrepro.annotations.clips import WEAK_COLUMNS, split_labels
from sedrepro.base.errors import DataError, did_you_mean
from sedrepro.predictions.delimited import Delimited, finite_in, read_delimited
from sedrepro.predictions.problems import Problems

LONG_COLUMNS = ("filename", "event_label", "score")


def read_tags(path: Path, classes: Sequence[str], problems: Problems) -> dict[str, np.ndarray]:
    """Scores (class,) by file name as the table writes it.

    Raises:
        DataError: the table cannot be read, or a row is wrong (names file and row).
    """
    table = read_delimited(path, ("filename",))
    if set(LONG_COLUMNS) <= set(table.columns):
        return _long(table, classes, problems)
    if set(WEAK_COLUMNS) <= set(table.columns):
        return _tagged(table, classes, problems)
    return _wide(table, classes, problems)


def _long(table: Delimited, classes: Sequence[str], problems: Problems) -> dict[str, np.ndarray]:
    scores: dict[str, np.ndarray] = {}
    index = {label: place for place, label in enumerate(classes)}
    name, label_place, score_place = table.places(LONG_COLUMNS)
    given: set[tuple[str, str]] = set()
    for number, fields in table.rows:
        filename, label, where = fields[name].strip(), fields[label_place].strip(), f"{table.path}: row {number}"
        row = scores.setdefault(filename, np.zeros(len(classes)))
        if label not in index:
            problems.refuse("unknown class", f"{where}: class '{label}' is unknown; {did_you_mean(label, classes)}")
            continue
        if (filename, label) in given:
            problems.refuse("two scores", f"{where}: {filename} has a second score for {label}; keep one")
            continue
        given.add((filename, label))
        row[index[label]] = _score(where, fields[score_place], problems)
    return scores


def _tagged(table: Delimited, classes: Sequence[str], problems: Problems) -> dict[str, np.ndarray]:
    scores: dict[str, np.ndarray] = {}
    index = {label: place for place, label in enumerate(classes)}
    name, labels = table.places(WEAK_COLUMNS)
    for number, fields in table.rows:
        where, row = f"{table.path}: row {number}", _new(table, number, fields[name].strip(), scores, classes)
        for label in split_labels(fields[labels].strip()):
            if label in index:
                row[index[label]] = 1
            else:
                problems.refuse("unknown class", f"{where}: class '{label}' is unknown; {did_you_mean(label, classes)}")
    return scores


def _wide(table: Delimited, classes: Sequence[str], problems: Problems) -> dict[str, np.ndarray]:
    scores: dict[str, np.ndarray] = {}
    there = [label for label in classes if label in table.columns]
    if not there:
        raise DataError(
            f"{table.path}: row 1: has neither onset and offset, nor event_label and score, nor a column of a class "
            f"({', '.join(classes[:3])}, ...); found: {', '.join(table.columns)[:120]}"
        )
    for missing in [label for label in classes if label not in there]:
        problems.note("class without a column (scored 0)", missing)
    places, own = table.places(there), [list(classes).index(label) for label in there]
    (name,) = table.places(("filename",))
    for number, fields in table.rows:
        row = _new(table, number, fields[name].strip(), scores, classes)
        row[own] = [_score(f"{table.path}: row {number}", fields[place], problems) for place in places]
    return scores


def _new(
    table: Delimited, number: int, filename: str, scores: dict[str, np.ndarray], classes: Sequence[str]
) -> np.ndarray:
    if filename in scores:
        raise DataError(f"{table.path}: row {number}: {filename} is listed twice; remove one row")
    scores[filename] = np.zeros(len(classes))
    return scores[filename]


def _score(where: str, text: str, problems: Problems) -> float:
    score = finite_in(text)
    if score is None:
        problems.refuse("no score", f"{where}: score {text.strip()!r} is not a finite number; give one")
        return 0.0
    return score
