"""Tables of numbers: our mean above the published value, the best of each column in bold."""

import math
from collections import defaultdict
from decimal import Decimal
from functools import cached_property

from sedrepro.experiments.table_layout import SCALES
from sedrepro.published.added_rows import OUTSIDE
from sedrepro.published.cells import QUOTED, SPLIT
from sedrepro.published.verdict import CLOSE_FACTOR, FEWEST_RUNS, METRICS
from sedrepro.reporting.tables.grid import NOT_AVAILABLE, Grid, Key, Record
from sedrepro.reporting.tables.marks import MARKS


class NumberGrid(Grid):
    """A table of numbers: our mean and deviation, below it the published value."""

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
        splits: dict[str, dict[Key, Record]] = defaultdict(dict)
        for row in self.rows:
            record = self.cells.get((row, column))
            if record and not math.isnan(record["mean"]) and not record["system"].startswith(OUTSIDE):
                splits[record.get(SPLIT, "")][row] = record
        return [row for records in splits.values() for row in self._best_of(records)]

    def _best_of(self, records: dict[Key, Record]) -> list[Key]:
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

    def ours(self, record: Record) -> tuple[str, str]:
        """Mean and deviation as text, each empty where there is none."""
        mean, sd, metric = record["mean"], record["sd"], record["metric"]
        return (
            "" if math.isnan(mean) else _shown(self._rounded(mean, metric), metric),
            "" if math.isnan(sd) else f"± {self._rounded(sd, metric)}",
        )

    def published(self, record: Record) -> str:
        """The published value as text, empty where there is none."""
        if record["verdict"] == "not available":
            return NOT_AVAILABLE
        return record["published"] and _shown(record["published"], record["metric"])

    def quoted(self, record: Record) -> bool:
        """Whether a cell is of another paper's system, which never gets a value of ours."""
        return not record["system"]

    def about(self, record: Record) -> str:
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

    def reading(self) -> str:
        """How a cell with our value above the published one is read."""
        reading = "Upper line: our mean ± sample standard deviation; lower line: published value."
        return reading + (f" Bold: our best value of {self.best_within}." if self.best else "")

    def legend(self) -> list[str]:
        """The sentences below the table that do not depend on its verdicts, the one on the scale first."""
        return [SCALES[self.scale], self.reading(), *filter(None, [self.not_available(), self.data, self.layout.note])]

    def marked_verdicts(self) -> dict[str, str]:
        """What each mark stands for, by verdict; empty where the table has no mark."""
        present = {record["verdict"] for record in self.cells.values()} & MARKS.keys()
        if present:
            present |= {"reproduced", "close", "differs"}  # the three explain each other
        close = f"within {CLOSE_FACTOR} times that, or where 95 % of further runs would lie, from {FEWEST_RUNS} runs on"
        meaning = {"reproduced": f" ({self._tolerances()})", "close": f" ({close})"}
        return {name: name + meaning.get(name, "") for name in MARKS if name in present}

    def _tolerances(self) -> str:
        metrics: dict[Decimal, list[str]] = defaultdict(list)
        for metric in dict.fromkeys(record["metric"] for record in self.cells.values() if record["published"]):
            metrics[METRICS[metric].tolerance].append(self.layout.value_name("metric", metric))
        parts = [f"{tolerance} in {', '.join(names)}" for tolerance, names in metrics.items()]
        return f"difference, as a fraction and beyond the published value's rounding, within {' and '.join(parts)}"


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
