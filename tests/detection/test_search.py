"""The search finds what trying every setting with sed_eval finds, by rules that leave no choice to chance."""

import warnings
from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedrepro.base.errors import DataError, SettingsError
from sedrepro.base.typed import load
from sedrepro.detection.postprocessing import active_frames, events
from sedrepro.detection.search import search
from sedrepro.detection.segments import segment_activity
from sedrepro.detection.settings import PostProcessing, Search

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import sed_eval

RATE = 12.5
GRID = {
    "kind": "search",
    "choose_on": "testing",
    "criterion": "error_rate",
    "thresholds": (0.3, 0.5, 0.7),
    "median_seconds": (0, 0.4),
    "longest_gap_seconds": (0, 0.3),
    "shortest_seconds": (0, 0.5),
    "border": "inactive",
}
PLANTED = PostProcessing(threshold=0.7, median_seconds=0.4, longest_gap_seconds=0.3, shortest_seconds=0.5)


def a_search(**changes) -> Search:
    return load(Search, GRID | changes, "search")


def names(classes: int) -> list[str]:
    return [f"class {number}" for number in range(classes)]


def drifting(seed: int, clips: int, frames: int, classes: int) -> np.ndarray:
    """Scores that stay high or low for a while, with noise on top."""
    random = np.random.default_rng(seed)
    slow = np.cumsum(random.normal(size=(clips, frames, classes)), axis=1) * 0.5 + random.normal(size=classes)
    return 1 / (1 + np.exp(-slow - random.normal(size=slow.shape)))


def detected(scores: np.ndarray, how: PostProcessing, durations: list[float]) -> list[list]:
    return events(active_frames(scores, how, RATE, "inactive"), RATE, names(scores.shape[2]), durations)


def tried_one_by_one(scores, reference, how, durations, segment_seconds) -> list[tuple[dict, PostProcessing]]:
    """Every setting of the grid and the counts that sed_eval gives it."""
    grid = product(how.thresholds, how.median_seconds, how.longest_gap_seconds, how.shortest_seconds)
    tried = []
    for values in grid:
        setting = PostProcessing(**dict(zip(PostProcessing.model_fields, values, strict=True)))
        evaluation = sed_eval.sound_event.SegmentBasedMetrics(names(scores.shape[2]), segment_seconds)
        for pair in zip(reference, detected(scores, setting, durations), strict=True):
            evaluation.evaluate(*([vars(event) for event in of_clip] for of_clip in pair))
        tried.append((evaluation.overall, setting))
    return tried


def error_rate(counts: dict) -> Fraction:
    return Fraction(int(counts["S"] + counts["D"] + counts["I"]), int(counts["Nref"]))


def f1(counts: dict) -> Fraction:
    return Fraction(int(2 * counts["Ntp"]), int(counts["Nref"] + counts["Nsys"]))


@settings(deadline=None, max_examples=25)
@given(
    st.integers(0, 2**31),
    st.sampled_from(["error_rate", "f1"]),
    st.sampled_from([1.0, 0.5, 0.3]),
    st.lists(st.sampled_from([4.8, 4.3, 2.08, 0.05, 9]), min_size=3, max_size=3),
)
def test_the_best_of_the_whole_grid_is_found(seed, criterion, segment_seconds, durations):
    scores = drifting(seed, clips=3, frames=60, classes=2)
    # Labels of other scores, up to 9 s: partly right, and longer than any score.
    other = drifting(seed + 1, clips=3, frames=110, classes=2)
    other[:, :60] = (other[:, :60] + scores) / 2
    labelled = detected(other, PLANTED, [9.0] * 3)
    activity = segment_activity(labelled, names(2), segment_seconds)
    how = a_search(criterion=criterion)
    if not activity.any():
        with pytest.raises(DataError, match="has no event"):
            search(scores, activity, how, RATE, durations, segment_seconds)
        return
    found = search(scores, activity, how, RATE, durations, segment_seconds)
    tried = tried_one_by_one(scores, labelled, how, durations, segment_seconds)
    assert found.combinations == len(tried) == 24

    def order(one):
        counts, setting = one
        quality = [error_rate(counts), -f1(counts)]
        simplest = (setting.median_seconds, setting.longest_gap_seconds, setting.shortest_seconds)
        nearest = {0.5: 0, 0.3: 1, 0.7: 2}[setting.threshold]
        return *(quality if criterion == "error_rate" else quality[::-1]), *simplest, nearest

    assert found.chosen == min(tried, key=order)[1]
    values = [float(error_rate(counts) if criterion == "error_rate" else f1(counts)) for counts, _ in tried]
    assert found.value == (min(values) if criterion == "error_rate" else max(values))


@pytest.mark.parametrize(("criterion", "value"), [("error_rate", 0), ("f1", 1)])
def test_planted_settings_are_found(criterion, value):
    scores, durations = drifting(5, clips=40, frames=125, classes=4), [10.0, 9.3] * 20
    activity = segment_activity(detected(scores, PLANTED, durations), names(4), 0.1)
    found = search(scores, activity, a_search(criterion=criterion), RATE, durations, 0.1)
    assert found.chosen == PLANTED
    assert found.value == value
    assert found.combinations == 24


def test_the_order_of_grid_and_clips_does_not_count():
    scores, durations = drifting(7, clips=12, frames=125, classes=3), np.linspace(6, 10, 12)
    activity = segment_activity(detected(drifting(8, 12, 125, 3), PLANTED, durations), names(3), 1.0)
    found = search(scores, activity, a_search(), RATE, durations, 1.0)
    turned = a_search(**{name: values[::-1] for name, values in GRID.items() if isinstance(values, tuple)})
    assert search(scores, activity, turned, RATE, durations, 1.0) == found
    assert search(scores[::-1], activity[::-1], a_search(), RATE, durations[::-1], 1.0) == found


