"""Claims of a paper about which system is ahead, tried on our runs.

`published/<table>.csv` of a table of kind `claims` has one row per claim and metric: `table` (where the paper says
it), `claim` (in short), `variant`, `split`, `detection` (as in other tables), `metric` (empty where none can be
compared), `direction`, `systems` (those said to be ahead, `;` between them), `others`, `strength`, `quote`, `note`.

An order can be tried at every scale, other than a number. It says nothing about the paper's data below full scale.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from sedrepro.errors import DataError, did_you_mean
from sedrepro.files import read_table
from sedrepro.reporting.cells import DETECTION, SPLIT, Cell
from sedrepro.reporting.layout import TableLayout
from sedrepro.reporting.metrics_files import RunMetrics
from sedrepro.reporting.tables import runs_by_pair
from sedrepro.reporting.values import measured
from sedrepro.reporting.verdict import METRICS

Outcome = Literal["holds", "fails", "undecided", "cannot be tested"]

#: `higher` and `lower`: the value of the systems against that of the others; `comparable`: no further apart than the
#: tolerance of the metric.
DIRECTIONS = ("higher", "lower", "comparable")
#: `every`: each system against each other one; `pairwise`: the first against the first, and so on.
STRENGTHS = ("every", "pairwise")
COLUMNS = (
    "table",
    "claim",
    "variant",
    SPLIT,
    DETECTION,
    "metric",
    "direction",
    "systems",
    "others",
    "strength",
    "quote",
)

#: A paired t-test needs so many runs of equal fold and seed.
FEWEST_PAIRS = 3
SIGNIFICANCE = 0.05
#: Differences that are nearer to each other are equal but for rounding.
RESOLUTION = 1e-9


@dataclass(frozen=True)
class Claim:
    """That some systems are ahead of others in one metric on one corpus variant."""

    table: str
    claim: str
    variant: str
    split: str
    detection: str
    metric: str
    direction: str
    systems: tuple[str, ...]
    others: tuple[str, ...]
    strength: str
    quote: str
    note: str = ""

    @property
    def place(self) -> tuple[str, ...]:
        """What makes a claim unique in its table."""
        return self.table, self.claim, self.split, self.metric

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The systems that are compared, the one said to be ahead first."""
        if not self.metric:
            return []
        together = zip if self.strength == "pairwise" else product
        return list(together(self.systems, self.others))

    @property
    def compared(self) -> tuple[str, ...]:
        """Every system that it needs runs of."""
        return (*self.systems, *self.others) if self.metric else ()


def read_claims(path: Path | str) -> list[Claim]:
    """The claims of a csv, in its order.

    Raises:
        DataError: a column is missing, a claim stands twice, or a value is wrong (names file and row).
    """
    claims: list[Claim] = []
    for number, row in enumerate(read_table(path, [*COLUMNS, "note"], delimiter=","), start=2):
        fields = {column: row[column] for column in (*COLUMNS, "note")}
        systems, others = (tuple(filter(None, fields.pop(side).split(";"))) for side in ("systems", "others"))
        claim = Claim(**fields, systems=systems, others=others)
        where = f"{path}: row {number}"
        _check(where, claim)
        if claim.place in {other.place for other in claims}:
            raise DataError(f"{where}: this claim with this metric and split stands twice; word it differently")
        claims.append(claim)
    if not claims:
        raise DataError(f"{path}: holds no claims")
    return claims


