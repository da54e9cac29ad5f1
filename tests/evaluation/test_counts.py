"""Counts clip by clip against sed_eval called directly, on random and awkward lists; weights against repeated clips."""

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sedrepro.annotations.clips import Event
from sedrepro.evaluation.clip_metrics import clip_f1
from sedrepro.evaluation.counts import Decisions, event_counts, segment_counts
from sedrepro.evaluation.event_based import event_metrics
from sedrepro.evaluation.segment_based import segment_metrics
from sedrepro.evaluation.settings import EventBased, SegmentBased

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import sed_eval

CLASSES = ["Cat", "Dog", "Knock"]
few = settings(deadline=None, max_examples=60)
# Few onsets and lengths: events meet within the collar, on its border and beside it, in several ways; some have no
# length, reach over segment borders, or end far behind any clip.
times = st.tuples(
    st.sampled_from([0.0, 0.5, 0.6, 0.7, 0.9, 1.0, 3.0]), st.sampled_from([0.0, 0.1, 0.3, 1.0, 2.0, 40.0])
)
some_events = st.lists(
    st.builds(lambda t, label: Event(t[0], t[0] + t[1], label), times, st.sampled_from(CLASSES)), max_size=6
)
clips = st.lists(st.tuples(some_events, some_events), min_size=1, max_size=4)
averaged = st.fixed_dictionaries(
    {"averaging": st.sampled_from(["micro", "macro"]), "undetected_classes": st.sampled_from(["zero", "dropped"])}
)


def values(counts, how, weights=None) -> tuple[dict, dict]:
    """Metrics, rounded as files hold them, NaN as None."""
    weights = np.ones(len(counts.reference)) if weights is None else weights
    overall, of_classes = counts.metrics(np.atleast_2d(weights).astype(float), how)

    def plain(value):
        return None if np.isnan(value) else pytest.approx(float(value), abs=2e-6)

    classes = {name: {c: plain(v) for c, v in zip(CLASSES, each[0], strict=True)} for name, each in of_classes.items()}
    return {name: plain(each[0]) for name, each in overall.items()}, classes


def by_names(pairs) -> tuple[dict, dict]:
    return tuple({f"{number}.wav": pair[which] for number, pair in enumerate(pairs)} for which in (0, 1))


def agree(expected, counted, prefix):
    """Overall metrics and those of classes, named with a prefix by sed_eval, are the counted ones."""
    overall, of_classes = counted
    assert expected["metrics"] == {f"{prefix}{name}": value for name, value in overall.items()}
    for name, found in expected["class_metrics"].items():
        assert found == of_classes[name.removeprefix(prefix)], name


@few
@given(clips, averaged, st.sampled_from([0.1, 0.2, 0.5]), st.sampled_from([0.0, 0.2, 0.5, 1.0]))
def test_event_based_metrics_are_those_by_sed_eval(pairs, average, collar, share):
    how = EventBased(collar_seconds=collar, offset_share=share, **average)
    expected = event_metrics(*by_names(pairs), CLASSES, how)
    agree(expected, values(event_counts(*zip(*pairs, strict=True), CLASSES, how), how), "event_")


@few
@given(clips, averaged, st.sampled_from([1.0, 0.1, 0.96]))
def test_segment_based_metrics_are_those_by_sed_eval(pairs, average, seconds):
    how = SegmentBased(segment_seconds=seconds, **average)
    expected = segment_metrics(*by_names(pairs), CLASSES, how)
    agree(expected, values(segment_counts(*zip(*pairs, strict=True), CLASSES, how), how), "segment_")


@few
@given(clips, st.sampled_from([0.2, 0.5]))
def test_counts_of_events_are_sed_evals_own(pairs, collar):
    evaluation = sed_eval.sound_event.EventBasedMetrics(CLASSES, t_collar=collar, percentage_of_length=0.2)
    for reference, estimated in pairs:
        evaluation.evaluate([vars(e) for e in reference], [vars(e) for e in estimated])
    how = EventBased(collar_seconds=collar, offset_share=0.2, averaging="micro", undetected_classes="zero")
    counts = event_counts(*zip(*pairs, strict=True), CLASSES, how)
    found = {name: float(part.sum()) for name, part in vars(counts).items()}
    assert (found["reference"], found["estimated"]) == (evaluation.overall["Nref"], evaluation.overall["Nsys"])
    assert found["correct"] == evaluation.overall["Ntp"]
    assert found["substitutions"] == evaluation.overall["Nsubs"]
    assert (found["deletions"], found["insertions"]) == (evaluation.overall["Nfn"], evaluation.overall["Nfp"])


@few
@given(clips, st.data())
def test_a_clip_with_weight_two_counts_as_if_it_stood_twice(pairs, data):
    how = EventBased(collar_seconds=0.2, offset_share=0.2, averaging="macro", undetected_classes="zero")
    weights = data.draw(st.lists(st.integers(0, 3), min_size=len(pairs), max_size=len(pairs)))
    repeated = [pair for pair, times in zip(pairs, weights, strict=True) for _ in range(times)]
    weighted = values(event_counts(*zip(*pairs, strict=True), CLASSES, how), how, np.array(weights))
    if repeated:
        assert weighted == values(event_counts(*zip(*repeated, strict=True), CLASSES, how), how)


def test_decisions_on_clips_are_scored_as_clip_f1_does():
    random = np.random.default_rng(0)
    targets, scores = random.random((20, 3)) < 0.3, random.random((20, 3))
    targets[:, 2] = False
    macro, pooled, of_classes = Decisions(targets, scores >= 0.5).f1(np.ones((1, 20)))
    expected = clip_f1(targets, scores, CLASSES, 0.5)
    assert macro[0] == pytest.approx(expected["metrics"]["clip_f1"], abs=1e-6)
    assert pooled[0] == pytest.approx(expected["metrics"]["clip_micro_f1"], abs=1e-6)
    assert np.isnan(of_classes[0, 2]) and expected["class_metrics"]["clip_f1"]["Knock"] is None
