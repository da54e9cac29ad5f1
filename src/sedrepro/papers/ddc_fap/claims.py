"""A claim of the DDC-FAP paper that settings decide."""

from sedrepro.published.claims import Claim
from sedrepro.published.verdict import COMPARABLE_SCALE
from sedrepro.reporting.claims.evidence import Evidence
from sedrepro.reporting.claims.finding import Finding


def input_has_printed_frames(claim: Claim, evidence: Evidence) -> Finding:
    """Whether a clip of the front end has the printed number of frames (Section 3.2)."""
    if evidence.paper is None or evidence.scale != COMPARABLE_SCALE:
        return Finding("cannot be tested", f"only the {COMPARABLE_SCALE} scale has the paper's front end")
    front_end = evidence.paper.settings.front_end
    outcome = "holds" if front_end.n_frames == int(claim.printed) else "fails"
    shape = f"{front_end.n_mels} x {front_end.n_frames}; printed 64 x {claim.printed}"
    return Finding(outcome, shape, by_construction="follows from window, hop and sample rate of the settings")