def steps(*levels: list[float]) -> np.ndarray:
    """Scores of one clip of 10 s, (1, 125, class), from one list per class of its scores in each 2 s."""
    return np.repeat(np.array(levels).T, 25, axis=0)[None]


def chosen(scores: np.ndarray, heard: list[list[int]], **changes) -> PostProcessing:
    """What is chosen where `heard` lists for every class whether it sounds in each 2 s."""
    reference = np.array(heard, dtype=bool).T[None]
    return search(scores, reference, a_search(**changes), RATE, [10.0], 2.0).chosen


def test_equal_error_rates_are_told_apart_by_f1_and_equal_f1_by_error_rates():
    # Below 0.4 both classes are put out: as many insertions as the correct class avoids deletions.
    assert chosen(steps([0.4] * 5, [0.4] * 5), [[1] * 5, [0] * 5]).threshold == 0.3
    # From 0.6 on: 1 of 4 found, no false one, F1 2/5, ER 3/4. Below: 2 of 4 found, 4 false ones, F1 4/10, ER 4/4.
    scores, heard = steps([0.8, 0.6, 0.1, 0.1, 0.1], [0.6, 0.6, 0.6, 0.6, 0.1]), [[1, 1, 1, 1, 0], [0] * 5]
    assert chosen(scores, heard, criterion="f1", thresholds=(0.5, 0.7)).threshold == 0.7


def test_of_equally_good_settings_the_simplest_is_taken():
    simplest = PostProcessing(threshold=0.5, median_seconds=0, longest_gap_seconds=0, shortest_seconds=0)
    assert chosen(steps([0.9] * 5), [[1] * 5]) == simplest
    # 0.3 and 0.7 are equally near to 0.5, though not in floating point.
    assert chosen(steps([0.9] * 5), [[1] * 5], thresholds=(0.7, 0.3, 0.2)).threshold == 0.3
    assert chosen(steps([0.9] * 5), [[1] * 5], thresholds=(0.8, 0.1, 0.7)).threshold == 0.7


def test_filters_are_used_less_readily_than_other_thresholds():
    clicks = steps([0.9] * 5, [0.1] * 5)
    clicks[0, 10::25, 1] = 0.6
    heard = [[1] * 5, [0] * 5]
    assert chosen(clicks, heard) == PostProcessing(
        threshold=0.7, median_seconds=0, longest_gap_seconds=0, shortest_seconds=0
    )
    # Where no threshold helps, short events are removed rather than filtered away.
    assert chosen(clicks, heard, thresholds=(0.3, 0.5)) == PostProcessing(
        threshold=0.5, median_seconds=0, longest_gap_seconds=0, shortest_seconds=0.5
    )
    pause = steps([0.9, 0.9, 0.4, 0.9, 0.9])
    closing = {"longest_gap_seconds": (0, 2)}
    assert chosen(pause, [[1] * 5], **closing).threshold == 0.3
    assert chosen(pause, [[1] * 5], **closing, thresholds=(0.5,)).longest_gap_seconds == 2
    # Of a pause to close and clicks to remove, clicks.
    both = np.concatenate([steps([0.9, 0.9, 0.6, 0.9, 0.9]), clicks[:, :, 1:]], axis=2)
    assert chosen(both, heard, **closing, thresholds=(0.5, 0.7), median_seconds=(0,)) == PostProcessing(
        threshold=0.5, median_seconds=0, longest_gap_seconds=0, shortest_seconds=0.5
    )


def test_events_behind_the_last_label_are_insertions():
    reference = np.ones((1, 1, 2), dtype=bool)
    found = search(steps([0.9] * 5, [0.9, 0.1, 0.1, 0.1, 0.1]), reference, a_search(), RATE, [9.0], 2.0)
    assert found.value == 4 / 2


def test_nothing_can_be_chosen_without_events():
    with pytest.raises(DataError, match=r"^split 'testing': has no event to choose the post-processing on; name"):
        chosen(steps([0.9] * 5), [[0] * 5])


@pytest.mark.parametrize(
    ("classes", "clips", "durations"), [(2, 1, [10.0]), (1, 2, [10.0, 10.0]), (1, 1, [10.0, 10.0]), (1, 1, [])]
)
def test_scores_reference_and_durations_must_fit(classes, clips, durations):
    with pytest.raises(ValueError, match="do not fit"):
        search(steps([0.9] * 5), np.ones((clips, 5, classes), dtype=bool), a_search(), RATE, durations, 2.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"thresholds": []}, "'thresholds' = []: Tuple should have at least 1 item"),
        ({"median_seconds": []}, "'median_seconds' = []: Tuple should have at least 1 item"),
        ({"longest_gap_seconds": []}, "'longest_gap_seconds' = []: Tuple should have at least 1 item"),
        ({"shortest_seconds": []}, "'shortest_seconds' = []: Tuple should have at least 1 item"),
        ({"thresholds": [0.5, 1]}, "'thresholds.1' = 1: Input should be less than 1"),
        ({"thresholds": [0]}, "'thresholds.0' = 0: Input should be greater than 0"),
        ({"shortest_seconds": [-1]}, "'shortest_seconds.0' = -1: Input should be greater than or equal to 0"),
        ({"criterion": "F1"}, "'criterion' = 'F1': Input should be 'error_rate' or 'f1'"),
        ({"choose_on": ""}, "'choose_on' = '': String should have at least 1 character"),
        ({"threshold": [0.5]}, "unknown key 'threshold'; did you mean 'thresholds'?"),
    ],
)
def test_impossible_grids_are_named(changes, message):
    with pytest.raises(SettingsError, match="search: ") as caught:
        a_search(**changes)
    assert message in str(caught.value)
