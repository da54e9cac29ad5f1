import csv
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import scipy.ndimage
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sedrepro.annotations.clips import Event
from sedrepro.base.errors import SettingsError
from sedrepro.base.typed import Typed, load
from sedrepro.detection.median import (
    average_duration,
    event_durations,
    event_specific_duration,
    knee,
    median_active,
    window_seconds,
)
from sedrepro.detection.postprocessing import median_window
from sedrepro.detection.settings import Median, Method

FIXED = {"kind": "fixed", "seconds": 0.45}
AVERAGE = {"kind": "average", "share": 1 / 3}
EVENT_SPECIFIC = {"kind": "event_specific", "share": 1 / 3, "knee": "chord"}
SETTINGS = {"kind": "median", "threshold": 0.5, "windows": FIXED, "filters": "decisions", "border": "inactive"}
#: What SciPy calls each border.
BORDERS = {"inactive": "constant", "reflect": "reflect"}
few = settings(deadline=None, max_examples=60)


def how(**changes) -> Median:
    return load(Median, SETTINGS | changes, "detection")


# --- the filters


def slowly(frame: np.ndarray, clip: np.ndarray, how: Median, windows: list[int]) -> np.ndarray:
    """Each step as the papers have it, one class of one clip after the other."""
    found = np.zeros(frame.shape, dtype=bool)
    for number, label in np.ndindex(clip.shape):
        curve = frame[number, :, label].copy()
        if how.clip_threshold is not None:
            curve *= clip[number, label] >= np.float32(how.clip_threshold)
        if how.filters != "decisions":
            curve = scipy.ndimage.median_filter(curve, size=windows[label], mode=BORDERS[how.border])
        decisions = (curve >= np.float32(how.threshold)).astype(int)
        if how.filters != "posteriors":
            decisions = scipy.ndimage.median_filter(decisions, size=windows[label], mode=BORDERS[how.border])
        found[number, :, label] = decisions
    return found


@st.composite
def random_scores(draw):
    """Frame scores (clip, frame, class) with stretches of many lengths, some on the threshold; clip scores."""
    clips, frames, classes = draw(st.tuples(st.integers(0, 3), st.integers(1, 40), st.integers(1, 3)))
    random = np.random.default_rng(draw(st.integers(0, 2**31)))
    hold = draw(st.integers(1, 6))
    frame = np.repeat(random.random((clips, frames, classes)), hold, axis=1)[:, :frames].round(1)
    return frame.astype(np.float32), random.random((clips, classes)).astype(np.float32).round(1)


some_windows = st.lists(st.sampled_from([1, 3, 5, 9, 41, 101]), min_size=3, max_size=3)


