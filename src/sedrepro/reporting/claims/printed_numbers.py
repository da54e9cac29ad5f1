"""Claims with a printed number: a gain, relative or absolute, or a value."""

from collections.abc import Mapping, Sequence
from decimal import Decimal

import numpy as np

from sedrepro.published.claims import Claim, printed_fraction
from sedrepro.published.verdict import FEWEST_RUNS, METRICS, Agreement, Metric, Spread, agreement
from sedrepro.reporting.claims.evidence import Evidence, Values
from sedrepro.reporting.claims.finding import Finding, Margin, Outcome, worst
from sedrepro.reporting.claims.order import fewest_runs, side_values
from sedrepro.reporting.claims.statistics import (
    FEWEST_PAIRS,
    LEVEL,
    all_above_zero,
    least_clear,
    mean_interval,
    smallest_seen,
    spread,
)

#: By direction, where a gain went instead if it is negative.
OPPOSITE = {"higher": "lower", "lower": "higher"}


def gain(claim: Claim, evidence: Evidence, relative: bool) -> Finding:
    """Whether a printed gain fits ours, run by run of equal fold and seed, relative to the other system or absolute."""
    values = side_values(claim, evidence)
    gains = [_gains(claim.sign, values[ahead], values[other], relative) for ahead, other in claim.pairs]
    labels = [[evidence.label(claim, side) for side in pair] for pair in claim.pairs]
    shown = [_shown_gains(claim, *pair, relative) for pair in zip(labels, gains, strict=True)]
    outcomes = [_gain_fits(claim, each) for each in gains]
    outcome, runs = worst(outcomes), min(map(len, gains), default=0)
    small = [_too_small(claim, each, relative) for each, found in zip(gains, outcomes, strict=True) if found == outcome]
    outlook = "; ".join(filter(None, small)) if outcome == "undecided" else ""
    ours = f"{', '.join(shown)}; printed {claim.printed}"
    margin = None if METRICS[claim.metric].exact else _margin(dict(enumerate(gains)), labels, relative)
    return Finding(outcome, ours, runs, outlook=outlook, too_small=bool(outlook), margin=margin)


def _margin(gains: Mapping[int, Sequence[float]], labels: Sequence[Sequence[str]], relative: bool) -> Margin | None:
    """The interval of the least clear gain, with its pair of systems where there are several.

    A printed gain is compared with single runs, see `_gain_fits`, so it is none of a margin.
    """
    known = {place: interval for place, each in gains.items() if (interval := mean_interval(each))}
    if not known:
        return None
    place = least_clear(known)
    mean, low, high = (f"{100 * number:z.1f}" for number in known[place])
    names = f"{' against '.join(labels[place])}: " if len(gains) > 1 else ""
    text = f"{names}margin {mean} {_unit(relative)}, {LEVEL} interval {low} to {high}"
    return Margin(*known[place], text=text)


def _gains(sign: int, ahead: Values, other: Values, relative: bool) -> list[float]:
    """Gains in the direction of the claim; from 0 there is no relative one."""
    places = [place for place in sorted(ahead.keys() & other.keys()) if other[place] or not relative]
    return [sign * (ahead[p] - other[p]) / (other[p] if relative else 1) for p in places]


def _too_small(claim: Claim, gains: Sequence[float], relative: bool) -> str:
    """Which gain so many runs show, if the printed one is smaller; else empty."""
    seen = smallest_seen(gains)
    if seen is None or float(printed_fraction(claim.printed)) >= seen:
        return ""
    return f"these runs show a gain of {100 * seen:.1f} {_unit(relative)} in four of five cases"


def _unit(relative: bool) -> str:
    return "%" if relative else "points"


def _gain_fits(claim: Claim, gains: Sequence[float]) -> Outcome:
    """Holds if the gain is significant and the printed one might be that of one more run; see `agreement`."""
    metric, printed = METRICS[claim.metric], printed_fraction(claim.printed)
    if not gains:
        return "cannot be tested"
    if metric.exact:
        change = METRICS.get(f"{claim.metric}_change", metric) if claim.kind == "change" else metric
        found = agreement(Spread(float(np.mean(gains))), printed, change.tolerance)
        return "holds" if found == "reproduced" else "fails"
    if len(gains) < FEWEST_PAIRS:
        return "undecided"
    outcome = all_above_zero([gains])
    return "fails" if agreement(spread(gains), printed, Decimal(0)) == "differs" else outcome


def _shown_gains(claim: Claim, labels: Sequence[str], gains: Sequence[float], relative: bool) -> str:
    """Gains in the direction of a claim in words: "A 6.8 ± 1.2 % lower than B (3)"."""
    ahead, other = labels
    if not gains:
        return f"{ahead} against {other} unknown (no pair of runs, or relative to 0)"
    mean = 100 * float(np.mean(gains))
    direction = claim.direction if mean >= 0 else OPPOSITE[claim.direction]
    deviation = f" ± {100 * np.std(gains, ddof=1):.1f}" if len(gains) > 1 else ""
    return f"{ahead} {abs(mean):.1f}{deviation} {_unit(relative)} {direction} than {other} ({len(gains)})"


def value(claim: Claim, evidence: Evidence) -> Finding:
    """Whether each system reproduces the printed value, by the rule of the tables; see `agreement`.

    A value is of the official data, unless no data change it.
    """
    metric, values, printed = METRICS[claim.metric], side_values(claim, evidence), printed_fraction(claim.printed)
    outcomes = [_value_fits(metric, list(values[side].values()), printed) for side in claim.systems]
    said = ", ".join(evidence.shown(claim, side, values[side]) for side in claim.systems)
    ours = f"{said}; printed {claim.printed}"
    return Finding(worst(outcomes), ours, fewest_runs(claim, values), against_print=not metric.exact)


def _value_fits(metric: Metric, of_runs: Sequence[float], printed: str) -> Outcome:
    """Holds where the print is reproduced, fails where it differs; too few runs decide nothing."""
    if not of_runs:
        return "cannot be tested"
    if len(of_runs) < FEWEST_RUNS and not metric.exact:
        return "undecided"
    found: dict[Agreement, Outcome] = {"reproduced": "holds", "close": "undecided", "differs": "fails"}
    return found[agreement(spread(of_runs), printed, metric.tolerance)]
