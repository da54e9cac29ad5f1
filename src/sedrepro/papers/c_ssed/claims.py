"""What Figures 2 and 3 of the C-SSED paper say of its claims on n and on confidence."""

import numpy as np

from sedrepro.papers.c_ssed.figures import (
    BINS,
    LARGEST_START,
    POSITIVE,
    SAME_N,
    accuracies,
    common_value,
    endings,
    joined,
    share_within,
)
from sedrepro.published.claims import Claim, printed_number
from sedrepro.published.verdict import SIGNIFICANCE
from sedrepro.reporting.claims.evidence import Evidence, reads
from sedrepro.reporting.claims.finding import Finding, Outcome, worst

#: Points of a curve that say something of its direction: 4 points in order have a p of 0.08, 5 of 0.02.
FEWEST_POINTS = 5
#: The range of lambda for which the text says that accuracy rises with confidence, and the best of it (Section 3.2.2).
LAMBDAS = (0.01, 0.1)
BEST_LAMBDA = 0.03
#: More than this share is most of them.
MOST = 0.5
#: alpha of row Prob in Table 3.
ALPHA_OF_PROB = 0.3


# --- Figure 2


@reads("figure2")
def n_ends_at_one_value(claim: Claim, evidence: Evidence) -> Finding:
    """Whether n ends at one value from every start (Section 3.2.1).

    From the starts that the text recommends, up to `LARGEST_START`, curves must have a common value. From larger ones
    training is said to be slow: a curve still on its way leaves it undecided, one that rests elsewhere refutes it.
    """
    arrays = evidence.figure("figure2")
    if arrays is None:
        return Finding("cannot be tested", "figure2 is not stored yet")
    curves, recommended = arrays["n"], arrays["n"][:, 0] <= LARGEST_START
    value = common_value(curves[recommended])
    if value is None:
        return Finding(_unless_on_the_way(curves[recommended]), _said_of_ends(curves), _fewest(curves))
    outcomes: list[Outcome] = ["holds"]
    for curve in curves[~recommended]:
        with_it = np.stack([np.full_like(curve, value), curve])
        outcomes.append("holds" if common_value(with_it) is not None else _unless_on_the_way(curve[None]))
    return Finding(worst(outcomes), _said_of_ends(curves), _fewest(curves))


@reads("figure2")
def n_ends_at_printed_value(claim: Claim, evidence: Evidence) -> Finding:
    """Whether the value at which n ends, from the recommended starts, is the printed one within its rounding."""
    arrays = evidence.figure("figure2")
    if arrays is None:
        return Finding("cannot be tested", "figure2 is not stored yet")
    curves, (printed, half) = arrays["n"], printed_number(claim.printed)
    recommended = curves[curves[:, 0] <= LARGEST_START]
    value, said = common_value(recommended), f"{_said_of_ends(curves)}; printed {claim.printed}"
    if value is None:
        return Finding(_unless_on_the_way(recommended), said, _fewest(curves))
    return Finding("holds" if abs(value - printed) <= half else "fails", said, _fewest(curves))


def _unless_on_the_way(curves: np.ndarray) -> Outcome:
    """Fails, but undecided where as many epochs again would move a curve (run, epoch) by more than `SAME_N`."""
    return "undecided" if max(map(_further, curves)) > SAME_N else "fails"


