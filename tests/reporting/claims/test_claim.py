"""Claims of a paper: reading them, and the table of what our runs say."""

import math
from dataclasses import replace
from decimal import Decimal

import pytest
from claim_examples import LABELS, claim, evidence
from examples import page, run, texts

from sedrepro.base.errors import DataError
from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.papers import load_paper
from sedrepro.experiments.table_layout import SCALES, TableLayout
from sedrepro.published.claims import COLUMNS, claim_runs, read_claims
from sedrepro.reporting.claims.filling import fill_claims, row_of
from sedrepro.reporting.claims.finding import Finding, PValues
from sedrepro.reporting.claims.registry import claim_figures
from sedrepro.reporting.tables.markdown import to_markdown
from sedrepro.reporting.tables.plain_text import summary

HEADER = ",".join((*COLUMNS, "note"))
LAYOUT = TableLayout(
    title="Claims", kind="claims", rows=["table", "claim", "metric"], columns=["scale"], names={"scale": "{} scale"},
    decimals=2,
)  # fmt: skip


def row(**other):
    """A row of the csv: of a claim on systems a and b, with what differs."""
    one = claim(**{"quote": "q"} | other)
    values = {column: getattr(one, column) for column in (*COLUMNS, "note")}
    values |= {side: ";".join(getattr(one, side)) for side in ("systems", "others")}
    return ",".join(values.values())


def claims(folder, *rows):
    path = folder / "claims.csv"
    path.write_text("\n".join([HEADER, *rows]) + "\n", encoding="utf-8")
    return read_claims(path)


ROWS = [
    row(claim="A wins", others="b;c", quote="A is best", note="a reading"),
    row(claim="A wins", metric="event_error_rate", direction="lower", quote="A is best", support="no"),
    row(table="Figure 5", claim="A is calm", metric="", direction="", systems="", others="", strength="",
        quote="calm", note="no measure is named", support="not printed"),
]  # fmt: skip


def test_the_table_shows_outcome_numbers_and_quote(tmp_path):
    read = claims(tmp_path, *ROWS)
    assert claim_runs(read) == [("a", "remix_0db"), ("b", "remix_0db"), ("c", "remix_0db")]
    runs = [run(v, s, fold=f, scale="miniature") for s, v in (("a", 0.7), ("b", 0.5), ("c", 0.7)) for f in (1, 2, 3)]
    runs.append(run(0.1, "a", "remix_20db", scale="miniature"))  # on another corpus
    table = fill_claims(read, runs, "miniature", LABELS, LAYOUT)
    assert list(table.rows["verdict"]) == ["undecided", "undecided", "cannot be tested"]
    assert "toys" in table.rows["note"][1]
    assert list(table.rows["mean"]) == [
        "A 0.70 ± 0.00 (3) against B 0.50 ± 0.00 (3), C 0.70 ± 0.00 (3); because of C; "
        "A against C: margin 0.00, 95 % interval 0.00 to 0.00",
        "A 0.70 ± 0.00 (3) against B 0.50 ± 0.00 (3); margin -0.20, 95 % interval -0.20 to -0.20",
        "no measure is named",
    ]
    assert list(table.rows["runs"]) == [3, 3, 0]
    assert [float(text or "nan") for text in table.rows["margin"]] == pytest.approx([0, -0.2, math.nan], nan_ok=True)
    assert list(table.rows["below_print"]) == ["", "", ""]  # nothing is printed
    lines = to_markdown(table, LAYOUT).splitlines()
    assert lines[2] == "| table | claim | metric | miniature scale |"
    assert "| undecided: A 0.70 ± 0.00 (3) against B 0.50 ± 0.00 (3); margin -0.20, 95 % interval " in lines[5]
    assert lines[5].endswith("<sup>b</sup><br>◐ *A is best* |")
    assert SCALES["miniature"] in lines and any(line.startswith("Data: some\\_set") for line in lines)
    assert texts(page(table, LAYOUT), "caption") == ["ClaimsMiniature scale, 3 runs per system."]
    assert "◐ undecided: 2, cannot be tested: 1." in summary(table, LAYOUT, 80)


@pytest.mark.parametrize(
    ("scale", "runs", "outcome"), [("full", 3, "fails"), ("full", 2, "undecided"), ("miniature", 3, "undecided")]
)
def test_toys_and_few_runs_refute_nothing(scale, runs, outcome):
    assert Finding("fails", "", runs).told(scale)[0] == outcome
    assert Finding("fails", "", runs).told(scale, identity=True) == ("fails", "")
    assert Finding("holds", "", 0, "counted").told(scale) == ("holds by construction", "")


