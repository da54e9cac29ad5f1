import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sedrepro.training.order import epoch_order
from sedrepro.training.seeds import RunSeeds

SEEDS = RunSeeds(1, 1)


def targets(*counts: int) -> torch.Tensor:
    """Clips of one label each: so many of every class."""
    return torch.eye(len(counts))[torch.repeat_interleave(torch.arange(len(counts)), torch.tensor(counts))]


def test_without_balance_every_clip_comes_once():
    order = epoch_order(targets(3, 50), None, SEEDS, 1)
    assert sorted(order.tolist()) == list(range(53))


@pytest.mark.parametrize(("balance", "expected"), [(5, 5), (1, 1), (100, 20)])
def test_a_frequent_class_comes_at_most_so_many_times_as_often_as_the_rarest(balance, expected):
    labels = targets(100, 2000)
    drawn = torch.cat([labels[epoch_order(labels, balance, SEEDS, epoch)] for epoch in range(1, 30)]).sum(dim=0)
    assert drawn[1] / drawn[0] == pytest.approx(expected, rel=0.1)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=40).filter(
        lambda rows: any(map(any, rows))
    ),
    st.floats(1, 10),
    st.integers(1, 5),
)
def test_an_epoch_has_as_many_clips_as_there_are_and_only_labelled_ones(rows, balance, epoch):
    labels = torch.tensor(rows, dtype=torch.float32)
    order = epoch_order(labels, balance, SEEDS, epoch)
    assert len(order) == len(labels)
    assert labels[order].any(dim=1).all()
    assert torch.equal(order, epoch_order(labels, balance, SEEDS, epoch))


def test_the_clips_of_a_class_all_come_before_one_comes_again():
    order = epoch_order(targets(7, 90), 5, SEEDS, 1).numpy()
    rare = order[order < 7]
    assert len(rare) > 7
    assert sorted(rare[:7]) == list(range(7))
    assert np.bincount(rare).max() - np.bincount(rare, minlength=7).min() <= 1


def test_epochs_and_seeds_differ():
    labels = targets(7, 90)
    first = epoch_order(labels, 5, SEEDS, 1)
    assert not torch.equal(first, epoch_order(labels, 5, SEEDS, 2))
    assert not torch.equal(first, epoch_order(labels, 5, RunSeeds(1, 2), 1))
