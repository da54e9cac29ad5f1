"""Claims of the two-step attention paper that count events or compare gains, on runs made by hand."""

from decimal import Decimal

import pytest

from sedrepro.experiments.metrics_files import RunMetrics, Split
from sedrepro.experiments.papers import PAPERS_FOLDER
from sedrepro.papers.two_step_attention import claims
from sedrepro.published.cells import read_cells
from sedrepro.published.claims import read_claims
from sedrepro.reporting.claims.evidence import Evidence

PUBLISHED = PAPERS_FOLDER / "two_step_attention" / "published"
CLAIMS = read_claims(PUBLISHED / "claims.csv")
CLASSES = [f"class {number}" for number in range(20)]
BASELINES = ("vgg_gap", "vgg_gmp", "vgg_gwrp", "atrous_ap")


def of(predicate, variant="remix_0db"):
    return next(claim for claim in CLAIMS if (claim.predicate, claim.variant) == (predicate, variant))


def run(system, fold, classes=None, micro_ap=0.5, variant="remix_0db"):
    found = {"average_precision": dict(zip(CLASSES, classes, strict=True))} if classes else {}
    split = Split(
        clips=4, metrics={"micro_ap": micro_ap}, class_metrics=found, classes_without_events=[], detections={}
    )
    return RunMetrics(
        paper="two_step_attention", system=system, variant=variant, fold=fold, seed=1, scale="full", clips=4,
        clips_expected=4, classes=CLASSES, splits={"development": split}, data={},
    )  # fmt: skip


def evidence(*runs):
    pairs = {(one.system, one.variant): [] for one in runs}
    for one in runs:
        pairs[one.system, one.variant].append(one)
    return Evidence(pairs, {one.system: one.system for one in runs}, "full", lambda metric: 3)


def won(*counts, last=0.4):
    """Per fold: 2AP is the best for so many of the 20 events; in the others atrous AP, the last baseline, is."""
    runs = []
    for fold, count in enumerate(counts, start=1):
        runs.append(run("2ap_alpha_0.001", fold, [0.5] * len(CLASSES)))
        for baseline in BASELINES:
            behind = [last] * count + [0.6 if baseline == "atrous_ap" else last] * (len(CLASSES) - count)
            runs.append(run(baseline, fold, behind))
    return claims.best_for_almost_all_events(of("best_for_almost_all_events"), evidence(*runs))


@pytest.mark.parametrize(
    ("counts", "outcome"),
    [
        ([19, 20, 20], "holds"),
        ([20, 20, 20], "holds"),
        ([10, 12, 11], "fails"),
        ([18, 18, 18], "undecided"),  # exactly nine in ten
        ([15, 20, 19], "undecided"),
        ([20, 20], "undecided"),
        ([], "cannot be tested"),
    ],
)
def test_events_are_counted_run_by_run(counts, outcome):
    found = won(*counts)
    assert (found.outcome, found.runs) == (outcome, len(counts))


def test_a_tie_is_not_the_best():
    assert won(20, 20, 20, last=0.5).outcome == "fails"


def test_events_that_a_run_has_no_score_for_do_not_count():
    runs = [run("2ap_alpha_0.001", fold, [0.5] * 19 + [None]) for fold in (1, 2, 3)]
    runs += [run(name, fold, [0.4] * 20) for name in BASELINES for fold in (1, 2, 3)]
    found = claims.best_for_almost_all_events(of("best_for_almost_all_events"), evidence(*runs))
    assert found.outcome == "holds" and "of 19 events" in found.ours


@pytest.mark.parametrize(
    ("micro", "outcome"),
    [
        ([(0.57, 0.69, 0.70), (0.58, 0.70, 0.71), (0.56, 0.69, 0.70)], "holds"),
        ([(0.57, 0.58, 0.70), (0.58, 0.59, 0.71), (0.56, 0.57, 0.70)], "fails"),
        ([(0.57, 0.69, 0.70)] * 2, "undecided"),
        ([(0.57, 0.58, 0.70), (0.57, 0.69, 0.70), (0.57, 0.63, 0.69)], "undecided"),
    ],
)
def test_two_step_attention_gains_more_than_the_task_adds(micro, outcome):
    systems = ("atrous_ap", "2ap_alpha_0", "2ap_alpha_0.001")
    pairs = [zip(systems, values, strict=True) for values in micro]
    runs = [run(system, fold, micro_ap=value) for fold, pair in enumerate(pairs) for system, value in pair]
    claim = of("pooling_gains_more_than_the_task")
    assert claims.pooling_gains_more_than_the_task(claim, evidence(*runs)).outcome == outcome


def test_without_a_common_run_gains_cannot_be_compared():
    claim = of("pooling_gains_more_than_the_task")
    found = claims.pooling_gains_more_than_the_task(claim, evidence(run("atrous_ap", 1), run("2ap_alpha_0", 2)))
    assert found.outcome == "cannot be tested"


def test_by_the_printed_tables_two_step_attention_gains_more_than_the_task_adds():
    cells = [*read_cells(PUBLISHED / "table1.csv"), *read_cells(PUBLISHED / "table2.csv")]
    printed = {(c.system, c.variant): Decimal(c.published) for c in cells if c.metric == "micro_ap" and c.published}
    own = [claim for claim in CLAIMS if claim.predicate == "pooling_gains_more_than_the_task"]
    assert len(own) == 3
    for claim in own:
        values = [printed[side, claim.variant] for side in (*claim.systems, *claim.others)]
        without, with_task, benchmark = values
        assert (without - benchmark > with_task - without) == (claim.support == "yes")
        assert all(str(value) in claim.support_reason for value in values)