def test_printed_numbers_of_others_are_compared_with_at_full_scale_alone():
    found = Finding("holds", "", 5, against_print=True)
    assert found.told("full") == ("holds", "")
    for scale in ("recordings", "miniature"):
        outcome, why = found.told(scale)
        assert outcome == "cannot be tested" and "official data" in why


@pytest.mark.parametrize(
    ("scale", "printed", "b", "words"),
    [
        (
            "recordings",
            "0.3",
            [0.6, 0.8, 0.65, 0.75],
            ("undecided", "", "yes", "ahead by less than in print, if at all"),
        ),
        ("recordings", "0.7", [0.6, 0.8, 0.65, 0.75], ("undecided", "yes", "", "in four of five cases")),
        ("recordings", "0.6", [0.1, 0.2, 0.15, 0.12], ("holds", "", "", "")),
        ("miniature", "0.1", [0.6, 0.61, 0.62, 0.59], ("undecided", "", "", "toys")),  # holds in the runs
        ("recordings", "0.6", [], ("cannot be tested", "", "", "")),
    ],
)
def test_a_margin_says_what_an_undecided_order_shows(scale, printed, b, words):
    runs = [run(v, s, fold=f, scale=scale) for s, of in (("a", [0.7] * 4), ("b", b)) for f, v in enumerate(of, 1)]
    prints = {(s, "remix_0db", "", "", "", "micro_ap"): Decimal(v) for s, v in (("a", "0.72"), ("b", printed))}
    row = row_of(claim(), replace(evidence(*runs, prints=prints), scale=scale))
    assert (row["verdict"], row["too_small"], row["below_print"]) == words[:3]
    assert words[3] in row["note"]
    assert bool(row["margin"]) == ("margin " in row["mean"]) == bool(b)


@pytest.mark.parametrize(
    ("scale", "b", "verdict", "with_p"),
    [
        ("recordings", [0.1, 0.2, 0.15, 0.12], "holds", True),
        ("recordings", [0.9, 1.0, 0.95, 0.92], "fails", True),
        ("recordings", [0.9, 0.2, 0.6, 0.7], "undecided", True),
        ("recordings", [], "cannot be tested", False),
        ("miniature", [0.1, 0.2, 0.15, 0.12], "undecided", False),  # its outcome is not that of the test
    ],
)
def test_p_values_stand_in_a_row_where_its_outcome_is_theirs(scale, b, verdict, with_p):
    runs = [run(v, s, fold=f, scale=scale) for s, of in (("a", [0.7] * 4), ("b", b)) for f, v in enumerate(of, 1)]
    row = row_of(claim(), replace(evidence(*runs), scale=scale))
    assert row["verdict"] == verdict
    assert bool(row["p_holds"]) == bool(row["p_fails"]) == with_p
    if with_p:
        assert PValues(float(row["p_holds"]), float(row["p_fails"])).at() == verdict


def test_what_would_decide_is_told_of_what_is_undecided():
    assert Finding("undecided", "", 5, outlook="more runs").told("recordings") == ("undecided", "more runs")


def test_networks_are_counted_as_published_whatever_the_scale():
    config = make_config({"scale": "miniature", "folds": [1], "seeds": [1]}, "test")
    paper = load_paper("ddc_fap", config)
    counted = claim(systems="ddc_gwrp", others="vgg_gwrp", metric="parameters", direction="lower")
    labels = {name: name for name in ("ddc_gwrp", "vgg_gwrp")}
    (row,) = fill_claims([counted], [], "miniature", labels, LAYOUT, paper).rows.to_dict("records")
    assert (row["verdict"], row["mean"]) == ("holds by construction", "ddc_gwrp 288361 against vgg_gwrp 587593")
    assert "no run" not in row["note"]


def test_without_runs_every_claim_is_untested(tmp_path):
    table = fill_claims(claims(tmp_path, *ROWS), [], "full", LABELS, LAYOUT)
    assert set(table.rows["verdict"]) == {"cannot be tested"}
    assert table.rows["mean"][0] == "A no run against B no run, C no run"


def test_the_table_says_what_the_print_supports(tmp_path):
    table = fill_claims(claims(tmp_path, *ROWS), [], "full", LABELS, LAYOUT)
    assert list(table.rows["support"]) == ["yes", "no", "not printed"]
    assert set(table.rows["support_reason"]) == {"printed so"} and set(table.rows["id"]) == {"1"}
    assert list(table.rows.columns[-4:]) == ["published", "verdict", "note", "data"]


