"""Events as frames, by every rule."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sedrepro.annotations.clips import Event
from sedrepro.annotations.frames import event_frames
from sedrepro.base.errors import DataError

CLASSES = ("Bark", "Knock", "Tap")
TRAINED = ("Cat", "Dog", "Speech")
TWO = ["Dog", "Speech"]
RATE = 44100 / 511  # of the official baseline of DCASE 2019
FRAMES = 864

few = settings(deadline=None, max_examples=60)
some_events = st.lists(
    st.builds(
        lambda onset, length, label: Event(onset, onset + length, label),
        st.floats(0, 6),
        st.floats(0, 3),
        st.sampled_from(CLASSES),
    ),
    max_size=4,
)


def active(targets: np.ndarray) -> list[int]:
    return np.flatnonzero(targets).tolist()


def test_an_event_is_active_in_every_frame_that_it_overlaps():
    events = [[Event(0.25, 0.61, "Dog")], [], [Event(0.0, 0.1, "Cat"), Event(0.05, 0.3, "Cat")]]
    targets = event_frames(events, TRAINED, 10, 10.0)
    assert targets.dtype == bool
    assert targets.shape == (3, 10, 3)
    assert active(targets[0, :, 1]) == [2, 3, 4, 5, 6]
    assert active(targets[2, :, 0]) == [0, 1, 2]
    assert targets.sum() == 8


def test_offsets_may_be_rounded_down():
    events = [[Event(0.25, 0.61, "Dog"), Event(0.42, 0.48, "Cat")]]
    targets = event_frames(events, TRAINED, 10, 10.0, "rounded_down")
    assert active(targets[0, :, 1]) == [2, 3, 4, 5]
    assert not targets[0, :, 0].any()


def test_what_lies_behind_the_last_frame_is_left_out():
    targets = event_frames([[Event(0.85, 1.4, "Cat"), Event(2.0, 3.0, "Dog")]], TRAINED, 10, 10.0)
    assert active(targets[0, :, 0]) == [8, 9]
    assert targets.sum() == 2


def test_times_on_the_border_of_two_frames_are_not_moved_by_rounding():
    # A time of m ms is in frame m x 44100 // (1000 x 511), in whole numbers.
    for number in range(0, 10_001):
        event = Event(number / 1000, number / 1000 + 1, "Cat")
        targets = event_frames([[event]], TRAINED, 2 * FRAMES, RATE, "rounded_down")[0, :, 0]
        assert active(targets)[0] == number * 44100 // (1000 * 511)


def test_an_event_of_another_class_is_an_error():
    with pytest.raises(DataError, match=r"clip 1: event of class 'Dgo', .* did you mean 'Dog'\?"):
        event_frames([[], [Event(0, 1, "Dgo")]], TRAINED, 10, 10.0)


@pytest.mark.parametrize(("onset", "offset"), [(2.0, 1.0), (-1.0, 1.0), (0.0, float("nan"))])
def test_impossible_times_are_an_error(onset, offset):
    with pytest.raises(DataError, match=r"clip 0: event from .* correct its times"):
        event_frames([[Event(onset, offset, "Cat")]], TRAINED, 10, 10.0)


def frame_by_frame(events, frames, frames_per_second):
    """Activity of one clip (frame, class) from its definition, in exact steps of the frame rate."""
    active = np.zeros((frames, len(CLASSES)), dtype=bool)
    for frame in range(frames):
        for event in events:
            overlaps = event.onset * frames_per_second < frame + 1 and event.offset * frames_per_second > frame
            if overlaps:
                active[frame, CLASSES.index(event.event_label)] = True
    return active


# A rate that divides 1 without rounding, so that the borders of frames are exact.
@few
@given(st.lists(some_events, min_size=1, max_size=3), st.integers(1, 200))
@example([[Event(0.5, 1.0, "Bark"), Event(1.0, 1.0, "Knock")]], 64)
def test_a_frame_is_active_where_an_event_overlaps_it(events, frames):
    # Times on the border of two frames but for less than a millionth of a frame are taken to lie on it.
    events = [[Event(round(e.onset, 4), round(e.offset, 4), e.event_label) for e in clip] for clip in events]
    expected = [frame_by_frame(of_clip, frames, 32) for of_clip in events]
    np.testing.assert_array_equal(event_frames(events, CLASSES, frames, 32), expected)


# The rates of 311 frames of 32 ms, and of 80 ms and 20 ms.
@few
@given(st.integers(0, 9999), st.integers(1, 5000), st.sampled_from([32, 80, 20]), st.booleans())
def test_it_is_the_activity_of_the_released_code_but_for_offsets_on_borders(start, length, frame, on_borders):
    start, stop = (time // frame * frame if on_borders else time for time in (start, start + length))
    event = Event(start / 1000, stop / 1000, "Bark")
    active = event_frames([[event]], CLASSES, 1000, 1000 / frame)[0, :, 0]
    # In whole milliseconds, as int(onset x rate) and int(offset x rate) are but for rounding errors.
    first, last = start // frame, stop // frame
    assert np.flatnonzero(active).tolist() == list(range(first, last if stop % frame == 0 else last + 1))


def test_the_events_of_the_remix():
    active = event_frames([[Event(0.5, 2.5, "Bark"), Event(9.9, 12.0, "Knock")], []], CLASSES, 311, 31.25)
    assert active.shape == (2, 311, 3)
    assert np.flatnonzero(active[0, :, 0]).tolist() == list(range(15, 79))
    assert np.flatnonzero(active[0, :, 1]).tolist() == [309, 310]
    assert not active[1].any()


# --- half of a frame


def test_a_frame_is_active_if_an_event_covers_half_of_it():
    events = [
        [Event(0.5, 2.4, "Dog"), Event(2.4, 2.8, "Dog")],  # of frame 2 less than half by each of two events
        [Event(1.51, 3.5, "Speech")],  # half of frame 3, less of frame 1
        [],
    ]
    active = event_frames(events, TWO, 4, 1.0, "half_covered")
    assert active.shape == (3, 4, 2)
    assert [list(row) for row in active[:, :, 0].astype(int)] == [[1, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]
    assert [list(row) for row in active[:, :, 1].astype(int)] == [[0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 0, 0]]


@given(st.integers(0, 100), st.integers(0, 100), st.sampled_from([1.0, 6.04, 12.5, 15.1]))
def test_an_event_of_whole_frames_labels_these(first, count, rate):
    event = Event(first / rate, (first + count) / rate, "Dog")
    active = event_frames([[event]], TWO, 120, rate, "half_covered")[0, :, 0]
    expected = (np.arange(120) >= first) & (np.arange(120) < first + count)
    np.testing.assert_array_equal(active, expected)


@given(st.lists(st.tuples(st.integers(0, 900), st.integers(0, 400)), max_size=4), st.sampled_from([1.0, 6.04, 12.5]))
def test_half_of_a_frame_is_measured_for_each_event_by_itself(spans, rate):
    """Onsets and lengths are hundredths of a frame, so that halves are exact."""
    expected = np.zeros(10, dtype=bool)
    for onset, length in spans:
        for frame in range(10):
            expected[frame] |= min(onset + length, 100 * frame + 100) - max(onset, 100 * frame) >= 50
    events = [Event(onset / 100 / rate, (onset + length) / 100 / rate, "Bark") for onset, length in spans]
    np.testing.assert_array_equal(event_frames([events], CLASSES, 10, rate, "half_covered")[0, :, 0], expected)
