"""The tables of the papers, against each other and against the papers."""

import csv
import re
from pathlib import Path

import pytest

from sedrepro.reporting.cells import read_cells
from sedrepro.reporting.tables import fill

ROOT = Path(__file__).parents[2]
PAPERS = ROOT / "src" / "sedrepro" / "papers"
PUBLISHED = PAPERS / "two_step_attention" / "published"
TABLES = sorted(PAPERS.glob("*/published/table*.csv"))


@pytest.mark.parametrize("path", TABLES, ids=lambda path: f"{path.parents[1].name}-{path.stem}")
def test_every_published_table_reads_and_fills(path):
    cells = read_cells(path)
    table = fill(cells, [], "full")
    assert len(table) == len(cells)
    assert list(table["published"]) == [c.published for c in cells]
    assert all(table["note"].str.contains("no run of"))


OUR_NAMES = {"micro-p": "micro_ap", "macro-p": "macro_ap", "AUC": "roc_auc", "precision score": "average_precision"}


@pytest.mark.parametrize("number", [1, 2, 3])
def test_every_printed_cell_is_there(number):
    facts = ROOT.parent / "shared" / "published" / f"two_step_attention__table{number}.csv"
    if not facts.exists():
        pytest.skip(f"no transcript of the paper's tables at {facts}")
    with open(facts, encoding="utf-8", newline="") as file:
        printed = [
            (r["row_id"], f"remix_{r['snr_db']}db", r["event_class"], OUR_NAMES[r["metric"]], r["value"])
            for r in csv.DictReader(file)
        ]
    cells = [c for c in read_cells(PUBLISHED / f"table{number}.csv") if c.published]
    rows = list(dict.fromkeys(tuple(c.labels.values()) for c in cells))
    ours = [
        (
            f"T{number}R{rows.index(tuple(c.labels.values())) + 1}",
            c.variant,
            c.factors.get("event_class", "").lower(),
            c.metric,
            c.published,
        )
        for c in cells
    ]
    assert ours == printed


def test_the_same_system_has_the_same_number_in_tables_1_and_2():
    one, two = (
        {(c.system, c.variant): c.published for c in read_cells(PUBLISHED / name) if c.metric == "micro_ap"}
        for name in ("table1.csv", "table2.csv")
    )
    shared = one.keys() & two.keys()
    assert len(shared) == 3
    assert {key: one[key] for key in shared} == {key: two[key] for key in shared}


def test_the_stated_improvements_follow_from_the_tables():
    numbers = {
        (c.system, c.factors["snr_db"]): float(c.published)
        for name in ("table1.csv", "table2.csv")
        for c in read_cells(PUBLISHED / name)
        if c.metric == "micro_ap" and c.published
    }
    pairs = {
        "aux_over_atrous": ("2ap_alpha_0.001", "atrous_ap"),
        "attention_over_atrous": ("2ap_alpha_0", "atrous_ap"),
        "aux_over_attention": ("2ap_alpha_0.001", "2ap_alpha_0"),
    }
    with open(PUBLISHED / "prose.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 9
    for row in rows:
        claim, snr = re.fullmatch(r"(\w+)_(\d+)db", row["id"]).groups()
        better, worse = (numbers[system, snr] for system in pairs[claim])
        assert f"{100 * (better / worse - 1):.1f}" == row["percent"], row["id"]
