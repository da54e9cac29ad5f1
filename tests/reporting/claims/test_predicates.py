"""What runs made by hand say of claims of every kind."""

import math
import re
from collections import Counter
from decimal import Decimal
from types import SimpleNamespace

import numpy as np
import pytest
from claim_examples import LABELS, claim, detections_run, evidence
from examples import run
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.stats import t as t_distribution
from scipy.stats import ttest_1samp, ttest_rel

from sedrepro.base.errors import DataError, SettingsError
from sedrepro.published.claims import printed_fraction, printed_number
from sedrepro.published.verdict import METRICS, Spread, verdict
from sedrepro.reporting.claims import registry
from sedrepro.reporting.claims.evidence import Evidence, figures_read, reads
from sedrepro.reporting.claims.finding import WORST_FIRST, Margin, worst
from sedrepro.reporting.claims.order import order, tried
from sedrepro.reporting.claims.registry import OF_KIND, SHARED, predicate_of
from sedrepro.reporting.claims.statistics import (
    above_zero,
    all_above_zero,
    kept,
    kept_by_runs,
    runs_to_decide,
    smallest_seen,
    standard_error,
)


def runs_of(**values):
    """Values of each system by fold and seed."""
    return {system: {(fold, 1): value for fold, value in enumerate(of, start=1)} for system, of in values.items()}


# --- order


@pytest.mark.parametrize(
    ("ahead", "other", "outcome"),
    [
        ([0.7, 0.8, 0.91, 0.6], [0.5, 0.61, 0.7, 0.4], "holds"),
        ([0.5, 0.61, 0.7, 0.4], [0.7, 0.8, 0.91, 0.6], "fails"),
        ([0.51, 0.71, 0.91, 0.11], [0.5, 0.7, 0.9, 0.1], "holds"),  # run by run it is ahead
        ([0.51, 0.71, 0.92], [0.5, 0.7, 0.9], "undecided"),  # ahead in each run, but not by equally much
        ([0.5, 0.9, 0.6, 0.6], [0.4, 0.41, 0.42, 0.43], "undecided"),  # ahead by more than the standard error
        ([0.9, 0.9], [0.1, 0.1], "undecided"),  # two pairs are too few
        ([0.9, 0.91, 0.92, 0.93], [0.1, 0.1], "undecided"),
        ([0.7], [0.5, 0.6, 0.7], "undecided"),
        ([0.5, 0.6, 0.7], [0.5, 0.6, 0.7], "undecided"),
        ([], [0.5, 0.6], "cannot be tested"),
    ],
)
def test_one_system_against_another(ahead, other, outcome):
    assert tried(claim(), runs_of(a=ahead, b=other))[0] == outcome
    reverse = {"holds": "fails", "fails": "holds"}.get(outcome, outcome)
    assert tried(claim(direction="lower"), runs_of(a=ahead, b=other))[0] == reverse


AHEAD = [0.70, 0.71, 0.72, 0.73]
BEHIND = [0.60, 0.62, 0.61, 0.64]
BETTER = [0.80, 0.82, 0.81, 0.84]
SCATTERED = [0.30, 1.00, 0.50, 0.90]


@pytest.mark.parametrize(
    ("b", "c", "outcome", "against"),
    [
        (BEHIND, BEHIND, "holds", []),
        (BEHIND, BETTER, "fails", ["c"]),
        ([], BETTER, "fails", ["c"]),  # one reversed order settles it
        (SCATTERED, BETTER, "fails", ["c"]),
        ([], BEHIND, "cannot be tested", ["b"]),
        (SCATTERED, [], "cannot be tested", ["c"]),
        (SCATTERED, BEHIND, "undecided", ["b"]),
        (BEHIND[:2], BEHIND, "undecided", ["b"]),
        (BETTER[:2], [], "cannot be tested", ["c"]),
    ],
)
def test_every_system_must_be_ahead_of_every_other(b, c, outcome, against):
    found = tried(claim(others="b;c"), runs_of(a=AHEAD, b=b, c=c))
    assert found == (outcome, against)


def test_pairwise_compares_only_partners():
    values = runs_of(a=AHEAD, b=BEHIND, c=[0.9, 0.91, 0.92, 0.93], d=BETTER)
    sides = {"systems": "a;c", "others": "b;d"}
    assert tried(claim(**sides, strength="pairwise"), values) == ("holds", [])
    assert tried(claim(**sides), values) == ("fails", ["d"])


def above(differences, base=0.5):
    return [base + difference for difference in differences]


P_OF_3_PERCENT = [0.01, 0.02, 0.03, 0.04]  # differences whose paired t-test has p = 0.030
P_OF_1_PERCENT = [0.015, 0.02, 0.03, 0.035]  # p = 0.012
SEVEN = "bcdefgh"


@pytest.mark.parametrize(("worst", "outcome"), [(P_OF_3_PERCENT, "undecided"), ([0.02, 0.021, 0.022, 0.023], "fails")])
def test_one_of_seven_comparisons_must_be_clearer_than_a_single_one(worst, outcome):
    values = runs_of(a=[0.5] * 4, b=above(worst), **{system: [0.3, 0.31, 0.32, 0.33] for system in SEVEN[1:]})
    assert tried(claim(), values)[0] == "fails"
    assert tried(claim(others=";".join(SEVEN)), values) == (outcome, ["b"])


def test_every_comparison_for_a_claim_may_have_the_full_level():
    values = runs_of(a=above(P_OF_3_PERCENT), **{system: [0.5] * 4 for system in SEVEN})
    assert tried(claim(others=";".join(SEVEN)), values) == ("holds", [])


