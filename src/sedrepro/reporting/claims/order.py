"""Claims on the order of systems, or of ways of detection of one system."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from sedrepro.published.claims import Claim
from sedrepro.published.verdict import METRICS, SIGNIFICANCE
from sedrepro.reporting.claims.evidence import POINTS, Evidence, Values
from sedrepro.reporting.claims.finding import Finding, Margin, Outcome
from sedrepro.reporting.claims.statistics import (
    LEVEL,
    against_zero,
    least_clear,
    mean_interval,
    p_of,
    rejected_by_holm,
    runs_to_decide,
    smallest_seen,
    standard_error,
    within,
)

#: More runs than anyone makes.
MANY = 1000

#: Sign, positive for the claim, and p value of comparisons, by the two sides.
Tests = Mapping[tuple[str, str], tuple[int, float]]


def order(claim: Claim, evidence: Evidence) -> Finding:
    """Whether the systems are ahead of the others, in the strength and direction of the claim."""
    values = side_values(claim, evidence)
    tests = _tests(claim, values)
    outcome, against = tried(claim, values, tests)
    ahead, others = (
        ", ".join(evidence.shown(claim, side, values[side]) for side in dict.fromkeys(sides))
        for sides in (claim.systems, claim.others)
    )
    numbers = f"{ahead} against {others}"
    if 0 < len(against) < len(claim.others):
        numbers += f"; because of {', '.join(evidence.label(claim, side) for side in against)}"
    printed = any(claim.contender(side).printed is not None for side in claim.compared)
    found = Finding(outcome, numbers, fewest_runs(claim, values), against_print=printed)
    if _is_tested(claim):
        found = replace(found, p=p_of(tests, len(claim.pairs)), margin=_margin(claim, values, evidence))
    if outcome != "undecided" or claim.direction == "comparable":
        return found
    too_small = _too_small(claim, values, evidence)
    outlook = "; ".join(filter(None, [_outlook(claim, values), too_small]))
    return replace(found, outlook=outlook, too_small=bool(too_small))


def _is_tested(claim: Claim) -> bool:
    """Whether t-tests over runs decide a claim; not where it is about a tolerance, or its metric is exact."""
    return claim.direction != "comparable" and not METRICS[claim.metric].exact


def _tests(claim: Claim, values: Mapping[str, Values]) -> Tests:
    """Of the comparisons of which both sides have runs; none where a claim is about a tolerance."""
    if claim.direction == "comparable":
        return {}
    exact = METRICS[claim.metric].exact
    complete = [pair for pair in claim.pairs if all(values[side] for side in pair)]
    return {pair: _compared(claim.sign, exact, *(values[side] for side in pair)) for pair in complete}


def _margin(claim: Claim, values: Mapping[str, Values], evidence: Evidence) -> Margin | None:
    """By how much the systems are ahead, of the pair of which that is least clear: the one of the lowest t."""
    intervals = {
        pair: found
        for pair in claim.pairs
        if (found := mean_interval([claim.sign * one for one in _differences(*(values[side] for side in pair))]))
    }
    if not intervals:
        return None
    pair = least_clear(intervals)
    prints = [number for side in pair if (number := evidence.printed(claim, side)) is not None]
    printed = claim.sign * (prints[0] - prints[1]) if len(prints) == len(pair) else None
    margin = Margin(*intervals[pair], printed)
    return replace(margin, text=_in_words(claim, evidence, pair, margin))


def _in_words(claim: Claim, evidence: Evidence, pair: tuple[str, str], margin: Margin) -> str:
    """A margin in words, with its pair of systems where a claim has several."""

    def size(of: float) -> str:
        return evidence.size_of(claim.metric, of)

    low, high = (size(end).removesuffix(POINTS) for end in (margin.low, margin.high))
    names = f"{' against '.join(evidence.label(claim, side) for side in pair)}: " if len(claim.pairs) > 1 else ""
    printed = "" if margin.printed is None else f", printed {size(margin.printed).removesuffix(POINTS)}"
    return f"{names}margin {size(margin.mean)}, {LEVEL} interval {low} to {high}{printed}"


def _too_small(claim: Claim, values: Mapping[str, Values], evidence: Evidence) -> str:
    """The printed difference that so many runs show worst, if it is smaller than what they show; empty: none is.

    Of pairs of systems that are told apart already it does not matter.
    """
    exact = METRICS[claim.metric].exact
    shortfalls = []
    for pair in claim.pairs:
        ahead, other = (values[side] for side in pair)
        printed = [number for side in pair if (number := evidence.printed(claim, side)) is not None]
        seen = smallest_seen(_differences(ahead, other))
        if seen is None or len(printed) < len(pair) or _is_for(*_compared(claim.sign, exact, ahead, other)):
            continue
        difference = abs(printed[0] - printed[1])
        if difference < seen:
            shortfalls.append((difference / seen, pair, (difference, seen)))
    if not shortfalls:
        return ""
    _, pair, both = min(shortfalls, key=lambda shortfall: shortfall[0])
    names = " and ".join(evidence.label(claim, side) for side in pair)
    sizes = [evidence.size_of(claim.metric, size) for size in both]
    return f"the printed difference of {names} is {sizes[0]}, these runs show {sizes[1]} in four of five cases"


def _outlook(claim: Claim, values: Mapping[str, Values]) -> str:
    """How many runs would probably decide an order, by the pair of systems that needs most."""
    needed = [runs_to_decide(_differences(values[ahead], values[other])) for ahead, other in claim.pairs]
    known = [runs for runs in needed if runs is not None]
    if len(known) < len(needed):  # two systems are equal, or have too few runs to know their spread
        return ""
    most = max(known)
    runs = f"more than {MANY:,}" if most > MANY else f"about {most:,}"
    return f"with differences and a spread like these, {runs} runs of each system would decide it"


def side_values(claim: Claim, evidence: Evidence) -> dict[str, Values]:
    """The values of all sides; a printed number stands at every fold and seed that there is."""
    values = {side: evidence.values(claim, side) for side in claim.compared}
    places = {place for of_side in values.values() for place in of_side}
    for side in claim.compared:
        printed = claim.contender(side).printed
        if printed is not None:
            values[side] = dict.fromkeys(places, printed)
    return values


def fewest_runs(claim: Claim, values: Mapping[str, Values]) -> int:
    """Runs of the system that has the fewest."""
    own = [len(values[side]) for side in claim.compared if claim.contender(side).printed is None]
    return min(own, default=0)


def tried(claim: Claim, values: Mapping[str, Values], tests: Tests | None = None) -> tuple[Outcome, list[str]]:
    """What the values of the systems, by fold and seed, say about a claim, and the others that stand against it.

    Every comparison is a paired t-test over equal folds and seeds. A claim holds if all of them are significant for it
    (each at the level `SIGNIFICANCE`: all must be), and fails if one is significant against it, after Holm's correction
    for their number. Fewer than `FEWEST_PAIRS` pairs leave it undecided. Exact metrics need no test. Where a system
    has no run, it cannot be tested, unless it fails already. The tests are made unless they are given.
    """
    complete = [pair for pair in claim.pairs if all(values[system] for system in pair)]
    missing = [other for ahead, other in claim.pairs if (ahead, other) not in complete]
    against: dict[Outcome, list[str]] = {"fails": [], "cannot be tested": missing, "undecided": []}
    if claim.direction == "comparable":
        for ahead, other in complete:
            against.setdefault(_comparable(claim, values[ahead], values[other]), []).append(other)
    else:
        tests = _tests(claim, values) if tests is None else tests
        against["fails"] = [other for _, other in rejected_by_holm(tests, len(claim.pairs))]
        against["undecided"] = [other for (_, other), test in tests.items() if not _is_for(*test)]
    for outcome in ("fails", "cannot be tested", "undecided"):
        if against[outcome]:
            return outcome, list(dict.fromkeys(against[outcome]))
    return ("holds", []) if complete else ("cannot be tested", [])


def _compared(sign: int, exact: bool, ahead: Values, other: Values) -> tuple[int, float]:
    """Sign of a comparison, positive for the claim, and its p value: 0 of an exact metric, 1 of too few pairs."""
    if exact:
        return int(sign * np.sign(np.mean(list(ahead.values())) - np.mean(list(other.values())))), 0.0
    mean_sign, p = against_zero(_differences(ahead, other))
    return sign * mean_sign, p


def _is_for(sign: int, p: float) -> bool:
    """Whether a comparison speaks for the claim significantly."""
    return sign > 0 and p < SIGNIFICANCE


def _differences(one: Values, other: Values) -> list[float]:
    """Of the runs that both have, by fold and seed."""
    return [one[place] - other[place] for place in sorted(one.keys() & other.keys())]


def _comparable(claim: Claim, one: Values, other: Values) -> Outcome:
    """Whether two means lie within the metric's tolerance, their standard error included."""
    metric = METRICS[claim.metric]
    distance = float(abs(np.mean(list(one.values())) - np.mean(list(other.values()))))
    return within(distance, 0.0 if metric.exact else standard_error(one, other), float(metric.tolerance))
