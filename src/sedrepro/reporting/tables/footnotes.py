"""The notes of a table's cells, each told once."""

from collections import defaultdict
from collections.abc import Hashable

from sedrepro.reporting.tables.grid import Grid, Key
from sedrepro.reporting.tables.tidy import NOTE_SEPARATOR


class Footnotes:
    """Notes of the cells, each told once and marked at the widest place it holds for: table, row, column or cell.

    What is said of a print, as why it is doubted, is marked at the published number itself.
    """

    def __init__(self, grid: Grid):
        holders: dict[str, set[tuple[Key, Key]]] = defaultdict(set)
        doubts: dict[str, list[tuple[Key, Key]]] = defaultdict(list)
        for (row, column), record in ((place, grid.cells[place]) for place in _reading_order(grid)):
            suspect = str(record.get("suspect") or "")
            if suspect:
                doubts[suspect].append((row, column))
            said_of_print = suspect.split(NOTE_SEPARATOR)
            for note in record.get("note", "").split(NOTE_SEPARATOR):
                if note and note not in said_of_print:
                    holders[note].add((row, column))
        everywhere = set(grid.cells)
        self.general = [f"All cells: {note}." for note, places in holders.items() if places == everywhere]
        self.lettered: dict[str, str] = {}
        self._letters: dict[Hashable, list[str]] = defaultdict(list)
        for note, places in holders.items():
            if places != everywhere:
                letter = self.lettered[note] = _letter(len(self.lettered))
                for place in _widest(places, everywhere):
                    self._letters[place].append(letter)
        for suspect, places_of_print in doubts.items():
            letter = self.lettered[suspect] = _letter(len(self.lettered))
            for printed in places_of_print:
                self._letters["published", *printed].append(letter)

    def mark(self, place: Hashable) -> str:
        """Letters of the notes at a place: ("row", row), ("column", column), ("cell" or "published", row, column)."""
        return ",".join(self._letters.get(place, []))


def _reading_order(grid: Grid) -> list[tuple[Key, Key]]:
    return [(row, column) for row in grid.rows for column in grid.columns if (row, column) in grid.cells]


def _widest(places: set[tuple[Key, Key]], everywhere: set[tuple[Key, Key]]) -> list[Hashable]:
    for axis, name in enumerate(("row", "column")):
        keys = {place[axis] for place in places}
        whole = {place for place in everywhere if place[axis] in keys}
        if places == whole and len(places) > len(keys):
            return [(name, key) for key in keys]
    return [("cell", *place) for place in places]


def _letter(index: int) -> str:
    """a to z, then aa, ab, ..."""
    letters = chr(ord("a") + index % 26)
    return letters if index < 26 else _letter(index // 26 - 1) + letters
