from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sedrepro.annotations.clips import Event
from sedrepro.base.errors import DataError, SettingsError
from sedrepro.base.typed import load
from sedrepro.detection.class_thresholds import (
    UNREACHABLE,
    Thresholded,
    active_segments,
    best_class_thresholds,
    pooled_segments,
)
from sedrepro.detection.frames import segment_frames
from sedrepro.detection.postprocessing import events
from sedrepro.detection.scores import Scores
from sedrepro.detection.settings import ClassThresholds

SETTINGS = {
    "kind": "class_thresholds",
    "choose_on": "testing",
    "segment_seconds": 1,
    "segment_pooling": "mean",
}
few = settings(deadline=None, max_examples=80)


def how(**changes) -> ClassThresholds:
    return load(ClassThresholds, SETTINGS | changes, "detection")


def micro_f1(targets, scores, thresholds) -> Fraction:
    found = scores >= thresholds
    return Fraction(2 * int((found & (targets > 0)).sum()), int(found.sum() + targets.sum()))


@st.composite
def tagged(draw, clips=6, classes=3, labelled=True):
    """Targets and scores (clip, class) with ties and with scores of 0 and 1."""
    shape = draw(st.integers(1, clips)), draw(st.integers(1, classes))
    random = np.random.default_rng(draw(st.integers(0, 2**31)))
    targets = (random.random(shape) < draw(st.sampled_from([0.1, 0.4, 0.9]))).astype(np.uint8)
    assume(targets.any() or not labelled)
    digits = draw(st.sampled_from([0, 1, 2, 16]))
    dtype = draw(st.sampled_from([np.float32, np.float64]))
    return targets, np.round(random.random(shape), digits).astype(dtype)


@few
@given(tagged(clips=5))
def test_no_combination_of_thresholds_is_better(pair):
    targets, scores = pair
    found = best_class_thresholds(targets, scores)
    tried = product(*([*np.unique(column), UNREACHABLE] for column in scores.T.astype(np.float64)))
    assert micro_f1(targets, scores, found) == max(micro_f1(targets, scores, np.array(one)) for one in tried)


@few
@given(tagged(clips=60, classes=8), st.floats(0, 1))
def test_they_are_never_worse_than_a_common_threshold(pair, common):
    thresholds = best_class_thresholds(*pair)
    assert micro_f1(*pair, thresholds) >= max(micro_f1(*pair, 0.5), micro_f1(*pair, common))


@few
@given(tagged(clips=60, classes=8))
def test_each_is_the_highest_best_one_while_the_others_are_held(pair):
    """Where the coordinate ascent of TALNet would end too."""
    targets, scores = pair
    found = best_class_thresholds(targets, scores)
    best = micro_f1(targets, scores, found)
    for label in range(targets.shape[1]):
        for level in [*np.unique(scores[:, label]).astype(np.float64), UNREACHABLE]:
            changed = found.copy()
            changed[label] = level
            worse_or_lower = micro_f1(targets, scores, changed) < best or level <= found[label]
            same = np.array_equal(scores[:, label] >= level, scores[:, label] >= found[label])
            assert worse_or_lower or same


@few
@given(tagged(clips=30, classes=5), st.integers(0, 2**31))
def test_the_order_of_clips_and_classes_does_not_count(pair, seed):
    targets, scores = pair
    random = np.random.default_rng(seed)
    rows, columns = random.permutation(len(targets)), random.permutation(targets.shape[1])
    moved = best_class_thresholds(targets[rows][:, columns], scores[rows][:, columns])
    np.testing.assert_array_equal(moved, best_class_thresholds(targets, scores)[columns])


