"""A paper with one table, and its runs, as records keep it."""

import dataclasses
from pathlib import Path

import pytest
from test_paper_tables import write_run

from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import Paper, load_paper
from sedrepro.published.needs import table_runs
from sedrepro.reporting.paper_tables import write_paper_table


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Config:
    monkeypatch.chdir(tmp_path)
    return Config(scale="miniature", folds=[1], seeds=[1, 2], device="cpu", papers=["two_step_attention"])


@pytest.fixture
def paper(config: Config) -> Paper:
    """The paper with one table, whose runs and file are there."""
    paper = load_paper(config.papers[0], config)
    tables = {"table2": paper.settings.tables["table2"]}
    small = dataclasses.replace(paper, settings=paper.settings.model_copy(update={"tables": tables, "figures": {}}))
    for run in table_runs(config, small, "table2"):
        write_run(config, run, 0.25 * run.seed)
        (run.folder(config) / "config.json").unlink()
        (run.folder(config) / "history.csv").write_text("epoch,train_loss\n1,0.5\n2,0.25\n")
    write_paper_table(config, small, "table2")
    return small
