"""YAML as it is read: what the constructor would take silently is refused."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sedrepro.base import yaml_text

SCALARS = st.none() | st.booleans() | st.integers() | st.text(max_size=5)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
)


@given(VALUES)
def test_what_is_written_is_read_back(value):
    assert yaml_text.parsed(yaml.safe_dump(value)) == value


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: 1\nb: 2\na: 3\n", " in line 3: 'a' is given twice"),
        ("a:\n  b: 1\n  b: 2\n", " in line 3: 'b' is given twice"),
        ("- {x: 1, x: 1}", " in line 1: 'x' is given twice"),
        ("a: &a\n  b: *a\n", "a value holds itself"),
        ("&a [1, [2, *a]]", " in line 1: a value holds itself"),
        ("a: [1\n", " in line 2: "),
        ("yes: 1\ntrue: 2", " in line 2: 'true' is given twice"),
        ("1: a\n01: b", " in line 2: '01' is given twice"),
        ("a: 2020-13-45", ": month must be in 1..12"),
        ("[" * 5000 + "]" * 5000, ": is nested too deeply"),
    ],
)
def test_keys_given_twice_and_values_that_hold_themselves_name_their_line(text, words):
    with pytest.raises(yaml.YAMLError) as error:
        yaml_text.parsed(text)
    assert words in yaml_text.problem(error.value)


def test_a_key_may_differ_from_that_of_a_merge_and_an_alias_stand_twice():
    text = (
        "one: &one {a: 1, b: 2}\ntwo: &two {<<: *one, b: 3}\nthree: {<<: *two, b: 4}\nfour: [*one, *one]\n1: a\n'1': b"
    )
    found = yaml_text.parsed(text)
    assert found["three"] == {"a": 1, "b": 4} and found["two"]["b"] == 3
    assert found["four"] == [{"a": 1, "b": 2}] * 2
    assert found[1] == "a" and found["1"] == "b"


def test_aliases_of_aliases_are_looked_at_once():
    levels = [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    assert len(yaml_text.parsed("\n".join(["a0: &a0 [0]", *levels]))) == 30


def test_an_empty_text_is_none():
    assert yaml_text.parsed("") is None
