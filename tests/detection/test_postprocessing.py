import numpy as np
import pytest
import scipy.ndimage
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sedrepro.annotations.clips import Event
from sedrepro.base.errors import SettingsError
from sedrepro.base.typed import load
from sedrepro.detection.postprocessing import active_frames, events, median_filtered, median_window
from sedrepro.detection.settings import PostProcessing
from sedrepro.evaluation.segment_based import segment_metrics
from sedrepro.evaluation.settings import SegmentBased

PLAIN = {"threshold": 0.5, "median_seconds": 0, "longest_gap_seconds": 0, "shortest_seconds": 0}
seconds = st.sampled_from([0, 0.04, 0.08, 0.2, 0.3, 0.5, 1, 20])
settings_of_all_kinds = st.builds(
    PostProcessing,
    threshold=st.sampled_from([0.05, 0.3, 0.5, 0.7]),
    median_seconds=seconds,
    longest_gap_seconds=seconds,
    shortest_seconds=seconds,
)
few = settings(deadline=None, max_examples=60)
#: What SciPy calls each border.
BORDERS = {"inactive": "constant", "reflect": "reflect"}


def how(**changes) -> PostProcessing:
    return PostProcessing(**(PLAIN | changes))


def slowly(scores: np.ndarray, how: PostProcessing, frames_per_second: float, border: str) -> np.ndarray:
    """Post-processing of one class of one clip, (frame,), a step and a frame at a time."""
    window = round(how.median_seconds * frames_per_second)
    window += window % 2 == 0
    active = [bool(score >= how.threshold) for score in scores]
    active = list(scipy.ndimage.median_filter(np.array(active, dtype=float), size=window, mode=BORDERS[border]) > 0.5)
    for first in range(len(active)):
        for last in range(first, len(active)):
            is_gap = not any(active[first : last + 1]) and first > 0 and last + 1 < len(active)
            if is_gap and active[first - 1] and active[last + 1]:
                length = last + 1 - first
                active[first : last + 1] = [length <= round(how.longest_gap_seconds * frames_per_second)] * length
    kept, frame = [False] * len(active), 0
    while frame < len(active):
        length = 0
        while frame + length < len(active) and active[frame + length]:
            length += 1
        if length >= round(how.shortest_seconds * frames_per_second):
            kept[frame : frame + length] = [True] * length
        frame += max(length, 1)
    return np.array(kept)


@st.composite
def random_scores(draw):
    """Scores in which active and inactive stretches of all lengths occur, (clip, frame, class), float32."""
    shape = draw(st.tuples(st.integers(0, 3), st.integers(1, 40), st.integers(1, 3)))
    random = np.random.default_rng(draw(st.integers(0, 2**31)))
    hold = draw(st.integers(1, 8))
    return np.repeat(random.random(shape), hold, axis=1)[:, : shape[1]].astype(np.float32).round(2)


