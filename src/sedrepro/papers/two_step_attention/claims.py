"""Claims of the two-step attention paper that no kind of claim fits."""

from collections.abc import Sequence

import numpy as np

from sedrepro.corpora.settings import Remix
from sedrepro.data_sets.fsdkaggle2018 import FOLDS
from sedrepro.published.claims import Claim
from sedrepro.published.verdict import COMPARABLE_SCALE
from sedrepro.reporting.claims.evidence import Evidence, Values
from sedrepro.reporting.claims.finding import Finding, Outcome
from sedrepro.reporting.claims.statistics import above_zero

#: "Almost all" events are at least so many of them.
ALMOST_ALL = 0.9


def clips_in_all(claim: Claim, evidence: Evidence) -> Finding:
    """Whether the remix has the printed number of clips in all (Section 4.1)."""
    if evidence.paper is None or evidence.scale != COMPARABLE_SCALE:
        return Finding("cannot be tested", f"only the {COMPARABLE_SCALE} scale has as many clips as the paper")
    remix = evidence.paper.settings.corpora["remix"]
    if not isinstance(remix, Remix):
        return Finding("cannot be tested", "the settings' corpus remix mixes nothing")
    per_level = FOLDS * remix.mixtures_per_fold
    total = per_level * len(remix.snr_db)
    outcome: Outcome = "holds" if total == int(claim.printed) else "fails"
    said = f"{len(remix.snr_db)} x {per_level} = {total}; printed {claim.printed}"
    return Finding(outcome, said, by_construction="follows from the settings of the remix")


def best_for_almost_all_events(claim: Claim, evidence: Evidence) -> Finding:
    """Whether a system has the best precision of all for `ALMOST_ALL` events, counted run by run (Section 5.3)."""
    (ahead,) = claim.systems
    sides = (ahead, *claim.others)
    of_classes = [
        {side: evidence.values(claim, side, event_class=each) for side in sides}
        for each in evidence.classes(claim, ahead)
    ]
    shares, classes = [], 0
    for place in sorted({place for found in of_classes for place in found[ahead]}):
        scored = [found for found in of_classes if all(place in found[side] for side in sides)]
        if scored:
            won = [all(found[ahead][place] > found[other][place] for other in claim.others) for found in scored]
            shares.append(float(np.mean(won)))
            classes = max(classes, len(won))
    if not shares:
        return Finding("cannot be tested", "no run in which all of these systems are scored class by class")
    said = f"{evidence.label(claim, ahead)} is the best for {np.mean(shares):.0%} of {classes} events ({len(shares)})"
    return above_zero([[share - ALMOST_ALL for share in shares]], said, len(shares))


def pooling_gains_more_than_the_task(claim: Claim, evidence: Evidence) -> Finding:
    """Whether two-step attention gains more over the benchmark than the auxiliary task adds to it (Section 5.2).

    The first system is without the task, the second with it.
    """
    without, with_task, benchmark = (evidence.values(claim, side) for side in (*claim.systems, *claim.others))
    places = sorted(without.keys() & with_task.keys() & benchmark.keys())
    pooling, task = _gains(without, benchmark, places), _gains(with_task, without, places)
    if not places:
        return Finding("cannot be tested", "no run of equal fold and seed of all three systems")
    said = f"{np.mean(pooling):+.3f} by two-step attention, {np.mean(task):+.3f} by the auxiliary task ({len(places)})"
    more = [one - other for one, other in zip(pooling, task, strict=True)]
    return above_zero([more], said, len(places))


def _gains(ahead: Values, other: Values, places: Sequence[tuple[int, int]]) -> list[float]:
    return [ahead[place] - other[place] for place in places]