def test_thresholds_by_hand():
    targets = np.array([[1, 0, 1], [1, 0, 0], [0, 0, 0]])
    scores = np.array([[0.9, 0.9, 0.2], [0.6, 0.5, 0.1], [0.2, 0.3, 0.0]])
    # Between 0.6 and 0.2; never, as no clip has the class; between 0.2 and 0.1.
    np.testing.assert_allclose(best_class_thresholds(targets, scores), [0.4, UNREACHABLE, 0.15])
    everything = best_class_thresholds(np.ones((2, 1)), np.array([[0.0], [0.4]]))
    assert everything == [0]
    assert best_class_thresholds(np.ones((2, 1)), np.array([[0.2], [0.4]])) == pytest.approx([0.1])


def test_a_class_is_given_up_where_its_false_alarms_cost_the_others_more():
    scores = np.array([[0.9, 0.9]] * 10 + [[0.1, 0.8]])
    targets = np.array([[1, 0]] * 10 + [[0, 1]])
    # By itself the second class would be found everywhere, F1 2/12; together that makes 22/32 instead of 20/21.
    assert best_class_thresholds(targets[:, 1:], scores[:, 1:]) == pytest.approx([0.4])
    np.testing.assert_allclose(best_class_thresholds(targets, scores), [0.5, UNREACHABLE])


def test_neighbouring_floating_point_scores_are_told_apart():
    low, high = 0.5, np.nextafter(0.5, 1)
    found = best_class_thresholds(np.array([[0], [1]]), np.array([[low], [high]]))
    assert (low >= found[0], high >= found[0]) == (False, True)


def test_nothing_can_be_chosen_without_labels():
    with pytest.raises(DataError, match="has no label; name another one in choose_on"):
        best_class_thresholds(np.zeros((3, 2)), np.ones((3, 2)))
    with pytest.raises(ValueError, match="do not fit"):
        best_class_thresholds(np.zeros((3, 2)), np.ones((3, 1)))


def pooled_slowly(scores, pooling, frames_per_second, segment_seconds, durations):
    """Frame by frame, (clip, segment, class)."""
    clips, frames, classes = scores.shape
    segments = int((frames - 0.5) / frames_per_second / segment_seconds) + 1
    pooled = np.zeros((clips, segments, classes))
    for clip, segment, label in np.ndindex(pooled.shape):
        inside = [
            float(scores[clip, frame, label])
            for frame in range(frames)
            if segment <= (frame + 0.5) / frames_per_second / segment_seconds < segment + 1
            and frame / frames_per_second < durations[clip]
        ]
        if sum(inside):
            power = 1 if pooling == "mean" else 2
            weight = len(inside) if pooling == "mean" else sum(inside)
            pooled[clip, segment, label] = sum(s**power for s in inside) / weight
    return pooled


@few
@given(
    st.integers(0, 2**31),
    st.sampled_from(["mean", "linear_softmax"]),
    st.sampled_from([31.25, 12.5, 10.0]),
    st.sampled_from([1.0, 0.1, 0.7]),
    st.lists(st.floats(0, 4), min_size=2, max_size=2),
)
def test_pooling_is_that_of_the_frames_of_each_segment(seed, pooling, frames_per_second, segment_seconds, durations):
    random = np.random.default_rng(seed)
    scores = random.random((2, int(random.integers(1, 80)), 3)) * (random.random((2, 1, 3)) < 0.8)
    settings_of_segments = how(segment_pooling=pooling, segment_seconds=segment_seconds)
    found = pooled_segments(scores, settings_of_segments, frames_per_second, durations)
    expected = pooled_slowly(scores, pooling, frames_per_second, segment_seconds, durations)
    np.testing.assert_allclose(found, expected)
    heard = [[d > 0] for d in durations]
    steady = pooled_segments(np.full_like(scores, 0.3), settings_of_segments, frames_per_second, durations)
    np.testing.assert_allclose(steady[:, 0, 0], 0.3 * np.ravel(heard))


