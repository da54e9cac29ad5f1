"""What all renderings of a table share: its cells on a grid, the words around them, and its footnotes."""

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable
from decimal import Decimal
from functools import cached_property
from typing import Any

import pandas as pd

from sedrepro.base.errors import SettingsError, did_you_mean
from sedrepro.experiments.table_layout import SCALES, TableLayout
from sedrepro.published.added_rows import OUTSIDE
from sedrepro.published.cells import QUOTED, SPLIT
from sedrepro.published.verdict import CLOSE_FACTOR, FEWEST_RUNS, METRICS

#: A mark beside the colour, so that a verdict does not depend on seeing colours.
MARKS = {
    **{"reproduced": "●", "close": "◐", "differs": "○", "suspect misprint": "?"},
    **{"holds": "●", "undecided": "◐", "fails": "○"},
}

#: Shown where the paper prints a value that is not at hand.
NOT_AVAILABLE = "n/a"

#: Stands between the notes of one cell in the tidy table.
NOTE_SEPARATOR = "; "

Key = tuple[str, ...]


def grid_of(table: pd.DataFrame, layout: TableLayout) -> "Grid":
    """The grid of a table, of numbers, texts or claims as its layout says.

    Raises:
        SettingsError: table and layout do not fit (names the column).
    """
    return {"numbers": Grid, "text": TextGrid, "claims": ClaimGrid}[layout.kind](table, layout)


class Grid:
    """The tidy table spread over rows and columns, both in order of appearance."""

    runs_per = "cell"

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

    @property
    def best_within(self) -> str:
        """Where our best value is the best."""
        splits = {(column, record.get(SPLIT, "")) for (_, column), record in self.cells.items()}
        return "the column and split" if len(splits) > len(self.columns) else "the column"

    def _best_rows(self, column: Key) -> list[Key]:
        """Best rows of a column; what stands on different splits has no common best."""
        splits: dict[str, dict[Key, dict[str, Any]]] = defaultdict(dict)
        for row in self.rows:
            record = self.cells.get((row, column))
            if record and not math.isnan(record["mean"]) and not record["system"].startswith(OUTSIDE):
                splits[record.get(SPLIT, "")][row] = record
        return [row for records in splits.values() for row in self._best_of(records)]

    def _best_of(self, records: dict[Key, dict[str, Any]]) -> list[Key]:
        metrics = {record["metric"] for record in records.values()}
        if len(records) < 2 or len(metrics) > 1:
            return []
        higher_is_better = METRICS[metrics.pop()].higher_is_better
        if higher_is_better is None:
            return []
        values = {row: float(self._rounded(record["mean"], record["metric"])) for row, record in records.items()}
        best = (max if higher_is_better else min)(values.values())
        return [row for row, value in values.items() if value == best]

    def _rounded(self, value: float, metric: str) -> str:
        """A value at the decimals of the layout."""
        return f"{value:.{self.layout.decimals_of.get(metric, self.layout.decimals)}f}"

    def ours(self, record: dict[str, Any]) -> tuple[str, str]:
        """Mean and deviation as text, each empty where there is none."""
        mean, sd, metric = record["mean"], record["sd"], record["metric"]
        return (
            "" if math.isnan(mean) else _shown(self._rounded(mean, metric), metric),
            "" if math.isnan(sd) else f"± {self._rounded(sd, metric)}",
        )

    def published(self, record: dict[str, Any]) -> str:
        """The published value as text, empty where there is none."""
        if record["verdict"] == "not available":
            return NOT_AVAILABLE
        return record["published"] and _shown(record["published"], record["metric"])

    def quoted(self, record: dict[str, Any]) -> bool:
        """Whether a cell is of another paper's system, which never gets a value of ours."""
        return not record["system"]

    def about(self, record: dict[str, Any]) -> str:
        """What stands behind a cell, for a tooltip."""
        if self.quoted(record):
            return QUOTED
        if record["system"].startswith(OUTSIDE):
            return record["note"]
        parts = [f"runs: {record['runs']}"]
        if not math.isnan(record["low"]):
            low, high = (self._rounded(record[end], record["metric"]) for end in ("low", "high"))
            parts.append(f"95 % confidence interval of the mean {low} to {high}")
        return f"{record['system']} on {record['variant']}, {', '.join(parts)}; {record['verdict']}"

    def column_name(self, name: str) -> str:
        """What is shown for a column itself, as over the row labels."""
        shown = self.layout.names.get(name, name)
        return name if "{}" in shown else shown

    def row_labels(self, row: Key) -> list[str]:
        """What is shown at the left of a row, left to right."""
        return [self.layout.value_name(name, value) for name, value in zip(self.layout.rows, row, strict=True)]

    def column_labels(self, column: Key) -> list[str]:
        """What is shown over a column, the outer level first."""
        return [self.layout.value_name(name, value) for name, value in zip(self.layout.columns, column, strict=True)]

    def runs_text(self) -> str:
        """How many runs stand behind the cells that have a value."""
        runs = sorted({int(record["runs"]) for record in self.cells.values() if record["runs"]})
        if not runs:
            return "no cell has a value"
        if len(runs) > 1:
            return f"{runs[0]} to {runs[-1]} runs per {self.runs_per}"
        return f"{runs[0]} run{'s' if runs[0] > 1 else ''} per {self.runs_per}"

    def caption(self) -> str:
        """The scale and the number of runs, after the title."""
        return f"{self.scale.capitalize()} scale, {self.runs_text()}."

    def reading(self) -> str:
        """How a cell with our value above the published one is read."""
        reading = "Upper line: our mean ± sample standard deviation; lower line: published value."
        return reading + (f" Bold: our best value of {self.best_within}." if self.best else "")

    def legend(self) -> list[str]:
        """The sentences below the table that do not depend on its verdicts, the one on the scale first."""
        return [SCALES[self.scale], self.reading(), *filter(None, [self.not_available(), self.data, self.layout.note])]

    def not_available(self) -> str:
        """What the sign for a missing transcript means; empty where the table has none."""
        missing = any(record["verdict"] == "not available" for record in self.cells.values())
        return f"{NOT_AVAILABLE}: not available; the paper prints it, but it is not at hand." if missing else ""

    def marked_verdicts(self) -> dict[str, str]:
        """What each mark stands for, by verdict; empty where the table has no mark."""
        present = {record["verdict"] for record in self.cells.values()} & MARKS.keys()
        if present:
            present |= {"reproduced", "close", "differs"}  # the three explain each other
        close = f"within {CLOSE_FACTOR} times that, or where 95 % of further runs lie, judged by {FEWEST_RUNS} or more"
        meaning = {"reproduced": f" ({self._tolerances()})", "close": f" ({close})"}
        return {name: name + meaning.get(name, "") for name in MARKS if name in present}

    def _tolerances(self) -> str:
        metrics: dict[Decimal, list[str]] = defaultdict(list)
        for metric in dict.fromkeys(record["metric"] for record in self.cells.values() if record["published"]):
            metrics[METRICS[metric].tolerance].append(self.layout.value_name("metric", metric))
        parts = [f"{tolerance} in {', '.join(names)}" for tolerance, names in metrics.items()]
        return f"difference, as a fraction and beyond the print's rounding, within {' and '.join(parts)}"


