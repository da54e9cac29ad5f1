"""Claims of the hierarchical pooling paper on Figure 5, on segments, and on post-processing."""

import numpy as np

from sedrepro.papers.hierarchical_pooling.figures import ACTIVE
from sedrepro.published.claims import Claim
from sedrepro.published.verdict import METRICS
from sedrepro.reporting.claims.evidence import Evidence, reads
from sedrepro.reporting.claims.finding import Finding
from sedrepro.reporting.claims.statistics import above_zero, kept_by_runs

#: Systems of figure5: a single structure and the hierarchical one of each pooling, in this order.
LINEAR, EXPONENTIAL, ATTENTION = range(3)
#: A score of `ACTIVE` itself is above this.
JUST_INACTIVE = np.nextafter(ACTIVE, 0)


@reads("figure5")
def only_the_hierarchy_detects(claim: Claim, evidence: Evidence) -> Finding:
    """Whether, with linear and exponential softmax, only the hierarchy finds the shown event (Section 4.1).

    It is found where a frame inside of it has a score of at least `ACTIVE`; the paper gives no threshold. Tried by how
    far the highest scores of the runs lie below and above it.
    """
    arrays = evidence.figure("figure5")
    if arrays is None:
        return Finding("cannot be tested", "figure5 is not stored yet")
    said, margins = [], []
    for name, pooling in {"linear": LINEAR, "exponential": EXPONENTIAL}.items():
        single, hierarchical = _inside(arrays, pooling).max(axis=2)
        said.append(f"{name} {single.mean():.2f} and {hierarchical.mean():.2f}")
        margins += [ACTIVE - single, hierarchical - JUST_INACTIVE]
    runs = min(map(len, margins))
    shown = f"highest score of single and hierarchical: {', '.join(said)}, one clip ({runs})"
    return kept_by_runs([margin[:runs] for margin in margins], shown, runs)


@reads("figure5")
def hierarchical_attention_is_higher(claim: Claim, evidence: Evidence) -> Finding:
    """Whether hierarchical attention has higher scores inside the shown event than single (Section 4.1)."""
    arrays = evidence.figure("figure5")
    if arrays is None:
        return Finding("cannot be tested", "figure5 is not stored yet")
    single, hierarchical = _inside(arrays, ATTENTION).mean(axis=2)
    said = f"mean score inside: single {single.mean():.2f}, hierarchical {hierarchical.mean():.2f}, one clip"
    return kept_by_runs([hierarchical - single], f"{said} ({len(single)})", len(single))


def _inside(arrays: dict[str, np.ndarray], pooling: int) -> np.ndarray:
    """Scores (structure, run, frame) inside the event, of the single and the hierarchical structure of a pooling.

    As many runs as both have, which are of the same folds and seeds.
    """
    curves = [arrays["frame"][arrays["system"] == 2 * pooling + structure] for structure in range(2)]
    runs = min(map(len, curves))
    return np.stack([curve[:runs] for curve in curves])[:, :, arrays["inside"]]


@reads("figure5")
def segments_are_more_often_right(claim: Claim, evidence: Evidence) -> Finding:
    """Whether segments are more often right than frames (Section 2.4), of the hierarchical linear system."""
    arrays = evidence.figure("figure5")
    if arrays is None:
        return Finding("cannot be tested", "figure5 is not stored yet")
    frames, segments = arrays["accuracy"].T
    said = f"{frames.mean():.4f} of the frames and {segments.mean():.4f} of the segments are right ({len(frames)})"
    return kept_by_runs([segments - frames], said, len(frames))


def sensitive_to_post_processing(claim: Claim, evidence: Evidence) -> Finding:
    """Whether two ways of detection of one system differ by more than the tolerance of the metric (Appendix A)."""
    (one,), (other,) = claim.systems, claim.others
    first, second = evidence.values(claim, one), evidence.values(claim, other)
    gaps = [abs(first[place] - second[place]) for place in sorted(first.keys() & second.keys())]
    if not gaps:
        return Finding("cannot be tested", "no run")
    tolerance = float(METRICS[claim.metric].tolerance)
    said = f"{np.mean(gaps):.3f} apart ({len(gaps)}), tolerance {tolerance:g}"
    return above_zero([[gap - tolerance for gap in gaps]], said, len(gaps))