def test_after_the_clearest_comparison_the_next_needs_less():
    others = claim(others="b;c")
    values = runs_of(a=[0.5] * 4, b=above(P_OF_3_PERCENT), c=above(P_OF_1_PERCENT))
    assert set(tried(others, values)[1]) == {"b", "c"}
    assert tried(others, values | runs_of(c=above(P_OF_3_PERCENT)))[0] == "undecided"  # none is clear enough


def simulated(seed, advantage=0.0, claims=200, runs=12):
    """Outcomes of claims that the first system is ahead of seven; runs of equal seed have something in common."""
    random = np.random.default_rng(seed)
    one, outcomes = claim(others=";".join(SEVEN)), []
    for _ in range(claims):
        drawn = random.normal(0.5, 0.02, (8, runs)) + random.normal(0, 0.02, runs)
        drawn[0] += advantage
        outcomes.append(tried(one, runs_of(**dict(zip("a" + SEVEN, drawn.tolist(), strict=True))))[0])
    return Counter(outcomes)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_equal_systems_seldom_fail_or_hold(seed):
    outcomes = simulated(seed)
    assert outcomes["fails"] <= 12  # 6 %
    assert outcomes["holds"] <= 12


def test_clearly_different_systems_are_told_apart():
    assert simulated(1, 0.06)["holds"] > 180
    assert simulated(1, -0.06)["fails"] > 180


def test_runs_are_paired_by_fold_and_seed():
    a = {(1, 1): 0.11, (2, 1): 0.51, (3, 1): 0.91}
    b = {(3, 1): 0.90, (2, 1): 0.5 - 1e-4, (1, 1): 0.1}
    assert tried(claim(), {"a": a, "b": b})[0] == "holds"
    assert tried(claim(), {"a": a, "b": {(fold + 3, 1): value for (fold, _), value in b.items()}})[0] == "undecided"


@pytest.mark.parametrize(
    ("other", "outcome"),
    [([0.70, 0.701], "holds"), ([0.72, 0.721], "fails"), ([0.709, 0.712], "undecided"), ([0.7], "undecided")],
)
def test_comparable_is_within_the_tolerance_of_the_metric(other, outcome):
    assert tried(claim(direction="comparable"), runs_of(a=[0.7, 0.701], b=other))[0] == outcome


def test_those_that_are_not_comparable_are_named_in_the_order_of_the_claim():
    values = runs_of(a=[0.7, 0.701], **{system: [0.8, 0.801] for system in SEVEN})
    assert tried(claim(direction="comparable", others=";".join(SEVEN)), values) == ("fails", list(SEVEN))


def test_a_number_of_parameters_needs_one_run():
    one = claim(direction="lower", metric="parameters")
    assert tried(one, runs_of(a=[100], b=[200]))[0] == "holds"
    assert tried(one, runs_of(a=[200], b=[100]))[0] == "fails"
    assert tried(one, runs_of(a=[100], b=[100]))[0] == "undecided"


def test_of_many_numbers_of_parameters_each_counts_alone():
    one = claim(direction="lower", metric="parameters", others=";".join(SEVEN))
    more = {system: [200] for system in SEVEN}
    assert tried(one, runs_of(a=[100], **more)) == ("holds", [])
    assert tried(one, runs_of(a=[100], **more | {"h": [99]})) == ("fails", ["h"])
    assert tried(one, runs_of(a=[100], **more | {"h": [100]})) == ("undecided", ["h"])
    assert tried(one, runs_of(a=[100], **more | {"h": []})) == ("cannot be tested", ["h"])
    assert tried(one, runs_of(a=[100], **more | {"b": [], "h": [99]})) == ("fails", ["h"])


VALUES = st.lists(st.integers(0, 100), max_size=5)


@given(VALUES, VALUES)
def test_the_reverse_claim_has_the_reverse_outcome(first, second):
    values = runs_of(a=first, b=second)
    there = tried(claim(), values)[0]
    back = tried(claim(systems="b", others="a"), values)[0]
    assert back == {"holds": "fails", "fails": "holds"}.get(there, there)
    if first and second and abs(np.mean(first) - np.mean(second)) < 1e-9:
        assert there == "undecided"


@st.composite
def one_and_others(draw):
    """Whole values of a system and of one to four others in as many runs, at least three."""
    runs = draw(st.integers(3, 6))
    return draw(st.lists(st.lists(st.integers(0, 9), min_size=runs, max_size=runs), min_size=2, max_size=5))


@given(one_and_others())
def test_the_outcome_follows_from_p_values_and_holms_correction(drawn):
    first, *rest = np.array(drawn)
    systems = SEVEN[: len(rest)]
    p, sign = (np.array(side) for side in zip(*[two_sided(first - other) for other in rest], strict=True))
    against = np.where(sign < 0, p, 1)
    order = np.argsort(against)
    adjusted = np.maximum.accumulate(against[order] * np.arange(len(rest), 0, -1))
    failed = {systems[place] for place in order[adjusted < 0.05]}
    unclear = {system for system, for_it in zip(systems, (sign > 0) & (p < 0.05), strict=True) if not for_it}
    expected = ("fails", failed) if failed else ("undecided", unclear) if unclear else ("holds", set())
    values = runs_of(a=drawn[0], **dict(zip(systems, drawn[1:], strict=True)))
    outcome, named = tried(claim(others=";".join(systems)), values)
    assert (outcome, set(named)) == expected


