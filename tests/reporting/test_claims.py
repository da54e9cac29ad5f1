"""Claims about the order of systems, tried on runs."""

import math
from collections import Counter

import numpy as np
import pytest
from examples import page, run, texts
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as t_distribution

from sedrepro.errors import DataError
from sedrepro.reporting.claims import Claim, claim_runs, fill_claims, read_claims, standard_error, tried
from sedrepro.reporting.layout import SCALES, TableLayout
from sedrepro.reporting.markdown import to_markdown
from sedrepro.reporting.plain_text import summary

HEADER = "table,claim,variant,split,detection,metric,direction,systems,others,strength,quote,note"
LABELS = {"a": "A", "b": "B", "c": "C", "d": "D"}
LAYOUT = TableLayout(
    title="Claims", kind="claims", rows=["table", "claim", "metric"], columns=["scale"], names={"scale": "{} scale"},
    decimals=2,
)  # fmt: skip


def claims(folder, *rows):
    path = folder / "claims.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return read_claims(path)


def claim(direction="higher", systems="a", others="b", strength="every", metric="micro_ap"):
    sides = {"systems": tuple(systems.split(";")), "others": tuple(others.split(";"))}
    text = {"table": "Table 1", "claim": "one", "variant": "remix_0db", "split": "", "detection": "", "quote": "so"}
    return Claim(metric=metric, direction=direction, strength=strength, **sides, **text)


def runs_of(**values):
    """Values of each system by fold and seed."""
    return {system: {(fold, 1): value for fold, value in enumerate(of, start=1)} for system, of in values.items()}


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


ROWS = [
    "Table 1,A wins,remix_0db,,,micro_ap,higher,a,b;c,every,A is best,a reading",
    "Table 1,A wins,remix_0db,,,event_error_rate,lower,a,b,every,A is best,",
    "Figure 5,A is calm,remix_0db,,,,,,,,calm,no measure is named",
]


def test_the_table_shows_outcome_numbers_and_quote(tmp_path):
    read = claims(tmp_path, *ROWS)
    assert claim_runs(read) == [("a", "remix_0db"), ("b", "remix_0db"), ("c", "remix_0db")]
    runs = [run(v, s, fold=f, scale="miniature") for s, v in (("a", 0.7), ("b", 0.5), ("c", 0.7)) for f in (1, 2, 3)]
    runs.append(run(0.1, "a", "remix_20db", scale="miniature"))  # on another corpus
    table = fill_claims(read, runs, "miniature", LABELS, LAYOUT)
    assert list(table["verdict"]) == ["undecided", "fails", "cannot be tested"]
    assert list(table["mean"]) == [
        "A 0.70 ± 0.00 (3) against B 0.50 ± 0.00 (3), C 0.70 ± 0.00 (3); because of C",
        "A 0.70 ± 0.00 (3) against B 0.50 ± 0.00 (3)",
        "no measure is named",
    ]
    assert list(table["runs"]) == [3, 3, 0]
    lines = to_markdown(table, LAYOUT).splitlines()
    assert lines[2] == "| table | claim | metric | miniature scale |"
    assert lines[5].endswith("fails: A 0.70 ± 0.00 (3) against B 0.50 ± 0.00 (3)<br>○ *A is best* |")
    assert SCALES["miniature"] in lines and any(line.startswith("Data: some\\_set") for line in lines)
    assert texts(page(table, LAYOUT), "caption") == ["ClaimsMiniature scale, 3 runs per system."]
    assert "◐ undecided: 1, ○ fails: 1, cannot be tested: 1." in summary(table, LAYOUT, 80)


def test_without_runs_every_claim_is_untested(tmp_path):
    table = fill_claims(claims(tmp_path, *ROWS), [], "full", LABELS, LAYOUT)
    assert set(table["verdict"]) == {"cannot be tested"}
    assert table["mean"][0] == "A no run against B no run, C no run"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("Table 1,x,remix_0db,,,micro_app,higher,a,b,every,q,", "row 2: unknown metric.*did you mean 'micro_ap'"),
        ("Table 1,x,remix_0db,,,micro_ap,highest,a,b,every,q,", "row 2: unknown direction.*did you mean 'higher'"),
        ("Table 1,x,remix_0db,,,micro_ap,higher,a,b,ever,q,", "row 2: unknown strength.*did you mean 'every'"),
        ("Table 1,x,remix_0db,,,micro_ap,higher,a,b,significant,q,", "row 2: unknown strength 'significant'"),
        ("Table 1,x,remix_0db,,,micro_ap,higher,,b,every,q,", "row 2: 'systems' is empty"),
        ("Table 1,x,,,,micro_ap,higher,a,b,every,q,", "row 2: 'variant' is empty"),
        ("Table 1,x,remix_0db,,,micro_ap,higher,a,b;a,every,q,", "row 2: 'a' stands on both sides"),
        ("Table 1,x,remix_0db,,,micro_ap,higher,a,b;c,pairwise,q,", "row 2: 'pairwise' needs as many"),
        ("Table 1,x,remix_0db,,,,,,,,q,", "row 2: 'metric' is empty; say in 'note' why"),
        (f"{ROWS[0]}\n{ROWS[0]}", "row 3: this claim .* stands twice"),
    ],
)
def test_a_wrong_claim_names_file_and_place(tmp_path, row, message):
    with pytest.raises(DataError, match=rf"claims\.csv: {message}"):
        claims(tmp_path, row)


def test_a_file_without_claims_is_an_error(tmp_path):
    with pytest.raises(DataError, match="holds no claims"):
        claims(tmp_path)


def test_what_has_no_partner_does_not_turn_the_test_around():
    values = runs_of(a=[0.61, 0.71, 0.812], b=[0.6, 0.7, 0.8])
    values["b"][9, 9] = 0.99  # lifts the mean of b above that of a
    assert tried(claim(), values)[0] == "holds"
