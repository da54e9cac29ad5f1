"""Records: what they keep, and that nothing incomplete, stale or recorded before is kept or replaced unasked."""

import csv
import json
import os

import pytest

from sedrepro.base.errors import DataError
from sedrepro.experiments.papers import load_paper
from sedrepro.experiments.places import paper_folder, table_file
from sedrepro.published.needs import table_runs
from sedrepro.reporting.records import record as module
from sedrepro.reporting.records.page import read_record
from sedrepro.reporting.records.record import record
from sedrepro.reporting.status.state import State


@pytest.fixture
def done(monkeypatch):
    """Runs as if they had been trained with today's settings."""
    monkeypatch.setattr(module.PaperState, "_of_run", lambda self, run: State("done"))


def rows(path):
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_record_has_few_files_that_hold_all_tables_metrics_and_histories(config, paper, done):
    figures = paper_folder(config, paper.name) / "figures"
    figures.mkdir()
    for name in ("figure2.png", "figure2.svg", "figure2.npz"):
        (figures / name).write_bytes(b"a figure")
    folder = record(config, paper, "make results", "a remark")
    kept = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert kept == {
        *("record.json", "tables.csv", "tables.md", "metrics.csv", "histories.csv"),
        "figures/figure2.png",
    }
    runs = table_runs(config, paper, "table2")
    facts = json.loads((folder / "record.json").read_text())
    assert (facts["runs"], facts["training_seconds"], facts["command"]) == (len(runs), 1.5 * len(runs), "make results")
    assert (facts["peak_gpu_memory_mib"], facts["unfinished"]) == (None, [])
    assert [row | {"table": "table2"} for row in rows(table_file(config, paper.name, "table2"))] == rows(
        folder / "tables.csv"
    )
    metrics = rows(folder / "metrics.csv")
    of_run = {(row["system"], row["variant"], int(row["fold"]), int(row["seed"])) for row in metrics}
    assert of_run == {(run.system, run.variant, run.fold, run.seed) for run in runs}
    (overall,) = [row for row in metrics if row["split"] and not row["event_class"] and row["seed"] == "2"][:1]
    assert (overall["micro_ap"], overall["seconds"]) == ("0.5", "")
    assert {row["average_precision"] for row in metrics if row["event_class"] == "Bus"} == {"0.25", "0.5"}
    losses = [(row["epoch"], row["train_loss"]) for row in rows(folder / "histories.csv")]
    assert losses == [("1", "0.5"), ("2", "0.25")] * len(runs)


def test_what_is_missing_or_stale_is_refused_and_named_where_it_is_kept(config, paper, done):
    path = table_file(config, paper.name, "table2")
    os.utime(path, (1, 1))
    with pytest.raises(DataError, match=r"table2 is stale \(.*is newer\).*--incomplete"):
        record(config, paper, "make results")
    path.unlink()
    with pytest.raises(DataError, match="table2 is missing; make them"):
        record(config, paper, "make results")
    folder = record(config, paper, "make results", incomplete=True)
    assert json.loads((folder / "record.json").read_text())["unfinished"] == ["table2 is missing"]
    assert "table2" in read_record(folder, config, paper).tables  # filled from its metrics, though none was made


def test_a_record_is_never_replaced_unasked(config, paper, done):
    folder = record(config, paper, "make results", "the first")
    with pytest.raises(DataError, match="already exists; --overwrite replaces it"):
        record(config, paper, "make results", "the second")
    assert json.loads((folder / "record.json").read_text())["note"] == "the first"
    record(config, paper, "make results", "the second", overwrite=True)
    assert json.loads((folder / "record.json").read_text())["note"] == "the second"


def test_nothing_to_record_is_an_error(config):
    with pytest.raises(DataError, match="holds no scored run"):
        record(config, load_paper(config.papers[0], config), "make results")
