import statistics
from decimal import Decimal

import pytest

from sedrepro.reporting.verdict import METRICS, difference, verdict

TOLERANCE = Decimal("0.01")


@pytest.mark.parametrize(
    ("mean", "expected"),
    [
        (0.7, "reproduced"),
        (0.71, "reproduced"),  # exactly at the tolerance
        (0.69, "reproduced"),
        (0.710001, "close"),
        (0.689999, "close"),
        (0.73, "close"),  # exactly at three times the tolerance
        (0.67, "close"),
        (0.730001, "differs"),
        (0.669999, "differs"),
    ],
)
def test_boundaries_belong_to_the_better_verdict(mean, expected):
    assert verdict("full", mean, 4, "0.7000", TOLERANCE) == (expected, "")


def test_binary_rounding_does_not_move_a_boundary():
    assert 0.1 + 0.2 - 0.29 > 0.01  # what floats say
    assert verdict("full", 0.1 + 0.2, 4, "0.29", TOLERANCE).name == "reproduced"
    assert difference(0.1 + 0.2, "0.3") == 0


@pytest.mark.parametrize("scale", ["miniature", "recordings"])
@pytest.mark.parametrize("mean", [0.7, 0.1])
def test_nothing_below_full_scale_is_compared(scale, mean):
    assert verdict(scale, mean, 4, "0.7", TOLERANCE) == ("not comparable", "")


@pytest.mark.parametrize("scale", ["miniature", "recordings", "full"])
@pytest.mark.parametrize("mean", [0.7, None])
def test_without_a_published_value_that_is_the_verdict_at_every_scale(scale, mean):
    assert verdict(scale, mean, 1, "", TOLERANCE).name == "no published value"


@pytest.mark.parametrize("scale", ["miniature", "full"])
@pytest.mark.parametrize("mean", [0.7, None])
def test_a_print_that_is_not_at_hand_is_told_from_one_that_is_not_there(scale, mean):
    assert verdict(scale, mean, 4, "", TOLERANCE, at_hand=False) == ("not available", "")


@pytest.mark.parametrize(("mean", "runs"), [(None, 0), (None, 4), (0.7, 0)])
def test_a_missing_result_is_not_comparable_and_says_so(mean, runs):
    assert verdict("full", mean, runs, "0.7", TOLERANCE) == ("not comparable", "no result")


@pytest.mark.parametrize("mean", [0.7, 0.72, 0.9])
def test_a_single_run_is_told(mean):
    assert "single run" in verdict("full", mean, 1, "0.7", TOLERANCE).note
    assert verdict("full", mean, 2, "0.7", TOLERANCE).note == ""


@pytest.mark.parametrize(("mean", "expected"), [(0.7, "reproduced"), (0.72, "close"), (0.9, "suspect misprint")])
def test_a_suspicion_excuses_only_a_difference(mean, expected):
    assert verdict("full", mean, 4, "0.7", TOLERANCE, suspect="text and table disagree").name == expected


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_has_a_tolerance_and_a_reason(name):
    assert METRICS[name].tolerance > 0
    assert len(METRICS[name].reason) > 20


def test_which_way_is_better():
    lower = {
        "parameters",
        *(f"event_{kind}_rate" for kind in ("error", "deletion", "insertion")),
        *(f"segment_{kind}_rate" for kind in ("error", "substitution", "deletion", "insertion")),
    }
    settings = {"threshold", "median_seconds", "longest_gap_seconds", "shortest_seconds"}
    for name, metric in METRICS.items():
        directed = name not in settings and not metric.base
        assert metric.higher_is_better == ((name not in lower) if directed else None), name


def test_a_derived_metric_is_of_a_measured_one_and_a_change_of_one_with_a_direction():
    derived = {name: metric for name, metric in METRICS.items() if metric.base}
    of_events = {f"{kind}_{metric}_change" for kind in ("segment", "event") for metric in ("error_rate", "f1")}
    assert set(derived) == {*of_events, "parameters_change", "segment_error_rate_sd"}
    for name, metric in derived.items():
        assert bool(metric.change_of) != bool(metric.spread_of)
        assert name.startswith(metric.base)
        assert not METRICS[metric.base].base
        assert not metric.change_of or METRICS[metric.base].higher_is_better is not None


def test_tolerances_of_segment_based_metrics_follow_from_the_printed_repetitions():
    printed = [0.80, 0.85, 0.79, 0.78, 0.80]
    spread = statistics.stdev(printed)
    assert float(METRICS["segment_error_rate"].tolerance) == pytest.approx(spread, abs=0.005)
    of_pair = 2**0.5 * spread / statistics.mean(printed)
    assert float(METRICS["segment_error_rate_change"].tolerance) == pytest.approx(of_pair, abs=0.005)
    assert float(METRICS["segment_error_rate_sd"].tolerance) == pytest.approx(spread / 8**0.5, abs=0.001)
    main = max(METRICS["segment_error_rate"].tolerance, METRICS["segment_f1"].tolerance)
    for name in ("substitution_rate", "deletion_rate", "insertion_rate", "precision", "recall"):
        assert METRICS[f"segment_{name}"].tolerance > main