def _further(curve: np.ndarray) -> float:
    """How far the slope of the later half of a curve (epoch, NaN behind its end) leads in as many epochs again."""
    trained = curve[~np.isnan(curve)]
    later = trained[len(trained) // 2 :]
    if len(later) < 2:
        return np.inf
    return abs(np.polyfit(np.arange(len(later)), later, 1)[0]) * len(trained)


def _said_of_ends(curves: np.ndarray) -> str:
    """Where n ends from each start, and how many runs there are of each."""
    ends, starts = endings(curves)[:, 0], curves[:, 0]
    by_start = (f"{start:g} to {ends[starts == start].mean():.2f}" for start in dict.fromkeys(starts))
    further = max(map(_further, curves))
    moving = f"; as many epochs again would move n by up to {further:.2f}" if further > SAME_N else ""
    fewest = _fewest(curves)
    counted = "one run" if fewest == 1 else f"{fewest} runs"
    return f"n goes from {', '.join(by_start)}, {counted} per start{moving}"


def _fewest(curves: np.ndarray) -> int:
    """Runs of the start that has the fewest."""
    return int(np.unique(curves[:, 0], return_counts=True)[1].min())


# --- Figure 3(a)


@reads("figure3a")
def accuracy_rises_with_confidence(claim: Claim, evidence: Evidence) -> Finding:
    """Whether accuracy rises with confidence for every lambda of `LAMBDAS`, by Kendall's tau over bins."""
    arrays = evidence.figure("figure3a")
    if arrays is None:
        return Finding("cannot be tested", "figure3a is not stored yet")
    meant = _of_printed_range(arrays["penalty"])
    found = {
        penalty: rises(counts)
        for penalty, counts in zip(arrays["penalty"][meant], arrays["confidence"][meant], strict=True)
    }
    if not found:
        return Finding("cannot be tested", f"figure3a has no lambda from {LAMBDAS[0]:g} to {LAMBDAS[1]:g}")
    said = ", ".join(f"{_shown(tau)} (lambda {penalty:g})" for penalty, (tau, _) in found.items())
    return Finding(worst([outcome for _, outcome in found.values()]), f"rank correlation {said}, one run per lambda", 1)


@reads("figure3a")
def best_lambda(claim: Claim, evidence: Evidence) -> Finding:
    """Whether the curve of `BEST_LAMBDA` is nearest to y = x, of those of `LAMBDAS` (Section 3.2.2).

    The text calls that line the ideal, and gives no measure; here it is the mean distance of the points of a curve from
    it. A curve of too few points is no candidate: its confidence is not spread.
    """
    arrays = evidence.figure("figure3a")
    if arrays is None:
        return Finding("cannot be tested", "figure3a is not stored yet")
    distances = {}
    for number in np.flatnonzero(_of_printed_range(arrays["penalty"])):
        points = _points(arrays["confidence"][number])
        if points.shape[1] >= FEWEST_POINTS:
            distances[float(arrays["penalty"][number])] = float(np.abs(points[0] - points[1]).mean())
    said = ", ".join(f"{distance:.2f} (lambda {penalty:g})" for penalty, distance in distances.items())
    if BEST_LAMBDA not in distances or len(distances) < 2:
        return Finding("undecided", f"too few curves with {FEWEST_POINTS} points: {said or 'none'}", 1)
    outcome: Outcome = "holds" if min(distances, key=lambda penalty: distances[penalty]) == BEST_LAMBDA else "fails"
    return Finding(outcome, f"mean distance from y = x {said}, one run per lambda", 1)


def _of_printed_range(penalties: np.ndarray) -> np.ndarray:
    return (penalties >= LAMBDAS[0]) & (penalties <= LAMBDAS[1])


# --- Figure 3(b)


@reads("figure3b")
def positives_accuracy_rises_with_confidence(claim: Claim, evidence: Evidence) -> Finding:
    """Whether the accuracy of positive predictions rises with confidence (Section 3.2.2)."""
    arrays = evidence.figure("figure3b")
    if arrays is None:
        return Finding("cannot be tested", "figure3b is not stored yet")
    tau, outcome = rises(arrays["confidence"])
    return Finding(outcome, f"rank correlation {_shown(tau)} over positives, one run", 1)


@reads("figure3b")
def accuracy_falls_then_flattens(claim: Claim, evidence: Evidence) -> Finding:
    """Whether the accuracy of positives falls over the lower half of their probabilities, and is flat over the upper.

    By the slopes of lines through the points of each half, the first tested by its rank correlation.
    """
    arrays = evidence.figure("figure3b")
    if arrays is None:
        return Finding("cannot be tested", "figure3b is not stored yet")
    middle = round((POSITIVE + 1) / 2 * BINS)
    halves = [arrays["probability"][:, part] for part in (slice(0, middle), slice(middle, None))]
    (tau, rising), slopes = rises(halves[0]), [_slope(half) for half in halves]
    said = f"slope {_shown(slopes[0])} below {middle / BINS:g} and {_shown(slopes[1])} above, one run"
    if rising == "undecided" or np.isnan(slopes[1]):
        return Finding("undecided", said, 1)
    return Finding("holds" if tau < 0 and abs(slopes[1]) < abs(slopes[0]) else "fails", said, 1)


@reads("figure3b")
def positives_have_low_confidence(claim: Claim, evidence: Evidence) -> Finding:
    """Whether most positive predictions have a confidence of at most 0.1 (Section 3.2.2)."""
    return _most(evidence, "confidence", 0, 0.1, "positives have a confidence")


@reads("figure3b")
def positives_have_high_probability(claim: Claim, evidence: Evidence) -> Finding:
    """Whether most positive predictions have a probability of at least 0.9 (Section 3.2.2)."""
    return _most(evidence, "probability", 0.9, 1, "positives have a probability")


def _most(evidence: Evidence, name: str, low: float, high: float, said: str) -> Finding:
    arrays = evidence.figure("figure3b")
    if arrays is None:
        return Finding("cannot be tested", "figure3b is not stored yet")
    if not arrays[name][0].any():
        return Finding("cannot be tested", "no prediction is positive")
    share = share_within(arrays[name], low, high)
    outcome: Outcome = "holds" if share > MOST else "fails"
    return Finding(outcome, f"{share:.0%} of the {said} in [{low:g}, {high:g}], one run", 1)


@reads("figure3b")
def true_negatives_weigh_as_printed(claim: Claim, evidence: Evidence) -> Finding:
    """Whether most true negatives have the printed weight within its rounding in row Prob, by eq. 10."""
    arrays = evidence.figure("figure3b")
    if arrays is None:
        return Finding("cannot be tested", "figure3b is not stored yet")
    frames, true, total = arrays["negative"]
    filled = frames > 0
    if not true.any():
        return Finding("cannot be tested", "no negative prediction is right")
    weights = ALPHA_OF_PROB * (total[filled] / frames[filled]) + 1 - ALPHA_OF_PROB
    printed, half = printed_number(claim.printed)
    near = np.abs(weights - printed) <= half
    share, mean = true[filled][near].sum() / true.sum(), float(np.average(weights, weights=true[filled]))
    said = f"{share:.0%} of the true negatives within {half:g} of {claim.printed}, mean {mean:.2f}, one run"
    return Finding("holds" if share > MOST else "fails", said, 1)


# --- curves of accuracy


def rises(counts: np.ndarray) -> tuple[float, Outcome]:
    """Kendall's tau between mean value and accuracy of bins (3, bin): frames, correct ones, sum of the values."""
    from scipy.stats import kendalltau

    points = _points(counts)
    if points.shape[1] < FEWEST_POINTS:
        return np.nan, "undecided"
    tau, p = kendalltau(*points)
    if np.isnan(tau) or p >= SIGNIFICANCE:  # of equal accuracies there is no correlation
        return tau, "undecided"
    return tau, "holds" if tau > 0 else "fails"


def _points(counts: np.ndarray) -> np.ndarray:
    """Mean value and accuracy (2, point), as drawn."""
    return np.stack(accuracies(joined(counts)))


def _slope(counts: np.ndarray) -> float:
    points = _points(counts)
    return float(np.polyfit(points[0], points[1], 1)[0]) if points.shape[1] > 1 else np.nan


def _shown(number: float) -> str:
    return "of too few points" if np.isnan(number) else f"{number:.2f}"
