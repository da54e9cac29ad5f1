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
from sedrepro.reporting.claims.statistics import FEWEST_PAIRS, kept, kept_by_runs

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
    return f"n goes from {', '.join(by_start)}, {_runs_per('start', _fewest(curves))}{moving}"


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
    found = {penalty: trend(counts) for penalty, counts in _by_penalty(arrays).items()}
    if not found:
        return Finding("cannot be tested", f"figure3a has no lambda from {LAMBDAS[0]:g} to {LAMBDAS[1]:g}")
    said = ", ".join(f"{_shown(taus)} (lambda {penalty:g})" for penalty, (taus, _) in found.items())
    runs = min(len(taus) for taus, _ in found.values())
    outcome = worst([outcome for _, outcome in found.values()])
    return Finding(outcome, f"rank correlation {said}, {_runs_per('lambda', runs)}", runs)


@reads("figure3a")
def best_lambda(claim: Claim, evidence: Evidence) -> Finding:
    """Whether the curve of `BEST_LAMBDA` is nearest to y = x, of those of `LAMBDAS` (Section 3.2.2).

    The text calls that line the ideal, and gives no measure; here it is the mean distance of the points of a curve from
    it, compared run by run. A lambda with a curve of too few points is no candidate: its confidence is not spread.
    """
    arrays = evidence.figure("figure3a")
    if arrays is None:
        return Finding("cannot be tested", "figure3a is not stored yet")
    by_penalty = _by_penalty(arrays)
    runs = min(map(len, by_penalty.values()), default=0)
    distances = {penalty: np.array([_distance(one) for one in counts[:runs]]) for penalty, counts in by_penalty.items()}
    distances = {penalty: found for penalty, found in distances.items() if not np.isnan(found).any()}
    said = ", ".join(f"{found.mean():.2f} (lambda {penalty:g})" for penalty, found in distances.items())
    if BEST_LAMBDA not in distances or len(distances) < 2:
        return Finding("undecided", f"too few curves with {FEWEST_POINTS} points: {said or 'none'}", runs)
    best = distances.pop(BEST_LAMBDA)
    said = f"mean distance from y = x {said}, {_runs_per('lambda', runs)}"
    return kept_by_runs([others - best for others in distances.values()], said, runs)


def _by_penalty(arrays: dict[str, np.ndarray]) -> dict[float, np.ndarray]:
    """Counts (run, 3, bin) of each lambda of the printed range."""
    penalties = arrays["penalty"]
    meant = dict.fromkeys(penalties[(penalties >= LAMBDAS[0]) & (penalties <= LAMBDAS[1])].tolist())
    return {penalty: arrays["confidence"][penalties == penalty] for penalty in meant}


def _distance(counts: np.ndarray) -> float:
    """Mean distance of the points of a curve from y = x; NaN of too few."""
    points = _points(counts)
    return float(np.abs(points[0] - points[1]).mean()) if points.shape[1] >= FEWEST_POINTS else np.nan


# --- Figure 3(b)


@reads("figure3b")
def positives_accuracy_rises_with_confidence(claim: Claim, evidence: Evidence) -> Finding:
    """Whether the accuracy of positive predictions rises with confidence (Section 3.2.2)."""
    arrays = evidence.figure("figure3b")
    if arrays is None:
        return Finding("cannot be tested", "figure3b is not stored yet")
    taus, outcome = trend(arrays["confidence"])
    return Finding(outcome, f"rank correlation {_shown(taus)} over positives ({len(taus)})", len(taus))


@reads("figure3b")
def accuracy_falls_then_flattens(claim: Claim, evidence: Evidence) -> Finding:
    """Whether the accuracy of positives falls over the lower half of their probabilities, and is flat over the upper.

    By the slopes of lines through the points of each half, the first tested by its rank correlation.
    """
    arrays = evidence.figure("figure3b")
    if arrays is None:
        return Finding("cannot be tested", "figure3b is not stored yet")
    middle = round((POSITIVE + 1) / 2 * BINS)
    halves = [arrays["probability"][:, :, part] for part in (slice(0, middle), slice(middle, None))]
    lower, upper = (np.array([_slope(counts) for counts in half]) for half in halves)
    taus, rising = trend(halves[0])
    said = f"slope {_shown(lower)} below {middle / BINS:g} and {_shown(upper)} above ({len(taus)})"
    if len(taus) < FEWEST_PAIRS and rising == "undecided":
        return Finding("undecided", said, len(taus))
    return kept_by_runs([-taus, np.abs(lower) - np.abs(upper)], said, len(taus))


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
    shares = np.array([share_within(counts, low, high) for counts in arrays[name] if counts[0].any()])
    if not len(shares):
        return Finding("cannot be tested", "no prediction is positive")
    numbers = f"{shares.mean():.0%} of the {said} in [{low:g}, {high:g}] ({len(shares)})"
    return kept_by_runs([shares - MOST], numbers, len(shares))


@reads("figure3b")
def true_negatives_weigh_as_printed(claim: Claim, evidence: Evidence) -> Finding:
    """Whether most true negatives have the printed weight within its rounding in row Prob, by eq. 10."""
    arrays = evidence.figure("figure3b")
    if arrays is None:
        return Finding("cannot be tested", "figure3b is not stored yet")
    printed, half = printed_number(claim.printed)
    found = [_near_weight(counts, printed, half) for counts in arrays["negative"] if counts[1].any()]
    if not found:
        return Finding("cannot be tested", "no negative prediction is right")
    shares, means = np.array(found).T
    said = f"{shares.mean():.0%} of the true negatives within {half:g} of {claim.printed}, mean {means.mean():.2f}"
    return kept_by_runs([shares - MOST], f"{said} ({len(found)})", len(found))


def _near_weight(counts: np.ndarray, printed: float, half: float) -> tuple[float, float]:
    """Which share of the true negatives (3, bin) has a weight near the printed one, and their mean weight (eq. 10)."""
    frames, true, total = counts[:, counts[0] > 0]
    weights = ALPHA_OF_PROB * (total / frames) + 1 - ALPHA_OF_PROB
    near = np.abs(weights - printed) <= half
    return float(true[near].sum() / true.sum()), float(np.average(weights, weights=true))


# --- curves of accuracy


def trend(of_runs: np.ndarray) -> tuple[np.ndarray, Outcome]:
    """Kendall's tau of the bins of each run, of counts (run, 3, bin), and whether it is above 0.

    Tested over the runs; where they are too few for that, over the points of each.
    """
    found = [rises(counts) for counts in of_runs]
    taus = np.array([tau for tau, _ in found])
    enough = len(taus) >= FEWEST_PAIRS
    return taus, kept([taus]) if enough else worst([outcome for _, outcome in found])


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


def _runs_per(what: str, runs: int) -> str:
    return f"{'one run' if runs == 1 else f'{runs} runs'} per {what}"


def _shown(numbers: np.ndarray) -> str:
    """Their mean, of those that there are."""
    known = numbers[~np.isnan(numbers)]
    return f"{known.mean():.2f}" if len(known) else "of too few points"
