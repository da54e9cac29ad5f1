"""Claims with a printed number: a gain, relative or absolute, or a value."""

from collections.abc import Sequence

import numpy as np

from sedrepro.published.claims import Claim, printed_number
from sedrepro.published.verdict import METRICS, SIGNIFICANCE, Metric
from sedrepro.reporting.claims.evidence import Evidence, Values
from sedrepro.reporting.claims.finding import Finding, Outcome, worst
from sedrepro.reporting.claims.order import fewest_runs, side_values
from sedrepro.reporting.claims.statistics import against_zero, fits, standard_error, within


def gain(claim: Claim, evidence: Evidence, relative: bool) -> Finding:
    """Whether a printed gain fits ours, run by run of equal fold and seed, relative to the other system or absolute."""
    values = side_values(claim, evidence)
    outcomes, said, runs = [], [], []
    for pair in claim.pairs:
        gains = _gains(claim.sign, *(values[side] for side in pair), relative)
        outcomes.append(_gain_fits(claim, gains))
        runs.append(len(gains))
        labels = (evidence.label(claim, side) for side in pair)
        said.append(
            f"{f' {claim.direction} than '.join(labels)} by {_shown_gains(gains, '%' if relative else ' points')}"
        )
    return Finding(worst(outcomes), f"{', '.join(said)}; printed {claim.printed}", min(runs, default=0))


def _gains(sign: int, ahead: Values, other: Values, relative: bool) -> list[float]:
    """Gains in the direction of the claim; from 0 there is no relative one."""
    places = [place for place in sorted(ahead.keys() & other.keys()) if other[place] or not relative]
    return [sign * (ahead[p] - other[p]) / (other[p] if relative else 1) for p in places]


def _gain_fits(claim: Claim, gains: Sequence[float]) -> Outcome:
    """Holds if the gain is significant and the printed one is as likely as another run of ours; see `fits`."""
    printed, half = printed_number(claim.printed)
    metric = METRICS[claim.metric]
    if metric.exact and gains:
        change = METRICS.get(f"{claim.metric}_change", metric) if claim.kind == "change" else metric
        return "holds" if abs(np.mean(gains) - printed) <= float(change.tolerance) + half else "fails"
    if not gains:
        return "cannot be tested"
    sign, p = against_zero(gains)
    fit = fits(gains, printed, half)
    if fit is None:
        return "undecided"
    if not fit or (sign < 0 and p < SIGNIFICANCE):
        return "fails"
    return "holds" if sign > 0 and p < SIGNIFICANCE else "undecided"


def _shown_gains(gains: Sequence[float], unit: str) -> str:
    if not gains:
        return "an unknown gain: no pair of runs, or from 0"
    deviation = f" ± {100 * np.std(gains, ddof=1):.1f}" if len(gains) > 1 else ""
    return f"{100 * np.mean(gains):+.1f}{deviation}{unit} ({len(gains)})"


def value(claim: Claim, evidence: Evidence) -> Finding:
    """Whether the mean of each system lies within the metric's tolerance of the printed value, its error included."""
    printed, _ = printed_number(claim.printed)
    metric, values = METRICS[claim.metric], side_values(claim, evidence)
    outcomes = [_value_fits(metric, values[side], printed) for side in claim.systems]
    said = ", ".join(evidence.shown(claim, side, values[side]) for side in claim.systems)
    return Finding(worst(outcomes), f"{said}; printed {claim.printed}", fewest_runs(claim, values))


def _value_fits(metric: Metric, of_runs: Values, printed: float) -> Outcome:
    if not of_runs:
        return "cannot be tested"
    error = 0.0 if metric.exact else standard_error(of_runs)
    return within(abs(np.mean(list(of_runs.values())) - printed), error, float(metric.tolerance))
