"""Where the notes of cells are marked."""

from examples import LAYOUT, cell, run

from sedrepro.reporting.tables.footnotes import Footnotes
from sedrepro.reporting.tables.kinds import grid_of
from sedrepro.reporting.tables.markdown import to_markdown
from sedrepro.reporting.tables.numbers import fill


def doubted():
    runs = [run(fold=fold) for fold in (1, 2, 3)]
    cells = [cell(value="0.3", suspect="the text says 0.7; so does Figure 1"), cell(label="x", value="0.7", note="odd")]
    return fill(cells, runs, "full")


def test_what_is_said_of_a_print_hangs_on_the_published_number():
    grid = grid_of(doubted(), LAYOUT)
    notes, column = Footnotes(grid), grid.columns[0]
    letter = notes.mark(("published", grid.rows[0], column))
    assert {one: mark for one, mark in notes.lettered.items() if mark == letter} == {
        "the text says 0.7; so does Figure 1": letter
    }
    for place in (("cell", grid.rows[0], column), ("row", grid.rows[0]), ("column", column)):
        assert notes.mark(place) == ""
    assert notes.lettered["odd"] == notes.mark(("cell", grid.rows[1], column))


def test_the_rendered_mark_stands_behind_the_published_number():
    assert "<br>? *0.3*<sup>b</sup>" in to_markdown(doubted(), LAYOUT)
