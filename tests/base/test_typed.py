"""Settings models: one line that names the path and the nearest key, also inside sections of several kinds."""

from typing import Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, model_validator

from sedrepro.base.errors import SettingsError
from sedrepro.base.typed import Dropout, Typed, Width, Widths, checked, load


class Window(Typed):
    shape: str
    seconds: float = Field(gt=0)


class Mixed(Typed):
    kind: Literal["mixed"]
    sources: tuple[str, ...] = Field(min_length=1)
    windows: dict[str, Window] = Field(default_factory=dict)


class Official(Typed):
    kind: Literal["official"]
    held_out: tuple[str, ...]
    window: Window | None = None
    tail: int | None = None


Corpus = Annotated[Mixed | Official, Field(discriminator="kind")]


class Whole(Typed):
    name: str = "whole"
    rate: float = Field(default=1, gt=0)
    window: Window = Window(shape="hann", seconds=1)
    corpora: dict[str, Corpus] = Field(default_factory=dict)
    listed: list[Corpus] = Field(default_factory=list)
    nested: dict[str, list[dict[str, Corpus]]] = Field(default_factory=dict)
    only: Corpus | None = None
    windows: list[Window] = Field(default_factory=list)
    number: int | str = 0

    @model_validator(mode="after")
    def _apart(self) -> "Whole":
        if self.name == "wrong":
            raise ValueError("name = wrong cannot be")
        return self


MIXED = {"kind": "mixed", "sources": ["a"]}
OFFICIAL = {"kind": "official", "held_out": ["testing"]}


def refused(values: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        load(Whole, values, "here")
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("here: ")
    return message.removeprefix("here: ")


#: Where a section of several kinds may stand: how a message names it, and how it is wrapped.
PLACES = {
    "corpora.first": lambda section: {"corpora": {"first": section}},
    "listed.1": lambda section: {"listed": [MIXED, section]},
    "nested.deep.0.inner": lambda section: {"nested": {"deep": [{"inner": section}]}},
    "only": lambda section: {"only": section},
}
places = pytest.mark.parametrize("place", PLACES)


# --- sections of several kinds


@places
@pytest.mark.parametrize("section", [MIXED, OFFICIAL])
def test_sections_of_every_kind_are_read(place, section):
    load(Whole, PLACES[place](section), "here")


@places
def test_a_missing_kind_is_named(place):
    assert refused(PLACES[place]({"sources": ["a"]})) == f"key '{place}.kind' is missing"


@places
def test_an_unknown_kind_names_the_nearest(place):
    message = refused(PLACES[place](OFFICIAL | {"kind": "oficial"}))
    assert message == f"'{place}.kind' = 'oficial' is unknown; did you mean 'official'?"


@places
def test_a_kind_like_none_lists_all(place):
    assert refused(PLACES[place](OFFICIAL | {"kind": 7})).endswith("is unknown; known: mixed, official")


@places
def test_an_unknown_key_names_the_nearest_of_its_kind(place):
    assert refused(PLACES[place](OFFICIAL | {"held_uot": []})) == (
        f"unknown key '{place}.held_uot'; did you mean 'held_out'?"
    )
    # `sources` is a key of the other kind only.
    assert refused(PLACES[place](OFFICIAL | {"sources": ["a"]})) == (
        f"unknown key '{place}.sources'; known: held_out, kind, tail, window"
    )


@places
def test_a_missing_key_is_named_without_the_kind(place):
    assert refused(PLACES[place]({"kind": "official"})) == f"key '{place}.held_out' is missing"


@places
def test_a_wrong_value_is_named_without_the_kind(place):
    assert refused(PLACES[place](OFFICIAL | {"tail": "x"})).startswith(f"'{place}.tail' = 'x': ")
    assert refused(PLACES[place](MIXED | {"sources": ["a", 3]})).startswith(f"'{place}.sources.1' = 3: ")


@places
def test_keys_below_a_section_of_a_kind_are_found(place):
    window = {"shape": "hann", "seconds": 1, "second": 2}
    assert refused(PLACES[place](OFFICIAL | {"window": window})) == (
        f"unknown key '{place}.window.second'; did you mean 'seconds'?"
    )
    assert refused(PLACES[place](MIXED | {"windows": {"official": window}})) == (
        f"unknown key '{place}.windows.official.second'; did you mean 'seconds'?"
    )


@places
@pytest.mark.parametrize("section", [3, "official", ["official"]])
def test_a_section_that_is_no_mapping_is_named(place, section):
    assert refused(PLACES[place](section)).startswith(f"'{place}' = {section!r}: ")


@pytest.mark.parametrize("name", ["mixed", "official", "kind", "sources", "window", "corpora", "name"])
@pytest.mark.parametrize("section", [MIXED, OFFICIAL])
def test_names_of_sections_may_be_those_of_kinds_and_keys(name, section):
    other = {"mixed": "sources", "official": "held_out"}[section["kind"]]
    assert refused({"corpora": {name: section | {f"{other}s": 1}}}) == (
        f"unknown key 'corpora.{name}.{other}s'; did you mean '{other}'?"
    )


def test_a_key_named_like_its_kind_is_named_once():
    message = refused({"corpora": {"first": OFFICIAL | {"official": {"official": 1}}}})
    assert message.startswith("unknown key 'corpora.first.official'; ")


# --- plain models


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"nam": "x"}, "unknown key 'nam'; did you mean 'name'?"),
        ({"window": {"shape": "hann", "seconds": 1, "shap": 1}}, "unknown key 'window.shap'; did you mean 'shape'?"),
        ({"window": {"shape": "hann"}}, "key 'window.seconds' is missing"),
        ({"windows": [{"shape": "hann"}]}, "key 'windows.0.seconds' is missing"),
        ({"windows": [{"shape": "a", "seconds": 1, "x": 1}]}, "unknown key 'windows.0.x'; known: seconds, shape"),
        ({"rate": 0}, "'rate' = 0: Input should be greater than 0"),
        ({"rate": float("nan")}, "'rate' = nan: Input should be a finite number"),
        ({"name": "wrong"}, "name = wrong cannot be"),
        ({"window": None}, "'window' = None: Input should be a valid dictionary or instance of Window"),
        (None, "must hold keys and values"),
        ([1], "must hold keys and values"),
    ],
)
def test_problems_of_plain_models(values, message):
    assert refused(values) == message


