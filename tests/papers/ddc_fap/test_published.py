"""What is transcribed of the DDC-FAP paper."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from sedrepro.experiments.papers import PAPERS_FOLDER
from sedrepro.published.cells import read_cells, read_text_cells
from sedrepro.published.claims import read_claims

PUBLISHED = PAPERS_FOLDER / "ddc_fap" / "published"
FACTS = Path(__file__).parents[4] / "shared" / "published" / "ddc_fap__ordinal_claims.csv"
CELLS = {number: read_cells(PUBLISHED / f"table{number}.csv") for number in range(4, 9)}
CLAIMS = read_claims(PUBLISHED / "claims.csv")
BLOCKS = {"vgg_gwrp", "vgg_ap", "vgg_fap", "ddc_gwrp", "ddc_ap", "ddc_fap"}
VARIANTS = {"4": "remix_0db", "5": "remix_0db", "6": "remix_0db", "7": "desed", "8": "dcase2017"}


@pytest.mark.parametrize(
    ("number", "systems"),
    [
        (4, {"vgg_gmp", "vgg_gap", "vgg_gwrp", "vgg_ap", "vgg_fap"}),
        (5, {"vgg_fap_3", "vgg_fap_5", "vgg_fap"}),
        (6, BLOCKS | {"attention", "talnet"}),
        (7, BLOCKS | {"attention", "talnet"}),
        (8, BLOCKS | {"attention", "talnet", "adaptive_distance"}),
    ],
)
def test_each_table_has_its_systems_with_all_metrics_on_its_corpus(number, systems):
    counts = Counter(cell.system for cell in CELLS[number])
    assert set(counts) == systems
    counts.subtract(cell.system for cell in CELLS[number] if cell.metric == "parameters_change")
    assert set(counts.values()) == {{6: 11, 8: 4}.get(number, 10)}
    assert {cell.variant for cell in CELLS[number]} == {VARIANTS[str(number)]}


def test_only_the_values_of_the_text_are_printed():
    known = {(n, c.system, c.metric): c.published for n, cells in CELLS.items() for c in cells if c.published}
    saved = {(6, system, "parameters_change"): "49.5" for system in ("ddc_gwrp", "ddc_ap", "ddc_fap")}
    assert known == saved | {(6, "ddc_fap", "frame_macro_ap"): "0.427", (6, "ddc_fap", "frame_roc_auc"): "0.868"}


def test_what_is_missing_is_marked_and_what_the_paper_may_not_print_is_not():
    for number, cells in CELLS.items():
        for cell in cells:
            # One F1 of detection is printed: on events, or on frames.
            ours_only = cell.metric == "frame_f1" if number < 8 else cell.factors["split"] == "testing"
            assert cell.at_hand == (bool(cell.published) or ours_only)
    for number in (1, 2, 3):
        assert any(not cell.at_hand for cell in read_text_cells(PUBLISHED / f"table{number}.csv"))


def test_claims_are_of_systems_and_metrics_that_their_tables_have():
    measured = {(c.system, c.variant, c.metric, c.factors.get("split", "")) for cells in CELLS.values() for c in cells}
    for claim in CLAIMS:
        for system in claim.compared:
            assert (system, claim.variant, claim.metric, claim.split) in measured, claim.claim
        if claim.table.startswith("Table"):
            assert claim.variant == VARIANTS[claim.table[-1]]


def test_error_rates_and_parameters_are_better_lower():
    for claim in CLAIMS:
        if claim.direction != "comparable" and claim.metric:
            lower = claim.metric.endswith("_rate") or claim.metric == "parameters"
            assert (claim.direction == "lower") == lower, claim.claim


def test_a_partner_in_a_pairwise_claim_has_the_same_pooling():
    pairwise = [claim for claim in CLAIMS if claim.strength == "pairwise"]
    assert len(pairwise) == 10
    for claim in pairwise:
        assert all(one.partition("_")[2] == other.partition("_")[2] for one, other in claim.pairs)


def test_every_sentence_on_an_order_is_among_the_claims():
    if not FACTS.exists():
        pytest.skip(f"no transcript of the paper's claims at {FACTS}")
    with open(FACTS, encoding="utf-8", newline="") as file:
        said = {row["quote"].replace("alpha_max", "αmax") for row in csv.DictReader(file)}
    quotes = {claim.quote for claim in CLAIMS}
    assert said <= quotes
    assert {claim.id for claim in CLAIMS if claim.quote not in said} == {"002-C1", "002-C2", "002-C3", "002-C4"}
