"""`model-cards`: a card for each run that is scored."""

import pytest
import untrained as made

from sedrepro.base.errors import DataError
from sedrepro.base.files import read_table
from sedrepro.experiments.papers import load_paper
from sedrepro.published.needs import scored_runs
from sedrepro.reporting.status.model_card import MODEL_CARD
from sedrepro.steps.model_cards import COLUMNS, write_model_cards

PAPER = "two_step_attention"


def test_runs_that_are_not_scored_yet_are_counted_and_have_no_card(tmp_path, capsys):
    config = made.configured(tmp_path)
    paper = load_paper(PAPER, config)
    first, *others = scored_runs(config, paper)
    with pytest.raises(DataError, match=r"metrics\.json: no such file, nor that of another run; make results first"):
        write_model_cards(config, paper)
    folder = made.write_run(config, first)
    (row,) = read_table(write_model_cards(config, paper), COLUMNS, delimiter=",")
    assert (row["system"], row["variant"]) == (first.system, first.variant)
    assert (folder / MODEL_CARD).is_file()
    assert capsys.readouterr().out == (
        f"{PAPER}: {len(others)} of {len(others) + 1} runs are not scored yet and have no model card\n"
    )