def two_sided(differences):
    """p of a t-test of differences against 0, and the sign of their mean."""
    mean = differences.mean()
    if np.ptp(differences) == 0:
        return float(mean == 0), np.sign(mean)
    statistic = abs(mean) / (differences.std(ddof=1) / math.sqrt(len(differences)))
    return 2 * t_distribution.sf(statistic, len(differences) - 1), np.sign(mean)


def test_standard_error_of_a_difference():
    values = runs_of(a=[1, 3], b=[0, 2, 4])
    assert standard_error(values["a"], values["b"]) == pytest.approx(math.sqrt(2 / 2 + 4 / 3))
    assert standard_error(values["a"], {(1, 1): 3}) == math.inf


def test_what_has_no_partner_does_not_turn_the_test_around():
    values = runs_of(a=[0.61, 0.71, 0.812], b=[0.6, 0.7, 0.8])
    values["b"][9, 9] = 0.99  # lifts the mean of b above that of a
    assert tried(claim(), values)[0] == "holds"


def several(system, values, variant="remix_0db", **other):
    return [run(value, system, variant, fold=fold, **other) for fold, value in enumerate(values, start=1)]


def found(one, *runs, **other):
    """What the runs say of a claim by the predicate of its kind or name."""
    return predicate_of(one)(one, evidence(*runs, **other))


def test_an_order_says_its_numbers_and_who_stands_against_it():
    runs = [*several("a", AHEAD), *several("b", BEHIND), *several("c", BETTER)]
    one = found(claim(others="b;c"), *runs)
    assert (one.outcome, one.runs, one.by_construction) == ("fails", 4, "")
    assert one.ours == "A 0.71 ± 0.01 (4) against B 0.62 ± 0.02 (4), C 0.82 ± 0.02 (4); because of C"


def test_a_side_may_stand_on_another_variant():
    runs = [*several("a", AHEAD), *several("b", BETTER), *several("b", BEHIND, "remix_20db")]
    assert found(claim(others="b"), *runs).outcome == "fails"
    assert found(claim(others="b@remix_20db"), *runs).outcome == "holds"


@pytest.mark.parametrize(("number", "outcome"), [("0.60", "holds"), ("0.80", "fails"), ("0.715", "undecided")])
def test_a_printed_number_of_another_paper_is_the_same_in_every_run(number, outcome):
    one = found(claim(others=f"Surrey={number}"), *several("a", AHEAD))
    assert (one.outcome, one.runs) == (outcome, 4)
    assert f"Surrey (printed) {float(number):g}" in one.ours
    assert found(claim(others=f"Surrey={number}")).outcome == "cannot be tested"
    assert found(claim(others=f"Surrey={number}"), run(0.9, "a")).outcome == "undecided"


def test_an_undecided_order_says_how_many_runs_would_decide_it():
    one = claim(others="b;c")
    said = found(one, *several("a", AHEAD), *several("b", BEHIND), *several("c", SCATTERED))
    needed = runs_to_decide([a - c for a, c in zip(AHEAD, SCATTERED, strict=True)])
    assert (said.outcome, said.against_print) == ("undecided", False)
    assert f"about {needed} runs of each system" in said.outlook
    assert not found(one, *several("a", AHEAD), *several("b", BEHIND), *several("c", BEHIND)).outlook
    assert not found(one, *several("a", AHEAD[:2]), *several("b", BEHIND), *several("c", BEHIND)).outlook
    assert "more than 1,000 runs" in found(claim(), *several("a", [0.7, 0.3, 0.501]), *several("b", [0.5] * 3)).outlook
    assert found(claim(others="Surrey=0.60"), *several("a", AHEAD)).against_print


def test_so_many_runs_decide_in_four_cases_of_five():
    rng = np.random.default_rng(0)
    example = rng.normal(size=400)
    example = 0.5 + (example - example.mean()) / example.std(ddof=1)
    runs = runs_to_decide(example)
    drawn = rng.normal(0.5, 1, (20_000, runs))
    t = drawn.mean(axis=1) / (drawn.std(axis=1, ddof=1) / math.sqrt(runs))
    assert np.mean(np.abs(t) > t_distribution.ppf(0.975, runs - 1)) == pytest.approx(0.8, abs=0.04)
    assert runs_to_decide(-example) == runs
    assert runs_to_decide([0.5, 0.5]) is None and runs_to_decide([0.1, -0.1, 0.0]) is None
    assert runs_to_decide([0.5, 0.5, 0.5]) == 3


@pytest.mark.parametrize("runs", [3, 5, 12])
def test_so_large_a_difference_is_seen_in_four_cases_of_five(runs):
    rng = np.random.default_rng(runs)
    example = rng.normal(size=runs)
    seen = smallest_seen(example / example.std(ddof=1))
    drawn = rng.normal(seen, 1, (20_000, runs))
    t = drawn.mean(axis=1) / (drawn.std(axis=1, ddof=1) / math.sqrt(runs))
    assert np.mean(t > t_distribution.ppf(0.975, runs - 1)) == pytest.approx(0.8, abs=0.01)
    assert smallest_seen(100 + 3 * example / example.std(ddof=1)) == pytest.approx(3 * seen)
    assert smallest_seen([0.5] * runs) == 0
    assert smallest_seen([0.1, 0.3]) is None


def printed(**values):
    """Printed micro-p of systems."""
    return {(system, "remix_0db", "", "", "", "micro_ap"): Decimal(value) for system, value in values.items()}


