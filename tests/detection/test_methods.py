"""Ways of detection behind one interface: scores on the grid of the features, what is chosen, what is found."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sedrepro.annotations.clips import Event
from sedrepro.base.errors import SettingsError
from sedrepro.detection.median import MedianFiltered
from sedrepro.detection.methods import chosen_before, detector
from sedrepro.detection.scores import Scores
from sedrepro.detection.settings import ClassThresholds, FixedWindows, Hysteresis, Median, Search

CLASSES = ("Cat", "Dog")
HYSTERESIS = Hysteresis(
    kind="hysteresis", clip_threshold=0.1, high=0.5, low=0.3, longest_gap_frames=0, shortest_frames=3
)
SEARCH = Search(
    kind="search",
    choose_on="testing",
    criterion="f1",
    thresholds=(0.2, 0.6),
    median_seconds=(0,),
    longest_gap_seconds=(0,),
    shortest_seconds=(0,),
    border="inactive",
)
THRESHOLDS = ClassThresholds(kind="class_thresholds", choose_on="testing", segment_seconds=1, segment_pooling="mean")

MEDIAN = Median.model_validate(
    {
        "kind": "median",
        "threshold": 0.5,
        "windows": {"kind": "average", "share": 0.5},
        "filters": "both",
        "border": "inactive",
    }
)

FIXED_MEDIAN = MEDIAN.model_copy(update={"windows": FixedWindows(kind="fixed", seconds=1.2), "filters": "decisions"})


def scores(frame: np.ndarray, reduction: int = 1, left: int = 0, events=None) -> Scores:
    """Scores of clips whose features have 10 frames per second, `reduction` per frame of scores and `left` over."""
    clips, frames, _ = frame.shape
    of_features = frames * reduction + left
    events = events or [[]] * clips
    return Scores(
        classes=CLASSES,
        filenames=tuple(f"{number}.wav" for number in range(clips)),
        clip=frame.max(axis=1),
        frame=frame,
        frames_per_second=10 / reduction,
        durations=np.full(clips, of_features / 10),
        targets=np.array([[c in {e.event_label for e in of_clip} for c in CLASSES] for of_clip in events]),
        reference=events,
        feature_frames=of_features,
        features_per_second=10.0,
    )


def drawn(frames: int, clips: int = 3) -> np.ndarray:
    return np.random.default_rng(frames).random((clips, frames, len(CLASSES)))


# --- the grid of the features


@given(frames=st.integers(1, 20), reduction=st.integers(1, 5), left=st.integers(0, 4))
def test_every_frame_of_scores_is_repeated_for_the_frames_it_was_made_of(frames, reduction, left):
    left = left % reduction
    given_ = scores(drawn(frames), reduction, left)
    grid = given_.on_feature_grid()
    assert grid.frame.shape == (3, frames * reduction + left, 2)
    assert grid.frames_per_second == pytest.approx(10)
    for number in range(grid.frame.shape[1]):
        source = min(number // reduction, frames - 1)  # those left over have the scores of the last frame
        np.testing.assert_array_equal(grid.frame[:, number], given_.frame[:, source])
    assert replace(grid, frame=given_.frame, frames_per_second=given_.frames_per_second) == given_


def test_frames_beyond_those_of_the_features_are_left_out():
    made = replace(scores(drawn(5), 4), feature_frames=18)
    assert made.on_feature_grid().frame.shape == (3, 18, 2)


# --- what is found


def plateau(level: float, frames: int = 40) -> np.ndarray:
    """One clip in which a cat has this score from frame 10 to frame 20."""
    made = np.full((1, frames, 2), 0.05)
    made[0, 10:20, 0] = level
    return made


def test_hysteresis_needs_no_scores_to_choose_on():
    found = detector(HYSTERESIS, None, None)
    assert found.events(scores(plateau(0.7))) == [[Event(1.0, 2.0, "Cat")]]
    assert found.clip_thresholds is None
    assert "kind" not in found.settings and "corpora" not in found.settings
    assert found.settings["shortest_frames"] == 3


@pytest.mark.parametrize(("reduction", "kept"), [(1, False), (2, True), (4, True)])
def test_hysteresis_counts_frames_of_the_features(reduction, kept):
    """One frame of scores is two or four frames of the features, at least three of which are kept here."""
    frame = np.full((1, 10, 2), 0.05)
    frame[0, 3 : 5 if reduction == 2 else 4, 0] = 0.7
    found = detector(HYSTERESIS, None, None).events(scores(frame, reduction))
    assert found == [[Event(0.3 * reduction, (0.5 if reduction == 2 else 0.4) * reduction, "Cat")] if kept else []]


@pytest.mark.parametrize("how", [SEARCH, THRESHOLDS], ids=["search", "class_thresholds"])
def test_what_was_chosen_on_some_scores_decides_on_others(how):
    label = [[Event(1.0, 2.0, "Cat")], []]
    testing = scores(np.concatenate([plateau(0.7), plateau(0.4)]), events=label)
    chosen = detector(how, testing, 1.0)
    assert chosen.events(testing) == label  # the lower plateau is none
    assert chosen.events(scores(plateau(0.5))) == [[]]
    assert chosen.events(scores(plateau(0.9))) == [[Event(1.0, 2.0, "Cat")]]
    assert detector(how, scores(plateau(0.4), events=label[:1]), 1.0).events(scores(plateau(0.5))) == label[:1]


def test_a_search_and_class_thresholds_say_what_they_chose():
    testing = scores(np.concatenate([plateau(0.7), plateau(0.4)]), events=[[Event(1.0, 2.0, "Cat")], []])
    assert detector(SEARCH, testing, 1.0).settings["threshold"] == 0.6
    chosen = detector(THRESHOLDS, testing, None)
    assert chosen.settings["Cat"] == pytest.approx(0.55)
    assert dict(zip(CLASSES, chosen.clip_thresholds, strict=True)) == pytest.approx(chosen.settings)


def test_clip_scores_are_the_networks_or_the_means_of_its_frame_scores():
    frame = np.full((1, 40, 2), 0.05)
    frame[0, 10:13, 0], frame[0, :30, 1] = 0.9, 0.9  # means 0.11 and 0.69, maxima 0.9
    of_network, of_frames = (
        detector(FIXED_MEDIAN.model_copy(update={"clip_threshold": 0.5, "clip_scores": of}), scores(frame), None)
        for of in ("network", "frame_mean")
    )
    np.testing.assert_allclose(of_network.clip_scores(scores(frame)), [[0.9, 0.9]])
    np.testing.assert_allclose(of_frames.clip_scores(scores(frame)), [[0.11375, 0.6875]])
    short = FIXED_MEDIAN.windows.model_copy(update={"seconds": 0})
    for found, cats in ((of_network, 1), (of_frames, 0)):  # the gate silences the cat
        ungated = replace_windows(found, short).events(scores(frame))[0]
        assert [event.event_label for event in ungated].count("Cat") == cats


def replace_windows(found: MedianFiltered, windows: FixedWindows) -> MedianFiltered:
    return detector(found.how.model_copy(update={"windows": windows}), scores(np.zeros((1, 1, 2))), None)


def test_median_filters_follow_the_durations_of_the_classes():
    frame = np.full((1, 40, 2), 0.05)
    frame[0, 10:13] = 0.9
    durations = {"Cat": np.array([1.0, 1.2]), "Dog": np.array([1.6])}
    found = detector(MEDIAN, scores(frame), None, durations)
    assert found.settings == {"threshold": 0.5}
    # Of 5.5 and 8 frames.
    assert found.class_settings == {
        "median_seconds": {"Cat": pytest.approx(0.7), "Dog": pytest.approx(0.9)},
        "median_events": {"Cat": 2, "Dog": 1},
    }
    assert found.events(scores(frame)) == [[]]
    frame[0, 10:14, 0] = frame[0, 10:14, 1] = 0.9
    assert found.events(scores(frame)) == [[Event(1.0, 1.4, "Cat")]]


def test_median_filters_stay_on_the_grid_of_the_scores():
    frame = np.full((1, 10, 2), 0.05)
    frame[0, 3:5, 0] = 0.7
    found = detector(FIXED_MEDIAN, scores(frame, reduction=4), None)
    assert found.class_settings == {"median_seconds": dict.fromkeys(CLASSES, pytest.approx(1.2))}
    assert found.events(scores(frame, reduction=4)) == [[Event(1.2, 2.0, "Cat")]]


def test_a_class_without_events_is_named_and_has_the_window_of_the_others():
    found = detector(MEDIAN, scores(plateau(0.7)), None, {"Dog": np.array([1.6])})
    assert found.class_settings["median_events"] == {"Cat": 0, "Dog": 1}
    assert len(set(found.class_settings["median_seconds"].values())) == 1
    with pytest.raises(
        SettingsError,
        match=r"^windows.kind = average: the windows follow the durations of strong labels, and no training",
    ):
        detector(MEDIAN, scores(plateau(0.7)), None)


def test_a_gate_is_a_clip_threshold_of_every_class():
    durations = dict.fromkeys(CLASSES, np.array([0.2]))
    gated = MEDIAN.model_copy(update={"clip_threshold": 0.6})
    found = detector(gated, scores(plateau(0.7)), None, durations)
    assert found.clip_thresholds.tolist() == [0.6, 0.6]
    assert found.settings == {"threshold": 0.5, "clip_threshold": 0.6}
    assert found.events(scores(plateau(0.7))) == [[Event(1.0, 2.0, "Cat")]]
    assert found.events(scores(plateau(0.55))) == [[]]
    assert detector(MEDIAN, scores(plateau(0.7)), None, durations).clip_thresholds is None


@pytest.mark.parametrize("how", [HYSTERESIS, SEARCH, THRESHOLDS], ids=lambda how: how.kind)
def test_the_others_have_no_settings_of_classes(how):
    testing = scores(plateau(0.7), events=[[Event(1.0, 2.0, "Cat")]])
    assert detector(how, testing, 1.0).class_settings == {}


# --- what was chosen before


DURATIONS = {"Cat": np.array([0.4, 0.8]), "Dog": np.array([1.2])}


@pytest.mark.parametrize("how", [HYSTERESIS, SEARCH, THRESHOLDS, MEDIAN, FIXED_MEDIAN], ids=lambda how: how.kind)
def test_a_detector_comes_back_from_what_it_says_of_itself(how):
    label = [[Event(1.0, 2.0, "Cat")], []]
    on = scores(np.concatenate([plateau(0.7), plateau(0.4)]), events=label)
    chosen = detector(how, on, 1.0, DURATIONS)
    again = chosen_before(how, chosen.settings, chosen.class_settings, CLASSES, on.frames_per_second)
    assert (again.settings, again.class_settings) == (chosen.settings, chosen.class_settings)
    random = scores(np.random.default_rng(0).random((5, 40, 2)))
    assert any(chosen.events(random))
    assert again.events(random) == chosen.events(random)


def test_what_was_recorded_goes_before_the_settings_of_today():
    today = MEDIAN.model_copy(update={"threshold": 0.9, "clip_threshold": 0.8})
    chosen = detector(MEDIAN, scores(drawn(40)), None, DURATIONS)
    again = chosen_before(today, chosen.settings, chosen.class_settings, CLASSES, 10)
    assert (again.how.threshold, again.how.clip_threshold) == (0.5, None)


@pytest.mark.parametrize(("how", "settings"), [(THRESHOLDS, {"Cat": 0.5}), (SEARCH, {"threshold": 7}), (MEDIAN, {})])
def test_records_that_do_not_fit_are_refused(how, settings):
    with pytest.raises((KeyError, ValueError)):
        chosen_before(how, settings, {}, CLASSES, 10)