@few
@given(random_scores(), settings_of_all_kinds, st.sampled_from([12.5, 31.25, 15.1]), st.sampled_from([*BORDERS]))
def test_fast_and_slow_post_processing_agree(scores, how, frames_per_second, border):
    assume(border == "inactive" or round(how.median_seconds * frames_per_second) // 2 <= scores.shape[1])
    active = active_frames(scores, how, frames_per_second, border)
    assert active.shape == scores.shape
    assert active.dtype == bool
    for clip, found in zip(scores, active, strict=True):
        for label in range(scores.shape[2]):
            expected = slowly(clip[:, label], how, frames_per_second, border)
            np.testing.assert_array_equal(found[:, label], expected)


@few
@given(random_scores(), st.sampled_from([1, 3, 5, 11, 101]), st.sampled_from([*BORDERS]))
def test_the_median_filter_is_that_of_scipy_at_both_borders(scores, window, border):
    active = scores[:, :, 0] > 0.5
    # SciPy 1.17 errs where it has to mirror several times, with windows of some eight times the length of the clip.
    assume(border == "inactive" or window // 2 <= active.shape[1])
    expected = scipy.ndimage.median_filter(active.astype(float), size=(1, window), mode=BORDERS[border]) > 0
    np.testing.assert_array_equal(median_filtered(active, window, border), expected)


@few
@given(random_scores(), st.sampled_from([1, 3, 5, 11, 101]))
def test_reflection_is_what_the_median_filter_of_scipy_does_by_itself(scores, window):
    active = scores[:, :, 0] > 0.5
    assume(window // 2 <= active.shape[1])
    expected = scipy.ndimage.median_filter(active.astype(float), size=(1, window)) > 0
    np.testing.assert_array_equal(median_filtered(active, window, "reflect"), expected)


@pytest.mark.parametrize(("border", "kept"), [("inactive", ".....xxx.."), ("reflect", "xx...xxx..")])
def test_two_of_five_frames_at_the_border_are_a_majority_of_what_they_mirror(border, kept):
    # Around frame 0: b a | a b c with a, b active is 4 of 5; around frame 1: a | a b c d is 3 of 5.
    active = np.array([[frame == "x" for frame in "xx...xxx.."]])
    assert "".join(".x"[int(frame)] for frame in median_filtered(active, 5, border)[0]) == kept


def one_class(text: str) -> np.ndarray:
    return np.array([float(frame == "x") for frame in text])[None, :, None]


def processed(text: str, **changes) -> str:
    active = active_frames(one_class(text), how(**changes), 10, "inactive")
    return "".join(".x"[int(frame)] for frame in active[0, :, 0])


def test_each_step_and_their_order():
    text = "xx.x....x.......xxxxx"
    assert processed(text) == text
    assert processed(text, median_seconds=0.3) == "xxx.............xxxxx"
    assert processed(text, longest_gap_seconds=0.4) == "xxxxxxxxx.......xxxxx"
    assert processed(text, shortest_seconds=0.2) == "xx..............xxxxx"
    # Two short runs are joined before short ones are removed, and noise is gone before gaps are closed.
    assert processed("x.x......", longest_gap_seconds=0.1, shortest_seconds=0.3) == "xxx......"
    assert processed("xxx..x..xxx", median_seconds=0.3, longest_gap_seconds=0.2) == "xxx.....xxx"


def test_runs_at_the_border_need_the_length_of_runs_elsewhere():
    assert processed("xx....xx....xx", median_seconds=0.5) == "." * 14
    assert processed("xxx...xxx....xxx", median_seconds=0.5) == "xxx...xxx....xxx"


def test_gaps_at_the_border_and_between_clips_and_classes_stay():
    scores = np.concatenate([one_class("..x...x"), one_class("x......")])
    active = active_frames(np.concatenate([scores, 1 - scores], axis=2), how(longest_gap_seconds=9), 10, "inactive")
    assert "".join(".x"[int(frame)] for frame in active[0, :, 0]) == "..xxxxx"
    assert "".join(".x"[int(frame)] for frame in active[1, :, 0]) == "x......"


def test_a_score_that_equals_the_threshold_is_active_in_single_precision_too():
    assert active_frames(np.full((1, 1, 1), 0.3, dtype=np.float32), how(threshold=0.3), 12.5, "inactive").all()


@pytest.mark.parametrize(("length", "window"), [(0, 1), (0.03, 1), (0.08, 1), (0.16, 3), (0.24, 3), (0.4, 5), (1, 13)])
def test_windows_are_odd(length, window):
    assert median_window(length, 12.5) == window


@few
@given(random_scores(), settings_of_all_kinds)
def test_events_cover_exactly_the_active_frames(scores, how):
    active = active_frames(scores, how, 12.5, "inactive")
    classes = [f"class {number}" for number in range(scores.shape[2])]
    found = events(active, 12.5, classes, [scores.shape[1] / 12.5] * len(scores))
    again = np.zeros_like(active)
    for clip, of_clip in enumerate(found):
        assert of_clip == sorted(of_clip)
        for event in of_clip:
            frames = slice(round(event.onset * 12.5), round(event.offset * 12.5))
            assert not again[clip, frames, classes.index(event.event_label)].any()
            again[clip, frames, classes.index(event.event_label)] = True
    np.testing.assert_array_equal(again, active)
    assert sum(map(len, found)) == (np.diff(active, axis=1, prepend=False) & active).sum()


def test_events_by_hand():
    active = np.zeros((2, 125, 2), dtype=bool)
    active[0, 5:10, 1] = active[0, 100:125, 0] = active[1, 0, 0] = True
    assert events(active, 12.5, ["Car", "Bus"], [10, 10]) == [
        [Event(0.4, 0.8, "Bus"), Event(8.0, 10.0, "Car")],
        [Event(0.0, 0.08, "Car")],
    ]


@pytest.mark.parametrize(
    ("duration", "expected"), [(10, (8, 10)), (9.513, (8, 9.513)), (8.001, (8, 8.001)), (8, None), (3.2, None)]
)
def test_nothing_lasts_beyond_its_clip(duration, expected):
    active = np.zeros((1, 125, 1), dtype=bool)
    active[0, 100:125] = True
    assert events(active, 12.5, ["Car"], [duration]) == [[Event(*expected, "Car")] if expected else []]


def test_frames_that_reach_beyond_the_clip_open_an_eleventh_segment_where_events_are_not_cut():
    # The baseline of DCASE 2019: 108 frames of 8 hops of 511 samples at 44.1 kHz.
    active, rate = np.ones((1, 108, 1), dtype=bool), 44100 / (8 * 511)
    cut, released = (events(active, rate, ["Car"], [10], within)[0] for within in (True, False))
    assert (cut, released) == ([Event(0, 10, "Car")], [Event(0, pytest.approx(10.0114, abs=1e-4), "Car")])
    how = SegmentBased(segment_seconds=1, averaging="micro", undetected_classes="zero")
    precisions = [
        segment_metrics({"a": [Event(0, 10, "Car")]}, {"a": found}, ["Car"], how)["metrics"]["segment_precision"]
        for found in (cut, released)
    ]
    assert precisions == pytest.approx([1, 10 / 11], abs=1e-6)


@pytest.mark.parametrize(("classes", "durations"), [(["a"], [10]), (["a", "b"], [10, 10])])
def test_names_and_durations_must_fit(classes, durations):
    with pytest.raises(ValueError, match="does not fit"):
        events(np.zeros((1, 5, 2), dtype=bool), 12.5, classes, durations)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"threshold": 0}, "'threshold' = 0: Input should be greater than 0"),
        ({"threshold": 1}, "'threshold' = 1: Input should be less than 1"),
        ({"median_seconds": -0.1}, "'median_seconds' = -0.1: Input should be greater than or equal to 0"),
        ({"shortest_seconds": float("nan")}, "'shortest_seconds' = nan: Input should be a finite number"),
        ({"longest_gap": 1}, "unknown key 'longest_gap'; did you mean 'longest_gap_seconds'?"),
    ],
)
def test_impossible_settings_are_named(changes, message):
    with pytest.raises(SettingsError, match="post: ") as caught:
        load(PostProcessing, PLAIN | changes, "post")
    assert message in str(caught.value)
