"""Clips of a run, told before its data is there."""

import pytest

from sedrepro.base.errors import DataError
from sedrepro.corpora.tables import write_tables
from sedrepro.experiments.clip_counts import listed_clips, run_clips
from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.papers import load_paper
from sedrepro.experiments.places import corpus_folder
from sedrepro.experiments.runs import RunIdentity
from sedrepro.miniature.dcase2017_task4 import TrafficSize
from sedrepro.miniature.dcase2019_task4 import DomesticSize


def config_of(scale, folder, **changes):
    given = {"scale": scale, "folds": [1], "seeds": [1], "work_dir": str(folder), "budget": "gpu"}
    return make_config(given | changes, "test")


@pytest.mark.parametrize(
    ("name", "system", "variant", "fold", "training", "selection", "held_out"),
    [
        # Three of four folds of 2000 mixtures train.
        ("ddc_fap", "vgg_fap", "remix_0db", 2, {"weak": 6000}, 2000, 2000),
        # A tenth of the training clips picks the epoch.
        ("hierarchical_pooling", "linear_single", "dcase2017", 0, {"weak": 46055}, 5117, 1591),
        # A fifth of the weak and of the synthetic clips does.
        ("c_ssed", "power", "dcase2019", 0, {"weak": 1262, "strong": 1636, "unlabelled": 14412}, 725, 1168),
        # Validation picks, and is scored with the public clips.
        ("joint_at_aed", "pts", "dcase2019", 0, {"weak": 1578, "strong": 2045, "unlabelled": 14412}, 1168, 1860),
    ],
)
def test_official_numbers_of_clips(tmp_path, name, system, variant, fold, training, selection, held_out):
    config = config_of("full", tmp_path)
    clips = run_clips(config, load_paper(name, config), RunIdentity(name, system, variant, fold, 1))
    assert {role: count for role, count in clips.training.items() if count} == training
    assert (clips.selection, clips.held_out) == (selection, held_out)


def test_a_corpus_that_is_there_is_counted(tmp_path):
    config = config_of("full", tmp_path)
    paper = load_paper("hierarchical_pooling", config)
    splits = ["training"] * 20 + ["testing"] * 3 + ["evaluation"] * 2
    rows = [(f"{number}.wav", split, 0, 10.0, str(number)) for number, split in enumerate(splits)]
    write_tables(corpus_folder(config, paper, "dcase2017"), rows, [], [])
    clips = run_clips(config, paper, RunIdentity("hierarchical_pooling", "linear_single", "dcase2017", 0, 1))
    assert (clips.training["weak"], clips.selection, clips.held_out) == (18, 2, 5)
    assert clips.resident == 25


def test_what_is_synthesised_is_known_too(tmp_path):
    config = config_of("miniature", tmp_path)
    traffic, domestic = TrafficSize(), DomesticSize()
    assert listed_clips(config, "dcase2017_task4")["training"] == traffic.training
    validation = domestic.test_dcase2018 + domestic.eval_dcase2018
    assert listed_clips(config, "dcase2019_task4")["validation"] == validation
    assert set(listed_clips(config, "desed_2020")) >= {"weak", "validation"}


def test_recordings_that_are_not_there_are_an_error(tmp_path):
    config = config_of("recordings", tmp_path, data_root=str(tmp_path))
    with pytest.raises(DataError, match="cannot be counted") as caught:
        listed_clips(config, "dcase2017_task4")
    assert "\n" not in str(caught.value)