@pytest.mark.parametrize(
    ("prints", "named"),
    [
        (printed(a="0.9", b="0.1", c="0.89"), "VS C is 0.01"),  # b is told from a already, c is not
        (printed(a="0.9", b="0.89", c="0.1"), ""),
        (printed(a="0.89", c="0.9"), "VS C is 0.01"),  # in print it is the other way round
        (printed(a="0.9", b="0.89"), ""),
        ({}, ""),
    ],
)
def test_an_undecided_order_says_if_so_many_runs_do_not_show_the_printed_difference(prints, named):
    runs = [*several("a", AHEAD), *several("b", BEHIND), *several("c", SCATTERED)]
    said = found(claim(others="b;c"), *runs, prints=prints)
    assert (said.outcome, said.too_small) == ("undecided", bool(named))
    assert named.replace("VS", "the printed difference of A and") in said.outlook
    seen = smallest_seen([a - c for a, c in zip(AHEAD, SCATTERED, strict=True)])
    assert (f"these runs show {seen:.2f} in four of five cases" in said.outlook) == bool(named)
    in_percent = found(claim(others="b;c"), *runs, prints=prints, units={"micro_ap": "percent"}).outlook
    assert (f"these runs show {100 * seen:.1f} points in" in in_percent) == bool(named)


SPREAD = st.lists(st.floats(0.1, 0.9), min_size=3, max_size=6, unique_by=lambda value: round(value, 3))


@given(SPREAD, st.integers(0, 1000))
def test_the_margin_of_an_order_is_the_interval_of_its_t_test(of_a, seed):
    of_b = np.random.default_rng(seed).uniform(0, 1, len(of_a)).tolist()
    runs = [*several("a", of_a), *several("b", of_b)]
    margin, reverse = (found(claim(direction=direction), *runs).margin for direction in ("higher", "lower"))
    interval = ttest_rel(of_a, of_b).confidence_interval(0.95)
    assert (margin.low, margin.high) == pytest.approx((interval.low, interval.high), abs=1e-9)
    assert (reverse.mean, reverse.low, reverse.high) == pytest.approx((-margin.mean, -margin.high, -margin.low))
    outcome = found(claim(), *runs).outcome
    assert (outcome == "holds") == (margin.low > 0) and (outcome == "fails") == (margin.high < 0)


def test_of_several_pairs_the_margin_is_that_of_the_least_clear_one():
    runs = [*several("a", AHEAD), *several("b", BEHIND), *several("c", SCATTERED)]
    said = found(claim(others="b;c"), *runs, prints=printed(a="0.9", b="0.1", c="0.6"))
    assert said.margin.text.startswith("A against C: margin 0.04, 95 % interval -0.4")
    assert said.margin.text.endswith(", printed 0.30") and said.margin.printed == pytest.approx(0.3)
    in_percent = found(claim(), *runs, prints=printed(a="0.9", b="0.1"), units={"micro_ap": "percent"}).margin
    assert re.fullmatch(r"margin 9\.\d points, 95 % interval 8\.\d to 11\.\d, printed 80\.0", in_percent.text)
    assert in_percent.is_below_print


def test_without_a_print_or_runs_there_is_less_to_say():
    runs = [*several("a", AHEAD), *several("b", BEHIND)]
    assert found(claim(), *runs).margin.printed is None and not found(claim(), *runs).margin.is_below_print
    assert found(claim(), *several("a", AHEAD[:2]), *several("b", BEHIND[:2])).margin is None
    assert found(claim(), *several("a", AHEAD)).margin is None
    assert found(claim(direction="comparable"), *runs).margin is None
    counted = [one.model_copy(update={"parameters": 7}) for one in runs]
    assert found(claim(metric="parameters"), *counted).margin is None


@pytest.mark.parametrize("kind", ["change", "absolute"])
def test_a_gain_has_the_interval_of_its_mean(kind):
    said = found(claim(kind=kind, printed="40%"), *several("a", AHEAD), *several("b", BEHIND))
    gains = [(a - b) / (b if kind == "change" else 1) for a, b in zip(AHEAD, BEHIND, strict=True)]
    low, high = ttest_1samp(gains, 0).confidence_interval(0.95)
    assert (said.margin.low, said.margin.high) == pytest.approx((low, high)) and not said.margin.is_below_print
    unit = "%" if kind == "change" else "points"
    assert re.fullmatch(rf"margin \d+\.\d {unit}, 95 % interval {100 * low:.1f} to {100 * high:.1f}", said.margin.text)


def test_of_several_gains_the_margin_is_that_of_the_least_clear_one():
    runs = [*several("a", AHEAD), *several("b", BEHIND), *several("c", [0.3, 0.1, 0.6, 0.2])]
    said = found(claim(others="b;c", kind="absolute", printed="40%"), *runs)
    assert said.margin.text.startswith("A against C: margin 41.5 points, 95 % interval ")


@pytest.mark.parametrize(
    ("margin", "is_below"),
    [
        (Margin(0.1, -0.1, 0.3, 0.4), True),
        (Margin(0.1, -0.1, 0.3, 0.2), False),
        (Margin(0.1, -0.1, 0.3), False),
        (Margin(0.0, 0.0, 0.0, 0.2), False),  # no run shows any difference
        (Margin(-0.3, -0.4, -0.2, -0.1), False),  # behind in print, too
    ],
)
def test_below_print_is_what_ends_below_a_printed_lead(margin, is_below):
    assert margin.is_below_print == is_below


def test_what_is_decided_is_not_called_too_small():
    runs = [*several("a", AHEAD), *several("b", BEHIND)]
    for one in (claim(), claim(direction="lower")):
        said = found(one, *runs, prints=printed(a="0.9", b="0.9"))
        assert said.outcome in ("holds", "fails") and not said.too_small and not said.outlook
    assert not found(claim(direction="comparable"), *runs, prints=printed(a="0.9", b="0.9")).too_small


