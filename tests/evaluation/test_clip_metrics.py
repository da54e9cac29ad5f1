import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from sedrepro.annotations.clips import Event
from sedrepro.evaluation.clip_metrics import (
    class_average_precision,
    class_roc_auc,
    clip_f1,
    clip_metrics,
    macro_f1,
    micro_average_precision,
    tagging_f1,
)


def scored(seed, clips=30, classes=5, decimals=2):
    """Targets in which every class has positives and negatives, and scores with ties."""
    random = np.random.default_rng(seed)
    targets = (random.random((clips, classes)) < 0.3).astype(np.uint8)
    targets[0], targets[1] = 1, 0
    return targets, np.round(random.random((clips, classes)) * 0.7 + targets * 0.3, decimals)


seeds = st.integers(0, 2**31)
few = settings(deadline=None, max_examples=20)


@few
@given(seeds, st.integers(2, 40), st.integers(1, 8))
def test_where_all_classes_occur_the_values_are_scikit_learns(seed, clips, classes):
    targets, scores = scored(seed, clips, classes)
    names = [str(c) for c in range(classes)]
    metrics = clip_metrics(targets, scores, names)["metrics"]
    two = np.column_stack([targets, targets[:, :1]]), np.column_stack([scores, scores[:, :1]])
    columns = slice(None) if classes > 1 else slice(0, 1)
    assert metrics["micro_ap"] == pytest.approx(average_precision_score(targets, scores, average="micro"), abs=1e-6)
    # One column is binary to scikit-learn; doubled, it is multilabel with the same mean.
    target, score = (targets, scores) if classes > 1 else two
    assert metrics["macro_ap"] == pytest.approx(average_precision_score(target, score, average="macro"), abs=1e-6)
    assert metrics["roc_auc"] == pytest.approx(roc_auc_score(target, score, average="macro"), abs=1e-6)
    per_class = average_precision_score(target, score, average=None)[columns]
    np.testing.assert_allclose(class_average_precision(targets, scores), per_class)


def test_an_example_by_hand():
    # Class a: clips ranked 0 (yes), 2 (no), 1 (yes): precision 1 and 2/3. Class b: clip 1 (no) over clip 0 (yes) over
    # clip 2 (no): precision 1/2.
    targets = np.array([[1, 1], [1, 0], [0, 0]])
    scores = np.array([[0.9, 0.5], [0.3, 0.8], [0.6, 0.1]])
    found = clip_metrics(targets, scores, ["a", "b"])
    assert found["class_metrics"]["average_precision"] == {"a": pytest.approx(5 / 6, abs=1e-6), "b": 0.5}
    assert found["class_metrics"]["roc_auc"] == {"a": 0.5, "b": 0.5}
    # Pooled: 0.9 yes, 0.8 no, 0.6 no, 0.5 yes, 0.3 yes, 0.1 no: precision 1, 2/4, 3/5.
    assert found["metrics"]["micro_ap"] == pytest.approx((1 + 0.5 + 0.6) / 3, abs=1e-6)
    assert found["metrics"]["macro_ap"] == pytest.approx((5 / 6 + 1 / 2) / 2, abs=1e-6)
    assert found["metrics"]["roc_auc"] == 0.5
    assert found["classes_without_events"] == []


@few
@given(seeds)
def test_perfect_scores_give_one_and_inverted_ones_a_roc_area_of_zero(seed):
    targets, _ = scored(seed)
    names = [str(c) for c in range(5)]
    assert clip_metrics(targets, targets.astype(float), names)["metrics"] == {
        "micro_ap": 1,
        "macro_ap": 1,
        "roc_auc": 1,
    }
    assert clip_metrics(targets, 1 - targets.astype(float), names)["metrics"]["roc_auc"] == 0


@few
@given(seeds, st.sampled_from([lambda x: x**3, lambda x: np.exp(4 * x), lambda x: 5 * x - 3, np.arctan]))
def test_only_the_order_of_scores_counts(seed, transform):
    targets, scores = scored(seed)
    names = [str(c) for c in range(5)]
    assert clip_metrics(targets, transform(scores), names) == clip_metrics(targets, scores, names)


