"""What all renderings of a table share: its cells on a grid, the words around them, and its footnotes."""

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable
from decimal import Decimal
from functools import cached_property
from typing import Any

import pandas as pd

from sedrepro.errors import SettingsError, did_you_mean
from sedrepro.reporting.layout import SCALES, TableLayout
from sedrepro.reporting.verdict import CLOSE_FACTOR, METRICS

#: A mark beside the colour, so that a verdict does not depend on seeing colours.
MARKS = {"reproduced": "●", "close": "◐", "differs": "○", "suspect misprint": "?"}

#: Stands between the notes of one cell in the tidy table.
NOTE_SEPARATOR = "; "

Key = tuple[str, ...]


class Grid:
    """The tidy table spread over rows and columns, both in order of appearance."""

    def __init__(self, table: pd.DataFrame, layout: TableLayout):
        _check_layout(table, layout)
        self.layout = layout
        self.scale = table.attrs.get("scale")
        if self.scale is None:
            raise ValueError("the table has lost attrs['scale']; render the frame that fill() returned")
        self.data = table.attrs.get("data", "")
        self.cells: dict[tuple[Key, Key], dict[str, Any]] = {}
        for record in table.to_dict("records"):
            row, column = (tuple(str(record[name]) for name in names) for names in (layout.rows, layout.columns))
            if (row, column) in self.cells:
                place = ", ".join((*row, *column))
                raise SettingsError(f"table '{layout.title}': two cells at ({place}); add a column to rows or columns")
            self.cells[row, column] = record
        self.rows: list[Key] = list(dict.fromkeys(row for row, _ in self.cells))
        self.columns: list[Key] = _grouped(dict.fromkeys(column for _, column in self.cells))

    @property
    def groups(self) -> list[tuple[str, list[Key]]]:
        """The outer header entries and the columns below each; one nameless group where the header has one level."""
        if len(self.layout.columns) == 1:
            return [("", self.columns)]
        groups: dict[str, list[Key]] = defaultdict(list)
        for column in self.columns:
            groups[column[0]].append(column)
        return list(groups.items())

    @cached_property
    def best(self) -> set[tuple[Key, Key]]:
        """Places of our best value per column, as far as the printed decimals tell; needs two values of one metric."""
        return {(row, column) for column in self.columns for row in self._best_rows(column)}

    def _best_rows(self, column: Key) -> list[Key]:
        records = {row: self.cells[row, column] for row in self.rows if (row, column) in self.cells}
        values = {row: float(self.number(r["mean"])) for row, r in records.items() if not math.isnan(r["mean"])}
        metrics = {record["metric"] for record in records.values()}
        if len(values) < 2 or len(metrics) > 1:
            return []
        best = (max if METRICS[metrics.pop()].higher_is_better else min)(values.values())
        return [row for row, value in values.items() if value == best]

    def number(self, value: float) -> str:
        """A value at the decimals of the layout."""
        return f"{value:.{self.layout.decimals}f}"

    def ours(self, record: dict[str, Any]) -> tuple[str, str]:
        """Mean and deviation as text, each empty where there is none."""
        mean, sd = record["mean"], record["sd"]
        return "" if math.isnan(mean) else self.number(mean), "" if math.isnan(sd) else f"± {self.number(sd)}"

    def column_name(self, name: str) -> str:
        """What is shown for a column itself, as over the row labels."""
        shown = self.layout.names.get(name, name)
        return name if "{}" in shown else shown

    def value_name(self, name: str, value: str) -> str:
        """What is shown for a value of the column `name`."""
        if value in self.layout.names:
            return self.layout.names[value]
        template = self.layout.names.get(name, "")
        return template.replace("{}", value) if "{}" in template else value

    def row_labels(self, row: Key) -> list[str]:
        """What is shown at the left of a row, left to right."""
        return [self.value_name(name, value) for name, value in zip(self.layout.rows, row, strict=True)]

    def column_labels(self, column: Key) -> list[str]:
        """What is shown over a column, the outer level first."""
        return [self.value_name(name, value) for name, value in zip(self.layout.columns, column, strict=True)]

    def runs_text(self) -> str:
        """How many runs stand behind the cells that have a value."""
        runs = sorted({int(record["runs"]) for record in self.cells.values() if record["runs"]})
        if not runs:
            return "no cell has a value"
        if len(runs) > 1:
            return f"{runs[0]} to {runs[-1]} runs per cell"
        return f"{runs[0]} run{'s' if runs[0] > 1 else ''} per cell"

    def caption(self) -> str:
        """The scale and the number of runs, after the title."""
        return f"{self.scale.capitalize()} scale, {self.runs_text()}."

    def legend(self) -> list[str]:
        """The sentences below the table that do not depend on its verdicts, the one on the scale first."""
        reading = "Upper line: our mean ± sample standard deviation; lower line: published value."
        if self.best:
            reading += " Bold: our best value of the column."
        return [SCALES[self.scale], reading, *filter(None, [self.data, self.layout.note])]

    def marked_verdicts(self) -> dict[str, str]:
        """What each mark stands for, by verdict; empty where the table has no mark."""
        present = {record["verdict"] for record in self.cells.values()} & MARKS.keys()
        if present:
            present |= {"reproduced", "close", "differs"}  # the three explain each other
        meaning = {"reproduced": f" ({self._tolerances()})", "close": f" (within {CLOSE_FACTOR} times that)"}
        return {name: name + meaning.get(name, "") for name in MARKS if name in present}

    def _tolerances(self) -> str:
        metrics: dict[Decimal, list[str]] = defaultdict(list)
        for metric in dict.fromkeys(record["metric"] for record in self.cells.values()):
            metrics[METRICS[metric].tolerance].append(self.value_name("metric", metric))
        parts = [f"{tolerance} in {', '.join(names)}" for tolerance, names in metrics.items()]
        return f"difference, as a fraction, within {' and '.join(parts)}"


def _check_layout(table: pd.DataFrame, layout: TableLayout) -> None:
    for name in (*layout.rows, *layout.columns):
        if name not in table.columns:
            hint = did_you_mean(name, table.columns)
            raise SettingsError(f"table '{layout.title}': has no column '{name}', which its layout names; {hint}")


def _grouped(columns: Iterable[Key]) -> list[Key]:
    """Columns with equal outer part side by side; both levels in order of appearance."""
    columns = list(columns)
    orders = [list(dict.fromkeys(level)) for level in zip(*columns, strict=True)]
    return sorted(columns, key=lambda column: [order.index(value) for order, value in zip(orders, column, strict=True)])


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


def superscript(letters: str) -> str:
    """Letters of footnotes as a mark, in Markdown and HTML alike; nothing where there are none."""
    return f"<sup>{letters}</sup>" if letters else ""
