"""Runs of a paper with one table, for tests of records."""

from test_paper_tables import write_run

from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import Paper
from sedrepro.published.needs import table_runs


def write_runs(config: Config, paper: Paper) -> None:
    """Scored runs of a paper's Table 2; their scores rise with the seed."""
    for run in table_runs(config, paper, "table2"):
        write_run(config, run, 0.25 * run.seed)
        (run.folder(config) / "config.json").unlink()
        (run.folder(config) / "history.csv").write_text("epoch,train_loss\n1,0.5\n2,0.25\n")
