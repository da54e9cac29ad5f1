"""The published numbers of the C-SSED paper agree with each other, and doubts stand where they do not."""

import itertools
from collections import Counter

import pytest

from sedrepro.experiments.papers import PAPERS_FOLDER
from sedrepro.published.cells import read_cells, read_text_cells, runs_needed
from sedrepro.published.claims import read_claims
from sedrepro.reporting.claims.registry import claim_figures

PUBLISHED = PAPERS_FOLDER / "c_ssed" / "published"
NUMBERS = ("table2", "table3", "gains", "readings")
CELLS = {table: read_cells(PUBLISHED / f"{table}.csv") for table in NUMBERS}
CLAIMS = read_claims(PUBLISHED / "claims.csv")
SPLITS = ("eval2018", "validation")
RATES = ("event_error_rate", "event_deletion_rate", "event_insertion_rate")
C_SSED = [f"c_ssed_{penalty}_{alpha}" for penalty in ("0.1", "0.01") for alpha in ("0.3", "0.7", "1")]
#: Printed values by system, split and metric; F1 in percent.
PRINTED = {
    (cell.system, cell.factors["split"], cell.metric): float(cell.published)
    for table in ("table2", "table3")
    for cell in CELLS[table]
}


def test_tables_have_the_papers_size():
    count = {table: (len(cells), sum(bool(c.published) for c in cells)) for table, cells in CELLS.items()}
    assert count == {"table2": (16, 16), "table3": (78, 78), "gains": (27, 5), "readings": (96, 96)}
    assert len(read_text_cells(PUBLISHED / "table1.csv")) == 4
    assert all(cell.at_hand for cells in CELLS.values() for cell in cells)


def test_table_3_has_thirteen_rows_of_three_rates_on_two_sets():
    rows = Counter(tuple(cell.labels.values()) for cell in CELLS["table3"])
    assert len(rows) == 13 and set(rows.values()) == {6}
    assert {(c.factors["split"], c.metric) for c in CELLS["table3"]} == set(itertools.product(SPLITS, RATES))
    assert [row for row in rows if row[0] == "C-SSED"] == [
        ("C-SSED", *system.removeprefix("c_ssed_").split("_")) for system in C_SSED
    ]
    for cell in CELLS["table3"]:
        if cell.labels["model"] == "C-SSED":
            assert cell.system == f"c_ssed_{cell.labels['lambda']}_{cell.labels['alpha']}"


def test_numbers_known_by_heart():
    expected = {
        ("mt18", "eval2018", "event_error_rate"): 1.65,
        ("attention", "validation", "event_f1"): 32.04,
        ("auto", "validation", "segment_f1"): 63.14,
        ("prob0.9_apart", "validation", "event_insertion_rate"): 2.72,
        ("c_ssed_0.01_1", "eval2018", "event_deletion_rate"): 0.86,
    }
    assert {key: PRINTED[key] for key in expected} == expected


def test_shares_are_printed_in_percent_and_rates_as_ratios():
    for cell in itertools.chain(*CELLS.values()):
        assert (cell.unit == "percent") == (not cell.metric.endswith("_rate")), cell


def test_error_rates_are_the_sum_of_their_parts():
    places = {(system, split) for system, split, metric in PRINTED if metric == "event_deletion_rate"}
    assert len(places) == 26
    for place in places:
        whole, *parts = (PRINTED[*place, metric] for metric in RATES)
        assert whole == pytest.approx(sum(parts), abs=0.0101), place


def test_power_is_mt_ssed_and_attention_is_baseline():
    two, three = (
        {(c.system, c.factors["split"], c.metric): c.published for c in CELLS[table]} for table in ("table2", "table3")
    )
    shared = two.keys() & three.keys()
    assert shared == {(system, "validation", "event_error_rate") for system in ("power", "attention")}
    assert {two[key] == three[key] for key in shared} == {True}
    labels = {c.system: c.labels["model"] for c in CELLS["table3"]}
    assert (labels["power"], labels["attention"]) == ("MT-SSED", "Baseline")


def test_only_the_impossible_f1_is_suspect():
    (doubted,) = [cell for cells in CELLS.values() for cell in cells if cell.suspect]
    assert (doubted.system, doubted.metric, doubted.published) == ("attention", "segment_f1", "35.75")
    rate = PRINTED["attention", "validation", "segment_error_rate"]
    lowest = 100 * 2 * (1 - rate) / (2 - rate)  # no insertions, and as many deletions as the rate allows
    assert f"{lowest:.2f}" in doubted.suspect and lowest > float(doubted.published)
    for system in ("auto", "linear", "power"):
        rate, f1 = (PRINTED[system, "validation", f"segment_{metric}"] for metric in ("error_rate", "f1"))
        assert f1 >= 100 * 2 * (1 - rate) / (2 - rate)


# --- relative gains


def gain(cell):
    """Relative gain in percent, by the printed values."""
    metric, reference = cell.metric.removesuffix("_change"), cell.relative_to.partition("@")[0]
    after, before = (PRINTED[system, cell.factors["split"], metric] for system in (cell.system, reference))
    return 100 * (after - before) / before * (-1 if metric.endswith("_rate") else 1)


def test_gains_by_the_tables_are_computed_from_them():
    for rows in itertools.groupby(CELLS["gains"], lambda cell: cell.labels):
        labels, cells = rows[0], list(rows[1])
        decimals = 2 if labels["said_in"] == "Section 3.2.1" else 1
        assert labels["by_the_tables"] == " and ".join(f"{gain(cell):.{decimals}f}" for cell in cells)


