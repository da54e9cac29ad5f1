"""The tables of the papers, against each other and against the papers."""

import csv
from pathlib import Path

import pytest

from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.papers import load_paper, paper_names
from sedrepro.published.cells import read_cells, read_text_cells
from sedrepro.published.claims import read_claims
from sedrepro.published.needs import cells_file, table_runs
from sedrepro.reporting.claims.filling import fill_claims
from sedrepro.reporting.claims.finding import BY_CONSTRUCTION
from sedrepro.reporting.tables.html import to_html
from sedrepro.reporting.tables.kinds import grid_of
from sedrepro.reporting.tables.numbers import fill
from sedrepro.reporting.tables.text import fill_text, texts_of_code

ROOT = Path(__file__).parents[2]
CONFIG = make_config({"scale": "full", "folds": [1], "seeds": [1], "data_root": ROOT}, "test")
PAPERS = {name: load_paper(name, CONFIG) for name in paper_names()}
PUBLISHED = PAPERS["two_step_attention"].folder / "published"
TABLES = [(name, table) for name, paper in PAPERS.items() for table in paper.settings.tables]


@pytest.mark.parametrize(("name", "table"), TABLES)
def test_every_published_table_fills_and_is_rendered(name, table):
    paper = PAPERS[name]
    layout, path = paper.settings.tables[table], cells_file(paper, table)
    if layout.kind == "text":
        cells = read_text_cells(path)
        filled = fill_text(cells, texts_of_code(paper, table, cells), "full")
        assert all(filled.rows["mean"])
    elif layout.kind == "claims":
        cells = read_claims(path)
        labels = {name: system.label for name, system in paper.settings.systems.items()}
        filled = fill_claims(cells, [], "full", labels, layout, paper)
        for outcome in filled.rows["verdict"]:
            assert outcome == "cannot be tested" or outcome.endswith(BY_CONSTRUCTION)
    else:
        cells = read_cells(path)
        filled = fill(cells, [], "full")
        for cell, note in zip(cells, filled.rows["note"], strict=True):
            assert ("quoted" if cell.quoted else f"no run of {cell.system}") in note
    printed = "quote" if layout.kind == "claims" else "published"
    assert list(filled.rows["published"]) == [getattr(cell, printed) for cell in cells]
    assert len(grid_of(filled, layout).cells) == len(cells)
    assert layout.title.split(":")[0] in to_html(filled, layout)


def test_every_published_table_needs_runs_of_the_papers_systems():
    for name, table in TABLES:
        paper = PAPERS[name]
        runs = table_runs(CONFIG, paper, table)
        assert bool(runs) == (paper.settings.tables[table].kind != "text"), (name, table)
        assert {run.system for run in runs} <= set(paper.settings.systems), (name, table)


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
