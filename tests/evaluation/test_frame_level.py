import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from sedrepro.annotations.clips import Event
from sedrepro.annotations.frames import event_frames
from sedrepro.base.errors import SettingsError
from sedrepro.base.typed import load
from sedrepro.evaluation.frame_level import frame_metrics
from sedrepro.evaluation.settings import FrameLevel

CLASSES = ["Bark", "Knock", "Meow"]
SETTINGS = {"clip_threshold": 0.1, "threshold": 0.3}
few = settings(deadline=None, max_examples=60)


def evaluated(frame, clip, reference, frames_per_second=10.0, durations=None, **changes) -> dict:
    durations = [frame.shape[1] / frames_per_second] * len(frame) if durations is None else durations
    how = load(FrameLevel, SETTINGS | changes, "evaluation")
    return frame_metrics(frame, clip, reference, CLASSES, how, frames_per_second, durations)


times = st.one_of(st.integers(0, 45).map(lambda tenths: tenths / 10), st.floats(0, 4.5))
some_events = st.lists(
    st.builds(lambda a, b, label: Event(min(a, b), max(a, b), label), times, times, st.sampled_from(CLASSES)),
    max_size=4,
)


@st.composite
def runs(draw):
    """Frame scores with ties, clip scores, and reference events of some clips of 40 frames of 0.1 s."""
    clips = draw(st.integers(1, 4))
    random = np.random.default_rng(draw(st.integers(0, 2**31)))
    frame = np.round(random.random((clips, 40, 3)), draw(st.sampled_from([1, 3]))).astype(np.float32)
    clip = random.choice([0.05, 0.1, 0.2, 0.9], (clips, 3))
    return frame, clip, [draw(some_events) for _ in range(clips)]


@few
@given(runs(), st.sampled_from([0.3, 0.5]))
def test_values_are_scikit_learns_on_gated_scores(run, threshold):
    frame, clip, reference = run
    found = evaluated(*run, threshold=threshold)
    gated = frame * (clip > 0.1)[:, None]
    active = event_frames(reference, CLASSES, 40, 10)
    expected = {"f1": [], "roc_auc": [], "average_precision": []}
    for number, label in enumerate(CLASSES):
        target, score = active[:, :, number].ravel(), gated[:, :, number].ravel()
        values = dict.fromkeys(expected)
        if target.any():
            values["average_precision"] = average_precision_score(target, score)
            values["f1"] = f1_score(target, score >= np.float32(threshold), zero_division=0)
        if target.any() and not target.all():
            values["roc_auc"] = roc_auc_score(target, score)
        for name, value in values.items():
            of_class = found["class_metrics"][f"frame_{name}"][label]
            assert of_class == (None if value is None else pytest.approx(value, abs=1e-6))
            expected[name] += [] if value is None else [value]
    names = {"frame_f1": "f1", "frame_roc_auc": "roc_auc", "frame_macro_ap": "average_precision"}
    assert found["metrics"] == {
        name: pytest.approx(np.mean(expected[of]), abs=1e-6) if expected[of] else None for name, of in names.items()
    }


@few
@given(runs(), st.lists(st.floats(0, 4), min_size=4, max_size=4))
def test_frames_behind_the_end_of_a_clip_do_not_count(run, durations):
    frame, clip, reference = run
    durations = durations[: len(frame)]
    changed = frame.copy()
    for number, duration in enumerate(durations):
        changed[number, math.ceil(duration * 10 + 1e-9) :] = 1
    later = [[*of_clip, Event(4.05, 9, "Bark")] for of_clip in reference]
    assert evaluated(changed, clip, later, durations=durations) == evaluated(*run, durations=durations)


@few
@given(runs())
def test_clips_can_be_swapped_and_classes_do_not_touch_each_other(run):
    frame, clip, reference = run
    found = evaluated(*run)
    assert evaluated(frame[::-1], clip[::-1], reference[::-1]) == found
    louder = frame * np.array([1, 1, 0.5], dtype=np.float32)
    of_classes = evaluated(louder, clip, reference)["class_metrics"]
    for name, values in found["class_metrics"].items():
        assert of_classes[name]["Bark"] == values["Bark"]
    assert of_classes["frame_roc_auc"] == found["class_metrics"]["frame_roc_auc"]


def test_perfect_scores_and_clips_that_are_not_heard():
    reference = [[Event(0, 1, "Bark"), Event(2, 3, "Knock")], [Event(1, 2, "Bark")]]
    scores = event_frames(reference, CLASSES, 40, 10).astype(np.float32)
    clip = scores.max(axis=1)
    assert set(evaluated(scores, clip, reference)["metrics"].values()) == {1}
    assert evaluated(scores, clip, reference)["class_metrics"]["frame_f1"] == {"Bark": 1, "Knock": 1, "Meow": None}
    # The first bark is lost: half of the recall stays, and of its area; without scores all frames are one tie.
    found = evaluated(scores, clip * [[0], [1]], reference)["class_metrics"]
    assert found["frame_f1"] == {"Bark": 0.666667, "Knock": 0, "Meow": None}
    assert found["frame_roc_auc"] == {"Bark": 0.75, "Knock": 0.5, "Meow": None}
    assert found["frame_average_precision"]["Knock"] == pytest.approx(10 / 80)


def test_a_clip_score_on_the_threshold_silences_and_a_frame_score_on_it_counts():
    reference, frame = [[Event(0, 2, "Bark")]], np.full((1, 40, 3), 0.3, dtype=np.float32)
    assert evaluated(frame, np.full((1, 3), 0.1), reference)["metrics"]["frame_f1"] == 0
    assert evaluated(frame, np.full((1, 3), 0.11), reference)["metrics"]["frame_f1"] == pytest.approx(2 / 3, abs=1e-6)


def test_nothing_is_defined_without_any_event():
    found = evaluated(np.ones((2, 40, 3), dtype=np.float32), np.ones((2, 3)), [[], []])
    assert set(found["metrics"].values()) == {None}
    assert found["class_metrics"]["frame_f1"] == dict.fromkeys(CLASSES)


def test_shapes_must_fit_and_settings_be_possible():
    with pytest.raises(ValueError, match="1 references and 2 durations do not fit"):
        evaluated(np.ones((2, 40, 3)), np.ones((2, 3)), [[]])
    with pytest.raises(SettingsError, match="'threshold' = 0: Input should be greater than 0"):
        evaluated(np.ones((1, 40, 3)), np.ones((1, 3)), [[]], threshold=0)