def test_printed_gains_follow_from_the_tables():
    for cell in CELLS["gains"]:
        digits = len(cell.published.partition(".")[2])
        if cell.published:
            assert f"{gain(cell):.{digits}f}" == cell.published


def test_the_34_percent_can_only_be_of_one_pair_of_rows():
    of_rates = [cell for cell in CELLS["gains"] if cell.metric == "event_error_rate_change"]
    assert len(of_rates) == 2 * 2 * len(C_SSED)
    rounded = Counter((c.system, c.relative_to) for c in of_rates if f"{gain(c):.0f}" == "34")
    both = [pair for pair, splits in rounded.items() if splits == 2]
    assert both == [("c_ssed_0.1_0.3", "mt18@dcase2019_mt18")]
    assert {(c.system, c.relative_to) for c in of_rates if c.published} == set(both)


def test_a_reference_on_other_features_names_its_variant():
    for cell in CELLS["gains"]:
        assert (cell.labels["against"] == "MT18") == ("@" in cell.relative_to)
        assert cell.variant == "dcase2019"


# --- readings


def test_readings_stand_beside_the_printed_row():
    printed_as = {"MT18": "mt18", "Baseline": "attention", "MT-SSED": "power", "Prob0.9": "prob0.9_apart"}
    for cell in CELLS["readings"]:
        row = cell.labels["row"]
        system = printed_as.get(row, row.lower())
        assert float(cell.published) == PRINTED[system, cell.factors["split"], cell.metric]
    readings = Counter((c.labels["row"], c.factors["split"], c.metric) for c in CELLS["readings"])
    assert {(row, count) for (row, *_), count in readings.items()} == {
        ("MT18", 2), ("Baseline", 2), ("MT-SSED", 4), ("Retrain", 2), ("Prob0.9", 4), ("Prob0.5", 2)
    }  # fmt: skip
    default = {c.labels["row"]: c.system for c in CELLS["readings"] if "default" in c.note}
    assert default == {row: printed_as.get(row, row.lower()) for row in default} and len(default) == 6


def test_one_reading_is_of_one_run():
    readings = {(c.labels["row"], c.labels["reading"]): (c.system, c.variant) for c in CELLS["readings"]}
    assert len(readings) == len(set(readings.values())) == 16
    assert ("power", "dcase2019_44k") in readings.values()


# --- runs and claims


def test_only_the_official_baseline_has_its_own_features():
    for cells in CELLS.values():
        for system, variant in runs_needed(cells):
            assert variant.startswith("dcase2019_mt18") == (system in ("mt18", "mt18_as_released"))


def test_notes_hold_no_separator_of_notes():
    for part in (*itertools.chain(*CELLS.values()), *CLAIMS):
        assert "; " not in part.note


def by_the_prints(claim):
    """The comparisons of a claim that fail by the printed values; none where one is not printed."""
    sign = {"higher": 1, "lower": -1}[claim.direction]
    value = {system: PRINTED.get((system, claim.split, claim.metric)) for system in claim.compared}
    return {
        pair for pair in claim.pairs if None not in (value[pair[0]], value[pair[1]])
        and sign * (value[pair[0]] - value[pair[1]]) <= 0
    }  # fmt: skip


ODD = "c_ssed_0.1_0.7"
FAILING = {
    ("C-SSED is ahead of the other models", "eval2018"): {(ODD, "power"), (ODD, "retrain")},
    ("C-SSED is ahead of the other models", "validation"): {(ODD, "retrain")},
    ("C-SSED has fewer insertions than MT-SSED", "eval2018"): {(ODD, "power")},
    ("Confidence lowers ER further", "eval2018"): {(ODD, "retrain")},
    ("Confidence lowers ER further", "validation"): {(ODD, "retrain")},
    ("Self-training beside mean teacher lowers ER", "eval2018"): {(ODD, "power")},
}


def test_where_a_claim_fails_by_the_papers_own_numbers_its_note_says_so():
    ordered = [claim for claim in CLAIMS if claim.kind == "order" and claim.metric and claim.direction != "comparable"]
    failing = {(claim.claim, claim.split): by_the_prints(claim) for claim in ordered if by_the_prints(claim)}
    assert failing == FAILING
    for claim in ordered:
        assert ("lambda 0.1, alpha 0.7" in claim.note) == (claim.claim in {name for name, _ in FAILING})


def test_deletions_of_comparable_claims_are_printed_within_two_hundredths():
    compared = [claim for claim in CLAIMS if claim.direction == "comparable"]
    assert len(compared) == 2
    for claim in compared:
        for one, other in claim.pairs:
            difference = PRINTED[one, claim.split, claim.metric] - PRINTED[other, claim.split, claim.metric]
            assert difference == pytest.approx(0, abs=0.0201)


def test_claims_without_a_metric_look_at_what_figures_have_stored():
    looking = [claim for claim in CLAIMS if not claim.metric]
    tables = ["Figure 2", "Figure 3(a)", "Figure 3(b)", "Table 3"]
    assert list(dict.fromkeys(claim.table for claim in looking)) == tables
    assert claim_figures(looking, "c_ssed") == ["figure2", "figure3a", "figure3b"]


def test_orders_are_of_systems_with_the_same_features():
    for claim in CLAIMS:
        if claim.kind == "order":
            assert not any("mt18" in side for side in claim.compared)
        if claim.metric:
            assert (claim.variant, claim.split in SPLITS) == ("dcase2019", True)
