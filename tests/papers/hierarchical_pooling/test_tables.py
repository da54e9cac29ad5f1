"""Table 1: printed formulas beside the poolings of the suite."""

import dataclasses

import numpy as np
import pytest
import torch

from sedrepro.base.errors import DataError
from sedrepro.experiments.papers import PAPERS_FOLDER
from sedrepro.nn.poolings import POOLINGS, LinearSoftmaxPooling
from sedrepro.papers.hierarchical_pooling import tables
from sedrepro.published.cells import read_text_cells

CELLS = read_text_cells(PAPERS_FOLDER / "hierarchical_pooling" / "published" / "table1.csv")


def test_every_definition_and_weight_of_the_paper_is_reproduced():
    said = tables.table1(None, CELLS)
    assert len(said) == len(CELLS) == 10
    assert {one.verdict for one in said} == {"reproduced"}
    assert all("on 100 random clips" in one.note for one in said)
    assert [cell.metric for cell in CELLS] == ["definition", "weight"] * 5
    assert all(
        one.ours.startswith("y = " if cell.metric == "definition" else "w_i = ")
        for one, cell in zip(said, CELLS, strict=True)
    )


def test_equal_calls_say_the_same():
    assert tables.table1(None, CELLS) == tables.table1(None, CELLS)


@pytest.mark.parametrize(("swapped", "metric"), [("Linear softmax", "definition"), ("Exp. softmax", "weight")])
def test_another_formula_differs(swapped, metric):
    other = {cell.metric: cell.published for cell in CELLS if cell.labels["pooling"] == "Average pooling"}
    place = next(i for i, c in enumerate(CELLS) if (c.labels["pooling"], c.metric) == (swapped, metric))
    cells = [*CELLS[:place], dataclasses.replace(CELLS[place], published=other[metric]), *CELLS[place + 1 :]]
    assert tables.table1(None, cells)[place].verdict == "differs"


def test_another_implementation_differs(monkeypatch):
    class Cubes(LinearSoftmaxPooling):
        def weights(self, values, features=None):
            return values**2

    monkeypatch.setitem(POOLINGS, "linear", Cubes)
    said = {(c.labels["pooling"], c.metric): one for c, one in zip(CELLS, tables.table1(None, CELLS), strict=True)}
    assert {place for place, one in said.items() if one.verdict == "differs"} == {
        ("Linear softmax", "definition"), ("Linear softmax", "weight"),
    }  # fmt: skip


def test_only_the_proportions_of_weights_count(monkeypatch):
    class Doubled(LinearSoftmaxPooling):
        def weights(self, values, features=None):
            return 2 * values

    monkeypatch.setitem(POOLINGS, "linear", Doubled)
    assert {one.verdict for one in tables.table1(None, CELLS)} == {"reproduced"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"published": "y = max_i z_i"}, "formula 'y = max_i z_i' has no transcript; did you mean 'y = max_i x_i'"),
        ({"labels": {"pooling": "Max poolin"}}, "pooling 'Max poolin' is unknown; did you mean 'Max pooling'"),
    ],
)
def test_what_is_not_known_is_named(change, message):
    first, second = CELLS[:2]
    labels = change.get("labels", second.labels)
    with pytest.raises(DataError, match=message):
        tables.table1(None, [dataclasses.replace(first, **change), dataclasses.replace(second, labels=labels)])


def test_transcribed_weights_give_the_transcribed_definitions():
    """Eq. 1: every definition is the mean of the frames with its weights."""
    random = np.random.default_rng(1)
    x, h = random.random((4, 2, 30)), random.random((4, 2, 30))
    printed = {(cell.labels["pooling"], cell.metric): cell.published for cell in CELLS}
    for pooling in dict.fromkeys(cell.labels["pooling"] for cell in CELLS):
        w = tables.WEIGHTS[printed[pooling, "weight"]](x, h)
        y = tables.DEFINITIONS[printed[pooling, "definition"]](x, w)
        np.testing.assert_allclose((w * x).sum(-1) / w.sum(-1), y, atol=1e-12)


def test_the_learned_weights_are_a_softmax_over_frames():
    pooling = POOLINGS["attention"](tables.CLASSES, tables.FEATURES).double()
    u = np.random.default_rng(2).normal(size=(2, 7, tables.FEATURES))
    with torch.no_grad():
        expected = pooling.dense(torch.from_numpy(u)).softmax(dim=1).transpose(1, 2).numpy()
    np.testing.assert_allclose(tables._learned(pooling, u), expected, atol=1e-12)
