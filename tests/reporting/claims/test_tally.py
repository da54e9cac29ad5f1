"""Counts of tests and of claims that runs decide."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sedrepro.published.verdict import SIGNIFICANCE
from sedrepro.reporting.claims.tally import by_claim, decided_orders, outcome_of_claim, tally, tally_claims


def test(
    outcome="undecided", p_holds="", p_fails="", too_small="", claim="A is ahead of B", kind="order", paper="c_ssed"
):
    """A row of claims.csv."""
    return {
        "paper": paper,
        "id": "000-C1",
        "claim": claim,
        "kind": kind,
        "outcome": outcome,
        "too_small": too_small,
        "below_print": "",
        "p_holds": p_holds,
        "p_fails": p_fails,
    }


test.__test__ = False
HOLDS, FAILS = test("holds", "0.001", "1"), test("fails", "1", "0.001")
OPEN, SMALL = test("undecided", "0.2", "1"), test("undecided", "0.2", "1", "yes")


@pytest.mark.parametrize(
    ("tests", "outcome"),
    [
        ([HOLDS], "holds"),
        ([HOLDS, HOLDS], "holds"),
        ([HOLDS, SMALL], "holds in part"),
        ([HOLDS, OPEN], "undecided"),
        ([SMALL, SMALL], "too small"),
        ([OPEN], "undecided"),
        ([HOLDS, FAILS], "fails"),
        ([SMALL, FAILS], "fails"),
        ([test("fails", "1", "0.03")], "fails"),
        ([test("fails", "1", "0.03"), SMALL], "undecided"),  # 0.03 in two tests is 0.06
        ([test("fails"), OPEN, OPEN], "fails"),  # of what has no p
        ([test("holds"), HOLDS], "holds"),
    ],
)
def test_a_claim_has_one_outcome_in_all_its_tests(tests, outcome):
    assert outcome_of_claim(tests) == outcome


@pytest.mark.parametrize(
    ("tests", "outcome"),
    [
        ([test("holds", "0.01", "1")], "holds"),
        ([test("holds", "0.02", "1")], "undecided"),
        ([test("fails", "1", "0.01")], "fails"),
        ([test("fails", "1", "0.01"), SMALL], "undecided"),
        ([test("holds")], "holds"),
    ],
)
def test_at_a_lower_level_fewer_are_decided(tests, outcome):
    assert outcome_of_claim(tests, SIGNIFICANCE / 3) == outcome


def test_claims_of_one_sentence_belong_together_wherever_their_rows_stand():
    other = test("fails", "1", "0.001", claim="C is ahead of D")
    rows = [HOLDS, other, OPEN, test("holds by construction"), test("cannot be tested"), test("holds", paper="ddc_fap")]
    assert by_claim(rows) == [[HOLDS, OPEN], [other], [rows[-1]]]


def test_what_became_of_orders_is_told_in_words():
    gain = test("fails", kind="change", claim="by 3 %")
    several = [
        HOLDS,
        test("fails", "1", "0.001", claim="C"),
        test("holds", "0.01", "1", claim="D"),
        test("undecided", "0.2", "1", "yes", claim="D"),
        test("undecided", "0.2", "1", claim="E"),
        test("undecided", "0.2", "1", "yes", claim="F"),
        gain,
    ]
    assert decided_orders(several) == (
        "5 claims on orders that runs can decide, over all tests of each: 1 hold, 1 hold where runs show a difference "
        "as printed, 1 fail, 1 undecided, 1 about smaller printed differences than these runs show"
    )
    assert decided_orders([OPEN, SMALL, gain]) == decided_orders([]) == ""


P_VALUES = st.floats(0, 1).map(lambda value: f"{value:.3g}")
ROWS = st.lists(
    st.builds(
        test,
        outcome=st.sampled_from(["holds", "fails", "undecided", "cannot be tested"]),
        p_holds=P_VALUES,
        p_fails=P_VALUES,
        too_small=st.sampled_from(["", "yes"]),
        claim=st.sampled_from("ABC"),
    )
)


@given(ROWS, st.floats(0.001, SIGNIFICANCE))
def test_counts_add_up_at_every_level(rows, level):
    found = tally_claims(rows, level)
    assert found.decided + found.undecided + found.too_small == found.claims
    assert found.claims == len({row["claim"] for row in rows if row["outcome"] != "cannot be tested"})
    assert tally(rows).tests == sum(len(tests) for tests in by_claim(rows))


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1), st.floats(0.001, SIGNIFICANCE))
def test_what_a_lower_level_decides_every_higher_one_decides_alike(p_values, level):
    """Where outcomes are those of the p values, at most one of which speaks."""
    rows = []
    for p, side in p_values:
        holds, fails = (p, 1.0) if side < 0.5 else (1.0, p)
        outcome = "fails" if fails < SIGNIFICANCE else "holds" if holds < SIGNIFICANCE else "undecided"
        rows.append(test(outcome, f"{holds:.17g}", f"{fails:.17g}"))
    lower = outcome_of_claim(rows, level)
    assert lower in ("undecided", outcome_of_claim(rows))
