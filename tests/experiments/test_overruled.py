"""Settings that the configuration changes and that do not reach all runs."""

import pytest

from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.papers import load_paper


def lines(paper: str, **changes) -> tuple[str, ...]:
    """What is said of changed settings; `changes` have __ for a dot."""
    given = {"scale": "full", "folds": [1], "seeds": [1], "device": "cpu"}
    given["set"] = {paper: {key.replace("__", "."): value for key, value in changes.items()}}
    return load_paper(paper, make_config(given | {"data_root": "."}, "test")).overruled


def test_a_key_that_systems_have_values_of_their_own_for_is_named_with_some_of_them():
    (line,) = lines("c_ssed", training__epochs=30)
    assert line.startswith("c_ssed.training.epochs = 30 does not reach systems.")
    assert "systems.mt_ssed_lambda_" in line
    assert line.endswith(".training.epochs")
    assert "\n" not in line


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"training__learning_rate": 0.5},  # no system has one of its own
        {"front_end__fmin": 10},
        {"training__method__average": 0.5},  # methods change key by key
    ],
)
def test_what_reaches_every_run_needs_no_word(changes):
    assert lines("c_ssed", **changes) == ()


def test_a_place_that_is_changed_too_is_not_named():
    (both,) = lines("c_ssed", training__epochs=30, **{"systems__mt_ssed_lambda_0.1__training__epochs": 7})
    assert "systems.mt_ssed_lambda_0.1." not in both


def test_a_corpus_of_its_own_training_is_named():
    (line,) = lines("ddc_fap", training__epochs=30)
    assert "training_on." in line
