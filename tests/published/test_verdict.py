import statistics
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.stats import t, ttest_1samp

from sedrepro.published.verdict import METRICS, SIGNIFICANCE, Spread, agreement, difference, distance, verdict

TOLERANCE = Decimal("0.01")


def judged(mean, published="0.70000000", runs=4, sd=1e-6, **other):
    """At full scale, from runs that scatter so little that only the tolerance matters."""
    return verdict("full", Spread(mean, sd, runs), published, TOLERANCE, **other)


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
        (0.730003, "differs"),
        (0.669997, "differs"),
    ],
)
def test_boundaries_belong_to_the_better_verdict(mean, expected):
    assert judged(mean) == (expected, "")


@pytest.mark.parametrize(
    ("mean", "published", "expected"),
    [
        (0.715, "0.70", "reproduced"),  # the print stands for 0.695 to 0.705
        (0.685, "0.70", "reproduced"),
        (0.7151, "0.70", "close"),
        (0.7151, "0.7", "reproduced"),  # for 0.65 to 0.75
        (0.735, "0.70", "close"),
        (0.7351, "0.70", "differs"),
    ],
)
def test_a_print_counts_with_its_rounding(mean, published, expected):
    assert judged(mean, published).name == expected


@pytest.mark.parametrize(
    ("mean", "published", "apart"),
    [
        (0.7, "0.70", "0"),
        (0.7049, "0.70", "0"),
        (0.71, "0.70", "0.005"),
        (33, "34", "0.5"),
        (1.5e6, "1.23e6", "265000"),
    ],
)
def test_the_distance_is_that_to_the_nearest_value_printed_so(mean, published, apart):
    assert distance(mean, published) == Decimal(apart)


@given(value=st.floats(-10, 10), places=st.integers(0, 6))
def test_nothing_is_apart_from_its_own_print(value, places):
    assert distance(value, f"{value:.{places}f}") == 0


def test_binary_rounding_does_not_move_a_boundary():
    assert 0.1 + 0.2 - 0.29 > 0.01  # what floats say
    assert judged(0.1 + 0.2, "0.2900000000000").name == "reproduced"
    assert difference(0.1 + 0.2, "0.3") == 0


NAMES = ["reproduced", "close", "differs"]


@given(means=st.tuples(st.floats(0, 1), st.floats(0, 1)), sd=st.floats(0, 0.1), runs=st.integers(1, 8))
def test_a_mean_further_away_never_gets_a_better_verdict(means, sd, runs):
    near, far = sorted(means, key=lambda mean: distance(mean, "0.500"))
    first, second = (NAMES.index(judged(mean, "0.500", runs, sd if runs > 1 else None).name) for mean in (near, far))
    assert first <= second


@given(runs=st.lists(st.floats(0, 1), min_size=2, max_size=9))
def test_the_interval_is_that_of_student(runs):
    mean, sd = statistics.mean(runs), statistics.stdev(runs)
    assume(sd > 1e-6)
    low, high = Spread(mean, sd, len(runs)).interval
    expected = t.interval(0.95, len(runs) - 1, loc=mean, scale=sd / len(runs) ** 0.5)
    assert (low, high) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("spread", [Spread(), Spread(0.7, None, 1), Spread(0.7, None, 5), Spread(None, None, 3)])
def test_without_a_deviation_there_is_no_interval(spread):
    assert spread.interval is None
    assert spread.reach is None


@given(runs=st.lists(st.floats(0, 1), min_size=3, max_size=9))
def test_the_reach_is_half_the_prediction_interval_of_one_more_run(runs):
    sd = statistics.stdev(runs)
    expected = t.ppf(0.975, len(runs) - 1) * sd * (1 + 1 / len(runs)) ** 0.5
    assert Spread(statistics.mean(runs), sd, len(runs)).reach == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("runs", "expected"), [(2, "differs"), (3, "close")])
def test_three_runs_that_scatter_widely_cannot_tell_a_difference(runs, expected):
    found = judged(0.8, runs=runs, sd=0.1)
    assert found.name == expected
    assert ("one more run" in found.note) == (expected == "close")


def test_runs_that_all_say_the_same_leave_nothing_to_chance():
    assert [agreement(Spread(mean, 0.0, 3), "0.70", Decimal(0)) for mean in (0.7, 0.704, 0.8)] == [
        *("reproduced", "reproduced"),  # 0.70 stands for 0.695 to 0.705
        "differs",
    ]


@given(mean=st.floats(0, 1), sd=st.floats(1e-4, 0.5), runs=st.integers(3, 9))
def test_enough_runs_differ_only_where_one_more_would_not_lie(mean, sd, runs):
    ours = Spread(mean, sd, runs)
    apart = float(distance(mean, "0.5000"))
    assume(abs(apart - ours.reach) > 1e-6)
    beyond = distance(mean, "0.5000") > 3 * TOLERANCE
    found = judged(mean, "0.5000", runs, sd)
    assert (found.name == "differs") == (beyond and apart > ours.reach)
    assert ("one more run" in found.note) == (beyond and apart < ours.reach)


