"""Counts of tests and of claims that runs decide."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sedrepro.published.verdict import SIGNIFICANCE
from sedrepro.reporting.claims.finding import PValues
from sedrepro.reporting.claims.tally import by_claim, decided_orders, outcome_of_claim, tally, tally_claims


def row(outcome="undecided", p_holds="", p_fails="", too_small="", claim="A is ahead", kind="order", paper="c_ssed"):
    """A row of claims.csv."""
    return {
        "paper": paper,
        "quote": f"“{claim}.”",
        "claim": claim,
        "kind": kind,
        "outcome": outcome,
        "too_small": too_small,
        "below_print": "",
        "p_holds": p_holds,
        "p_fails": p_fails,
    }


HOLDS, FAILS = row("holds", "0.001", "1"), row("fails", "1", "0.001")
OPEN, SMALL, UNTRIED = row("undecided", "0.2", "1"), row("undecided", "0.2", "1", "yes"), row("cannot be tested")


@pytest.mark.parametrize(
    ("tests", "outcome"),
    [
        ([HOLDS], "holds"),
        ([HOLDS, HOLDS], "holds"),
        ([row("holds", "0.04", "1"), row("holds", "0.04", "1")], "holds"),  # all must be, so none is corrected
        ([HOLDS, SMALL], "holds in part"),
        ([HOLDS, UNTRIED], "holds in part"),
        ([row("holds", "0.03", "1"), SMALL], "undecided"),  # 0.03 in two tests is 0.06
        ([row("holds", "0.03", "1"), UNTRIED], "holds in part"),  # one test was made
        ([HOLDS, OPEN], "undecided"),
        ([SMALL, SMALL], "too small"),
        ([SMALL, UNTRIED], "too small"),
        ([OPEN], "undecided"),
        ([FAILS, FAILS], "fails"),
        ([FAILS, SMALL], "fails"),
        ([HOLDS, FAILS], "fails in part"),
        ([OPEN, FAILS], "fails in part"),
        ([row("fails", "1", "0.03")], "fails"),
        ([row("fails", "1", "0.03"), SMALL], "undecided"),
        ([row("fails"), OPEN, OPEN], "fails in part"),  # of what has no p
        ([row("holds"), HOLDS], "holds"),
        ([row("holds", "0.05", "1")], "holds"),  # a p that was rounded
    ],
)
def test_a_claim_has_one_outcome_in_all_its_tests(tests, outcome):
    assert outcome_of_claim(tests) == outcome


@pytest.mark.parametrize(
    ("tests", "outcome"),
    [
        ([row("holds", "0.01", "1")], "holds"),
        ([row("holds", "0.02", "1")], "undecided"),
        ([row("fails", "1", "0.01")], "fails"),
        ([row("fails", "1", "0.01"), SMALL], "undecided"),
        ([row("holds")], "holds"),
    ],
)
def test_at_a_lower_level_fewer_are_decided(tests, outcome):
    assert outcome_of_claim(tests, SIGNIFICANCE / 3) == outcome


def test_claims_of_one_statement_belong_together_wherever_their_rows_stand():
    other, of_other_paper = row("fails", "1", "0.001", claim="C is ahead"), row("holds", paper="ddc_fap")
    of_other_quote = HOLDS | {"quote": "“So it is.”"}
    rows = [HOLDS, other, OPEN, row("holds by construction"), UNTRIED, of_other_paper, of_other_quote]
    untried = row("cannot be tested", claim="D")
    assert by_claim([*rows, untried]) == [[HOLDS, OPEN, UNTRIED], [other], [of_other_paper], [of_other_quote]]


def test_what_became_of_orders_is_told_in_words():
    gain = row("fails", kind="change", claim="by 3 %")
    several = [
        HOLDS,
        row("fails", "1", "0.001", claim="C"),
        row("holds", "0.01", "1", claim="D"),
        row("undecided", "0.2", "1", "yes", claim="D"),
        row("undecided", "0.2", "1", claim="E"),
        row("undecided", "0.2", "1", "yes", claim="F"),
        row("fails", "1", "0.001", claim="G"),
        row("holds", "0.001", "1", claim="G"),
        gain,
    ]
    assert decided_orders(several) == (
        "6 claims on orders, over all tests of each: 1 hold, 1 hold in part, 1 fail, 1 fail in part, 1 undecided, "
        "1 too small for so many runs"
    )
    assert decided_orders([OPEN, SMALL, gain]) == decided_orders([]) == ""


P_VALUES = st.floats(0, 1).map(lambda value: f"{value:.3g}")
ROWS = st.lists(
    st.builds(
        row,
        outcome=st.sampled_from(["holds", "fails", "undecided", "cannot be tested"]),
        p_holds=P_VALUES,
        p_fails=P_VALUES,
        too_small=st.sampled_from(["", "yes"]),
        claim=st.sampled_from("ABC"),
    )
)


@given(ROWS, st.floats(0.001, SIGNIFICANCE))
def test_counts_add_up_at_every_level(rows, level):
    claims = by_claim(rows)
    found = tally_claims(claims, level)
    assert found.decided + found.undecided + found.too_small == found.claims == len(claims)
    assert found.claims == len({row["claim"] for row in rows if row["outcome"] != "cannot be tested"})
    assert tally(rows).tests == sum(row["outcome"] != "cannot be tested" for rows in claims for row in rows)


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1), st.floats(0.001, SIGNIFICANCE))
def test_a_lower_level_decides_nothing_that_the_higher_leaves_open(p_values, level):
    rows = []
    for p, favours in p_values:
        holds, fails = (p, 1.0) if favours else (1.0, p)
        rows.append(row(PValues(holds, fails).at(), f"{holds:.17g}", f"{fails:.17g}"))
    lower, higher = outcome_of_claim(rows, level), outcome_of_claim(rows)
    assert higher != "undecided" or lower == "undecided"
    assert {lower, higher} != {"holds", "fails"}