def _check(where: str, claim: Claim) -> None:
    if not claim.metric:
        if not claim.note:
            raise DataError(f"{where}: 'metric' is empty; say in 'note' why the claim cannot be tested")
        return
    for column, known in (("metric", METRICS), ("direction", DIRECTIONS), ("strength", STRENGTHS)):
        value = getattr(claim, column)
        if value not in known:
            raise DataError(f"{where}: unknown {column} '{value}'; {did_you_mean(value, known)}")
    for column in ("variant", "systems", "others"):
        if not getattr(claim, column):
            raise DataError(f"{where}: '{column}' is empty; a claim compares systems on a corpus variant")
    if set(claim.systems) & set(claim.others):
        raise DataError(f"{where}: '{min(set(claim.systems) & set(claim.others))}' stands on both sides")
    if claim.strength == "pairwise" and len(claim.systems) != len(claim.others):
        raise DataError(f"{where}: 'pairwise' needs as many 'others' as 'systems'")


def claim_runs(claims: Iterable[Claim]) -> list[tuple[str, str]]:
    """The (system, variant) pairs that claims need, each once, in order of appearance."""
    return list(dict.fromkeys((system, claim.variant) for claim in claims for system in claim.compared))


def fill_claims(
    claims: Sequence[Claim], runs: Iterable[RunMetrics], scale: str, labels: Mapping[str, str], layout: TableLayout
) -> pd.DataFrame:
    """The tidy table: one row per claim, in the csv's order; `mean` is our numbers as text, `published` the quote.

    `runs` is the fewest runs of a system. `attrs` are those of `tables.fill`.

    Raises:
        DataError: runs contradict each other, or one lacks the metric.
    """
    of_pair, data = runs_by_pair(claim_runs(claims), runs, scale)
    table = pd.DataFrame([_filled(claim, of_pair, scale, labels, layout) for claim in claims])
    table.attrs |= {"scale": scale, "data": data}
    return table


def _filled(
    claim: Claim,
    runs: Mapping[tuple[str, str], Sequence[RunMetrics]],
    scale: str,
    labels: Mapping[str, str],
    layout: TableLayout,
) -> dict[str, object]:
    values = {system: _values(claim, system, runs) for system in claim.compared}
    outcome, against = tried(claim, values)
    decimals = layout.decimals_of.get(claim.metric, layout.decimals)
    ahead, others = (
        ", ".join(f"{labels[system]} {_shown(claim, values[system], decimals)}" for system in side if claim.metric)
        for side in (claim.systems, claim.others)
    )
    numbers = f"{ahead} against {others}"
    if 0 < len(against) < len(claim.others):
        numbers += f"; because of {', '.join(labels[system] for system in against)}"
    return {
        "table": claim.table,
        "claim": claim.claim,
        "variant": claim.variant,
        SPLIT: claim.split,
        "metric": claim.metric,
        "scale": scale,
        "system": ";".join(claim.systems),
        "mean": numbers if claim.metric else claim.note,
        "sd": math.nan,
        "runs": min(map(len, values.values()), default=0),
        "published": claim.quote,
        "verdict": outcome,
        "note": claim.note if claim.metric else "",
    }


Values = Mapping[tuple[int, int], float]
"""Values of one system by fold and seed."""


def _values(claim: Claim, system: str, runs: Mapping[tuple[str, str], Sequence[RunMetrics]]) -> Values:
    cell = Cell({}, system, claim.variant, {SPLIT: claim.split, DETECTION: claim.detection}, claim.metric, "")
    found = {(run.fold, run.seed): measured(run, cell, claim.metric) for run in runs.get((system, claim.variant), ())}
    return {place: value for place, value in found.items() if value is not None}


