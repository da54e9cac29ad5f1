from math import floor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sedrepro.annotations.clips import Event
from sedrepro.annotations.frames import event_frames
from sedrepro.base.errors import SettingsError
from sedrepro.training.frame_labels import pool_labels

CLASSES = ("Cat", "Dog", "Speech")
RATE = 44100 / 511  # of the official baseline of DCASE 2019
FRAMES = 864

milliseconds = st.integers(0, 11_000)
few = settings(deadline=None, max_examples=60)


@st.composite
def an_event(draw) -> Event:
    onset, offset = sorted((draw(milliseconds), draw(milliseconds)))
    return Event(onset / 1000, offset / 1000, draw(st.sampled_from(CLASSES)))


@few
@given(st.lists(an_event(), max_size=4), st.integers(1, 9))
def test_labels_as_released_are_the_last_of_each_group(events, reduction):
    targets = event_frames([events], CLASSES, FRAMES, RATE, "rounded_down")
    pooled = pool_labels(torch.from_numpy(targets), reduction, "last").numpy()
    released = np.zeros((FRAMES // reduction, len(CLASSES)))
    for event in events:
        start, stop = (floor(round(1000 * seconds) * 44100 / 511_000) for seconds in (event.onset, event.offset))
        released[start // reduction : stop // reduction, CLASSES.index(event.event_label)] = 1
    np.testing.assert_array_equal(pooled[0], released)


@given(st.integers(0, 200), st.integers(0, 200), st.integers(1, 20))
def test_rounding_down_twice_is_taking_the_last_for_all_frames(onset, length, reduction):
    targets = torch.zeros((1, 420, 1), dtype=torch.uint8)
    targets[:, onset : onset + length] = 1
    expected = torch.zeros(420 // reduction)
    expected[onset // reduction : (onset + length) // reduction] = 1
    assert torch.equal(pool_labels(targets, reduction, "last")[0, :, 0], expected)


@pytest.mark.parametrize(
    ("how", "expected"),
    [("last", [0, 1, 1]), ("majority", [0, 1, 1]), ("max", [1, 1, 1]), ("mean", [0.25, 0.5, 0.75])],
)
def test_pooling_of_labels(how, expected):
    targets = torch.tensor([1, 0, 0, 0, 0, 1, 0, 1, 0, 1, 1, 1], dtype=torch.uint8)[None, :, None]
    assert pool_labels(targets, 4, how)[0, :, 0].tolist() == expected


def test_majority_and_last_differ():
    targets = torch.tensor([1, 1, 1, 0, 0, 0, 0, 1], dtype=torch.uint8)[None, :, None]
    assert pool_labels(targets, 4, "majority").flatten().tolist() == [1, 0]
    assert pool_labels(targets, 4, "last").flatten().tolist() == [0, 1]


@pytest.mark.parametrize("how", ["last", "majority", "max", "mean"])
def test_left_over_frames_are_dropped(how):
    targets = torch.zeros((2, 11, 3), dtype=torch.uint8)
    targets[:, 8:] = 1
    pooled = pool_labels(targets, 4, how)
    assert pooled.shape == (2, 2, 3)
    assert not pooled.any()
    assert pool_labels(targets, 12, how).shape == (2, 0, 3)


@few
@given(st.integers(1, 3), st.integers(1, 30), st.integers(1, 5), st.integers(0, 99))
def test_soft_labels_pool_within_their_range_and_keep_their_precision(batch, frames, reduction, seed):
    targets = torch.rand((batch, frames, 2), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    lowest, mean, highest = (pool_labels(targets, reduction, how) for how in ("last", "mean", "max"))
    assert mean.dtype == torch.float64
    assert (lowest <= highest).all()
    assert (mean <= highest + 1e-12).all()
    assert torch.equal(pool_labels(targets, reduction, "majority"), (mean >= 0.5).double())


def test_an_unknown_pooling_names_the_nearest():
    with pytest.raises(SettingsError, match=r"label_pooling 'mayority' .* did you mean 'majority'\?"):
        pool_labels(torch.zeros((1, 4, 1)), 2, "mayority")
