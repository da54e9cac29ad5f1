import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from sedrepro.training.seeds import RunSeeds

numbers = st.integers(0, 2**31)
uses = st.sampled_from(["split", "weights", "order", "training"])


@given(numbers, numbers, uses, st.integers(0, 500))
def test_a_seed_depends_on_run_use_and_index_only(fold, seed, use, index):
    assert RunSeeds(fold, seed).number(use, index) == RunSeeds(fold, seed).number(use, index)
    assert 0 <= RunSeeds(fold, seed).number(use, index) < 2**63


def test_runs_uses_and_indices_have_streams_of_their_own():
    keys = [
        (fold, seed, use, index)
        for fold in range(1, 5)
        for seed in range(5)
        for use in ("split", "weights", "order", "training")
        for index in range(20)
    ]
    drawn = {RunSeeds(fold, seed).number(use, index) for fold, seed, use, index in keys}
    assert len(drawn) == len(keys)


def test_fold_and_seed_are_not_interchangeable():
    assert RunSeeds(1, 2).number("order") != RunSeeds(2, 1).number("order")


def test_drawing_from_one_stream_leaves_the_others_alone():
    seeds = RunSeeds(1, 1)
    untouched = seeds.numpy("split").random(5)
    seeds.numpy("split").random(1000)
    seeds.torch("order", 3).seed()
    torch.manual_seed(99)
    np.testing.assert_array_equal(seeds.numpy("split").random(5), untouched)


def test_streams_of_different_uses_are_uncorrelated():
    seeds = RunSeeds(1, 1)
    streams = np.array([seeds.numpy("order", epoch).random(2000) for epoch in range(8)])
    correlations = np.corrcoef(streams) - np.eye(8)
    assert np.abs(correlations).max() < 0.1


def test_torch_generators_repeat_themselves_and_differ_by_epoch():
    seeds = RunSeeds(2, 7)
    orders = [torch.randperm(50, generator=seeds.torch("order", epoch)) for epoch in (1, 1, 2)]
    assert torch.equal(orders[0], orders[1])
    assert not torch.equal(orders[0], orders[2])


def test_seeds_do_not_change_between_versions():
    # A change here changes every result, and a resumed run would go on in another stream.
    assert RunSeeds(1, 1).number("weights") == 2173685325475153649
    assert RunSeeds(4, 3).number("order", 80) == 467911876497401233
