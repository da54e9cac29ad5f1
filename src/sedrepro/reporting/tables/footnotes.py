"""The notes of a table's cells, each told once."""

from collections import defaultdict
from collections.abc import Hashable

from sedrepro.reporting.tables.grid import Grid, Key
from sedrepro.reporting.tables.tidy import NOTE_SEPARATOR


class Footnotes:
    """Notes of the cells, each told once and marked at the widest place it holds for: table, row, column or cell."""

    def __init__(self, grid: Grid):
        holders: dict[str, set[tuple[Key, Key]]] = defaultdict(set)
        for row in grid.rows:
            for column in grid.columns:
                for note in grid.cells.get((row, column), {}).get("note", "").split(NOTE_SEPARATOR):
                    holders[note].add((row, column))
        holders.pop("", None)
        everywhere = set(grid.cells)
        self.general = [f"All cells: {note}." for note, places in holders.items() if places == everywhere]
        self.lettered: dict[str, str] = {}
        self._letters: dict[Hashable, list[str]] = defaultdict(list)
        for note, places in holders.items():
            if places != everywhere:
                letter = self.lettered[note] = _letter(len(self.lettered))
                for place in _widest(places, everywhere):
                    self._letters[place].append(letter)

    def mark(self, place: Hashable) -> str:
        """Letters of the notes at a place: ("row", row), ("column", column) or ("cell", row, column)."""
        return ",".join(self._letters.get(place, []))


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
