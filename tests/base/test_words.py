import pytest

from sedrepro.base.words import counted


@pytest.mark.parametrize(
    ("number", "words", "text"),
    [
        (0, ("run",), "0 runs"),
        (1, ("run",), "1 run"),
        (1234, ("cell",), "1,234 cells"),
        (2, ("entry", "entries"), "2 entries"),
    ],
)
def test_a_number_has_the_word_that_fits(number, words, text):
    assert counted(number, *words) == text
