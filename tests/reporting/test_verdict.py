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
    assert METRICS[name].higher_is_better == ("error_rate" not in name)
