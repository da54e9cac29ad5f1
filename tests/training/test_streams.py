import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sedrepro.base.errors import DataError, SettingsError
from sedrepro.training.seeds import RunSeeds
from sedrepro.training.streams import stream_batches, union_batches

SEEDS = RunSeeds(1, 1)
SIZES = {"weak": 6, "unlabelled": 12, "strong": 6}
few = settings(deadline=None, max_examples=40)


def groups(weak: int, unlabelled: int, strong: int) -> dict[str, np.ndarray]:
    ends = np.cumsum([weak, unlabelled, strong])
    return dict(zip(SIZES, np.split(np.arange(ends[-1]), ends[:-1]), strict=True))


def test_an_epoch_of_the_official_lists_has_210_batches():
    # 1262 of 1578 weak clips, 14412 unlabelled and 1636 of 2045 synthetic ones train there.
    batches = stream_batches(groups(1262, 14412, 1636), SIZES, SEEDS, 1)
    assert batches.shape == (210, 24)
    assert batches.dtype == torch.int64


@few
@given(
    st.dictionaries(
        st.sampled_from(["weak", "unlabelled", "strong", "other"]),
        st.tuples(st.integers(1, 5), st.integers(0, 20)),
        min_size=1,
    ),
    st.integers(1, 9),
)
def test_batches_are_made_of_their_streams_in_order(streams, epoch):
    sizes = {name: size for name, (size, _) in streams.items()}
    rows = {name: 100 * k + np.arange(size + more) for k, (name, (size, more)) in enumerate(streams.items())}
    batches = stream_batches(rows, sizes, SEEDS, epoch)
    assert len(batches) == min(len(rows[name]) // size for name, size in sizes.items())
    assert torch.equal(batches, stream_batches(rows, sizes, SEEDS, epoch))
    for name, part in zip(sizes, batches.split(list(sizes.values()), dim=1), strict=True):
        assert set(part.flatten().tolist()) <= set(rows[name].tolist())
        assert len(part.unique()) == part.numel()


def test_every_clip_comes_in_the_long_run():
    rows = groups(12, 400, 12)
    seen = torch.cat([stream_batches(rows, SIZES, SEEDS, epoch).flatten() for epoch in range(1, 300)])
    counts = np.bincount(seen.numpy(), minlength=424)
    assert counts.min() > 0
    assert (counts[:12] == 299).all()
    assert counts[12:412].mean() == pytest.approx(299 * 24 / 400)


def test_epochs_and_seeds_differ():
    rows = groups(12, 40, 12)
    first = stream_batches(rows, SIZES, SEEDS, 1)
    assert not torch.equal(first, stream_batches(rows, SIZES, SEEDS, 2))
    assert not torch.equal(first, stream_batches(rows, SIZES, RunSeeds(1, 2), 1))


def test_a_stream_is_shuffled_apart_from_the_others():
    rows = groups(12, 24, 12)
    together = stream_batches(rows, SIZES, SEEDS, 3)
    assert torch.equal(together[:, :6], stream_batches(rows, {"weak": 6}, SEEDS, 3))
    assert not torch.equal(together[:, :6] + 36, together[:, 18:])


def test_rows_may_be_tensors():
    rows = groups(12, 24, 12)
    tensors = {name: torch.from_numpy(each) for name, each in rows.items()}
    assert torch.equal(stream_batches(rows, SIZES, SEEDS, 1), stream_batches(tensors, SIZES, SEEDS, 1))


def test_a_stream_with_too_few_clips_is_named():
    with pytest.raises(DataError, match=r"composition\.strong = 6: there are 5 such clips"):
        stream_batches(groups(12, 24, 5), SIZES, SEEDS, 1)


def test_a_stream_that_is_not_there_is_named():
    with pytest.raises(SettingsError, match=r"stream 'unlabeled' is unknown; did you mean 'unlabelled'\?"):
        stream_batches(groups(12, 24, 12), {"unlabeled": 12}, SEEDS, 1)


def test_a_stream_without_clips_in_a_batch_is_named():
    with pytest.raises(SettingsError, match=r"composition\.weak = 0"):
        stream_batches(groups(12, 24, 12), SIZES | {"weak": 0}, SEEDS, 1)


@few
@given(st.integers(1, 60), st.integers(1, 20), st.integers(1, 9))
def test_a_union_comes_once_in_batches(count, size, epoch):
    rows = 3 * np.arange(count)
    batches = union_batches(rows, size, SEEDS, epoch)
    assert len(batches) == -(-count // size)
    assert all(len(batch) == size for batch in batches[:-1])
    assert sorted(torch.cat(batches).tolist()) == rows.tolist()


def test_a_union_is_shuffled_anew():
    rows = np.arange(60)
    first, again, second = (torch.cat(union_batches(rows, 16, SEEDS, epoch)) for epoch in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    assert not torch.equal(first, torch.from_numpy(rows))