def tried(claim: Claim, values: Mapping[str, Values]) -> tuple[Outcome, list[str]]:
    """What the values of the systems, by fold and seed, say about a claim, and the others that stand against it.

    Every comparison is a paired t-test over equal folds and seeds. A claim holds if all of them are significant for it
    (each at the level `SIGNIFICANCE`: all must be), and fails if one is significant against it, after Holm's correction
    for their number. Fewer than `FEWEST_PAIRS` pairs leave it undecided. Exact metrics need no test. Where a system
    has no run, it cannot be tested, unless it fails already.
    """
    complete = [pair for pair in claim.pairs if all(values[system] for system in pair)]
    missing = [other for ahead, other in claim.pairs if (ahead, other) not in complete]
    found: dict[Outcome, list[str]] = {"fails": [], "cannot be tested": missing, "undecided": []}
    if claim.direction == "comparable":
        for ahead, other in complete:
            found.setdefault(_comparable(claim, values[ahead], values[other]), []).append(other)
    else:
        tests = {pair: _compared(claim, *(values[system] for system in pair)) for pair in complete}
        found["fails"] = [other for _, other in _against(tests, len(claim.pairs))]
        found["undecided"] = [other for (_, other), (sign, p) in tests.items() if sign <= 0 or p >= SIGNIFICANCE]
    for outcome in ("fails", "cannot be tested", "undecided"):
        if found[outcome]:
            return outcome, list(dict.fromkeys(found[outcome]))
    return ("holds", []) if complete else ("cannot be tested", [])


def _against(tests: Mapping[tuple[str, str], tuple[int, float]], comparisons: int) -> list[tuple[str, str]]:
    """The comparisons that speak against a claim significantly, after Holm's correction (1979) for their number."""
    p_values = {pair: p for pair, (sign, p) in tests.items() if sign < 0}
    found = []
    for rank, pair in enumerate(sorted(p_values, key=lambda pair: p_values[pair])):
        if p_values[pair] >= SIGNIFICANCE / (comparisons - rank):
            break
        found.append(pair)
    return found


def _compared(claim: Claim, ahead: Values, other: Values) -> tuple[int, float]:
    """Sign of a comparison, positive for the claim, and its p value: 0 of an exact metric, 1 of too few pairs."""
    sign = -1 if claim.direction == "lower" else 1
    if METRICS[claim.metric].exact:
        return int(sign * np.sign(np.mean(list(ahead.values())) - np.mean(list(other.values())))), 0.0
    mean_sign, p = _paired_test(ahead, other)
    return sign * mean_sign, p


def _comparable(claim: Claim, one: Values, other: Values) -> Outcome:
    """Whether two means lie within the metric's tolerance, their standard error included."""
    metric = METRICS[claim.metric]
    distance = abs(np.mean(list(one.values())) - np.mean(list(other.values())))
    error, tolerance = 0.0 if metric.exact else standard_error(one, other), float(metric.tolerance)
    if distance + error <= tolerance:
        return "holds"
    return "fails" if distance - error > tolerance else "undecided"


def standard_error(one: Values, other: Values) -> float:
    """Standard error of the difference of two means; infinite where a system has only one run."""
    if min(len(one), len(other)) < 2:
        return math.inf
    return math.sqrt(sum(np.var(list(values.values()), ddof=1) / len(values) for values in (one, other)))


def _paired_test(one: Values, other: Values) -> tuple[int, float]:
    """Sign of the mean difference over equal folds and seeds, and the two-sided p of it; 1 of too few pairs."""
    from scipy.stats import ttest_rel

    places = sorted(one.keys() & other.keys())
    differences = np.array([one[place] - other[place] for place in places])
    sign = int(np.sign(differences.mean())) if len(places) else 0
    if len(places) < FEWEST_PAIRS:
        return sign, 1.0
    if np.ptp(differences) < RESOLUTION:  # the test divides by their deviation
        return sign, 0.0 if abs(differences[0]) > RESOLUTION else 1.0
    return sign, float(ttest_rel([one[p] for p in places], [other[p] for p in places]).pvalue)


def _shown(claim: Claim, of_runs: Values, decimals: int) -> str:
    """Mean ± deviation (runs), or that there is none."""
    values = list(of_runs.values())
    if not values:
        return "no run"
    scatters = len(values) > 1 and not METRICS[claim.metric].exact
    deviation = f" ± {np.std(values, ddof=1):.{decimals}f}" if scatters else ""
    return f"{np.mean(values):.{decimals}f}{deviation} ({len(values)})"
