"""Rows of systems from elsewhere and of added systems in the tables of results, and on the page."""

import json
from dataclasses import replace

import pytest
from examples import split as made_split
from page_example import parsed

from sedrepro.base.errors import DataError
from sedrepro.base.files import read_table
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.paper_settings import System
from sedrepro.experiments.papers import load_paper
from sedrepro.published.added_rows import OUTSIDE
from sedrepro.reporting.outside.rows import keep, outside_folder, read_outside
from sedrepro.reporting.page.page import write_page
from sedrepro.reporting.paper_tables import table_runs, write_paper_table
from sedrepro.reporting.tables.comparison import compared_cells, paper_tables

PAPER, TABLE = "joint_at_aed", "table1"
METRICS = {"event_f1": 0.5, "segment_f1": 0.75, "clip_f1": 0.25, "tagging_f1": 0.125}
EVALUATION = {
    **{"name": "Ours & co", "source": "some/where/list.tsv", "kind": "events", "paper": PAPER, "variant": "dcase2019"},
    **{"split": "public", "clips": 692, "missing": ["a.wav"], "unmatched": [], "assumed": ["a collar"]},
    **{"metrics": METRICS, "intervals": {"event_f1": [0.4, 0.6]}, "class_metrics": {}, "class_intervals": {}},
}


@pytest.fixture
def config(tmp_path):
    return Config(scale="full", folds=[1], seeds=[1], work_dir=tmp_path / "data", results_dir=tmp_path / "results")


def write_metrics(config, paper, table=TABLE):
    """Metrics of every run of a table."""
    values = dict.fromkeys(METRICS, 0.625)
    for who in table_runs(config, paper, table):
        corpus = paper.settings.corpora[paper.settings.corpus_of(who.variant)[0]]
        ways = paper.settings.detection_of(paper.settings.corpus_of(who.variant)[0])
        found = {name: {"settings": {}, "metrics": values, "class_metrics": {}} for name in ways}
        parts = {
            name: made_split().model_dump() | {"metrics": {}, "class_metrics": {}, "detections": found}
            for name in corpus.held_out
        }
        metrics = vars(who) | {"scale": "full", "clips": 20, "clips_expected": 20, "classes": ["Cat"], "data": {}}
        path = who.metrics_file(config)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(metrics | {"splits": parts}))


def rows_of(path, system):
    return [row for row in read_table(path, ["system", "mean"], delimiter=",") if row["system"] == system]


def test_the_row_stands_below_all_others_marked_and_is_never_our_best(config):
    paper = load_paper(PAPER, config)
    write_metrics(config, paper)
    before = write_paper_table(config, paper, TABLE).read_text()
    keep(config, EVALUATION | {"metrics": {name: 0.99 for name in METRICS}})
    keep(config, EVALUATION)
    path = write_paper_table(config, paper, TABLE)
    assert path.read_text().startswith(before)
    rows = rows_of(path, f"{OUTSIDE}Ours & co")
    found = {row["metric"]: float(row["mean"]) for row in rows}
    assert found == {name: 100 * METRICS[name] for name in found}
    assert len(found) >= 3
    assert (rows[0]["low"], rows[0]["high"], rows[0]["published"]) == ("40", "60", "")
    text = path.with_suffix(".html").read_text()
    assert "Ours &amp; co (outside system)" in text
    assert "outside system, not trained here: list.tsv" in text
    cells = compared_cells(config, paper_tables(config, PAPER, TABLE))
    assert {cell["rerun"] for cell in cells if cell["system"].startswith(OUTSIDE)} == {""}


def test_another_split_has_no_row(config):
    paper = load_paper(PAPER, config)
    write_metrics(config, paper)
    keep(config, EVALUATION | {"split": "validation"})
    assert not rows_of(write_paper_table(config, paper, TABLE), f"{OUTSIDE}Ours & co")


def test_the_page_tells_of_it(config):
    paper = load_paper(PAPER, config)
    write_metrics(config, paper)
    keep(config, EVALUATION)
    write_paper_table(config, paper, TABLE)
    text = "".join(parsed(write_page(config)).itertext())
    assert "Outside systems" in text
    assert "list.tsv (events)" in text
    assert "Ours & co (outside system)" in text


def test_a_damaged_file_is_named(config):
    outside_folder(config, PAPER).mkdir(parents=True)
    (outside_folder(config, PAPER) / "x.json").write_text('{"name": "x"}')
    with pytest.raises(DataError, match=r"x\.json: key 'source' is missing"):
        read_outside(config, PAPER)


def test_a_system_that_names_a_table_gets_a_row_below_the_published_ones(config):
    paper = load_paper(PAPER, config)
    like = paper.settings.systems["pts_tfd_afl"]
    mine = System(**like.model_dump() | {"label": "Mine", "tables": [TABLE]})
    systems = paper.settings.systems | {"mine": mine}
    changed = replace(paper, settings=paper.settings.model_copy(update={"systems": systems}))
    assert "mine" in {who.system for who in table_runs(config, changed, TABLE)}
    write_metrics(config, changed)
    rows = rows_of(write_paper_table(config, changed, TABLE), "mine")
    assert {(row["mean"], row["published"]) for row in rows} == {("62.5", "")}
    assert {row["metric"] for row in rows} >= {"event_f1", "segment_f1"}
    assert {row["method"] for row in rows} == {"Mine"}
