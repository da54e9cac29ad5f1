"""A filled table spread over rows and columns, and what every kind of table says of its cells."""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import pandas as pd

from sedrepro.base.errors import SettingsError, did_you_mean
from sedrepro.base.words import counted
from sedrepro.experiments.table_layout import TableLayout
from sedrepro.reporting.tables.tidy import FilledTable, data_line

#: Shown where the paper prints a value that is not at hand.
NOT_AVAILABLE = "n/a"

Key = tuple[str, ...]
Record = dict[str, Any]
"""A row of the tidy table."""


class Grid(ABC):
    """The tidy table spread over rows and columns, both in order of appearance; how a cell reads is its kind's."""

    runs_per = "cell"

    def __init__(self, table: FilledTable, layout: TableLayout):
        _check_layout(table.rows, layout)
        self.layout = layout
        self.scale = table.scale
        self.cells: dict[tuple[Key, Key], Record] = {}
        for record in table.rows.to_dict("records"):
            row, column = (tuple(str(record[name]) for name in names) for names in (layout.rows, layout.columns))
            if (row, column) in self.cells:
                place = ", ".join((*row, *column))
                raise SettingsError(f"table '{layout.title}': two cells at ({place}); add a column to rows or columns")
            self.cells[row, column] = record
        self.rows: list[Key] = list(dict.fromkeys(row for row, _ in self.cells))
        self.columns: list[Key] = _grouped(dict.fromkeys(column for _, column in self.cells))
        self.data = data_line(self.cells.values())

    @property
    def groups(self) -> list[tuple[str, list[Key]]]:
        """The outer header entries and the columns below each; one nameless group where the header has one level."""
        if len(self.layout.columns) == 1:
            return [("", self.columns)]
        groups: dict[str, list[Key]] = defaultdict(list)
        for column in self.columns:
            groups[column[0]].append(column)
        return list(groups.items())

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
        return f"{counted(runs[0], 'run')} per {self.runs_per}"

    def caption(self) -> str:
        """The scale and the number of runs, after the title."""
        return f"{self.scale.capitalize()} scale, {self.runs_text()}."

    def not_available(self) -> str:
        """What the sign for a missing transcript means; empty where the table has none."""
        missing = any(record["verdict"] == "not available" for record in self.cells.values())
        return f"{NOT_AVAILABLE}: not available; the paper prints a value, but we do not have it." if missing else ""

    @property
    def best(self) -> set[tuple[Key, Key]]:
        """Places of the best values; none where there is no order."""
        return set()

    @property
    def best_within(self) -> str:
        """Where our best value is the best."""
        return "the column"

    @abstractmethod
    def ours(self, record: Record) -> tuple[str, str]:
        """Our value and its deviation as text, each empty where there is none."""

    @abstractmethod
    def published(self, record: Record) -> str:
        """What is printed as text, empty where nothing is."""

    @abstractmethod
    def quoted(self, record: Record) -> bool:
        """Whether a cell is of another paper's system, which never gets a value of ours."""

    @abstractmethod
    def about(self, record: Record) -> str:
        """What stands behind a cell, for a tooltip."""

    @abstractmethod
    def reading(self) -> str:
        """How a cell with our value above the published one is read."""

    @abstractmethod
    def legend(self) -> list[str]:
        """The sentences below the table that do not depend on its verdicts, the most important one first."""

    @abstractmethod
    def marked_verdicts(self) -> dict[str, str]:
        """What each mark stands for, by verdict; empty where the table has no mark."""


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
