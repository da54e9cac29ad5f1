"""Data sets are found by name."""

import pytest

from sedrepro.data_sets import data_set, fsdkaggle2018, tau_urban_2019
from sedrepro.errors import SettingsError


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