def test_what_no_run_could_have_changed_says_so(tmp_path):
    rates = {"event_error_rate": 1.1, "event_deletion_rate": 0.7, "event_insertion_rate": 0.4}
    read = claims(tmp_path, row(**IDENTITY, note="not said"), ROWS[0])
    runs = [run(0.7, "a", metrics=rates | {"micro_ap": 0.7})]
    assert list(fill_claims(read, runs, "full", LABELS, LAYOUT).rows["note"]) == [
        "not said; follows from counting errors class by class",
        "a reading",
    ]


IDENTITY = {"kind": "identity", "metric": "event_error_rate", "others": "", "direction": "", "strength": "",
            "predicate": "event_rates_add_up"}  # fmt: skip


def test_runs_of_all_sides_are_needed_but_none_of_printed_numbers(tmp_path):
    read = claims(
        tmp_path,
        row(systems="a@remix_20db", others="b;Surrey=0.72"),
        row(kind="between detections", systems="c:esp", others="c:avg", claim="two"),
    )
    assert claim_runs(read) == [("a", "remix_20db"), ("b", "remix_0db"), ("c", "remix_0db")]


def test_a_side_names_system_variant_and_detection():
    one = claim(detection="avg")
    assert one.contender("a") == ("a", "remix_0db", "avg", None)
    assert one.contender("a@remix_20db:esp") == ("a", "remix_20db", "esp", None)
    assert one.contender("Surrey=49.7%") == ("Surrey", "", "", pytest.approx(0.497))


def test_figures_that_claims_look_at_are_named_once(tmp_path):
    looking = {"metric": "", "predicate": "n_ends_at_printed_value", "kind": "value", "printed": "0.7"}
    read = claims(tmp_path, row(**looking), row(**looking, claim="again"), *ROWS)
    assert claim_figures(read, "c_ssed") == ["figure2"]


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"metric": "micro_app"}, "unknown metric.*did you mean 'micro_ap'"),
        ({"direction": "highest"}, "unknown direction.*did you mean 'higher'"),
        ({"strength": "ever"}, "unknown strength.*did you mean 'every'"),
        ({"strength": "significant"}, "unknown strength 'significant'"),
        ({"systems": ""}, "'systems' is empty"),
        ({"others": ""}, "'others' is empty"),
        ({"variant": ""}, "'variant' is empty"),
        ({"others": "b;a"}, "'a' stands on both sides"),
        ({"others": "b;c", "strength": "pairwise"}, "'pairwise' needs as many"),
        ({"metric": ""}, "'metric' is empty; say in 'note' why"),
        ({"id": ""}, "'id' is empty"),
        ({"kind": "odrer"}, "unknown kind 'odrer'; did you mean 'order'"),
        ({"support": "maybe"}, "unknown support 'maybe'"),
        ({"support_reason": ""}, "'support_reason' is empty"),
        ({"kind": "identity"}, "an identity has no predicate of its own"),
        ({"kind": "change"}, "'printed' is not a number, as 15.6% or 0.7: ''"),
        ({"kind": "value", "printed": "much"}, "'printed' is not a number"),
        ({"kind": "absolute", "printed": "-3%"}, "'printed' is not positive"),
        ({"kind": "change", "printed": "3%", "direction": "comparable"}, "a gain goes 'higher' or 'lower'"),
        ({"kind": "between detections"}, "compare one system in two ways of detection"),
        ({"kind": "between detections", "systems": "a:esp", "others": "a:esp;a:avg"}, "'a:esp' stands on both sides"),
        ({"kind": "between detections", "systems": "a:esp", "others": "a@remix_20db:esp"}, "compare one system in two"),
    ],
)
def test_a_wrong_claim_names_file_and_place(tmp_path, other, message):
    with pytest.raises(DataError, match=rf"claims\.csv: row 2: {message}"):
        claims(tmp_path, row(**other))


def test_a_claim_stands_once(tmp_path):
    with pytest.raises(DataError, match=r"row 3: this claim .* is listed twice"):
        claims(tmp_path, ROWS[0], ROWS[0])
    elsewhere = ({"variant": "remix_20db"}, {"split": "testing"}, {"detection": "esp"}, {"event_class": "Bus"})
    assert len(claims(tmp_path, row(), *(row(**other) for other in elsewhere))) == 5


def test_a_file_without_claims_is_an_error(tmp_path):
    with pytest.raises(DataError, match="holds no claims"):
        claims(tmp_path)
