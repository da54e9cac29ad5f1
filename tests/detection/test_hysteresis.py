import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedrepro.base.errors import SettingsError
from sedrepro.base.typed import load
from sedrepro.detection.hysteresis import hysteresis_active
from sedrepro.detection.settings import Hysteresis

PAPER = {
    "kind": "hysteresis",
    "clip_threshold": 0.1,
    "high": 0.2,
    "low": 0.1,
    "longest_gap_frames": 9,
    "shortest_frames": 10,
}
few = settings(deadline=None, max_examples=60)


def how(**changes) -> Hysteresis:
    return load(Hysteresis, PAPER | changes, "detection")


def slowly(scores: np.ndarray, how: Hysteresis) -> np.ndarray:
    """One class of one clip that is active, (frame,), a seed and a frame at a time."""
    frames = len(scores)
    active = np.zeros(frames, dtype=bool)
    for seed in np.flatnonzero(scores >= how.high):
        for step in (-1, 1):
            frame = seed
            while 0 <= frame < frames and scores[frame] > how.low:
                active[frame] = True
                frame += step
    events = []
    for frame in np.flatnonzero(active).tolist():
        if events and frame - events[-1][1] <= how.longest_gap_frames:
            events[-1][1] = frame + 1
        elif events and frame == events[-1][1]:
            events[-1][1] += 1
        else:
            events.append([frame, frame + 1])
    expected = np.zeros(frames, dtype=bool)
    for start, stop in events:
        if stop - start >= how.shortest_frames:
            expected[start:stop] = True
    return expected


@st.composite
def random_scores(draw):
    """Frame scores (clip, frame, class) on both sides of all thresholds and on them, clip scores (clip, class)."""
    clips, frames, classes = draw(st.tuples(st.integers(0, 3), st.integers(1, 40), st.integers(1, 3)))
    random = np.random.default_rng(draw(st.integers(0, 2**31)))
    hold, levels = draw(st.integers(1, 6)), draw(st.sampled_from([[0, 0.1, 0.15, 0.2, 0.5], [0.05, 0.12, 0.13, 0.3]]))
    frame = np.repeat(random.choice(levels, (clips, frames, classes)), hold, axis=1)[:, :frames]
    return frame.astype(np.float32), random.choice(levels, (clips, classes)).astype(np.float32)


some_hysteresis = st.builds(
    Hysteresis,
    kind=st.just("hysteresis"),
    clip_threshold=st.sampled_from([0, 0.1, 0.4]),
    high=st.sampled_from([0.2, 0.3]),
    low=st.sampled_from([0, 0.1, 0.13]),
    longest_gap_frames=st.sampled_from([0, 1, 3, 9, 10]),
    shortest_frames=st.sampled_from([0, 1, 3, 10, 11]),
)


@few
@given(random_scores(), some_hysteresis)
def test_all_at_once_and_a_frame_at_a_time_agree(scores, how):
    frame, clip = scores
    active = hysteresis_active(frame, clip, how)
    assert active.shape == frame.shape
    assert active.dtype == bool
    for number, label in np.ndindex(clip.shape):
        heard = clip[number, label] > np.float32(how.clip_threshold)
        expected = slowly(frame[number, :, label], how) if heard else np.zeros(frame.shape[1], dtype=bool)
        np.testing.assert_array_equal(active[number, :, label], expected)


@few
@given(random_scores(), some_hysteresis)
def test_every_event_holds_a_seed_and_is_as_long_as_asked_for(scores, how):
    frame, clip = scores
    active = hysteresis_active(frame, clip, how)
    for number, label in np.ndindex(clip.shape):
        edges = np.flatnonzero(np.diff(active[number, :, label].astype(int), prepend=0, append=0))
        for start, stop in edges.reshape(-1, 2):
            assert stop - start >= how.shortest_frames
            assert (frame[number, start:stop, label] >= np.float32(how.high)).any()
        assert (edges[2::2] - edges[1:-1:2] > how.longest_gap_frames).all()


@few
@given(random_scores(), st.sampled_from([0.1, 0.13]))
def test_before_gaps_and_short_events_a_lower_low_threshold_only_adds(scores, low):
    plain = {"longest_gap_frames": 0, "shortest_frames": 0, "clip_threshold": 0}
    wide, narrow = (hysteresis_active(*scores, how(low=value, **plain)) for value in (0.05, low))
    assert (wide >= narrow).all()
    assert (narrow >= (scores[0] >= np.float32(0.2)) & (scores[1] > 0)[:, None]).all()


def processed(text: str, **changes) -> str:
    """Frames as digits, their scores in twentieths: 2 is the low threshold, 4 the high one."""
    scores = np.array([int(digit) / 20 for digit in text], dtype=np.float32)[None, :, None]
    plain = {"longest_gap_frames": 0, "shortest_frames": 0}
    active = hysteresis_active(scores, np.ones((1, 1)), how(**plain | changes))
    return "".join(".x"[int(frame)] for frame in active[0, :, 0])


def test_seeds_grow_to_both_sides_over_frames_above_the_low_threshold():
    assert processed("0334330333200") == ".xxxxx......."
    # A score that equals a threshold: the high one makes a seed, the low one ends an event.
    assert processed("3323432") == "...xxx."
    assert processed("3333333") == "......."
    assert processed("4334") == "xxxx"


def test_gaps_and_events_of_ten_frames_stay_and_shorter_ones_go():
    ten, nine = "4" * 10, "4" * 9
    reading = {"longest_gap_frames": 9, "shortest_frames": 10}
    assert processed(f"00{ten}00", **reading) == f"..{'x' * 10}.."
    assert processed(f"00{nine}00", **reading) == "." * 13
    assert processed(f"{ten}{'0' * 10}{ten}", **reading) == f"{'x' * 10}{'.' * 10}{'x' * 10}"
    assert processed(f"{ten}{'0' * 9}{ten}", **reading) == "x" * 29
    # What the released code does to them.
    released = {"longest_gap_frames": 10, "shortest_frames": 11}
    assert processed(f"00{ten}00", **released) == "." * 14
    assert processed(f"{ten}{'0' * 10}{ten}", **released) == "x" * 30


def test_gaps_are_closed_before_short_events_go():
    assert processed("0440440", longest_gap_frames=1, shortest_frames=5) == ".xxxxx."


def test_only_classes_that_score_above_the_threshold_in_the_clip_are_active():
    frame = np.full((1, 12, 3), 0.9, dtype=np.float32)
    clip = np.array([[0.1, 0.11, 0.05]], dtype=np.float32)
    assert hysteresis_active(frame, clip, how()).all(axis=1).tolist() == [[False, True, False]]
    assert hysteresis_active(frame, clip, how()).any(axis=1).tolist() == [[False, True, False]]


def test_scores_must_fit():
    with pytest.raises(ValueError, match=r"\(2, 9, 3\) and clip scores \(2, 2\) do not fit"):
        hysteresis_active(np.zeros((2, 9, 3)), np.zeros((2, 2)), how())


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"low": 0.2}, "detection: low = 0.2 must be below high = 0.2"),
        ({"high": 1}, "'high' = 1: Input should be less than 1"),
        ({"clip_threshold": -0.1}, "'clip_threshold' = -0.1: Input should be greater than or equal to 0"),
        ({"shortest_frames": 0.3}, "'shortest_frames' = 0.3: Input should be a valid integer"),
        ({"kind": "search"}, "'kind' = 'search': Input should be 'hysteresis'"),
    ],
)
def test_impossible_settings_are_named(changes, message):
    with pytest.raises(SettingsError) as caught:
        how(**changes)
    assert message in str(caught.value)
