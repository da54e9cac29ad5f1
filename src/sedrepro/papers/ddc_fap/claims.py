"""Claims of the DDC-FAP paper that no kind of claim fits."""

from decimal import Decimal

import numpy as np

from sedrepro.published.claims import Claim, printed_fraction
from sedrepro.published.verdict import COMPARABLE_SCALE, METRICS, Spread, agreement
from sedrepro.reporting.claims.evidence import Evidence, reads
from sedrepro.reporting.claims.finding import Finding, Outcome, worst
from sedrepro.reporting.claims.order import side_values
from sedrepro.reporting.claims.statistics import above_zero

#: More than this share is most.
HALF = 0.5


def input_has_printed_frames(claim: Claim, evidence: Evidence) -> Finding:
    """Whether a clip of the front end has the printed number of frames (Section 3.2)."""
    if evidence.paper is None or evidence.scale != COMPARABLE_SCALE:
        return Finding("cannot be tested", f"only the {COMPARABLE_SCALE} scale has the paper's front end")
    front_end = evidence.paper.settings.front_end
    outcome: Outcome = "holds" if front_end.n_frames == int(claim.printed) else "fails"
    shape = f"{front_end.n_mels} x {front_end.n_frames}; printed 64 x {claim.printed}"
    return Finding(outcome, shape, by_construction="follows from window, hop and sample rate of the settings")


def parameters_decrease_to(claim: Claim, evidence: Evidence) -> Finding:
    """Whether networks have the printed share of the parameters of others, not so much fewer (Section 3.4)."""
    values, printed = side_values(claim, evidence), printed_fraction(claim.printed)
    outcomes: list[Outcome] = []
    said = []
    for one, other in claim.pairs:
        if values[one] and values[other]:
            share = float(np.mean(list(values[one].values())) / np.mean(list(values[other].values())))
            found = agreement(Spread(share), printed, METRICS["parameters_change"].tolerance)
            outcomes.append("holds" if found == "reproduced" else "fails")
            said.append(f"{evidence.label(claim, one)} {share:.1%} of {evidence.label(claim, other)}")
    numbers = f"{', '.join(said) or 'no run'}; printed {claim.printed}"
    return Finding(worst(outcomes), numbers, min((len(found) for found in values.values()), default=0))


@reads("figure4")
def alpha_is_mostly_small(claim: Claim, evidence: Evidence) -> Finding:
    """Whether more than half of the learned alpha are at most as large as printed, at every bound above (Figure 4)."""
    arrays = evidence.figure("figure4")
    if arrays is None:
        return Finding("cannot be tested", "figure4 is not stored yet")
    printed = float(Decimal(claim.printed))
    shares = (arrays["alpha"] <= printed).mean(axis=(1, 2))
    bounds = [bound for bound in np.unique(arrays["alpha_max"]) if bound > printed]
    of_bound = {bound: shares[arrays["alpha_max"] == bound] for bound in bounds}
    said = ", ".join(f"{found.mean():.0%} with bound {bound:g} ({len(found)})" for bound, found in of_bound.items())
    runs = min(map(len, of_bound.values()), default=0)
    return above_zero([found - HALF for found in of_bound.values()], said, runs)


@reads("figure4")
def alpha_lies_apart(claim: Claim, evidence: Evidence) -> Finding:
    """Whether the alpha of a class lies higher, or lower, than those of all classes on the mean (Figure 4).

    Of the runs with the largest bound, which the paper chooses; where alpha lies is its centre over the mel bands.
    """
    from sedrepro.papers.ddc_fap.figures import centres

    arrays = evidence.figure("figure4")
    if arrays is None:
        return Finding("cannot be tested", "figure4 is not stored yet")
    classes = list(arrays["classes"])
    if claim.event_class not in classes:
        return Finding("cannot be tested", f"class {claim.event_class} is not in the corpus")
    alpha = arrays["alpha"][arrays["alpha_max"] == arrays["alpha_max"].max()]
    found = [(centre[classes.index(claim.event_class)], centre.mean()) for centre in map(centres, alpha)]
    own, mean = np.mean(found, axis=0)
    said = f"centre at band {own:.1f} of {alpha.shape[2]}, of all classes {mean:.1f} ({len(found)})"
    return above_zero([[claim.sign * (one - of_all) for one, of_all in found]], said, len(found))
