import pytest

from sedrepro.base.words import counted, said_of


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


@pytest.mark.parametrize(
    ("outcome", "of_many"),
    [("holds by construction", "hold by construction"), ("fails", "fail"), ("undecided", "undecided")],
)
def test_an_outcome_has_the_verb_that_fits(outcome, of_many):
    assert (said_of(outcome, 1), said_of(outcome, 2)) == (outcome, of_many)
