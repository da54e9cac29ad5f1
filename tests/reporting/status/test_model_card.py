import re

import pytest
import untrained as made

from sedrepro.base.errors import SettingsError
from sedrepro.data_sets import data_set_names
from sedrepro.experiments.metrics_files import read_metrics
from sedrepro.experiments.papers import load_paper
from sedrepro.experiments.run_config import read_run_config
from sedrepro.experiments.runs import RunIdentity
from sedrepro.reporting.status.model_card import MODEL_CARD, in_short, licences, write_model_card

WHO = RunIdentity("two_step_attention", "2ap_alpha_0.001", "remix_0db", 1, 1)
SEARCHED = RunIdentity("hierarchical_pooling", "linear_single", "dcase2017", 0, 1)


@pytest.fixture
def config(tmp_path):
    return made.configured(tmp_path)


def card(config, who=WHO, **described) -> str:
    folder = made.write_run(config, who, {"lowest_error_rate": {"settings": made.SEARCHED}})
    facts, metrics = read_run_config(folder).model_copy(update=described), read_metrics(folder / "metrics.json")
    path = write_model_card(load_paper(who.paper, config), who, folder, facts, metrics)
    assert path == folder / MODEL_CARD
    return path.read_text()


def test_the_card_tells_the_facts_of_the_run(tmp_path):
    text = card(made.configured(tmp_path, training__epochs=10))
    for fact in (
        "# Model card: VGGish + 2AP, alpha 0.001 (two_step_attention/2ap_alpha_0.001)",
        "S. Deshmukh, B. Raj, R. Singh, *Improving weakly supervised",
        "network `two_step` with 77 parameters",
        "`remix_0db`, fold 1 held out, seed 1",
        "mono audio at 8000 Hz in clips of 2 s, as 16 log-mel bands from 50 to 4000 Hz",
        "Acoustic_guitar, Applause.",
        "fsdkaggle2018: 8 of 9 clips usable, fingerprint `ffffffffffffffff`",
        "40 of 41 clips; 20 clips trained",
        "Epoch 3 of at most 10, the best on `held_out` by `micro_ap`",
        "1 min 1 s, peak memory 300 MiB, on some processor",
        "held_out, 12 clips: micro_ap 0.750",
        "held_out, events by `lowest_error_rate`: segment_f1 0.500",
        "The paper detects no events",
        "fsdkaggle2018: CC BY 4.0",
        "--system two_step_attention/2ap_alpha_0.001 --variant remix_0db --fold 1 --seed 1 --scale miniature",
    ):
        assert fact in text
    assert "None" not in text and "nan" not in text


@pytest.mark.parametrize(
    ("scale", "plain"),
    [("miniature", "**Not for use.**"), ("recordings", "**Not a reproduction.**"), ("full", "on the official data")],
)
def test_the_card_says_plainly_what_its_scale_means(config, scale, plain):
    first = card(config, scale=scale).split("\n\n")[1]
    assert plain in first
    assert "{" not in first


def test_the_settings_are_those_the_run_was_trained_with(config, tmp_path):
    settings = read_run_config(made.write_run(config, WHO)).settings
    settings |= {"training": settings["training"] | {"epochs": 33}}
    assert "of at most 33" in card(config, settings=settings)
    with pytest.raises(SettingsError, match=r"config.json: unknown key 'pooling'"):
        card(config, settings=settings | {"pooling": 3})


def test_equal_runs_have_equal_cards(config):
    assert card(config) == card(config)


def test_a_run_that_lacks_its_environment_has_a_card(config):
    folder = made.write_run(config, SEARCHED)
    (folder / "environment.json").unlink()
    described, metrics = read_run_config(folder), read_metrics(folder / "metrics.json")
    text = write_model_card(load_paper(SEARCHED.paper, config), SEARCHED, folder, described, metrics).read_text()
    assert "official splits" in text
    assert "peak memory" not in text


def test_every_data_set_of_the_suite_has_terms():
    found = licences(data_set_names())
    assert all(found.values())
    assert any("non-commercial" in terms for terms in found["tut_urban_2018"])
    assert licences(["a_set_of_mine"]) == {"a_set_of_mine": []}


def test_metrics_in_short_are_the_known_and_defined_ones():
    assert (
        in_short({"event_f1": 0.5, "micro_ap": 0.25, "roc_auc": None, "other": 1}) == "micro_ap 0.250, event_f1 0.500"
    )
    assert re.search("none", in_short({}))
