from math import floor

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sedrepro.annotations.clips import Event
from sedrepro.base.errors import DataError, SettingsError
from sedrepro.evaluation.frame_level import frame_activity
from sedrepro.training.frame_labels import frame_targets, pool_labels

CLASSES = ("Cat", "Dog", "Speech")
RATE = 44100 / 511  # of the official baseline of DCASE 2019
FRAMES = 864

milliseconds = st.integers(0, 11_000)
few = settings(deadline=None, max_examples=60)


@st.composite
def an_event(draw) -> Event:
    onset, offset = sorted((draw(milliseconds), draw(milliseconds)))
    return Event(onset / 1000, offset / 1000, draw(st.sampled_from(CLASSES)))


clips = st.lists(st.lists(an_event(), max_size=4), min_size=1, max_size=3)


def active(targets: np.ndarray) -> list[int]:
    return np.flatnonzero(targets).tolist()


def test_an_event_is_active_in_every_frame_that_it_overlaps():
    events = [[Event(0.25, 0.61, "Dog")], [], [Event(0.0, 0.1, "Cat"), Event(0.05, 0.3, "Cat")]]
    targets = frame_targets(events, CLASSES, 10, 10.0)
    assert targets.dtype == np.uint8
    assert targets.shape == (3, 10, 3)
    assert active(targets[0, :, 1]) == [2, 3, 4, 5, 6]
    assert active(targets[2, :, 0]) == [0, 1, 2]
    assert targets.sum() == 8


def test_offsets_may_be_rounded_down():
    events = [[Event(0.25, 0.61, "Dog"), Event(0.42, 0.48, "Cat")]]
    targets = frame_targets(events, CLASSES, 10, 10.0, offsets="down")
    assert active(targets[0, :, 1]) == [2, 3, 4, 5]
    assert not targets[0, :, 0].any()


def test_what_lies_behind_the_last_frame_is_left_out():
    targets = frame_targets([[Event(0.85, 1.4, "Cat"), Event(2.0, 3.0, "Dog")]], CLASSES, 10, 10.0)
    assert active(targets[0, :, 0]) == [8, 9]
    assert targets.sum() == 2


@few
@given(clips)
def test_frames_are_those_that_evaluation_takes_as_active(events):
    expected = frame_activity(events, CLASSES, FRAMES, RATE)
    np.testing.assert_array_equal(frame_targets(events, CLASSES, FRAMES, RATE), expected)


def test_times_on_the_border_of_two_frames_are_not_moved_by_rounding():
    # A time of m ms is in frame m x 44100 // (1000 x 511), in whole numbers.
    for number in range(0, 10_001):
        event = Event(number / 1000, number / 1000 + 1, "Cat")
        targets = frame_targets([[event]], CLASSES, 2 * FRAMES, RATE, offsets="down")[0, :, 0]
        assert active(targets)[0] == number * 44100 // (1000 * 511)


def test_an_event_of_another_class_is_an_error():
    with pytest.raises(DataError, match=r"clip 1: event of class 'Dgo', .* did you mean 'Dog'\?"):
        frame_targets([[], [Event(0, 1, "Dgo")]], CLASSES, 10, 10.0)


@pytest.mark.parametrize(("onset", "offset"), [(2.0, 1.0), (-1.0, 1.0), (0.0, float("nan"))])
def test_impossible_times_are_an_error(onset, offset):
    with pytest.raises(DataError, match=r"clip 0: event from .* correct its times"):
        frame_targets([[Event(onset, offset, "Cat")]], CLASSES, 10, 10.0)


@few
@given(st.lists(an_event(), max_size=4), st.integers(1, 9))
def test_labels_as_released_are_the_last_of_each_group(events, reduction):
    targets = frame_targets([events], CLASSES, FRAMES, RATE, offsets="down")
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
