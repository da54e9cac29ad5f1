"""Table 1 and Section 2.2.2 of the C-SSED paper: directions found by automatic differentiation."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sedrepro.base.errors import DataError
from sedrepro.experiments.papers import PAPERS_FOLDER
from sedrepro.nn.poolings import POOLINGS, LinearSoftmaxPooling, MeanPooling, PowerPooling
from sedrepro.papers.c_ssed import tables
from sedrepro.published.cells import Cell, read_text_cells

PUBLISHED = PAPERS_FOLDER / "c_ssed" / "published"
CELLS = read_text_cells(PUBLISHED / "table1.csv")
POWER = read_text_cells(PUBLISHED / "power.csv")
FRAMES = tables.CLIPS * tables.FRAMES


class Squares(LinearSoftmaxPooling):
    """Power pooling with n = 2: its border is at two thirds of y_c."""

    def weights(self, values, features=None):
        return values**2


class Inverse(LinearSoftmaxPooling):
    """Loud frames count least."""

    def weights(self, values, features=None):
        return 1 / values**2


def test_table_1_holds_for_every_frame():
    said = tables.table1(None, CELLS)
    assert [one.ours for one in said] == ["y_f -> 1", "y_f -> 0", "y_f -> y_c/2", "y_f -> y_c/2"]
    assert {one.verdict for one in said} == {"reproduced"}
    above, below = (int(said[row].note.split()[2]) for row in (0, 1))
    assert above + below == FRAMES and min(above, below) > FRAMES / 10
    assert said[0].note == f"{above} of {above} frames up, 0 down, y_c -> 1 in 200 clips"
    assert said[2].note == f"0 of {above} frames up, {above} down, y_c -> 0 in 200 clips"


@pytest.mark.parametrize("wrong", [Squares, MeanPooling, Inverse])
def test_another_pooling_is_not_reproduced(wrong, monkeypatch):
    monkeypatch.setitem(POOLINGS, "linear", wrong)
    said = tables.table1(None, CELLS)
    assert {one.verdict for one in said} >= {"differs"}
    if wrong is Inverse:
        assert {one.verdict for one in said} == {"differs"}


def test_what_another_pooling_does_is_said(monkeypatch):
    monkeypatch.setitem(POOLINGS, "linear", Squares)
    one, two, three, four = (each.ours for each in tables.table1(None, CELLS))
    assert one.startswith("no common direction: ") and three.startswith("no common direction: ")
    assert (two, four) == ("y_f -> 0", "y_f -> 0.667 y_c")
    monkeypatch.setitem(POOLINGS, "linear", MeanPooling)
    assert [each.ours for each in tables.table1(None, CELLS)] == ["y_f -> 1"] * 2 + ["y_f -> 0"] * 2


@pytest.mark.parametrize("change", [{"published": "y_f -> 0"}, {"labels": {"clip_level": "y_c -> 0"}}])
def test_another_print_differs(change):
    first = CELLS[0]
    labels = first.labels | change.get("labels", {})
    said = tables.table1(None, [dataclasses.replace(first, **change | {"labels": labels})])
    assert [one.verdict for one in said] == ["differs"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": "positive (t=1)"}, "did you mean 'positive .t = 1.'"),
        ({"condition": "y_f > y_c/3"}, "did you mean 'y_f > y_c/2'"),
    ],
)
def test_what_is_not_known_is_named(change, message):
    with pytest.raises(DataError, match=rf"table1\.csv: .*{message}"):
        tables.table1(None, [dataclasses.replace(CELLS[0], labels=CELLS[0].labels | change)])


def test_equal_calls_say_the_same():
    assert tables.table1(None, CELLS) == tables.table1(None, CELLS)


def test_random_clips_lie_between_silent_and_full():
    levels = np.asarray(tables.random_scores()).mean(axis=(1, 2))
    assert levels.min() < 0.25 and levels.max() > 0.75
    assert tables.random_scores().min() >= tables.LOWEST > PowerPooling.FLOOR


# --- Section 2.2.2


def said_of_power(n, metric, published=""):
    (said,) = tables.power(None, [Cell({"case": "", "n": n}, "", "", {}, metric, published)])
    return said


def test_what_the_text_says_of_n_holds():
    said = tables.power(None, POWER)
    printed = [one.verdict for cell, one in zip(POWER, said, strict=True) if cell.published]
    assert len(said) == len(POWER) == 53
    assert len(printed) == 43 and set(printed) == {"reproduced"}
    assert {one.verdict for cell, one in zip(POWER, said, strict=True) if not cell.published} == {"no published value"}


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 10))
def test_the_border_is_at_n_over_n_plus_1(n):
    theta = n / (n + 1)
    low, high = tables.border(tables.moves(PowerPooling(1, 1, n=n).double(), 1))
    assert low < theta < high and high - low < 0.05
    assert said_of_power(str(n), "threshold", "in (0, 1)").verdict == "reproduced"
    assert said_of_power(str(n), "threshold", "in (1, inf)").verdict == "differs"


def test_below_minus_one_the_directions_are_exchanged():
    above, below = (said_of_power("-2", f"t = 0, y_f {side} theta y_c").ours for side in "><")
    assert (above, below) == ("y_f -> 1", "y_f -> 0")
    assert said_of_power("-2", "t = 1, y_f > theta y_c").ours == "y_f -> theta y_c"
    assert said_of_power("-2", "weight").ours == "falls as y_f rises"


def test_a_pooling_is_only_equal_to_another_if_it_is():
    assert said_of_power("1", "equals", "linear pooling").verdict == "reproduced"
    assert said_of_power("1", "equals", "mean pooling").verdict == "differs"
    assert said_of_power("1.2", "equals").ours == "none of them"
    assert said_of_power("100", "equals", "max pooling").verdict == "differs"


@pytest.mark.parametrize("wrong", [Squares, Inverse])
def test_another_power_pooling_differs(wrong, monkeypatch):
    monkeypatch.setitem(POOLINGS, "power", lambda classes, features, n: wrong(classes, features))
    said = tables.power(None, [cell for cell in POWER if cell.labels["n"] == "1.2"])
    assert "differs" in {one.verdict for one in said}
    threshold = said[0]
    expected = "0.667" if wrong is Squares else "2.000"
    assert threshold.ours == f"{expected}, where n/(n + 1) = 0.545" and threshold.verdict == "differs"


@pytest.mark.parametrize(
    ("n", "metric", "message"),
    [
        ("many", "weight", "n 'many' is not a number"),
        ("1", "weights", "'weights' is unknown; did you mean 'weight'"),
        ("1", "t = 1, y_f > theta yc", "did you mean 'y_f > theta y_c'"),
    ],
)
def test_a_wrong_cell_of_power_is_named(n, metric, message):
    with pytest.raises(DataError, match=rf"power\.csv: .*{message}"):
        said_of_power(n, metric)


def test_a_direction_needs_all_frames():
    ratio, ones = np.array([[0.2, 0.4, 0.6, 0.8]]), np.ones(1)
    mixed = tables.Moves(ratio, np.array([[-1.0, -1.0, 1.0, -1.0]]), ones)
    assert tables.direction(mixed, ratio > 0.5, 0.5, "half") == "no common direction: 50.0% up"
    still = tables.Moves(ratio, np.array([[-1.0, -1.0, 1.0, 0.0]]), ones)
    assert tables.direction(still, ratio > 0.5, 0.5, "half").startswith("no common direction")
    inwards = tables.Moves(ratio, np.array([[1.0, 1.0, -1.0, -1.0]]), ones)
    assert tables.direction(inwards, ratio > 0.5, 0.5, "half") == "y_f -> half"
    assert tables.direction(inwards, ratio > 0.5, 0.7, "other") == "y_f -> 0.500 y_c"
    outwards = tables.Moves(ratio, -inwards.sign, ones)
    assert tables.direction(outwards, ratio > 0.5, 0.5, "half") == "y_f -> 1"
    assert tables.direction(outwards, ratio < 0.5, 0.5, "half") == "y_f -> 0"


def test_moves_are_those_of_a_step_down_the_gradient():
    """A small step lowers the loss, and moves each frame the way that is said."""
    pool = LinearSoftmaxPooling(1, 1).double()
    moved = tables.moves(pool, 0)
    scores = torch.from_numpy(tables.random_scores())
    before, after = (pool(scores + step * torch.from_numpy(moved.sign)[:, None]) for step in (0, 1e-6))
    assert (after < before).all() and (moved.clip_sign == -1).all()