@few
@given(seeds)
def test_a_transform_per_class_moves_only_the_pooled_precision(seed):
    targets, scores = scored(seed, clips=60)
    shifted = scores + np.array([5, 0, 0, 0, 0])
    names = [str(c) for c in range(5)]
    before, after = clip_metrics(targets, scores, names), clip_metrics(targets, shifted, names)
    assert after["class_metrics"] == before["class_metrics"]
    assert after["metrics"]["macro_ap"] == before["metrics"]["macro_ap"]
    assert after["metrics"]["micro_ap"] != before["metrics"]["micro_ap"]


@few
@given(seeds)
def test_the_order_of_clips_and_classes_does_not_count(seed):
    targets, scores = scored(seed, decimals=8)
    random = np.random.default_rng(seed)
    rows, columns = random.permutation(len(targets)), random.permutation(5)
    names = np.array([str(c) for c in range(5)])
    moved = clip_metrics(targets[rows][:, columns], scores[rows][:, columns], list(names[columns]))
    plain = clip_metrics(targets, scores, list(names))
    assert moved["metrics"] == pytest.approx(plain["metrics"], abs=2e-6)
    assert moved["class_metrics"]["roc_auc"] == plain["class_metrics"]["roc_auc"]


@few
@given(arrays(np.uint8, (6, 3), elements=st.integers(0, 1)), seeds)
def test_classes_without_a_value_are_left_out_and_listed(targets, seed):
    scores = np.random.default_rng(seed).random(targets.shape)
    found = clip_metrics(targets, scores, ["a", "b", "c"])
    empty = [n for n, t in zip("abc", targets.T, strict=True) if not t.any()]
    full = [n for n, t in zip("abc", targets.T, strict=True) if t.all()]
    assert found["classes_without_events"] == empty
    precision, area = found["class_metrics"]["average_precision"], found["class_metrics"]["roc_auc"]
    assert [n for n in "abc" if precision[n] is None] == empty
    assert [n for n in "abc" if area[n] is None] == [n for n in "abc" if n in empty + full]
    for values, mean in ((precision, "macro_ap"), (area, "roc_auc")):
        defined = [v for v in values.values() if v is not None]
        if defined:
            assert found["metrics"][mean] == pytest.approx(np.mean(defined), abs=2e-6)
        else:
            assert found["metrics"][mean] is None


def test_nothing_is_defined_without_any_event():
    targets, scores = np.zeros((4, 2)), np.random.default_rng(0).random((4, 2))
    assert clip_metrics(targets, scores, ["a", "b"])["metrics"] == {"micro_ap": None, "macro_ap": None, "roc_auc": None}
    assert np.isnan(micro_average_precision(targets, scores))
    assert np.isnan(class_roc_auc(targets, scores)).all()


def test_equal_scores_give_the_share_of_positives():
    targets, _ = scored(0)
    found = clip_metrics(targets, np.full(targets.shape, 0.5), [str(c) for c in range(5)])["metrics"]
    assert found["micro_ap"] == pytest.approx(targets.mean(), abs=1e-6)
    assert found["macro_ap"] == pytest.approx(targets.mean(axis=0).mean(), abs=1e-6)
    assert found["roc_auc"] == 0.5


def test_as_many_names_as_classes_are_needed():
    targets, scores = scored(0)
    with pytest.raises(ValueError, match="zip"):
        clip_metrics(targets, scores, ["a", "b"])