class TextGrid(Grid):
    """A table of texts: what the suite's code says, below it what is printed."""

    @cached_property
    def best(self) -> set[tuple[Key, Key]]:
        """None: texts have no order."""
        return set()

    def ours(self, record: dict[str, Any]) -> tuple[str, str]:
        """Our text; there is no deviation."""
        return record["mean"], ""

    def published(self, record: dict[str, Any]) -> str:
        """The text as printed."""
        return NOT_AVAILABLE if record["verdict"] == "not available" else record["published"]

    def quoted(self, record: dict[str, Any]) -> bool:
        """Never: there are no runs to be without."""
        return False

    def about(self, record: dict[str, Any]) -> str:
        """The verdict."""
        return record["verdict"]

    def caption(self) -> str:
        """Where the texts come from."""
        return f"Generated from the suite's code at {self.scale} scale."

    def reading(self) -> str:
        """How a cell is read."""
        return "Upper line: what the suite's code says; lower line: as printed."

    def legend(self) -> list[str]:
        """How a cell is read, and the note of the layout."""
        return [self.reading(), *filter(None, [self.not_available(), self.layout.note])]

    def marked_verdicts(self) -> dict[str, str]:
        """What each mark stands for, by verdict."""
        present = {record["verdict"] for record in self.cells.values()}
        return {name: name for name in MARKS if name in present}


class ClaimGrid(TextGrid):
    """A table of claims: our outcome with our numbers, below it what the paper says."""

    runs_per = "system"

    def ours(self, record: dict[str, Any]) -> tuple[str, str]:
        """Outcome and numbers; there is no deviation."""
        return f"{record['verdict']}: {record['mean']}", ""

    def caption(self) -> str:
        """The scale and the number of runs."""
        return Grid.caption(self)

    def reading(self) -> str:
        """How a cell is read."""
        return "Upper line: outcome and our means ± sample standard deviation (runs); lower line: the paper's words."

    def legend(self) -> list[str]:
        """What the scale means, and when a claim holds."""
        return [SCALES[self.scale], self.reading(), *filter(None, [self.data, self.layout.note])]


def _shown(number: str, metric: str) -> str:
    """A number as text; a relative change as papers print it, the arrow being where the metric went."""
    base = METRICS[metric].change_of
    if not base:
        return number
    size = f"{number.lstrip('-')}%"
    if not float(number):
        return size
    rises = (float(number) > 0) == METRICS[base].higher_is_better  # a change is positive for the better
    return size + ("↑" if rises else "↓")


def _check_layout(table: pd.DataFrame, layout: TableLayout) -> None:
    for name in (*layout.rows, *layout.columns):
        if name not in table.columns:
            hint = did_you_mean(name, table.columns)
            raise SettingsError(f"table '{layout.title}': has no column '{name}', which its layout names; {hint}")
    for metric in layout.decimals_of:
        if metric not in set(table["metric"]):
            hint = did_you_mean(metric, set(table["metric"]))
            raise SettingsError(f"table '{layout.title}': has no metric '{metric}', which decimals_of names; {hint}")


def _grouped(columns: Iterable[Key]) -> list[Key]:
    """Columns with equal outer part side by side; groups, and the columns within one, in order of appearance."""
    columns = list(columns)
    groups = list(dict.fromkeys(column[0] for column in columns))
    return sorted(columns, key=lambda column: groups.index(column[0]))


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
