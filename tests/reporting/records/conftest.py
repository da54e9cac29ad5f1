"""A paper with one table, and its runs, as records keep it."""

import dataclasses
import shutil
from pathlib import Path

import pytest
from record_example import write_runs

from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import Paper, load_paper
from sedrepro.experiments.places import paper_folder
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
    write_runs(config, small)
    write_paper_table(config, small, "table2")
    return small


@pytest.fixture
def further(config: Config, paper: Paper) -> Config:
    """The configuration of two further seeds, whose runs replace those of the first two in the results."""
    shutil.rmtree(paper_folder(config, paper.name) / "runs")
    more = config.model_copy(update={"seeds": [3, 4]})
    write_runs(more, paper)
    return more
