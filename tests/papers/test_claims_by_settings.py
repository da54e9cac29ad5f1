"""Claims that settings decide: they hold or fail at full scale whatever the runs say, and say so."""

import pytest

from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.papers import load_paper
from sedrepro.published.claims import read_claims
from sedrepro.published.needs import cells_file
from sedrepro.reporting.claims.evidence import Evidence
from sedrepro.reporting.claims.registry import predicate_of

CLAIMS = [("ddc_fap", "input_has_printed_frames"), ("two_step_attention", "clips_in_all")]


def tried(name, predicate, scale, **changed):
    settings = {"scale": scale, "folds": [1], "seeds": [1], "data_root": ".", "set": {name: changed}}
    paper = load_paper(name, make_config(settings, "test"))
    claim = next(claim for claim in read_claims(cells_file(paper, "claims")) if claim.predicate == predicate)
    return predicate_of(claim, name)(claim, Evidence({}, {}, scale, lambda metric: 2, paper))


def test_a_clip_has_the_printed_number_of_frames():
    found = tried(*CLAIMS[0], "full")
    assert (found.outcome, found.ours) == ("holds", "64 x 311; printed 64 x 311")
    assert found.by_construction
    changed = tried(*CLAIMS[0], "full", **{"front_end.hop_length": 512})
    assert changed.outcome == "fails" and changed.by_construction


def test_three_ratios_of_8000_clips_are_not_32000():
    found = tried(*CLAIMS[1], "full")
    assert (found.outcome, found.ours) == ("fails", "3 x 8000 = 24000; printed 32000")
    assert found.by_construction


@pytest.mark.parametrize(("name", "predicate"), CLAIMS)
@pytest.mark.parametrize("scale", ["miniature", "recordings"])
def test_other_scales_have_settings_of_their_own(name, predicate, scale):
    assert tried(name, predicate, scale).outcome == "cannot be tested"