def test_of_several_simple_types_none_is_named_as_a_key():
    assert refused({"number": [1]}).startswith("'number' = [1]: ")


# --- any name


@given(name=st.text("abcdefgh_-0123456789", min_size=1, max_size=8), kind=st.sampled_from([MIXED, OFFICIAL]))
def test_whatever_a_section_is_called_its_path_and_its_keys_are_told(name, kind):
    known = sorted(kind.keys() | ({"windows"} if kind is MIXED else {"tail", "window"}))
    message = refused({"nested": {name: [{name: kind | {"QQQ": 1}}]}})
    assert message == f"unknown key 'nested.{name}.0.{name}.QQQ'; known: {', '.join(known)}"


@checked
def layer(units: Width, dropout: Dropout = 0, sizes: Widths = (1,)) -> tuple:
    return units, dropout, sizes


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"units": 0}, "units = 0: must be greater than or equal to 1"),
        ({"units": "4"}, "units = '4': must be a valid integer"),
        ({"units": True}, "units = True: must be a valid integer"),
        ({"units": 4, "dropout": 1.0}, "dropout = 1.0: must be less than 1"),
        ({"units": 4, "sizes": [3, -1]}, "sizes.1 = -1: must be greater than or equal to 1"),
        ({"units": 4, "sizes": "abc"}, "sizes = 'abc': must be a list of whole numbers of at least 1"),
        ({"units": 4, "sizes": 3}, "sizes = 3: must be a list of whole numbers of at least 1"),
        ({"units": 4, "sizes": []}, "sizes = []: must have at least 1 item"),
        ({"unit": 4}, "unknown argument 'unit'; did you mean 'units'?"),
        ({"units": 4, "droput": 0.5}, "unknown argument 'droput'; did you mean 'dropout'?"),
        ({}, "argument 'units' is missing"),
    ],
)
def test_arguments_that_are_not_as_annotated_are_refused(arguments, problem):
    with pytest.raises(SettingsError) as caught:
        layer(**arguments)
    assert str(caught.value) == problem


def test_checked_arguments_are_handed_on_as_they_are():
    assert layer(4, 1 / 3, sizes=[2, 3]) == (4, 1 / 3, [2, 3])


def test_errors_of_a_checked_function_are_its_own():
    @checked
    def broken(units: Width) -> None:
        raise ValueError(f"{units} do not fit")

    with pytest.raises(ValueError, match="3 do not fit"):
        broken(3)