@pytest.mark.parametrize(
    ("ahead", "printed", "too_small"),
    [
        ([0.505, 0.50, 0.50, 0.495], "1%", True),
        ([0.505, 0.50, 0.50, 0.495], "9%", False),  # fails
        ([0.2, 0.9, 0.5, 0.6], "20%", True),
        ([0.2, 0.9, 0.5, 0.6], "300%", False),
        ([0.505, 0.50], "1%", False),  # too few to know the spread
    ],
)
@pytest.mark.parametrize("kind", ["change", "absolute"])
def test_an_undecided_gain_says_if_so_many_runs_do_not_show_the_printed_one(ahead, printed, too_small, kind):
    said = found(claim(kind=kind, printed=printed), *several("a", ahead), *several("b", HALF))
    assert said.too_small == too_small
    unit = "%" if kind == "change" else "points"
    assert ("these runs show a gain of" in said.outlook and f" {unit} in four of five" in said.outlook) == too_small


@pytest.mark.parametrize(
    ("margins", "outcome"),
    [
        ([[0.1, 0.2, 0.3]], "undecided"),  # p is 0.07
        ([[0.1, 0.11, 0.12], [0.2, 0.25, 0.3]], "holds"),
        ([[0.1, 0.11, 0.12], [-0.2, 0.25, 0.3]], "undecided"),
        ([[0.1, 0.11, 0.12], [-0.2, -0.22, -0.21]], "fails"),
        ([[-0.2, -0.3, -0.25]], "fails"),  # p is 0.013
        ([[-0.2, -0.26, -0.23], *[[0.1, 0.11, 0.12]] * 3], "fails"),  # p is 0.006: below 0.05 / 4
        ([[-0.1, -0.2, -0.15], *[[0.1, 0.11, 0.12]] * 3], "undecided"),  # p is 0.035
        ([[0.1, 0.2, np.nan]], "undecided"),
        ([[0.1], [0.2]], "holds"),  # too few for a test: what they show
        ([[0.1, -0.1]], "fails"),
        ([], "cannot be tested"),
        ([[], []], "cannot be tested"),
    ],
)
def test_a_claim_keeps_all_its_conditions(margins, outcome):
    assert kept(margins) == outcome


@pytest.mark.parametrize(
    ("conditions", "outcome"),
    [
        ([[0.1, 0.11, 0.12, 0.1], [0.2, 0.25, 0.3]], "holds"),  # unequal numbers of runs
        ([[0.1, 0.11, 0.12, 0.1], [0.2, 0.25]], "undecided"),  # too few
        ([[-0.1, -0.2, -0.15]], "fails"),  # p is 0.035
        ([[-0.1, -0.2, -0.15], [0.1, 0.11, 0.12, 0.1]], "undecided"),  # not below 0.05 / 2
        ([], "cannot be tested"),
    ],
)
def test_all_conditions_are_significantly_above_zero(conditions, outcome):
    assert all_above_zero(conditions) == outcome


def test_p_values_are_those_of_scipy_corrected_for_the_number_of_conditions():
    conditions = [[0.1, 0.11, 0.13, 0.1], [-0.2, -0.25, -0.1], [-0.01, -0.3, 0.2]]
    p = [ttest_1samp(values, 0).pvalue for values in conditions]
    found = above_zero(conditions, "said", 3)
    assert found.p.holds == 1 and found.p.fails == pytest.approx(3 * p[1])
    assert (found.ours, found.runs) == ("said", 3)
    assert above_zero(conditions[:1], "", 4).p == (pytest.approx(p[0]), 1)
    assert above_zero([], "", 0).p is None and kept_by_runs([[0.1, np.nan, 1]], "", 3).p is None
    assert kept_by_runs([[0.1], [0.2]], "", 1).p is None  # is no test


@given(
    st.lists(
        st.tuples(st.sampled_from([-0.3, -0.1, 0.0, 0.1, 0.3]), st.lists(st.floats(-0.1, 0.1), min_size=3, max_size=6)),
        min_size=1,
        max_size=3,
    )
)
@example([(0.3, [0.01, 0.0, -0.01]), (0.0, [0.1, -0.1, 0.0])])  # fails
@example([(0.03, [0.01, 0.0, -0.01]), (-0.3, [0.1, -0.1, 0.0])])  # p is 0.035: not below 0.05 / 2
@example([(-0.3, [0.01, 0.0, -0.01]), (-0.3, [0.02, 0.0, 0.0])])  # holds
def test_an_order_has_the_outcome_of_its_p_values(of_systems):
    of_a = [0.1, 0.4, 0.2, 0.3, 0.0, 0.5]
    behind = [[one + gap + noise for one, noise in zip(of_a, noises, strict=False)] for gap, noises in of_systems]
    first, *others = [dict(enumerate(values)) for values in (of_a, *behind)]
    names = ["b", "c", "d"][: len(others)]
    runs = [
        run(value, name, fold=fold)
        for name, values in zip(["a", *names], [first, *others], strict=True)
        for fold, value in values.items()
    ]
    said = order(claim(others=";".join(names)), evidence(*runs))
    assert said.outcome == said.p.at()
    assert said.p.at(0.01) in ("undecided", said.outcome)


def test_what_is_no_test_has_no_p_values():
    runs = several("a", AHEAD) + several("b", HALF)
    assert found(claim(direction="comparable"), *runs).p is None
    assert found(claim(kind="change", printed="1%"), *runs).p is None


