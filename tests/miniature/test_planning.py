"""Planned events: within the clip, apart from each other, as long and as many as officially."""

import itertools
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sedrepro.miniature.label_statistics import DOMESTIC_REAL, DOMESTIC_SYNTHETIC, TRAFFIC
from sedrepro.miniature.planning import draw_events, draw_labels, video_name

OCCURRENCES = [
    (label, occurrence) for table in (DOMESTIC_SYNTHETIC, DOMESTIC_REAL, TRAFFIC) for label, occurrence in table.items()
]


@given(named=st.sampled_from(OCCURRENCES), seed=st.integers(0, 10**6), tenths=st.integers(10, 100))
def test_events_of_a_class_lie_within_the_clip_and_apart(named, seed, tenths):
    label, occurrence = named
    events = draw_events(np.random.default_rng(seed), label, occurrence, tenths / 10)
    assert 1 <= len(events) <= len(occurrence.clips)
    for event in events:
        assert event.event_label == label
        assert (event.onset, event.offset) == (round(event.onset, 3), round(event.offset, 3))
        assert 0 <= event.onset < event.offset <= tenths / 10
        shortest = max(0.25, min(occurrence.durations[0], tenths / 10))
        assert shortest - 1e-6 <= event.offset - event.onset <= max(occurrence.durations[-1], 0.25) + 1e-6
    assert all(second.onset - first.offset >= 0.15 - 1e-9 for first, second in itertools.pairwise(events))


@pytest.mark.parametrize("label", ["Dishes", "Cat", "Running_water", "Vacuum_cleaner"])
def test_durations_are_distributed_as_officially(label: str):
    occurrence, rng = DOMESTIC_REAL[label], np.random.default_rng(0)
    events = [event for _ in range(800) for event in draw_events(rng, label, occurrence, 10.0)]
    drawn = np.percentile([event.offset - event.onset for event in events], [30, 50, 70])
    # What finds no room is left out, and that is rather a long event.
    np.testing.assert_allclose(drawn, np.take(occurrence.durations, [3, 5, 7]), rtol=0.2)


def test_some_events_are_cut_by_the_start_or_the_end_of_the_clip():
    rng = np.random.default_rng(0)
    events = [draw_events(rng, "Speech", DOMESTIC_REAL["Speech"], 10.0) for _ in range(300)]
    assert 0.1 < np.mean([clip[0].onset == 0 for clip in events]) < 0.5
    assert 0.1 < np.mean([clip[-1].offset > 9.99 for clip in events]) < 0.5


def test_labels_are_as_frequent_as_asked():
    rng = np.random.default_rng(0)
    clips = [draw_labels(rng, {"Cat": 1, "Dog": 3, "Speech": 6}, (2, 1)) for _ in range(600)]
    assert np.mean([len(labels) for labels in clips]) == pytest.approx(4 / 3, abs=0.1)
    alone = [labels[0] for labels in clips if len(labels) == 1]
    assert alone.count("Dog") / len(alone) == pytest.approx(0.3, abs=0.07)
    assert all(labels == tuple(sorted(set(labels))) for labels in clips)


@given(seed=st.integers(0, 999), always=st.sampled_from(["Cat", "Dog", "Speech"]))
def test_a_given_label_is_always_there(seed: int, always: str):
    labels = draw_labels(np.random.default_rng(seed), {"Cat": 1, "Dog": 3, "Speech": 6}, (1, 1, 1), always)
    assert always in labels
    assert labels == tuple(sorted(set(labels)))


@given(seed=st.integers(0, 10**6))
def test_video_names_look_like_names_and_are_distinct(seed: int):
    names = [video_name("dcase2019_task4/weak", number, seed) for number in range(50)]
    assert len(set(names)) == 50
    assert all(re.fullmatch(r"mini[A-Za-z0-9_-]{7}", name) for name in names)
