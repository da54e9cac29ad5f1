"""Claims of the hierarchical pooling paper on Figure 5, on segments, and on post-processing."""

import numpy as np

from sedrepro.papers.hierarchical_pooling.figures import ACTIVE
from sedrepro.published.claims import Claim
from sedrepro.published.verdict import METRICS
from sedrepro.reporting.claims.evidence import Evidence, reads
from sedrepro.reporting.claims.finding import Finding
from sedrepro.reporting.claims.statistics import above_zero

#: Rows of figure5: a single structure and the hierarchical one of each pooling, in this order.
LINEAR, EXPONENTIAL, ATTENTION = range(3)


@reads("figure5")
def only_the_hierarchy_detects(claim: Claim, evidence: Evidence) -> Finding:
    """Whether, with linear and exponential softmax, only the hierarchy finds the shown event (Section 4.1).

    It is found where a frame inside of it has a score of at least `ACTIVE`; the paper gives no threshold.
    """
    arrays = evidence.figure("figure5")
    if arrays is None:
        return Finding("cannot be tested", "figure5 is not stored yet")
    said, fits = [], True
    for name, pooling in {"linear": LINEAR, "exponential": EXPONENTIAL}.items():
        single, hierarchical = _pair(arrays, pooling)[:, arrays["inside"]].max(axis=1)
        said.append(f"{name} {single:.2f} and {hierarchical:.2f}")
        fits &= bool(single < ACTIVE <= hierarchical)
    shown = f"highest score of single and hierarchical: {', '.join(said)}, one clip"
    return Finding("holds" if fits else "fails", shown, 1)


@reads("figure5")
def hierarchical_attention_is_higher(claim: Claim, evidence: Evidence) -> Finding:
    """Whether hierarchical attention has higher scores inside the shown event than single (Section 4.1)."""
    arrays = evidence.figure("figure5")
    if arrays is None:
        return Finding("cannot be tested", "figure5 is not stored yet")
    single, hierarchical = _pair(arrays, ATTENTION)[:, arrays["inside"]].mean(axis=1)
    said = f"mean score inside: single {single:.2f}, hierarchical {hierarchical:.2f}, one clip"
    return Finding("holds" if hierarchical > single else "fails", said, 1)


def _pair(arrays: dict[str, np.ndarray], pooling: int) -> np.ndarray:
    """Curves (2, frame) of the single and the hierarchical structure of a pooling."""
    return arrays["frame"][2 * pooling : 2 * pooling + 2]


@reads("figure5")
def segments_are_more_often_right(claim: Claim, evidence: Evidence) -> Finding:
    """Whether segments are more often right than frames (Section 2.4), of the hierarchical linear system."""
    arrays = evidence.figure("figure5")
    if arrays is None:
        return Finding("cannot be tested", "figure5 is not stored yet")
    frames, segments = arrays["accuracy"]
    said = f"{frames:.4f} of the frames and {segments:.4f} of the segments are right, one run"
    return Finding("holds" if segments > frames else "fails", said, 1)


def sensitive_to_post_processing(claim: Claim, evidence: Evidence) -> Finding:
    """Whether two ways of detection of one system differ by more than the tolerance of the metric (Appendix A)."""
    (one,), (other,) = claim.systems, claim.others
    first, second = evidence.values(claim, one), evidence.values(claim, other)
    gaps = [abs(first[place] - second[place]) for place in sorted(first.keys() & second.keys())]
    if not gaps:
        return Finding("cannot be tested", "no run")
    tolerance = float(METRICS[claim.metric].tolerance)
    said = f"{np.mean(gaps):.3f} apart ({len(gaps)}), tolerance {tolerance:g}"
    return Finding(above_zero([gap - tolerance for gap in gaps]), said, len(gaps))
