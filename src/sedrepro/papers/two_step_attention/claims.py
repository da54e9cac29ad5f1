"""A claim of the two-step attention paper that settings decide."""

from sedrepro.data_sets.fsdkaggle2018 import FOLDS
from sedrepro.published.claims import Claim
from sedrepro.published.verdict import COMPARABLE_SCALE
from sedrepro.reporting.claims.evidence import Evidence
from sedrepro.reporting.claims.finding import Finding


def clips_in_all(claim: Claim, evidence: Evidence) -> Finding:
    """Whether the remix has the printed number of clips in all (Section 4.1)."""
    if evidence.paper is None or evidence.scale != COMPARABLE_SCALE:
        return Finding("cannot be tested", f"only the {COMPARABLE_SCALE} scale has as many clips as the paper")
    remix = evidence.paper.settings.corpora["remix"]
    per_level = FOLDS * remix.mixtures_per_fold
    total = per_level * len(remix.snr_db)
    outcome = "holds" if total == int(claim.printed) else "fails"
    said = f"{len(remix.snr_db)} x {per_level} = {total}; printed {claim.printed}"
    return Finding(outcome, said, by_construction="follows from the settings of the remix")