# --- how often the rule errs


def rates(shift, runs, sd, tolerance, exact_print=False, studies=4000):
    """Share of verdicts over simulated studies: runs of ours, and a print `shift` away that is one more run, or exact.

    Prints have eight decimals, so that their rounding plays no part.
    """
    random = np.random.default_rng(7)
    ours = random.normal(0.5, sd, (studies, runs))
    prints = 0.5 + shift + (0 if exact_print else random.normal(0, sd, studies))
    means, sds = ours.mean(axis=1), ours.std(axis=1, ddof=1)
    found = [
        agreement(Spread(float(mean), float(spread), runs), f"{printed:.8f}", Decimal(str(tolerance)))
        for mean, spread, printed in zip(means, sds, np.broadcast_to(prints, studies), strict=True)
    ]
    return {name: found.count(name) / studies for name in NAMES}


@pytest.mark.parametrize("runs", [3, 5, 12])
def test_without_a_tolerance_one_perfect_reproduction_in_twenty_is_called_different(runs):
    assert rates(0, runs, 0.02, 0)["differs"] == pytest.approx(0.05, abs=0.012)


@pytest.mark.parametrize("runs", [3, 12])
@pytest.mark.parametrize("sd", [0.003, 0.01, 0.02, 0.05])
def test_no_perfect_reproduction_is_called_different_more_often(runs, sd):
    found = rates(0, runs, sd, 0.01)
    assert found["differs"] <= 0.06
    if sd <= 0.01:  # then the tolerances hold nearly all
        assert found["differs"] <= 0.005


def test_a_print_taken_as_exact_would_call_it_different_in_one_case_of_six():
    """The rule before: beyond three tolerances a t-test of our mean against the print. Twelve runs, sd 0.02."""
    random = np.random.default_rng(7)
    ours, prints = random.normal(0.5, 0.02, (4000, 12)), random.normal(0.5, 0.02, 4000)
    beyond = abs(ours.mean(axis=1) - prints) > 0.03
    rejected = ttest_1samp(ours, prints[:, None], axis=1).pvalue < SIGNIFICANCE
    assert (beyond & rejected.ravel()).mean() == pytest.approx(0.155, abs=0.02)
    assert rates(0, 12, 0.02, 0.01)["differs"] < 0.06


@pytest.mark.parametrize(
    ("runs", "shift", "least"),
    [(3, 0.2, 0.9), (5, 0.12, 0.9), (12, 0.1, 0.97), (12, 0.08, 0.85), (12, 0.06, 0.6), (12, 0.02, 0)],
)
def test_a_difference_of_several_deviations_is_seen_the_more_surely_the_more_runs(runs, shift, least):
    found = rates(shift, runs, 0.02, 0.01)["differs"]
    assert found >= least
    assert found >= rates(shift / 2, runs, 0.02, 0.01)["differs"]


def test_two_runs_or_none_that_scatter_leave_the_tolerances():
    assert rates(0.05, 2, 0.001, 0.01)["differs"] == 1
    assert rates(0.025, 2, 0.001, 0.01)["close"] > 0.99


@pytest.mark.parametrize("scale", ["miniature", "recordings"])
@pytest.mark.parametrize("mean", [0.7, 0.1])
def test_nothing_below_full_scale_is_compared(scale, mean):
    assert verdict(scale, Spread(mean, 0.1, 4), "0.7", TOLERANCE) == ("not comparable", "")


@pytest.mark.parametrize("scale", ["miniature", "recordings", "full"])
@pytest.mark.parametrize("mean", [0.7, None])
def test_without_a_published_value_that_is_the_verdict_at_every_scale(scale, mean):
    assert verdict(scale, Spread(mean, None, 1), "", TOLERANCE).name == "no published value"


@pytest.mark.parametrize("scale", ["miniature", "full"])
@pytest.mark.parametrize("mean", [0.7, None])
def test_a_print_that_is_not_at_hand_is_told_from_one_that_is_not_there(scale, mean):
    assert verdict(scale, Spread(mean, None, 4), "", TOLERANCE, at_hand=False) == ("not available", "")


@pytest.mark.parametrize(("mean", "runs"), [(None, 0), (None, 4), (0.7, 0)])
def test_a_missing_result_is_not_comparable_and_says_so(mean, runs):
    assert judged(mean, runs=runs) == ("not comparable", "no result")


@pytest.mark.parametrize("mean", [0.7, 0.72, 0.9])
@pytest.mark.parametrize(("runs", "note"), [(1, "verdict from a single run"), (2, "verdict from 2 runs"), (3, "")])
def test_fewer_than_three_runs_are_told(mean, runs, note):
    assert judged(mean, runs=runs).note == note


@pytest.mark.parametrize(("mean", "expected"), [(0.7, "reproduced"), (0.72, "close"), (0.9, "suspect misprint")])
@pytest.mark.parametrize("sd", [1e-6, 0.5])
def test_a_suspicion_excuses_only_a_difference(mean, expected, sd):
    assert judged(mean, sd=sd, suspect="text and table disagree").name == expected


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