@few
@given(
    random_scores(),
    some_windows,
    st.sampled_from(["decisions", "posteriors", "both"]),
    st.sampled_from([0.3, 0.5, 0.8]),
    st.sampled_from([None, 0.3, 0.5]),
    st.sampled_from([*BORDERS]),
)
def test_filters_are_those_of_scipy_on_posteriors_and_decisions(
    scores, windows, filters, threshold, clip_threshold, border
):
    frame, clip = scores
    setting = how(filters=filters, threshold=threshold, clip_threshold=clip_threshold, border=border)
    windows = windows[: clip.shape[1]]
    assume(border == "inactive" or max(windows) // 2 <= frame.shape[1])  # SciPy's mirror of mirrors errs
    active = median_active(frame, clip, setting, windows)
    assert active.shape == frame.shape
    assert active.dtype == bool
    np.testing.assert_array_equal(active, slowly(frame, clip, setting, windows))


def filtered(text: str, window: int, **changes) -> str:
    scores = np.array([0.9 if frame == "x" else 0.2 for frame in text])[None, :, None]
    active = median_active(scores, np.ones((1, 1)), how(**changes), [window])
    return "".join(".x"[int(frame)] for frame in active[0, :, 0])


def test_five_frames_by_hand_and_at_the_borders():
    assert filtered("xx.x.....xxx...xx", 5) == ".xx......xxx....."
    assert filtered("xxx.....xxx", 5) == "xxx.....xxx"
    assert filtered("xx......xx", 5) == "." * 10
    assert filtered("xx......xx", 5, border="reflect") == "xx......xx"
    assert filtered("x.......x.", 5, border="reflect") == "." * 10


def test_both_is_twice_and_once_is_the_same_on_either():
    once = filtered("x.x.x", 3, filters="decisions")
    assert once == filtered("x.x.x", 3, filters="posteriors") == ".x.x."
    assert filtered("x.x.x", 3, filters="both") == filtered(once, 3) == "..x.."


def test_a_class_is_silent_in_clips_that_score_below_the_clip_threshold():
    frame, clip = np.full((1, 5, 3), 0.9), np.array([[0.49, 0.5, 0.9]])
    assert median_active(frame, clip, how(clip_threshold=0.5), [1] * 3)[0, 2].tolist() == [False, True, True]
    assert median_active(frame, clip, how(), [1] * 3).all()


def test_every_class_has_its_own_window():
    frame = np.zeros((1, 9, 2))
    frame[0, 3:5] = 0.9
    assert median_active(frame, np.ones((1, 2)), how(), [3, 5]).sum(axis=1).tolist() == [[2, 0]]


stretches = st.lists(st.integers(0, 12), min_size=1, max_size=8)


@few
@given(stretches, st.integers(0, 6), st.integers(0, 6), st.sampled_from(["decisions", "both"]))
def test_events_and_pauses_longer_than_half_the_window_stay(lengths, half, narrower, filters):
    text = "".join(".x"[number % 2] * (half + 1 + length) for number, length in enumerate(lengths))
    assert filtered(text, 2 * min(half, narrower) + 1, filters=filters) == text


@few
@given(random_scores(), st.integers(0, 6))
def test_events_need_as_many_active_frames_as_half_a_window(scores, half):
    frame, clip = scores
    active = median_active(frame, clip, how(), [2 * half + 1] * clip.shape[1])
    enough = (frame >= np.float32(0.5)).sum(axis=1) > half
    assert (enough | ~active.any(axis=1)).all()


@few
@given(random_scores(), some_windows, st.floats(0, 0.3))
def test_higher_scores_only_add(scores, windows, more):
    frame, clip = scores
    windows = windows[: clip.shape[1]]
    lower, higher = (median_active(f, clip, how(filters="both"), windows) for f in (frame, frame + np.float32(more)))
    assert (higher >= lower).all()


@pytest.mark.parametrize(("clips", "classes", "windows"), [(2, 2, [1, 1]), (1, 1, [1, 1]), (1, 2, [1])])
def test_scores_and_windows_must_fit(clips, classes, windows):
    with pytest.raises(ValueError, match="do not fit"):
        median_active(np.ones((1, 5, 2)), np.ones((clips, classes)), how(), windows)


# --- durations of events


def test_durations_of_events_by_class():
    clips = [[Event(0.5, 2.0, "Cat"), Event(1.0, 1.25, "Dog")], [], [Event(3.0, 4.0, "Cat")]]
    durations = event_durations(clips, ("Dog", "Cat", "Speech"))
    assert {label: of_class.tolist() for label, of_class in durations.items()} == {
        "Dog": [0.25],
        "Cat": [1.5, 1.0],
        "Speech": [],
    }


def bent(before: int, after: int, slow: float, fast: float) -> np.ndarray:
    """Sorted durations on two lines: `before` steps of `slow` from 1 s up to the corner, `after` steps of `fast`."""
    return 1 + np.concatenate([[0], np.cumsum([slow] * before + [fast] * after)])


slopes = st.sampled_from([0.0, 0.01, 0.1, 0.3, 1.0, 7.0])


@few
@given(st.integers(1, 30), st.integers(1, 30), slopes, slopes, st.randoms())
def test_the_knee_of_two_lines_is_their_corner(before, after, slow, fast, random):
    durations = bent(before, after, slow, fast)
    shuffled = random.sample(durations.tolist(), len(durations))
    assert knee(np.array(shuffled), "chord") == (before + 1 if slow != fast else len(durations))


def test_equal_durations_and_one_or_two_have_no_chord_to_be_far_from():
    for durations in ([2.0], [0.3, 5.0], [0.7] * 9, [1.0, 2.0, 3.0]):
        assert knee(np.array(durations), "chord") == len(durations)
        assert event_specific_duration(np.array(durations), "chord") == pytest.approx(np.mean(durations))


@few
@given(st.lists(st.integers(1, 40), min_size=1, max_size=60))
def test_the_cumulative_sum_bends_where_durations_pass_their_mean(tenths):
    durations = np.array(tenths) / 10
    shorter = sum(number * len(tenths) < sum(tenths) for number in tenths)  # in integers, where ties are exact
    assert knee(durations, "cumulative_sum") == (shorter or len(tenths))


def test_equal_durations_have_no_bend_either():
    for durations in ([2.0], [0.7] * 9):
        assert knee(np.array(durations), "cumulative_sum") == len(durations)


def test_a_knee_by_hand():
    durations = np.array([9.0, 1.0, 2.0, 1.0, 8.0])
    # Sorted 1 1 2 8 9, chord 1 3 5 7 9.
    assert knee(durations, "chord") == 3
    assert event_specific_duration(durations, "chord") == pytest.approx(4 / 3)
    # Sums 0 1 2 4 12 21, chord 0 4.2 8.4 12.6 16.8 21: farthest by 8.6 after the third.
    assert knee(durations, "cumulative_sum") == 3
    # Sums 0 1 3 6 10 15, chord 0 3 6 9 12 15: farthest by 3 after the second, and as far after the third.
    assert knee(np.array([3.0, 1.0, 2.0, 5.0, 4.0]), "cumulative_sum") == 2
    assert event_specific_duration(np.array([3.0, 1.0, 2.0, 5.0, 4.0]), "cumulative_sum") == pytest.approx(1.5)
    assert average_duration(durations) == pytest.approx(21 / 5)


def test_of_two_equally_far_points_the_first_counts():
    # Above the chord 0 2 4 6 by 1 s, then below it by as much; the others only but for floating point.
    for durations in ([0.0, 3.0, 3.0, 6.0], [0.2, 0.5, 0.5, 0.8], [1.1, 3.8, 3.8, 6.5]):
        assert knee(np.array(durations), "chord") == 2


some_durations = st.lists(st.floats(0.01, 10), min_size=1, max_size=60).map(np.array)
knees = st.sampled_from(["cumulative_sum", "chord"])


@few
@given(some_durations, knees)
def test_the_event_specific_duration_lies_between_the_shortest_and_the_average(durations, of):
    found = event_specific_duration(durations, of)
    assert durations.min() * (1 - 1e-9) <= found <= average_duration(durations) * (1 + 1e-9)


@few
@given(some_durations, st.integers(-6, 6), knees)
def test_durations_scale_with_their_unit(durations, power, of):
    scaled = durations * 2.0**power
    assert knee(scaled, of) == knee(durations, of)
    assert event_specific_duration(scaled, of) == event_specific_duration(durations, of) * 2.0**power
    assert average_duration(durations * 2.0**power) == average_duration(durations) * 2.0**power


@pytest.mark.parametrize(
    ("statistic", "of"), [(average_duration, []), (knee, ["chord"]), (event_specific_duration, ["cumulative_sum"])]
)
def test_there_must_be_durations(statistic, of):
    with pytest.raises(ValueError, match="no durations"):
        statistic(np.array([]), *of)


# --- windows

DURATIONS = {"Cat": np.array([1.0, 1.0, 2.0, 8.0, 9.0]), "Dog": np.array([0.6, 1.2]), "Speech": np.array([])}


def seconds(windows: dict, durations=DURATIONS) -> dict[str, float]:
    return window_seconds(how(windows=windows).windows, durations, tuple(DURATIONS))


def test_windows_are_shares_of_durations_and_a_class_without_events_has_the_mean_of_the_others():
    assert seconds(AVERAGE) == pytest.approx({"Cat": 1.4, "Dog": 0.3, "Speech": 0.85})
    assert seconds(EVENT_SPECIFIC | {"knee": "cumulative_sum"}) == pytest.approx(
        {"Cat": 4 / 9, "Dog": 0.2, "Speech": (4 / 9 + 0.2) / 2}
    )
    assert seconds(EVENT_SPECIFIC) == pytest.approx({"Cat": 4 / 9, "Dog": 0.3, "Speech": (4 / 9 + 0.3) / 2})
    assert seconds(AVERAGE, {"Dog": DURATIONS["Dog"]}) == pytest.approx(dict.fromkeys(DURATIONS, 0.3))


def test_fixed_windows_need_no_durations():
    assert seconds(FIXED) == seconds(FIXED, {}) == dict.fromkeys(DURATIONS, 0.45)


@pytest.mark.parametrize("windows", [AVERAGE, EVENT_SPECIFIC], ids=lambda windows: windows["kind"])
@pytest.mark.parametrize("durations", [{}, {"Cat": np.array([])}])
def test_windows_that_follow_durations_need_some(windows, durations):
    with pytest.raises(
        SettingsError, match=rf"^windows.kind = {windows['kind']}: the windows follow the durations of strong"
    ):
        seconds(windows, durations)


SYNTHETIC = Path(__file__).parents[3] / "shared/metadata/dcase2019_task4/metadata/train/synthetic.tsv"
# Mean durations in the synthetic clips of DCASE 2019 Task 4, s; windows at 50 frames per second: GL's, and ours.
OFFICIAL = {
    "Alarm_bell_ringing": (1.072, 17, 19),
    "Blender": (2.582, 42, 43),
    "Cat": (1.068, 17, 19),
    "Dishes": (0.580, 9, 11),
    "Dog": (0.984, 16, 17),
    "Electric_shaver_toothbrush": (4.518, 74, 75),
    "Frying": (5.171, 85, 87),
    "Running_water": (3.914, 64, 65),
    "Speech": (1.160, 18, 19),
    "Vacuum_cleaner": (5.288, 87, 89),
}


@pytest.mark.skipif(not SYNTHETIC.is_file(), reason="the official label tables are not here")
def test_average_durations_and_windows_are_those_of_the_official_labels():
    durations = defaultdict(list)
    with open(SYNTHETIC, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            if row["event_label"]:
                durations[row["event_label"]].append(float(row["offset"]) - float(row["onset"]))
    assert set(durations) == set(OFFICIAL)
    windows = window_seconds(how(windows=AVERAGE).windows, durations, tuple(OFFICIAL))
    for label, (average, of_gl, ours) in OFFICIAL.items():
        found = average_duration(np.array(durations[label]))
        assert found == pytest.approx(average, abs=5e-4)
        assert int(int(found * 50) * 0.333) == of_gl
        assert median_window(windows[label], 50) == ours


@pytest.mark.parametrize(("average", "of_gl", "ours"), OFFICIAL.values(), ids=OFFICIAL)
def test_windows_are_odd_and_up_to_two_frames_longer_than_those_of_guided_learning(average, of_gl, ours):
    assert median_window(average / 3, 50) == ours
    assert of_gl < ours <= of_gl + 2
    assert ours % 2 == 1


# --- settings


class Settings(Typed):
    detection: dict[str, Method]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"threshold": 0}, "'detection.own.threshold' = 0: Input should be greater than 0"),
        ({"clip_threshold": 1}, "'detection.own.clip_threshold' = 1: Input should be less than 1"),
        ({"filters": "decision"}, "'detection.own.filters' = 'decision': Input should be 'decisions', 'posteriors'"),
        ({"windows": {"seconds": 1}}, "key 'detection.own.windows.kind' is missing"),
        (
            {"windows": {"kind": "mean", "share": 1}},
            "'detection.own.windows.kind' = 'mean' is unknown; known: average, event_specific, fixed",
        ),
        ({"windows": AVERAGE | {"share": 0}}, "'detection.own.windows.share' = 0: Input should be greater than 0"),
        ({"windows": FIXED | {"second": 1}}, "unknown key 'detection.own.windows.second'; did you mean 'seconds'?"),
        ({"windows": EVENT_SPECIFIC | {"knee": "bend"}}, "'detection.own.windows.knee' = 'bend': Input should be 'cu"),
    ],
)
def test_impossible_settings_are_named(changes, message):
    with pytest.raises(SettingsError, match=r"^settings\.yaml: ") as caught:
        load(Settings, {"detection": {"own": SETTINGS | changes}}, "settings.yaml")
    assert message in str(caught.value)
