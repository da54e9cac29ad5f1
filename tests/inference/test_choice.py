"""Which run and which way of detection a few words mean."""

import json

import numpy as np
import pytest
import untrained as made

from sedrepro.base.errors import DataError, SettingsError
from sedrepro.detection.median import MedianFiltered
from sedrepro.detection.search import Searched
from sedrepro.experiments.papers import load_paper
from sedrepro.experiments.run_view import RunView
from sedrepro.experiments.runs import RunIdentity
from sedrepro.experiments.trained_runs import trained_runs
from sedrepro.inference.choice import chosen_run, chosen_way, paper_and_system

FIRST = RunIdentity("two_step_attention", "vgg_gap", "remix_0db", 1, 1)
SEARCHED = RunIdentity("hierarchical_pooling", "linear_single", "dcase2017", 0, 1)
DETECTIONS = {"lowest_error_rate": {"settings": made.SEARCHED}}


@pytest.fixture
def config(tmp_path):
    return made.configured(tmp_path)


def there(config, *numbers) -> None:
    """Let runs be there: (variant, fold, seed)."""
    for variant, fold, seed in numbers:
        folder = RunIdentity("two_step_attention", "vgg_gap", variant, fold, seed).folder(config)
        folder.mkdir(parents=True)
        (folder / "config.json").write_text("{}")


def view(config, who=SEARCHED) -> RunView:
    return RunView(config, load_paper(who.paper, config), who)


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("vgg_gap", "'vgg_gap': write PAPER/SYSTEM; known: "),
        ("two_step_atention", "write PAPER/SYSTEM; did you mean 'two_step_attention'?"),
        ("two_step_attention", "'two_step_attention': write PAPER/SYSTEM"),
        ("two_step_atention/vgg_gap", "paper 'two_step_atention' is unknown; did you mean 'two_step_attention'?"),
        ("two_step_attention/vgg_gab", "system 'vgg_gab' is unknown; did you mean 'vgg_gap'?"),
        ("two_step_attention/", "system '' is unknown"),
    ],
)
def test_wrong_words_name_the_nearest(config, words, problem):
    with pytest.raises(SettingsError) as caught:
        paper_and_system(config, words)
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_first_run_is_that_of_the_first_variant_fold_and_seed(config):
    there(config, ("remix_20db", 1, 1), ("remix_0db", 10, 1), ("remix_0db", 2, 12), ("remix_0db", 2, 3))
    paper, system = paper_and_system(config, "two_step_attention/vgg_gap")
    found = [(who.variant, who.fold, who.seed) for who in trained_runs(config, paper, system)]
    assert found == [("remix_0db", 2, 3), ("remix_0db", 2, 12), ("remix_0db", 10, 1), ("remix_20db", 1, 1)]
    assert chosen_run(config, paper, system) == trained_runs(config, paper, system)[0]
    assert chosen_run(config, paper, system, fold=10).seed == 1
    assert chosen_run(config, paper, system, seed=1).fold == 10
    assert chosen_run(config, paper, system, "remix_20db") == trained_runs(config, paper, system)[3]


def test_a_run_that_is_not_there_is_answered_with_those_that_are(config):
    there(config, ("remix_0db", 2, 3), ("remix_20db", 1, 1))
    paper = load_paper("two_step_attention", config)
    with pytest.raises(DataError) as caught:
        chosen_run(config, paper, "vgg_gap", "remix_0db", seed=7)
    assert str(caught.value) == (
        "two_step_attention/vgg_gap, variant remix_0db, seed 7: no trained run; "
        "there are: remix_0db, fold 2, seed 3; remix_20db, fold 1, seed 1"
    )
    with pytest.raises(DataError, match=r"TARGET=\S+runs/vgg_gmp/remix_0db/fold1/seed1/config.json trains one"):
        chosen_run(config, paper, "vgg_gmp")
    with pytest.raises(SettingsError, match="did you mean 'remix_10db'"):
        chosen_run(config, paper, "vgg_gap", "remix_11db")


def test_a_paper_without_detection_has_a_default_that_says_so(config):
    made.write_run(config, FIRST)
    way = chosen_way(load_paper(FIRST.paper, config), view(config, FIRST))
    assert isinstance(way.detector, MedianFiltered)
    assert (way.name, way.detector.settings) == ("default", {"threshold": 0.5})
    frames = np.array(way.detector.windows) / way.detector.frames_per_second
    np.testing.assert_allclose(frames, 0.45, atol=0.04)
    assert "untuned" in way.note
    with pytest.raises(SettingsError, match="detection 'hysteresis' is unknown on 'remix_0db'; known: default"):
        chosen_way(load_paper(FIRST.paper, config), view(config, FIRST), "hysteresis")


def test_what_the_search_chose_is_taken_from_the_metrics(config):
    made.write_run(config, SEARCHED, DETECTIONS)
    way = chosen_way(load_paper(SEARCHED.paper, config), view(config))
    assert isinstance(way.detector, Searched)
    assert (way.name, way.note, way.detector.settings) == ("lowest_error_rate", "", made.SEARCHED)


def test_a_run_that_was_not_scored_in_this_way_is_to_be_scored(config):
    folder = made.write_run(config, SEARCHED, DETECTIONS)
    paper = load_paper(SEARCHED.paper, config)
    with pytest.raises(DataError, match=r"holds no detection 'highest_f1' .*; score the run: python -m sedrepro score"):
        chosen_way(paper, view(config), "highest_f1")
    with pytest.raises(SettingsError, match="did you mean 'highest_f1'"):
        chosen_way(paper, view(config), "higest_f1")
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics["splits"]["held_out"]["detections"]["lowest_error_rate"]["settings"] = {"threshold": 3}
    (folder / "metrics.json").write_text(json.dumps(metrics))
    with pytest.raises(DataError, match="holds no detection 'lowest_error_rate'"):
        chosen_way(paper, view(config))
    (folder / "metrics.json").unlink()
    with pytest.raises(DataError, match=r"metrics.json: no such file, .*; score the run"):
        chosen_way(paper, view(config))
