"""What the stored curves of Figure 5 and two ways of detection say of the claims of the text."""

import numpy as np
import pytest

from sedrepro.experiments.papers import PAPERS_FOLDER
from sedrepro.papers.hierarchical_pooling import claims
from sedrepro.published.claims import read_claims
from sedrepro.reporting.claims.evidence import Evidence

CLAIMS = {claim.predicate: claim for claim in read_claims(PAPERS_FOLDER / "hierarchical_pooling/published/claims.csv")}
INSIDE = np.arange(10) >= 6


def tried(predicate, folder, **arrays):
    if arrays:
        system = np.arange(len(arrays["frame"])) % 6 if "frame" in arrays else []
        np.savez(folder / "figure5.npz", system=system, **arrays)
        (folder / "figure5.json").write_text('{"scale": "full"}')
    evidence = Evidence({}, {}, "full", lambda metric: 2, figures=folder)
    return getattr(claims, predicate)(CLAIMS[predicate], evidence)


def curves(*inside, outside=0.0):
    """Curves of single and hierarchical linear, exponential and attention pooling, with one value inside the event."""
    return np.where(INSIDE, np.array(inside)[:, None], outside)


@pytest.mark.parametrize(
    ("frame", "outcome"),
    [
        (curves(0.2, 0.6, 0.4, 0.9, 0, 0), "holds"),
        (curves(0.2, 0.5, 0.499, 0.9, 0, 0, outside=1), "holds"),  # what is outside does not count
        (curves(0.6, 0.6, 0.4, 0.9, 0, 0), "fails"),  # single linear finds it too
        (curves(0.2, 0.6, 0.1, 0.3, 1, 1), "fails"),  # hierarchical exponential does not
    ],
)
def test_only_the_hierarchy_finds_the_event(tmp_path, frame, outcome):
    found = tried("only_the_hierarchy_detects", tmp_path, frame=frame, inside=INSIDE)
    assert found.outcome == outcome and found.runs == 1


@pytest.mark.parametrize(("single", "hierarchical", "outcome"), [(0.3, 0.5, "holds"), (0.5, 0.3, "fails")])
def test_hierarchical_attention_is_higher_inside(tmp_path, single, hierarchical, outcome):
    frame = curves(0, 0, 0, 0, single, hierarchical, outside=0.7)
    assert tried("hierarchical_attention_is_higher", tmp_path, frame=frame, inside=INSIDE).outcome == outcome


@pytest.mark.parametrize(("accuracy", "outcome"), [((0.9, 0.91), "holds"), ((0.9, 0.9), "fails")])
def test_segments_are_more_often_right(tmp_path, accuracy, outcome):
    assert tried("segments_are_more_often_right", tmp_path, accuracy=np.array([accuracy])).outcome == outcome


@pytest.mark.parametrize(
    ("single", "outcome"), [((0.1, 0.2, 0.3), "holds"), ((0.9, 0.95, 0.99), "fails"), ((0.1, 0.2, 0.9), "undecided")]
)
def test_runs_are_tested_together(tmp_path, single, outcome):
    frame = np.concatenate([curves(one, 0.9 + one / 20, 0.1, 0.8, one, 0.6 + one / 5) for one in single])
    found = tried("only_the_hierarchy_detects", tmp_path, frame=frame, inside=INSIDE)
    assert (found.outcome, found.runs) == (outcome, 3) and found.ours.endswith("one clip (3)")
    assert tried("hierarchical_attention_is_higher", tmp_path, frame=frame, inside=INSIDE).runs == 3


def test_runs_that_only_one_structure_has_are_left_out(tmp_path):
    frame = np.concatenate([curves(0.2, 0.6, 0.4, 0.9, 0.1, 0.5), curves(0.2, 0.6, 0.4, 0.9, 0.1, 0.5)[:5]])
    found = tried("hierarchical_attention_is_higher", tmp_path, frame=frame, inside=INSIDE)
    assert (found.outcome, found.runs) == ("holds", 1)


def test_segments_and_frames_are_compared_over_the_runs(tmp_path):
    accuracy = np.array([(0.9, 0.91), (0.88, 0.9), (0.91, 0.925)])
    found = tried("segments_are_more_often_right", tmp_path, accuracy=accuracy)
    assert (found.outcome, found.runs) == ("holds", 3)
    assert tried("segments_are_more_often_right", tmp_path, accuracy=accuracy[:, ::-1]).outcome == "fails"


@pytest.mark.parametrize(
    "predicate", ["only_the_hierarchy_detects", "hierarchical_attention_is_higher", "segments_are_more_often_right"]
)
def test_without_the_figure_a_claim_cannot_be_tested(tmp_path, predicate):
    found = tried(predicate, tmp_path)
    assert found.outcome == "cannot be tested" and "is not stored yet" in found.ours


class TwoDetections:
    """Stands for the evidence: error rates of one system by seed, for each way of detection."""

    def __init__(self, lowest, highest):
        self.rates = {"linear_hierarchical": lowest, "linear_hierarchical:highest_f1": highest}

    def values(self, claim, side):
        return {(1, seed): rate for seed, rate in enumerate(self.rates[side])}


@pytest.mark.parametrize(
    ("lowest", "highest", "outcome"),
    [
        ([0.7, 0.71, 0.7], [0.8, 0.82, 0.81], "holds"),
        ([0.8, 0.71, 0.7], [0.7, 0.82, 0.81], "holds"),  # in which direction does not matter
        ([0.7, 0.71, 0.7], [0.7, 0.711, 0.7], "fails"),
        ([0.7, 0.7], [0.8, 0.8], "undecided"),
        ([], [], "cannot be tested"),
    ],
)
def test_two_ways_of_detection_far_apart_are_sensitivity(lowest, highest, outcome):
    claim = CLAIMS["sensitive_to_post_processing"]
    assert claims.sensitive_to_post_processing(claim, TwoDetections(lowest, highest)).outcome == outcome
