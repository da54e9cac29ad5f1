"""The published numbers agree with each other, with the settings, and with what the paper says about them."""

import csv
from pathlib import Path

import pytest

from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.papers import load_paper
from sedrepro.published.cells import read_cells, runs_needed

ROOT = Path(__file__).parents[3]
GIVEN = {"scale": "full", "folds": [1], "seeds": [1], "data_root": ROOT}
PAPER = load_paper("two_step_attention", make_config(GIVEN, "test"))
PUBLISHED = PAPER.folder / "published"
TABLES = [name for name, layout in PAPER.settings.tables.items() if layout.kind == "numbers"]


def rows(name: str) -> list[dict[str, str]]:
    with open(PUBLISHED / f"{name}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def micro_ap(system: str, snr: int) -> float:
    cells = [*read_cells(PUBLISHED / "table1.csv"), *read_cells(PUBLISHED / "table2.csv")]
    found = {
        c.published for c in cells if (c.system, c.metric, c.factors.get("snr_db")) == (system, "micro_ap", str(snr))
    }
    assert len(found) == 1, found
    return float(found.pop())


@pytest.mark.parametrize("table", TABLES)
def test_every_cell_names_a_system_a_variant_and_a_class_of_the_settings(table):
    for cell in read_cells(PUBLISHED / f"{table}.csv"):
        assert cell.system in PAPER.settings.systems
        _, snr = PAPER.settings.corpus_of(cell.variant)
        assert int(cell.factors["snr_db"]) == snr
        if "event_class" in cell.factors:
            assert cell.factors["event_class"] in PAPER.settings.classes
            assert cell.metric == "average_precision"
        else:
            assert cell.metric in ("micro_ap", "macro_ap", "roc_auc")


@pytest.mark.parametrize("table", TABLES)
def test_layouts_use_columns_of_their_table(table):
    layout, cell = PAPER.settings.tables[table], read_cells(PUBLISHED / f"{table}.csv")[0]
    assert set(layout.rows) <= set(cell.labels)
    assert set(layout.columns) <= {*cell.factors, "metric"}


def test_tables_have_the_papers_size_and_every_system_is_shown():
    cells = {table: read_cells(PUBLISHED / f"{table}.csv") for table in TABLES}
    printed = {table: sum(bool(c.published) for c in cells[table]) for table in TABLES}
    assert printed == {"table1": 45, "table2": 9, "table3": 12, "variants": 0}
    shown = {system for table in TABLES for system, _ in runs_needed(cells[table])}
    assert shown == set(PAPER.settings.systems)


def test_values_are_fractions():
    for table in TABLES:
        for cell in read_cells(PUBLISHED / f"{table}.csv"):
            assert not cell.published or 0 < float(cell.published) < 1


def test_both_tables_print_the_same_best_row():
    # micro_ap() asserts that the row of table 1 and alpha = 0.001 of table 2 agree.
    assert [micro_ap("2ap_alpha_0.001", snr) for snr in (20, 10, 0)] == [0.7829, 0.7603, 0.6986]


def test_the_doubtful_row_is_marked():
    for row in rows("table2"):
        assert bool(row["suspect"]) == (row["alpha"] == "0.1")
        assert bool(row["published"]) == (row["alpha"] != "0.01")