@pytest.mark.parametrize(("esp", "outcome"), [(BETTER, "holds"), (BEHIND, "fails"), (BETTER[:2], "undecided")])
def test_two_ways_of_detection_of_one_system(esp, outcome):
    one = claim(kind="between detections", systems="a:esp", others="a:avg", metric="event_f1")
    runs = [detections_run(fold, avg=AHEAD[fold], esp=value) for fold, value in enumerate(esp)]
    said = found(one, *runs)
    assert said.outcome == outcome
    assert said.ours.startswith("A, esp ") and " against A, avg " in said.ours
    assert found(one).outcome == "cannot be tested"


# --- printed numbers


def test_printed_numbers_are_fractions_with_half_a_unit_of_their_last_digit():
    assert printed_number("15.6%") == pytest.approx((0.156, 0.0005))
    assert printed_number("34%") == pytest.approx((0.34, 0.005))
    assert printed_number("0.7") == pytest.approx((0.7, 0.05))
    assert printed_number("32000") == pytest.approx((32000, 0.5))


HALF = [0.50, 0.51, 0.49, 0.50]
UP_BY_A_FIFTH = [0.61, 0.61, 0.58, 0.60]


@pytest.mark.parametrize(
    ("ahead", "printed", "outcome"),
    [
        (UP_BY_A_FIFTH, "20%", "holds"),
        (UP_BY_A_FIFTH, "19.2%", "holds"),
        (UP_BY_A_FIFTH, "35%", "fails"),  # so far up no further run of ours would be
        (UP_BY_A_FIFTH, "5%", "fails"),
        ([0.40, 0.41, 0.38, 0.40], "1%", "fails"),  # the other way
        ([0.505, 0.50, 0.50, 0.495], "1%", "undecided"),  # the printed change is possible, and so is none
        ([0.2, 0.9, 0.5, 0.6], "20%", "undecided"),
        (UP_BY_A_FIFTH[:2], "20%", "undecided"),
        (UP_BY_A_FIFTH[:1], "900%", "undecided"),
        ([], "20%", "cannot be tested"),
    ],
)
def test_a_relative_change(ahead, printed, outcome):
    one = claim(kind="change", printed=printed)
    said = found(one, *several("a", ahead), *several("b", HALF))
    assert said.outcome == outcome
    assert said.ours.startswith("A ") and said.ours.endswith(f"printed {printed}")
    gains = [one - other for one, other in zip(ahead, HALF, strict=False)]
    if gains:
        assert ("lower than B" if sum(gains) < 0 else "higher than B") in said.ours
    assert said.runs == len(ahead)


def test_a_loss_is_told_as_what_it_is_and_without_a_sign():
    said = found(claim(kind="change", printed="5%"), *several("a", [0.4, 0.4, 0.4]), *several("b", HALF))
    assert said.ours.startswith("A 20.0 ± 1.6 % lower than B (3)")


def test_numbers_stand_in_the_unit_of_the_papers_tables():
    runs = {("a", "v"): [run(0.4, "a")]}
    evidence = Evidence(runs, LABELS, "full", lambda metric: 3, units={"micro_ap": "percent"})
    assert evidence.in_unit("micro_ap", 0.12345, 0.0123) == "12.3 ± 1.2 %"
    assert evidence.in_unit("macro_ap", 0.12345, 0.0123) == "0.123 ± 0.012"


def test_a_change_for_the_better_may_go_down():
    runs = [*several("a", HALF), *several("b", UP_BY_A_FIFTH)]
    assert found(claim(kind="change", direction="lower", printed="16.7%"), *runs).outcome == "holds"
    assert found(claim(kind="change", direction="higher", printed="16.7%"), *runs).outcome == "fails"


def test_from_zero_there_is_no_relative_change_but_an_absolute_one():
    runs = [*several("a", HALF), *several("b", [0.0] * 4)]
    said = found(claim(kind="change", printed="10%"), *runs)
    assert said.outcome == "cannot be tested" and "relative to 0" in said.ours
    assert found(claim(kind="absolute", printed="50%"), *runs).outcome == "holds"


@pytest.mark.parametrize(
    ("printed", "outcome"), [("10.0%", "holds"), ("9.3%", "holds"), ("20%", "fails"), ("2%", "fails")]
)
def test_an_absolute_gain_in_points(printed, outcome):
    one = claim(kind="absolute", printed=printed)
    said = found(one, *several("a", UP_BY_A_FIFTH), *several("b", HALF))
    assert said.outcome == outcome and "A 10.0 ± 0.8 points higher than B (4)" in said.ours
    assert found(one, *several("a", HALF[:2]), *several("b", HALF)).outcome == "undecided"
    assert found(one, *several("a", HALF)).outcome == "cannot be tested"


def test_a_change_of_several_pairs_has_the_gravest_outcome():
    one = claim(kind="change", systems="a;c", others="b;d", strength="pairwise", printed="20%")
    good = [*several("a", UP_BY_A_FIFTH), *several("b", HALF)]
    assert found(one, *good, *several("c", UP_BY_A_FIFTH), *several("d", HALF)).outcome == "holds"
    assert found(one, *good, *several("c", HALF), *several("d", UP_BY_A_FIFTH)).outcome == "fails"
    assert found(one, *good, *several("c", UP_BY_A_FIFTH)).outcome == "cannot be tested"


@pytest.mark.parametrize(("ours", "outcome"), [(505, "holds"), (514, "holds"), (485, "fails"), (600, "fails")])
def test_a_change_of_an_exact_metric_needs_one_run_and_its_tolerance(ours, outcome):
    one = claim(kind="change", direction="lower", metric="parameters", printed="49.5%")
    assert found(one, run(0.1, "a", parameters=ours), run(0.1, "b", parameters=1000)).outcome == outcome


