"""What Figures 2 and 3 of the C-SSED paper say of its claims on n and on confidence."""

import numpy as np

from sedrepro.papers.c_ssed.figures import FEWEST, SAME_N, common_value, endings
from sedrepro.published.claims import Claim, printed_number
from sedrepro.published.verdict import SIGNIFICANCE
from sedrepro.reporting.claims.evidence import Evidence, reads
from sedrepro.reporting.claims.finding import Finding, Outcome, worst

#: Points of a curve that say something of its direction: 4 points in order have a p of 0.08, 5 of 0.02.
FEWEST_POINTS = 5


@reads("figure2")
def n_ends_at_printed_value(claim: Claim, evidence: Evidence) -> Finding:
    """Whether n ends at one value from every start, and at the printed one within its rounding (Section 3.2.1).

    Undecided where a curve has not settled: as many epochs again would move it by more than `SAME_N`.
    """
    arrays = evidence.figure("figure2")
    if arrays is None:
        return Finding("cannot be tested", "figure2 is not stored yet")
    curves, (printed, half) = arrays["n"], printed_number(claim.printed)
    ends = ", ".join(f"{mean:.2f}" for mean in endings(curves)[:, 0])
    said = f"n ends at {ends}, one run per start; printed {claim.printed}"
    ours = common_value(curves)
    if ours is not None:
        return Finding("holds" if abs(ours - printed) <= half else "fails", said, 1)
    further = max(map(_further, curves))
    if further > SAME_N:
        return Finding("undecided", f"{said}; as many epochs again would move n by up to {further:.2f}", 1)
    return Finding("fails", said, 1)


def _further(curve: np.ndarray) -> float:
    """How far the slope of the later half of a curve (epoch, NaN behind its end) leads in as many epochs again."""
    trained = curve[~np.isnan(curve)]
    later = trained[len(trained) // 2 :]
    if len(later) < 2:
        return np.inf
    return abs(np.polyfit(np.arange(len(later)), later, 1)[0]) * len(trained)


@reads("figure3a")
def accuracy_rises_with_confidence(claim: Claim, evidence: Evidence) -> Finding:
    """Whether accuracy rises with confidence for every lambda, by Kendall's tau over bins that have enough frames."""
    arrays = evidence.figure("figure3a")
    if arrays is None:
        return Finding("cannot be tested", "figure3a is not stored yet")
    found = [_rises(counts) for counts in arrays["confidence"]]
    taus = ", ".join("too few points" if np.isnan(tau) else f"{tau:.2f}" for tau, _ in found)
    return Finding(worst([outcome for _, outcome in found]), f"rank correlation {taus}, one run per lambda", 1)


def _rises(counts: np.ndarray) -> tuple[float, Outcome]:
    """Kendall's tau between mean confidence and accuracy of bins (3, bin): frames, correct ones, sum of confidence."""
    from scipy.stats import kendalltau

    frames, correct, total = counts[:, counts[0] >= FEWEST]
    if len(frames) < FEWEST_POINTS:
        return np.nan, "undecided"
    tau, p = kendalltau(total / frames, correct / frames)
    if np.isnan(tau) or p >= SIGNIFICANCE:  # of equal accuracies there is no correlation
        return tau, "undecided"
    return tau, "holds" if tau > 0 else "fails"
