"""Claims of the joint tagging and detection paper on ESP that look at all classes at once (Section III-B, Figure 2)."""

import numpy as np

from sedrepro.published.claims import Claim
from sedrepro.reporting.claims.evidence import Evidence, reads
from sedrepro.reporting.claims.finding import Finding
from sedrepro.reporting.claims.statistics import above_zero

#: The events of short duration that the text names.
SHORT = ("Blender", "Cat", "Dishes")
#: More than this share of the classes is most of them.
HALF = 0.5
#: A duration deviates far from the mean if by at least this share of it. The paper gives no measure; with it a median
#: window of a class is longer or shorter by a quarter.
FAR = 0.25


@reads("figure2")
def deviates_far(claim: Claim, evidence: Evidence) -> Finding:
    """Whether in every class the ESP duration is off the mean duration by at least `FAR` of the latter."""
    arrays = evidence.figure("figure2")
    if arrays is None:
        return Finding("cannot be tested", "figure2 is not stored yet")
    off, off_by_chord = (
        np.abs(1 - arrays[name] / arrays["average"]) for name in ("event_specific", "event_specific_chord")
    )
    said = f"off by {100 * off.min():.0f} to {100 * off.max():.0f} % of the mean; with the knee of the chord by "
    said += f"{100 * off_by_chord.min():.0f} to {100 * off_by_chord.max():.0f} %"
    reason = "of the official labels, at every scale"
    return Finding("holds" if off.min() >= FAR else "fails", said, by_construction=reason)


def most_classes_gain(claim: Claim, evidence: Evidence) -> Finding:
    """Whether the first side is ahead of the other in most classes, by a t-test over runs."""
    shares = [float(np.mean(np.array(list(gains.values())) > 0)) for gains in _gains(claim, evidence)]
    said = f"{evidence.label(claim, claim.systems[0])} is ahead in {100 * _mean(shares):.0f} % of the classes"
    return _tested([share - HALF for share in shares], said)


def short_events_gain_more(claim: Claim, evidence: Evidence) -> Finding:
    """Whether the mean gain of the short events is above that of the others, by a t-test over runs."""
    both = []
    for gains in _gains(claim, evidence):
        short = [gain for event_class, gain in gains.items() if event_class in SHORT]
        others = [gain for event_class, gain in gains.items() if event_class not in SHORT]
        if short and others:
            both.append((100 * _mean(short), 100 * _mean(others)))
    first, second = (_mean([pair[side] for pair in both]) for side in (0, 1))
    said = f"{', '.join(SHORT)} {first:+.1f} points, others {second:+.1f}"
    return _tested([short - other for short, other in both], said)


def _gains(claim: Claim, evidence: Evidence) -> list[dict[str, float]]:
    """Of each run, the gains of the classes for which both sides are defined."""
    found: dict[tuple[int, int], dict[str, float]] = {}
    for event_class in evidence.classes(claim, claim.systems[0]):
        sides = (claim.systems[0], claim.others[0])
        ahead, other = (evidence.values(claim, side, event_class=event_class) for side in sides)
        for place in ahead.keys() & other.keys():
            found.setdefault(place, {})[event_class] = claim.sign * (ahead[place] - other[place])
    return [found[place] for place in sorted(found)]


def _mean(values: list[float]) -> float:
    return float(np.mean(values)) if values else float("nan")


def _tested(differences: list[float], said: str) -> Finding:
    """Outcome of a t-test of differences, one per run, that the claim has above 0."""
    if not differences:
        return Finding("cannot be tested", "no run")
    return above_zero([differences], f"{said} ({len(differences)})", len(differences))
