"""ESP against average windows, over all classes of a run at once."""

import numpy as np
import pytest

from sedrepro.experiments.metrics_files import Detection, RunMetrics, Split
from sedrepro.experiments.papers import PAPERS_FOLDER
from sedrepro.papers.joint_at_aed.claims import SHORT, deviates_far, most_classes_gain, short_events_gain_more
from sedrepro.papers.joint_at_aed.figures import examine_figure2
from sedrepro.published.claims import read_claims
from sedrepro.reporting.claims.evidence import Evidence

CLASSES = [*SHORT, "Dog", "Frying", "Speech"]
CLAIMS = {claim.predicate: claim for claim in read_claims(PAPERS_FOLDER / "joint_at_aed" / "published" / "claims.csv")}


def way(values):
    named = {"event_f1": dict(zip(CLASSES, values, strict=True))}
    named |= {"tagging_f1": named["event_f1"]}
    return Detection(settings={}, metrics={}, class_metrics=named)


def run(gains, seed, before=0.4):
    """A run in which ESP changes the classes' metrics by these gains; None leaves a class undefined."""
    after = [None if gain is None else before + gain for gain in gains]
    ways = {"average": way([before] * len(CLASSES)), "event_specific": way(after)}
    public = Split(clips=4, metrics={}, class_metrics={}, classes_without_events=[], detections=ways)
    return RunMetrics(
        paper="joint_at_aed", system="pts_tfd_afl", variant="dcase2019", fold=0, seed=seed, scale="full", clips=4,
        clips_expected=4, classes=CLASSES, splits={"public": public}, data={},
    )  # fmt: skip


def tried(predicate, *gains):
    runs = [run(of_run, seed) for seed, of_run in enumerate(gains)]
    evidence = Evidence({("pts_tfd_afl", "dcase2019"): runs}, {"pts_tfd_afl": "PTS+TFD+AFL"}, "full", lambda metric: 3)
    return predicate(CLAIMS[predicate.__name__], evidence)


FIVE_OF_SIX = [0.1, 0.1, 0.1, 0.1, 0.1, -0.1]
HALF = [0.1, 0.1, 0.1, -0.1, -0.1, -0.1]
ONE_OF_SIX = [0.1, -0.1, -0.1, -0.1, -0.1, -0.1]


@pytest.mark.parametrize(
    ("gains", "outcome"),
    [
        ([FIVE_OF_SIX] * 3, "holds"),
        ([ONE_OF_SIX] * 3, "fails"),
        ([HALF] * 3, "undecided"),
        ([FIVE_OF_SIX, HALF, ONE_OF_SIX], "undecided"),
        ([FIVE_OF_SIX] * 2, "undecided"),
        ([], "cannot be tested"),
    ],
)
def test_most_classes_gain(gains, outcome):
    found = tried(most_classes_gain, *gains)
    assert (found.outcome, found.runs) == (outcome, len(gains))


def test_a_class_that_is_undefined_does_not_count():
    found = tried(most_classes_gain, *[[0.1, 0.1, None, None, None, -0.1]] * 3)
    assert found.outcome == "holds" and "ahead in 67 % of the classes (3)" in found.ours


@pytest.mark.parametrize(
    ("gains", "outcome"),
    [
        ([HALF] * 3, "holds"),
        ([HALF[::-1]] * 3, "fails"),
        ([[0.05] * 6] * 3, "undecided"),  # all gain the same
        ([[0.1, 0, 0.05, 0.2, -0.3, 0.1], HALF[::-1], HALF], "undecided"),
        ([HALF], "undecided"),
        ([[0.1, None, None, None, None, None]] * 3, "cannot be tested"),  # nothing to compare with
        ([], "cannot be tested"),
    ],
)
def test_short_events_gain_more_than_the_others(gains, outcome):
    assert tried(short_events_gain_more, *gains).outcome == outcome


def test_what_was_found_is_said():
    assert tried(short_events_gain_more, HALF).ours == "Blender, Cat, Dishes +10.0 points, others -10.0 (1)"


# --- Figure 2


def far(tmp_path, **arrays):
    np.savez(tmp_path / "figure2.npz", **{name: np.array(values) for name, values in arrays.items()})
    (tmp_path / "figure2.json").write_text('{"scale": "full"}')
    return deviates_far(CLAIMS["deviates_far"], Evidence({}, {}, "full", lambda metric: 3, figures=tmp_path))


def test_durations_deviate_far_if_those_of_all_classes_do(tmp_path):
    found = far(tmp_path, average=[1.0, 4.0], event_specific=[0.5, 3.0], event_specific_chord=[0.9, 3.8])
    assert (found.outcome, bool(found.by_construction)) == ("holds", True)
    assert found.ours == "off by 25 to 50 % of the mean; with the knee of the chord by 5 to 10 %"
    assert far(tmp_path, average=[1.0, 4.0], event_specific=[0.5, 3.1], event_specific_chord=[1, 4]).outcome == "fails"


def test_without_the_figure_nothing_is_said_of_durations(tmp_path):
    evidence = Evidence({}, {}, "full", lambda metric: 3, figures=tmp_path)
    assert deviates_far(CLAIMS["deviates_far"], evidence).outcome == "cannot be tested"


def test_the_official_durations_deviate_far(tmp_path):
    arrays, _ = examine_figure2([])
    assert far(tmp_path, **arrays).outcome == "holds"