@pytest.mark.parametrize(
    ("values", "outcome"),
    [
        ([0.700, 0.702, 0.701], "holds"),  # the tolerance of micro_ap is 0.01
        ([0.72, 0.74, 0.73], "undecided"),  # within three tolerances, beyond the print's rounding
        ([0.6, 0.9, 0.75], "undecided"),  # one more run of ours might lie there
        ([0.75, 0.76, 0.75], "fails"),
        ([0.70], "undecided"),
        ([], "cannot be tested"),
    ],
)
def test_a_printed_value(values, outcome):
    said = found(claim(kind="value", direction="", others="", strength="", printed="0.70"), *several("a", values))
    assert (said.outcome, said.runs) == (outcome, len(values))
    assert said.ours.endswith("printed 0.70")
    assert said.told("recordings")[0] == "cannot be tested"
    assert said.told("full")[0] == outcome


def test_a_printed_value_is_judged_by_the_rule_of_the_tables():
    outcome = {"reproduced": "holds", "close": "undecided", "differs": "fails"}
    one = claim(kind="value", direction="", others="", strength="", printed="0.700")
    random = np.random.default_rng(0)
    for values in 0.7 + random.normal(0, 0.03, (200, 1)) + random.normal(0, 0.01, (200, 4)):
        ours = Spread(values.mean(), values.std(ddof=1), 4)
        expected = outcome[verdict("full", ours, "0.700", METRICS["micro_ap"].tolerance).name]
        assert found(one, *several("a", values)).outcome == expected


def test_printed_fractions_keep_their_last_digit():
    assert [printed_fraction(text) for text in ("15.60%", "34%", "0.70", "32000")] == [
        "0.1560",
        "0.34",
        "0.70",
        "32000",
    ]


def test_a_printed_value_may_be_in_percent():
    one = claim(kind="value", direction="", others="", strength="", printed="70.0%")
    assert found(one, *several("a", [0.700, 0.702, 0.701])).outcome == "holds"


# --- identities


def identity(predicate, systems="a", metric="event_error_rate", **other):
    return claim(kind="identity", direction="", others="", strength="", metric=metric, systems=systems,
                 predicate=predicate, **other)  # fmt: skip


def rates_run(system="a", fold=1, **metrics):
    return run(0.5, system, fold=fold, metrics=metrics)


def event_rates(error, deletions, insertions):
    return {"event_error_rate": error, "event_deletion_rate": deletions, "event_insertion_rate": insertions}


@pytest.mark.parametrize(
    ("rates", "outcome"),
    [
        ((1.1, 0.7, 0.4), "holds"),
        ((1.100001, 0.7, 0.4), "holds"),  # stored with six decimals
        ((1.1002, 0.7, 0.4), "fails"),
        ((1.1, None, 0.4), "cannot be tested"),
    ],
)
def test_error_rate_is_deletions_and_insertions(rates, outcome):
    said = found(identity("event_rates_add_up"), rates_run(**event_rates(*rates)))
    assert said.outcome == outcome
    assert bool(said.by_construction) == (outcome == "holds")


def test_one_run_that_does_not_add_up_is_enough():
    runs = [rates_run(fold=1, **event_rates(1.1, 0.7, 0.4)), rates_run("b", 1, **event_rates(1.3, 0.7, 0.4))]
    said = found(identity("event_rates_add_up", "a;b"), *runs)
    assert said.outcome == "fails" and said.ours == "largest gap 2.0e-01 over 2 runs"
    assert found(identity("event_rates_add_up", "a"), *runs).outcome == "holds"


def segment_rates(substituted, deleted, inserted, correct):
    """Metrics of segments from counts."""
    reference, output = substituted + deleted + correct, substituted + inserted + correct
    precision, recall = correct / output, correct / reference
    return {
        "segment_substitution_rate": substituted / reference,
        "segment_deletion_rate": deleted / reference,
        "segment_insertion_rate": inserted / reference,
        "segment_error_rate": (substituted + deleted + inserted) / reference,
        "segment_precision": precision,
        "segment_recall": recall,
        "segment_f1": 2 * precision * recall / (precision + recall),
    }


COUNTS = st.integers(0, 200)


@given(COUNTS, COUNTS, COUNTS, st.integers(1, 200))
def test_rates_of_segments_agree_whatever_was_counted(substituted, deleted, inserted, correct):
    rates = {name: round(value, 6) for name, value in segment_rates(substituted, deleted, inserted, correct).items()}
    one = identity("segment_counts_agree", metric="segment_error_rate")
    if rates["segment_insertion_rate"] < 10:  # the rounding of a large rate is larger in the product with it
        assert found(one, rates_run(**rates)).outcome == "holds"
    for name in rates:
        assert found(one, rates_run(**rates | {name: rates[name] + 0.1})).outcome == "fails"


def test_the_overall_value_is_the_mean_of_the_classes_that_are_defined():
    one = identity("overall_is_class_mean", metric="average_precision")

    def with_classes(overall, bus, gong):
        return run(0.5, "a", metrics={"average_precision": overall},
                   class_metrics={"average_precision": {"Bus": bus, "Gong": gong}})  # fmt: skip

    assert found(one, with_classes(0.5, 0.4, 0.6)).outcome == "holds"
    assert found(one, with_classes(0.4, 0.4, None)).outcome == "holds"
    assert found(one, with_classes(0.45, 0.4, 0.6)).outcome == "fails"
    assert found(one, with_classes(None, 0.4, 0.6)).outcome == "cannot be tested"
    assert found(one).outcome == "cannot be tested"


