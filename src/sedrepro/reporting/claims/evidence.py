"""What a predicate may look at, and how one says which figures it reads."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import numpy as np

from sedrepro.base.errors import DataError
from sedrepro.base.files import read_json
from sedrepro.experiments.metrics_files import RunMetrics
from sedrepro.experiments.papers import Paper
from sedrepro.experiments.published_size import published_parameters
from sedrepro.published.cells import DETECTION, EVENT_CLASS, SPLIT, Cell
from sedrepro.published.claims import Claim
from sedrepro.published.needs import printed_place
from sedrepro.published.verdict import METRICS
from sedrepro.reporting.claims.finding import Finding
from sedrepro.reporting.tables.values import measured

#: The unit of a difference of percents.
POINTS = " points"
Values = Mapping[tuple[int, int], float]
"""Values of one system by fold and seed."""


class StoredArrays(dict[str, np.ndarray]):
    """What a figure has stored, by name; asked for what is not there, it says that the file is of older code.

    Raises:
        DataError: a name is not there.
    """

    def __init__(self, path: Path, arrays: Mapping[str, np.ndarray]) -> None:
        super().__init__(arrays)
        self._path = path

    def __missing__(self, name: str) -> np.ndarray:
        raise DataError(f"{self._path}: lacks '{name}', so other code has written it; run the examine step again")


@dataclass(frozen=True)
class Evidence:
    """What a predicate may look at: runs by system and variant, and beside them the paper and its stored figures."""

    runs: Mapping[tuple[str, str], Sequence[RunMetrics]]
    labels: Mapping[str, str]
    scale: str
    decimals: Callable[[str], int]
    """By metric."""
    paper: Paper | None = None
    figures: Path | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    """In which the paper's tables give a metric (`percent`), by metric; fractions where they do not say."""
    prints: Mapping[tuple[str, ...], Decimal] = field(default_factory=dict)
    """The numbers that the paper's tables print; see `printed_numbers`."""

    def values(self, claim: Claim, side: str, metric: str = "", event_class: str = "") -> Values:
        """A metric of one side of a claim, by default the claim's own; runs in which it is undefined are left out.

        An exact one needs no run: it is counted on the networks as published, whatever the scale has made of them.

        Raises:
            DataError: a run lacks the metric.
        """
        if self.counts_networks(metric or claim.metric) and self.paper is not None:
            contender = claim.contender(side)
            return {(0, 0): published_parameters(self.paper.name, contender.system, contender.variant)}
        cell = self._cell(claim, side, event_class or claim.event_class)
        runs = self.runs.get((cell.system, cell.variant), ())
        found = {(run.fold, run.seed): measured(run, cell, metric or claim.metric) for run in runs}
        return {place: value for place, value in found.items() if value is not None}

    def counts_networks(self, metric: str) -> bool:
        """Whether a metric is counted on the networks of the paper instead of taken from runs."""
        return self.paper is not None and bool(metric) and METRICS[metric].exact

    def printed(self, claim: Claim, side: str) -> float | None:
        """The number that the paper prints for one side of a claim; None where it prints none, or it is not at hand."""
        of_others = claim.contender(side).printed
        if of_others is not None:
            return of_others
        number = self.prints.get(printed_place(self._cell(claim, side, claim.event_class)))
        return None if number is None else float(number)

    def classes(self, claim: Claim, side: str) -> list[str]:
        """The classes of the corpus of one side; none without a run."""
        contender = claim.contender(side)
        return next((run.classes for run in self.runs.get((contender.system, contender.variant), ())), [])

    def label(self, claim: Claim, side: str) -> str:
        """What one side is called in sentences."""
        contender = claim.contender(side)
        if contender.printed is not None:
            return f"{contender.system} (printed)"
        own = f", {contender.detection}" if contender.detection != claim.detection else ""
        return self.labels[contender.system] + own

    def figure(self, name: str) -> dict[str, np.ndarray] | None:
        """The arrays that a figure has stored; None where it has not yet.

        Raises:
            DataError: the file cannot be read.
        """
        path = self.figures and self.figures / f"{name}.npz"
        if path is None or not path.is_file():
            return None
        stored_at = read_json(path.with_suffix(".json")).get("scale", self.scale)
        if stored_at != self.scale:
            raise DataError(f"{path}: is of scale '{stored_at}', not '{self.scale}'; run the examine step again")
        try:
            with np.load(path) as file:
                return StoredArrays(path, file)
        except Exception as error:  # NumPy raises many kinds for a damaged file
            raise DataError(f"{path}: cannot be read ({error}); run the examine step again") from error

    def shown(self, claim: Claim, side: str, values: Values) -> str:
        """Label, mean ± deviation (runs) of one side, or that there is no run."""
        label, printed = self.label(claim, side), claim.contender(side).printed
        numbers, exact = list(values.values()), METRICS[claim.metric].exact
        if printed is not None:
            return f"{label} {self._as_printed(claim.metric, printed)}"
        if not numbers:
            return f"{label} no run"
        if self.counts_networks(claim.metric):
            return f"{label} {numbers[0]:.0f}"
        deviation = float(np.std(numbers, ddof=1)) if len(numbers) > 1 and not exact else None
        return f"{label} {self.in_unit(claim.metric, float(np.mean(numbers)), deviation)} ({len(numbers)})"

    def in_unit(self, metric: str, value: float, deviation: float | None = None) -> str:
        """A value of a metric as text, with its deviation if it has one, in the unit of the paper's tables."""
        percent, decimals = self.units.get(metric) == "percent", self.decimals(metric)
        if percent:
            decimals = max(1, decimals - 2)
        texts = [f"{(100 if percent else 1) * one:z.{decimals}f}" for one in (value, deviation) if one is not None]
        return " ± ".join(texts) + (" %" if percent else "")

    def size_of(self, metric: str, difference: float) -> str:
        """A difference of a metric as text, in points where the metric is in percent."""
        return self.in_unit(metric, difference).replace(" %", POINTS)

    def _as_printed(self, metric: str, value: float) -> str:
        return f"{100 * value:g} %" if self.units.get(metric) == "percent" else f"{value:g}"

    @staticmethod
    def _cell(claim: Claim, side: str, event_class: str) -> Cell:
        contender = claim.contender(side)
        factors = {SPLIT: claim.split, DETECTION: contender.detection, EVENT_CLASS: event_class}
        return Cell({}, contender.system, contender.variant, factors, claim.metric, "")


Predicate = Callable[[Claim, Evidence], Finding]


def reads(*figures: str) -> Callable[[Predicate], Predicate]:
    """Mark a predicate as one that looks at what figures of the paper have stored."""

    def marked(predicate: Predicate) -> Predicate:
        predicate.figures = figures  # type: ignore[attr-defined]
        return predicate

    return marked


def figures_read(predicate: Predicate | None) -> tuple[str, ...]:
    """The figures that a predicate looks at."""
    return getattr(predicate, "figures", ())
