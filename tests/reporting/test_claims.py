"""Claims about the order of systems, tried on runs."""

import math

import numpy as np
import pytest
from examples import page, run, texts
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_rel

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
        ([0.7, 0.8], [0.5, 0.6], "holds"),
        ([0.5, 0.6], [0.7, 0.8], "fails"),
        ([0.5, 0.8], [0.5, 0.7], "undecided"),  # the means are nearer than their standard error
        ([0.7], [0.5, 0.6], "undecided"),  # nothing is known of the spread
        ([], [0.5, 0.6], "cannot be tested"),
        ([0.51, 0.71, 0.92], [0.5, 0.7, 0.9], "undecided"),
        ([0.51, 0.71, 0.91, 0.11], [0.5, 0.7, 0.9, 0.1], "holds"),  # run by run it is ahead
    ],
)
def test_one_system_against_another(ahead, other, outcome):
    one = claim()
    assert tried(one, runs_of(a=ahead, b=other))[0] == outcome
    reverse = {"holds": "fails", "fails": "holds"}.get(outcome, outcome)
    assert tried(claim(direction="lower"), runs_of(a=ahead, b=other))[0] == reverse


@pytest.mark.parametrize(
    ("b", "c", "outcome", "against"),
    [
        ([0.5, 0.51], [0.6, 0.61], "holds", []),
        ([0.5, 0.51], [0.9, 0.91], "fails", ["c"]),
        ([], [0.9, 0.91], "fails", ["c"]),  # one reversed order settles it
        ([], [0.6, 0.61], "cannot be tested", ["b"]),
        ([0.3, 1.0], [0.6, 0.61], "undecided", ["b"]),
        ([0.3, 1.0], [], "cannot be tested", ["c"]),
    ],
)
def test_every_system_must_be_ahead_of_every_other(b, c, outcome, against):
    found = tried(claim(others="b;c"), runs_of(a=[0.7, 0.71], b=b, c=c))
    assert found == (outcome, against)


def test_pairwise_compares_only_partners():
    values = runs_of(a=[0.5, 0.51], b=[0.4, 0.41], c=[0.9, 0.91], d=[0.8, 0.81])
    sides = {"systems": "a;c", "others": "b;d"}
    assert tried(claim(**sides, strength="pairwise"), values) == ("holds", [])
    assert tried(claim(**sides), values) == ("fails", ["d"])


@pytest.mark.parametrize(
    ("ahead", "outcome"),
    [
        ([0.6, 0.62, 0.61], "holds"),
        ([0.5, 0.9, 0.6], "undecided"),  # ahead by more than the standard error, but not significantly
        ([0.6, 0.61], "undecided"),  # two pairs are too few for the test
        ([0.1, 0.2], "fails"),
    ],
)
def test_a_claim_of_significance_needs_the_test(ahead, outcome):
    other = [0.4, 0.41, 0.42][: len(ahead)]
    assert tried(claim(strength="significant"), runs_of(a=ahead, b=other))[0] == outcome


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


def test_a_number_of_parameters_needs_one_run():
    one = claim(direction="lower", metric="parameters")
    assert tried(one, runs_of(a=[100], b=[200]))[0] == "holds"
    assert tried(one, runs_of(a=[200], b=[100]))[0] == "fails"
    assert tried(one, runs_of(a=[100], b=[100]))[0] == "undecided"


VALUES = st.lists(st.integers(0, 100), max_size=5)


@given(VALUES, VALUES)
def test_the_reverse_claim_has_the_reverse_outcome(first, second):
    values = runs_of(a=first, b=second)
    there = tried(claim(), values)[0]
    back = tried(claim(systems="b", others="a"), values)[0]
    assert back == {"holds": "fails", "fails": "holds"}.get(there, there)
    if first and second and abs(np.mean(first) - np.mean(second)) < 1e-9:
        assert there == "undecided"


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=6))
def test_the_outcome_follows_from_the_two_rules(pairs):
    first, second = (list(side) for side in zip(*pairs, strict=True))
    values = runs_of(a=first, b=second)
    difference = np.mean(first) - np.mean(second)
    differences = np.subtract(first, second)
    significant = difference != 0 if np.ptp(differences) == 0 else ttest_rel(first, second).pvalue < 0.05
    ahead = abs(difference) > standard_error(values["a"], values["b"]) or significant
    expected = ("holds" if difference > 0 else "fails") if ahead else "undecided"
    assert tried(claim(), values)[0] == expected


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
    runs = [run(v, s, fold=f, scale="miniature") for s, v in (("a", 0.7), ("b", 0.5), ("c", 0.7)) for f in (1, 2)]
    runs.append(run(0.1, "a", "remix_20db", scale="miniature"))  # on another corpus
    table = fill_claims(read, runs, "miniature", LABELS, LAYOUT)
    assert list(table["verdict"]) == ["undecided", "fails", "cannot be tested"]
    assert list(table["mean"]) == [
        "A 0.70 ± 0.00 (2) against B 0.50 ± 0.00 (2), C 0.70 ± 0.00 (2); because of C",
        "A 0.70 ± 0.00 (2) against B 0.50 ± 0.00 (2)",
        "no measure is named",
    ]
    assert list(table["runs"]) == [2, 2, 0]
    lines = to_markdown(table, LAYOUT).splitlines()
    assert lines[2] == "| table | claim | metric | miniature scale |"
    assert lines[5].endswith("fails: A 0.70 ± 0.00 (2) against B 0.50 ± 0.00 (2)<br>○ *A is best* |")
    assert SCALES["miniature"] in lines and any(line.startswith("Data: some\\_set") for line in lines)
    assert texts(page(table, LAYOUT), "caption") == ["ClaimsMiniature scale, 2 runs per system."]
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