PRINTED_CELLS = "row,system,variant,metric,published,note\n"


@pytest.mark.parametrize(
    ("second", "outcome"),
    [("row,a,remix_0db,micro_ap,0.7,", "holds"), ("row,b,remix_0db,micro_ap,0.7,", "fails"),
     ("row,a,remix_0db,micro_ap,,", "fails"), ("row,a,remix_20db,micro_ap,0.7,", "fails")],
)  # fmt: skip
def test_one_system_fills_printed_cells_of_two_tables(tmp_path, second, outcome):
    (tmp_path / "published").mkdir()
    for name, row in {"table1": "row,a,remix_0db,micro_ap,0.7,", "table2": second}.items():
        (tmp_path / "published" / f"{name}.csv").write_text(f"{PRINTED_CELLS}{row}\n")
    numbers = SimpleNamespace(kind="numbers")
    tables = {"table1": numbers, "table2": numbers, "claims": SimpleNamespace(kind="claims")}
    paper = SimpleNamespace(name="", folder=tmp_path, settings=SimpleNamespace(tables=tables))
    one = identity("one_system", metric="micro_ap")
    said = found(one, paper=paper)
    assert said.outcome == outcome
    assert bool(said.by_construction) == (outcome == "holds")
    assert found(one).outcome == "cannot be tested"


# --- finding them


@given(st.lists(st.sampled_from(WORST_FIRST)))
def test_a_claim_holds_only_if_all_of_its_parts_do(outcomes):
    assert (worst(outcomes) == "holds") == (set(outcomes) == {"holds"})
    assert (worst(outcomes) == "fails") == ("fails" in outcomes)


def test_each_kind_has_its_predicate_and_a_name_comes_first():
    for kind, predicate in OF_KIND.items():
        assert predicate_of(claim(kind=kind)) is predicate
        assert predicate_of(claim(kind=kind, metric="")) is None
        assert predicate_of(claim(kind=kind, predicate="one_system", metric="")) is SHARED["one_system"]


def test_a_paper_offers_predicates_of_its_own():
    own = predicate_of(claim(predicate="n_ends_at_printed_value"), "c_ssed")
    assert own.__module__ == "sedrepro.papers.c_ssed.claims" and figures_read(own) == ("figure2",)
    assert figures_read(None) == figures_read(SHARED["one_system"]) == ()
    for paper in ("", "c_ssed", "hierarchical_pooling"):
        with pytest.raises(SettingsError, match="predicate 'one_sistem' of claim 1 is unknown; did you mean 'one_sys"):
            predicate_of(claim(predicate="one_sistem"), paper)


def test_what_a_module_imports_or_hides_is_no_predicate():
    for name in ("endings", "_rises", "Claim", "SAME_N"):
        with pytest.raises(SettingsError, match=f"predicate '{name}'"):
            predicate_of(claim(predicate=name), "c_ssed")


def test_an_error_within_the_module_of_a_paper_is_not_hidden(monkeypatch):
    def broken(name):
        raise ModuleNotFoundError("No module named 'nothing'", name="nothing")

    monkeypatch.setattr(registry.importlib, "import_module", broken)
    with pytest.raises(ModuleNotFoundError):
        predicate_of(claim(predicate="one_system"), "c_ssed")


def test_figures_are_read_where_they_are_stored(tmp_path):
    assert evidence().figure("figure2") is None
    looking = evidence(figures=tmp_path)
    assert looking.figure("figure2") is None
    np.savez(tmp_path / "figure2.npz", n=np.ones(3))
    (tmp_path / "figure2.json").write_text('{"scale": "miniature"}')
    assert looking.figure("figure2")["n"].tolist() == [1, 1, 1]
    with pytest.raises(
        DataError, match=r"figure2\.npz: lacks 'curves', so other code has written it; run the examine step"
    ):
        looking.figure("figure2")["curves"]
    (tmp_path / "figure2.json").write_text('{"scale": "full"}')
    with pytest.raises(DataError, match=r"figure2\.npz: is of scale 'full', not 'miniature'"):
        looking.figure("figure2")
    (tmp_path / "figure2.json").write_text("{}")
    (tmp_path / "figure2.npz").write_text("no arrays")
    with pytest.raises(DataError, match=r"figure2\.npz: cannot be read"):
        looking.figure("figure2")


def test_reads_marks_a_predicate_and_leaves_it_as_it_is():
    def predicate(claim, evidence):
        return "found"

    assert reads("figure1", "figure2")(predicate)(None, None) == "found"
    assert figures_read(predicate) == ("figure1", "figure2")


def test_a_class_of_the_corpus_is_looked_at_alone():
    def classwise(system, fold, bus):
        return run(0.5, system, fold=fold, class_metrics={"average_precision": {"Bus": bus, "Gong": 0.5}})

    runs = [classwise(s, f, v) for s, vs in (("a", AHEAD), ("b", BEHIND)) for f, v in enumerate(vs, start=1)]
    assert found(claim(metric="average_precision", event_class="Bus"), *runs).outcome == "holds"
    assert found(claim(metric="average_precision", event_class="Gong"), *runs).outcome == "undecided"
    assert found(claim(metric="average_precision", event_class="Meow"), *runs).outcome == "cannot be tested"


def test_a_run_without_the_metric_is_an_error():
    with pytest.raises(DataError, match="no metric 'segment_f1'"):
        found(claim(metric="segment_f1"), run(0.5, "a"), run(0.5, "b"))


def test_labels_are_those_of_the_systems():
    assert LABELS["a"] in found(claim(), run(0.5, "a"), run(0.5, "b")).ours
