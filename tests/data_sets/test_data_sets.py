"""Data sets are found by name."""

import pytest

from sedrepro.base.errors import SettingsError
from sedrepro.data_sets import TRAITS, data_set, data_set_names, fsdkaggle2018, tau_urban_2019, trait


def test_data_sets_are_their_modules():
    assert data_set("fsdkaggle2018") is fsdkaggle2018
    assert data_set("tau_urban_2019") is tau_urban_2019


@pytest.mark.parametrize(("name", "nearest"), [("fsdkagle2018", "fsdkaggle2018"), ("tau_urban", "tau_urban_2019")])
def test_an_unknown_data_set_names_the_nearest(name: str, nearest: str):
    with pytest.raises(SettingsError, match=rf"data set '{name}' is unknown; did you mean '{nearest}'"):
        data_set(name)


@pytest.mark.parametrize("name", ["remix", "mixing", "survey"])
def test_other_modules_are_no_data_sets(name: str):
    with pytest.raises(SettingsError, match=rf"data set '{name}' is unknown"):
        data_set(name)


@pytest.mark.parametrize("name", data_set_names())
def test_every_module_offers_what_all_must(name: str):
    module = data_set(name)
    assert isinstance(module.ARCHIVE, str)
    for texts in (module.LABELS, module.SPLITS):
        assert texts
        assert all(isinstance(text, str) for text in texts)
    assert module.CLIP_SECONDS > 0
    assert callable(module.clips)
    assert set(trait(name, "ONLY_ON_YOUTUBE")) <= set(module.SPLITS)


def test_what_a_data_set_says_of_itself():
    assert trait("fsdkaggle2018", "FOLDS") == 4
    assert trait("tut_urban_2018", "SERVED_FROM") == "tau_urban_2019"
    assert trait("desed_2020", "ONLY_ON_YOUTUBE") == ("weak", "validation")


def test_what_goes_without_saying():
    silent = {which: value for which, value in TRAITS.items() if which != "CLIPS"}
    assert {which: trait("tau_urban_2019", which) for which in silent} == silent


def test_a_trait_of_an_unknown_data_set_names_the_nearest():
    with pytest.raises(SettingsError, match="did you mean 'fsdkaggle2018'"):
        trait("fsdkagle2018", "FOLDS")


def test_an_unknown_trait_is_an_error():
    with pytest.raises(KeyError, match="FOLD"):
        trait("fsdkaggle2018", "FOLD")