@few
@given(seeds, st.integers(2, 40), st.integers(2, 8), st.booleans())
def test_f1_is_scikit_learns_where_all_classes_occur(seed, clips, classes, of_each):
    targets, scores = scored(seed, clips, classes)
    thresholds = np.random.default_rng(seed).random(classes).round(1) if of_each else 0.5
    names = [str(c) for c in range(classes)]
    found = clip_f1(targets, scores, names, thresholds)
    decisions = (scores >= thresholds).astype(int)
    expected = {
        average: f1_score(targets, decisions, average=average, zero_division=0) for average in ("macro", "micro")
    }
    assert found["metrics"] == {
        "clip_f1": pytest.approx(expected["macro"], abs=1e-6),
        "clip_micro_f1": pytest.approx(expected["micro"], abs=1e-6),
    }
    per_class = f1_score(targets, decisions, average=None, zero_division=0)
    assert list(found["class_metrics"]["clip_f1"].values()) == pytest.approx(list(per_class), abs=1e-6)


def test_f1_of_classes_that_are_never_found_or_never_there():
    targets = np.array([[1, 1, 0], [1, 0, 0]])
    scores = np.array([[0.5, 0.1, 0.9], [0.1, 0.2, 0.1]])
    # Found: a and c in the first clip. Pooled: 1 correct of 2 found and 3 positive.
    assert clip_f1(targets, scores, ["a", "b", "c"], 0.5) == {
        "metrics": {"clip_f1": 0.333333, "clip_micro_f1": 0.4},
        "class_metrics": {"clip_f1": {"a": 0.666667, "b": 0, "c": None}},
    }
    # Of its own threshold each: b in both clips, c in none.
    found = clip_f1(targets, scores, ["a", "b", "c"], np.array([0.5, 0.1, 2.0]))
    assert found["class_metrics"]["clip_f1"] == {"a": 0.666667, "b": 0.666667, "c": None}
    nothing = clip_f1(0 * targets, scores, ["a", "b", "c"], 0.5)
    assert nothing["metrics"] == {"clip_f1": None, "clip_micro_f1": None}


# --- clips tagged by the events found in them


def test_tagging_by_hand():
    # a: in clips 0, 1, 2, found in 0, 1, 3: 2 of 3 and 2 of 3. b: in clip 0, found in 0 and 2. c: in 3, never found.
    # d: in no clip, but found: undefined, and no part of the mean.
    targets = np.array([[1, 1, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0]])
    found = [
        [Event(0, 1, "a"), Event(2, 3, "a"), Event(0, 9, "b")],  # twice is once
        [Event(4, 4.5, "a"), Event(0, 1, "d")],
        [Event(0, 10, "b")],
        [Event(1, 2, "a")],
    ]
    tagged = tagging_f1(targets, found, ["a", "b", "c", "d"])
    expected = {"a": 2 / 3, "b": 2 / 3, "c": 0, "d": None}
    assert tagged["class_metrics"]["tagging_f1"] == {
        label: None if value is None else pytest.approx(value, abs=1e-6) for label, value in expected.items()
    }
    assert tagged["metrics"] == {"tagging_f1": pytest.approx(4 / 9, abs=1e-6)}


def test_tagging_of_clips_without_any_event():
    assert tagging_f1(np.zeros((2, 2)), [[], []], ["a", "b"])["metrics"] == {"tagging_f1": None}
    assert tagging_f1(np.ones((2, 2)), [[], []], ["a", "b"])["metrics"] == {"tagging_f1": 0}


@few
@given(seeds)
def test_tagging_is_the_f1_of_clips_that_scikit_learn_computes_and_knows_no_times(seed):
    random = np.random.default_rng(seed)
    targets, decided = random.random((2, 12, 3)) < 0.4
    targets[0] = True
    onsets = random.uniform(0, 9, (12, 3))
    found = [
        [Event(onset, onset + 0.1, "abc"[label]) for label, onset in enumerate(row) if yes[label]]
        for row, yes in zip(onsets, decided, strict=True)
    ]
    tagged = tagging_f1(targets, found, "abc")["metrics"]["tagging_f1"]
    assert tagged == pytest.approx(f1_score(targets, decided, average="macro", zero_division=0), abs=1e-6)
    assert tagged == pytest.approx(macro_f1(targets, decided), abs=1e-6)
