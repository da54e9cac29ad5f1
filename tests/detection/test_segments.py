"""Fast counts equal those of sed_eval, whatever the times are."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from sedrepro.annotations.clips import Event
from sedrepro.detection.segments import count, segment_activity

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import sed_eval

CLASSES = ["a", "b", "c"]
# On the border of segments, a rounding error beside it, where 0.3 / 0.1 < 3, behind the clip's end, anywhere.
times = st.one_of(
    st.integers(0, 12).map(float),
    st.sampled_from([1.0000000001, 0.9999999999, math.nextafter(2, 3), math.nextafter(2, 1), 9.513, 10.115, 11.0]),
    st.integers(0, 110).map(lambda tenths: tenths / 10),
    st.integers(0, 125).map(lambda frame: frame / 12.5),
    st.floats(0, 12),
)
event = st.builds(
    lambda ends, label: Event(min(ends), max(ends), label), st.tuples(times, times), st.sampled_from("abc")
)
clips = st.lists(st.tuples(st.lists(event, max_size=5), st.lists(event, max_size=5)), min_size=1, max_size=4)


def by_sed_eval(pairs, segment_seconds):
    evaluation = sed_eval.sound_event.SegmentBasedMetrics(CLASSES, segment_seconds)
    for pair in pairs:
        evaluation.evaluate(*([vars(event) for event in events] for events in pair))
    return evaluation.overall


def counted(pairs, segment_seconds):
    both = [segment_activity(events, CLASSES, segment_seconds) for events in zip(*pairs, strict=True)]
    longest = max(activity.shape[1] for activity in both)
    reference, estimated = (np.pad(a, ((0, 0), (0, longest - a.shape[1]), (0, 0))) for a in both)
    return count(reference, estimated)


@settings(deadline=None, max_examples=150)
@given(clips, st.sampled_from([1.0, 0.1, 0.5, 0.3, 3.0]))
@example([([Event(0.3, 0.7, "a")], [Event(0.6, 2.0, "a")])], 0.1)
@example([([Event(1.0, 2.0, "a")], [Event(1.0000000001, 2.0000000001, "a")])], 1.0)
@example([([], []), ([], [Event(3.0, 3.0, "b"), Event(3.2, 3.2, "c")])], 1.0)
def test_counts_are_those_of_sed_eval(pairs, segment_seconds):
    expected, found = by_sed_eval(pairs, segment_seconds), counted(pairs, segment_seconds)
    assert found.reference == expected["Nref"]
    assert found.estimated == expected["Nsys"]
    assert found.correct == expected["Ntp"]
    assert found.errors == expected["S"] + expected["D"] + expected["I"]


def test_an_event_is_active_in_every_segment_it_touches():
    events = [[Event(0.9, 1.1, "a"), Event(3.0, 4.0, "b")], [], [Event(1.0, 2.0000000001, "c")]]
    activity = segment_activity(events, CLASSES, 1.0)
    assert activity.shape == (3, 4, 3)
    assert sorted(map(tuple, zip(*(axis.tolist() for axis in activity.nonzero()), strict=True))) == [
        (0, 0, 0),
        (0, 1, 0),
        (0, 3, 1),
        (2, 1, 2),
        (2, 2, 2),
    ]


def test_events_of_one_class_may_overlap_touch_and_repeat():
    once = segment_activity([[Event(0.5, 3.5, "a")]], CLASSES, 1.0)
    more = [Event(2.0, 3.5, "a"), Event(0.5, 2.5, "a"), Event(2.0, 3.5, "a"), Event(0.5, 1.0, "a")]
    assert (segment_activity([more], CLASSES, 1.0) == once).all()


def test_clips_without_any_event_have_no_segment():
    assert segment_activity([[], []], CLASSES, 1.0).shape == (2, 0, 3)
    nothing = counted([([], []), ([], [])], 1.0)
    assert nothing == (0, 0, 0, 0)
    assert math.isnan(nothing.error_rate)
    assert math.isnan(nothing.f1)


def test_rates_by_hand():
    # Segment 0: a and b against a and c: one substitution. Segment 1: a against nothing. Segment 2: nothing against c.
    reference = [Event(0, 2, "a"), Event(0, 1, "b")]
    estimated = [Event(0, 1, "a"), Event(0, 1, "c"), Event(2, 3, "c")]
    found = counted([(reference, estimated)], 1.0)
    assert found == (3, 3, 1, 3)
    assert found.error_rate == 1
    assert found.f1 == pytest.approx(1 / 3)