def test_segments_need_the_clip_and_their_own_score_and_become_events():
    frame = np.zeros((2, 40, 2), dtype=np.float32)
    frame[:, 10:30, 0] = 0.6
    frame[:, 35:, 1] = 0.9
    clip = np.array([[0.5, 0.2], [0.49, 0.3]])
    active = active_segments(pooled_segments(frame, how(), 10, [4, 3.8]), clip, np.array([0.5, 0.3]))
    assert active.dtype == bool
    assert active.astype(int).transpose(0, 2, 1).tolist() == [
        [[0, 1, 1, 0], [0, 0, 0, 0]],
        [[0, 0, 0, 0], [0, 0, 0, 1]],
    ]
    assert events(active, 1, ["Car", "Bus"], [4, 3.8]) == [[Event(1, 3, "Car")], [Event(3, 3.8, "Bus")]]


def test_a_class_with_an_unreachable_threshold_is_never_active():
    ones = np.ones((1, 20, 1), dtype=np.float32)
    assert not active_segments(ones, np.ones((1, 1)), np.array([UNREACHABLE])).any()


def scored(segments=None):
    """Two clips of four seconds: frame scores say one thing, segments that the network pooled another."""
    return Scores(
        classes=["Car"],
        filenames=["a.wav", "b.wav"],
        clip=np.full((2, 1), 0.9),
        frame=np.full((2, 40, 1), 0.3, dtype=np.float32),
        frames_per_second=10,
        durations=np.array([4, 3.5]),
        targets=np.ones((2, 1), dtype=np.uint8),
        reference=[[], []],
        feature_frames=40,
        features_per_second=10,
        segments=segments,
    )


def test_segments_that_the_network_pooled_meet_the_thresholds_of_its_clip_scores():
    pooled = np.array([[0.1, 0.8, 0.7, 0.1], [0.1, 0.1, 0.1, 0.9]])[:, :, None]
    own = Thresholded(how(segment_pooling="own"), ["Car"], np.array([0.7]))
    assert own.events(scored(pooled)) == [[Event(1, 3, "Car")], [Event(3, 3.5, "Car")]]
    assert Thresholded(how(), ["Car"], np.array([0.7])).events(scored(pooled)) == [[], []]
    assert (own.pooled_seconds, how(segment_pooling="own").pooled_seconds, how().pooled_seconds) == (1, 1, None)
    assert own.events(scored(pooled).rows([1])) == [[Event(3, 3.5, "Car")]]


def test_without_segments_of_the_network_the_run_has_to_be_trained_again():
    with pytest.raises(DataError, match="train the run again, or take"):
        Thresholded(how(segment_pooling="own"), ["Car"], np.array([0.7])).events(scored())


@pytest.mark.parametrize(
    ("frames", "rate", "seconds", "expected"),
    [
        (40, 10, 1, [(0, 10), (10, 20), (20, 30), (30, 40)]),
        (25, 10, 1, [(0, 10), (10, 20), (20, 25)]),
        (7, 2.5, 1, [(0, 2), (2, 5), (5, 7)]),  # centres at 0.2, 0.6, 1.0, ... s
    ],
)
def test_a_frame_belongs_to_the_segment_of_its_centre(frames, rate, seconds, expected):
    assert [(one.start, one.stop) for one in segment_frames(frames, rate, seconds)] == expected


def test_segments_shorter_than_frames_are_refused():
    with pytest.raises(SettingsError, match=r"^segment_seconds = 0.05: shorter than a frame of 0.1 s$"):
        pooled_segments(np.ones((1, 20, 1)), how(segment_seconds=0.05), 10, [2])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"segment_seconds": 0}, "'segment_seconds' = 0: Input should be greater than 0"),
        ({"segment_pooling": "max"}, "'segment_pooling' = 'max': Input should be 'own', 'mean' or 'linear_softmax'"),
        ({"choose_on": ""}, "'choose_on' = '': String should have at least 1 character"),
    ],
)
def test_impossible_settings_are_named(changes, message):
    with pytest.raises(SettingsError) as caught:
        how(**changes)
    assert message in str(caught.value)
