"""Rows of a text table whose separator is a tab or a comma, whatever its name ends in, with or without a header."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from math import isfinite
from pathlib import Path
from typing import Literal

from sedrepro.base.errors import DataError

#: Separators that are read, in words.
SEPARATORS = {"\t": "tabs", ",": "commas"}
#: Separators that people also use; a file with one of them is refused by name.
OTHERS = {";": "semicolons", "|": "bars", " ": "spaces"}


@dataclass(frozen=True)
class Delimited:
    """A table: its columns, and its rows as (row number in the file, fields)."""

    path: Path
    columns: tuple[str, ...]
    rows: list[tuple[int, list[str]]]

    def places(self, columns: Sequence[str]) -> list[int]:
        """Where columns stand.

        Raises:
            DataError: one stands twice (names it).
        """
        for column in columns:
            if self.columns.count(column) > 1:
                raise DataError(f"{self.path}: row 1: column '{column}' is there twice; keep one")
        return [self.columns.index(column) for column in columns]


def read_delimited(path: Path, known: Sequence[str], headerless: Sequence[str] = ()) -> Delimited:
    """The table in a file, whose header has at least one of the `known` columns.

    A file without header is taken for one with the columns `headerless`, if its second field is a number.

    Raises:
        DataError: the file is missing, empty, no UTF-8 text, of another separator, without known columns, or a row has
            another number of fields than the header (names file and row).
    """
    lines = _text(path)
    first = next((line for line in lines.splitlines() if line.strip()), "")
    if not first:
        raise DataError(
            f"{path}: is empty; an event list needs at least a header: filename, onset, offset, event_label"
        )
    separator = _separator(path, first, known, headerless)
    rows = _rows(path, lines, separator)
    number, header = next(rows)
    header = [name.strip() for name in header]
    if set(header) & set(known):
        return Delimited(path, tuple(header), list(_of_width(path, rows, len(header), separator)))
    body = [(number, header), *rows]
    return Delimited(path, tuple(headerless), list(_of_width(path, iter(body), len(headerless), separator)))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8 text ({error.reason} at byte {error.start})") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from error


def _separator(path: Path, first: str, known: Sequence[str], headerless: Sequence[str]) -> str:
    """The separator of a file by its first line."""
    for separator in SEPARATORS:
        fields = [field.strip() for field in first.split(separator)]
        if set(fields) & set(known) and (len(fields) > 1 or len(known) == 1):
            return separator
        if headerless and len(fields) == len(headerless) and number_in(fields[1]) is not None:
            return separator
    for separator, words in OTHERS.items():
        fields = [field.strip() for field in first.split(separator)]
        if len(fields) > 1 and (set(fields) & set(known) or number_in(fields[1]) is not None):
            raise DataError(f"{path}: row 1: fields are separated by {words}; separate them by tabs or commas")
    raise DataError(f"{path}: row 1: none of the columns {', '.join(known)} is there (found: {first.strip()[:80]})")


def _rows(path: Path, text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Rows with their numbers; blank lines are passed over. Quotes mean something between commas only."""
    quoting: Literal[0, 3] = csv.QUOTE_MINIMAL if separator == "," else csv.QUOTE_NONE
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, quoting=quoting)
    try:
        for fields in reader:
            if any(field.strip() for field in fields):
                yield reader.line_num, fields
    except csv.Error as error:
        raise DataError(f"{path}: row {reader.line_num}: cannot be read ({error})") from error


def _of_width(
    path: Path, rows: Iterator[tuple[int, list[str]]], width: int, separator: str
) -> Iterator[tuple[int, list[str]]]:
    for number, fields in rows:
        if len(fields) != width:
            raise DataError(
                f"{path}: row {number}: the number of fields is {len(fields)}, not {width}; separate them by "
                f"{SEPARATORS[separator]}, as the first row does"
            )
        yield number, fields


def number_in(text: str) -> float | None:
    """The number that a field holds, which need not be finite; None where it holds none."""
    try:
        return float(text)
    except ValueError:
        return None


def finite_in(text: str) -> float | None:
    """The finite number that a field holds; None where it holds none."""
    number = number_in(text)
    return number if number is not None and isfinite(number) else None
