"""Tests over runs: paired differences against zero, Holm's correction, standard errors."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from sedrepro.published.verdict import SIGNIFICANCE, Spread
from sedrepro.reporting.claims.evidence import Values
from sedrepro.reporting.claims.finding import Finding, Outcome, PValues

#: What names a comparison, such as the two systems of it.
Compared = TypeVar("Compared", bound=Hashable)

#: A paired t-test needs so many runs of equal fold and seed.
FEWEST_PAIRS = 3
#: With which probability a forecast number of runs is to decide.
POWER = 0.8
#: Of intervals, in words.
LEVEL = f"{100 * (1 - SIGNIFICANCE):g} %"
#: Differences that are nearer to each other are equal but for rounding.
RESOLUTION = 1e-9


def against_zero(differences: Sequence[float] | np.ndarray) -> tuple[int, float]:
    """Sign of the mean, and the two-sided p of a t-test against 0; 1 of too few differences."""
    from scipy.stats import ttest_1samp

    values = np.array(differences)
    sign = int(np.sign(values.mean())) if len(values) else 0
    if len(values) < FEWEST_PAIRS:
        return sign, 1.0
    if np.ptp(values) < RESOLUTION:  # the test divides by their deviation
        return sign, 0.0 if abs(values[0]) > RESOLUTION else 1.0
    return sign, float(ttest_1samp(values, 0).pvalue)


def mean_interval(differences: Sequence[float]) -> tuple[float, float, float] | None:
    """Mean of differences, and the ends of its interval at 1 - `SIGNIFICANCE` by Student's t; None of too few."""
    from scipy.stats import t

    values = np.array(differences)
    if len(values) < FEWEST_PAIRS:
        return None
    mean, error = float(values.mean()), float(values.std(ddof=1)) / math.sqrt(len(values))
    reach = float(t.ppf(1 - SIGNIFICANCE / 2, len(values) - 1)) * error
    return mean, mean - reach, mean + reach


def least_clear(intervals: Mapping[Compared, tuple[float, float, float]]) -> Compared:
    """The comparison with the lowest t, of mean and interval of each."""

    def clearness(pair: Compared) -> float:
        mean, low, _ = intervals[pair]
        return mean / max(mean - low, RESOLUTION)

    return min(intervals, key=clearness)


def runs_to_decide(differences: Sequence[float]) -> int | None:
    """Of how many paired differences like these a t-test against 0 would be significant in four cases of five.

    That is ((z(1 - level / 2) + z(power)) deviation / mean)², the usual approximation for large samples, at least
    `FEWEST_PAIRS`; None of too few differences to know their deviation, and of a mean of 0.
    """
    from scipy.stats import norm

    values = np.array(differences)
    if len(values) < FEWEST_PAIRS or abs(values.mean()) < RESOLUTION:
        return None
    quantiles = norm.ppf(1 - SIGNIFICANCE / 2) + norm.ppf(POWER)
    return max(FEWEST_PAIRS, math.ceil((quantiles * values.std(ddof=1) / values.mean()) ** 2))


def smallest_seen(differences: Sequence[float]) -> float | None:
    """Which mean a t-test against 0 finds in four of five cases, of so many paired differences with their deviation.

    By the noncentral t distribution, whose other tail is left out; None of too few differences to know their deviation.
    """
    from scipy.optimize import brentq
    from scipy.stats import nct, t

    values, freedom = np.array(differences), len(differences) - 1
    if len(values) < FEWEST_PAIRS:
        return None
    critical = t.ppf(1 - SIGNIFICANCE / 2, freedom)
    noncentrality = brentq(lambda shift: nct.sf(critical, freedom, shift) - POWER, 0, 10 * critical)
    return float(noncentrality * values.std(ddof=1) / math.sqrt(len(values)))


def p_of(tests: Mapping[Compared, tuple[int, float]], comparisons: int) -> PValues:
    """The p values of a claim of so many comparisons, of sign (1 for the claim) and p of those that could be made."""
    speaking_for = [p if sign > 0 else 1.0 for sign, p in tests.values()]
    speaking_against = [p for sign, p in tests.values() if sign < 0]
    holds = max(speaking_for) if tests and len(tests) == comparisons else 1.0
    return PValues(holds, min([1.0, *(comparisons * p for p in speaking_against)]))


def rejected_by_holm(tests: Mapping[Compared, tuple[int, float]], comparisons: int) -> list[Compared]:
    """The comparisons that speak against a claim significantly, after Holm's correction (1979) for their number."""
    p_values = {pair: p for pair, (sign, p) in tests.items() if sign < 0}
    rejected = []
    for rank, pair in enumerate(sorted(p_values, key=lambda pair: p_values[pair])):
        if p_values[pair] >= SIGNIFICANCE / (comparisons - rank):
            break
        rejected.append(pair)
    return rejected


def kept(margins: Sequence[Sequence[float] | np.ndarray]) -> Outcome:
    """Whether a claim keeps all its conditions, from by how much each run keeps each of them (condition, run).

    Holds where every condition is significantly above 0 over the runs, fails where one is significantly below it, after
    Holm's correction. Fewer than `FEWEST_PAIRS` runs are not tested: they hold where all margins are positive. NaN, of
    what a run does not show, leaves it undecided.
    """
    return kept_by_runs(margins, "", 0).outcome


def kept_by_runs(margins: Sequence[Sequence[float] | np.ndarray], ours: str, runs: int) -> Finding:
    """What `kept` finds, with our numbers in words and the p values of what is tested."""
    values = np.array(margins, dtype=float)
    if not values.size:
        return Finding("cannot be tested", ours, runs)
    if np.isnan(values).any():
        return Finding("undecided", ours, runs)
    if values.shape[1] < FEWEST_PAIRS:
        return Finding("holds" if (values > 0).all() else "fails", ours, runs)
    return above_zero(list(values), ours, runs)


def all_above_zero(conditions: Sequence[Sequence[float] | np.ndarray]) -> Outcome:
    """Holds where each condition, a value per run, is significantly above 0; fails where one is significantly below.

    The latter after Holm's correction for their number; conditions may have unequal numbers of runs. Without any, it
    cannot be tested.
    """
    return above_zero(conditions, "", 0).outcome


def above_zero(conditions: Sequence[Sequence[float] | np.ndarray], ours: str, runs: int) -> Finding:
    """What `all_above_zero` finds, with our numbers in words and the p values."""
    if not conditions:
        return Finding("cannot be tested", ours, runs)
    p = p_of(dict(enumerate(map(against_zero, conditions))), len(conditions))
    return Finding(p.at(), ours, runs, p=p)


def within(distance: float, error: float, tolerance: float) -> Outcome:
    """Whether a distance lies within a tolerance; undecided where its `error` reaches across the border."""
    if distance + error <= tolerance + RESOLUTION:
        return "holds"
    return "fails" if distance - error > tolerance + RESOLUTION else "undecided"


def standard_error(*samples: Values) -> float:
    """Standard error of a mean, or of the difference of two; infinite where a system has only one run."""
    if min(map(len, samples)) < 2:
        return math.inf
    return math.sqrt(sum(np.var(list(values.values()), ddof=1) / len(values) for values in samples))


def spread(values: Sequence[float]) -> Spread:
    """Mean and deviation of values, one a run; there must be one."""
    return Spread(float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None, len(values))
