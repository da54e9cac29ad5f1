"""Clip-level metrics: ranking, by scikit-learn, and F1 of decisions.

"micro-p", "macro-p" and "AUC" of the remix papers are these (MTL:utils.get_stats). A class without a clip in the
evaluated set (or, for ROC-AUC, with every clip) has no value: it is left out of the macro mean and listed.
"""

from collections.abc import Sequence

import numpy as np

from sedrepro.annotations.clips import Event
from sedrepro.evaluation import one_class
from sedrepro.evaluation.averages import mean_of_defined, stored


def micro_average_precision(targets: np.ndarray, scores: np.ndarray) -> float:
    """Average precision over all (clip, class) decisions pooled; NaN without any positive."""
    return one_class.average_precision(targets.ravel(), scores.ravel())


def class_average_precision(targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Average precision of each class (class,); NaN for a class without a positive clip."""
    return np.array([one_class.average_precision(t, s) for t, s in zip(targets.T, scores.T, strict=True)])


def class_roc_auc(targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of each class (class,); NaN where positives or negatives are missing."""
    return np.array([one_class.roc_auc(t, s) for t, s in zip(targets.T, scores.T, strict=True)])


def clip_metrics(targets: np.ndarray, scores: np.ndarray, classes: Sequence[str]) -> dict:
    """All clip-level ranking metrics of one run; targets and scores are (clip, class).

    Returns `metrics` (micro_ap, macro_ap, roc_auc), `class_metrics` (average_precision, roc_auc by class) and
    `classes_without_events`. Undefined values are None.
    """
    precision, area = class_average_precision(targets, scores), class_roc_auc(targets, scores)
    return {
        "metrics": {
            "micro_ap": stored(micro_average_precision(targets, scores)),
            "macro_ap": stored(mean_of_defined(precision)),
            "roc_auc": stored(mean_of_defined(area)),
        },
        "class_metrics": {
            "average_precision": {c: stored(v) for c, v in zip(classes, precision, strict=True)},
            "roc_auc": {c: stored(v) for c, v in zip(classes, area, strict=True)},
        },
        "classes_without_events": [c for c, t in zip(classes, targets.T, strict=True) if not t.any()],
    }


def macro_f1(positive: np.ndarray, found: np.ndarray) -> float:
    """Mean F1 of the classes with a positive row, of decisions (row, class), bool; NaN where there is none."""
    return mean_of_defined([one_class.f1(t, f) for t, f in zip(positive.T, found.T, strict=True)])


def tagging_f1(targets: np.ndarray, found: Sequence[Sequence[Event]], classes: Sequence[str]) -> dict[str, dict]:
    """F1 of the classes that clips are tagged with by the events found in them; targets are (clip, class).

    Returns `metrics`: tagging_f1, the mean over the classes with a positive clip; and `class_metrics` (tagging_f1 by
    class). What a threshold on clip scores finds is another thing: see `clip_f1`.
    """
    tagged = np.array([[label in {event.event_label for event in events} for label in classes] for events in found])
    of_classes = [one_class.f1(t, f) for t, f in zip(targets.astype(bool).T, tagged.T, strict=True)]
    return {
        "metrics": {"tagging_f1": stored(mean_of_defined(of_classes))},
        "class_metrics": {"tagging_f1": {c: stored(v) for c, v in zip(classes, of_classes, strict=True)}},
    }


def clip_f1(
    targets: np.ndarray, scores: np.ndarray, classes: Sequence[str], thresholds: float | np.ndarray
) -> dict[str, dict]:
    """F1 of the classes found in each clip; targets and scores are (clip, class), thresholds one or (class,).

    A class is found where its score reaches its threshold. Returns `metrics`: clip_f1, the mean over the classes with
    a positive clip, and clip_micro_f1, over all (clip, class) decisions pooled; and `class_metrics` (clip_f1 by class).
    A class that is never found has 0; one without a positive clip None, and only the pooled value counts its false
    alarms.
    """
    positive, found = targets.astype(bool), scores >= thresholds
    of_classes = [one_class.f1(t, f) for t, f in zip(positive.T, found.T, strict=True)]
    return {
        "metrics": {
            "clip_f1": stored(mean_of_defined(of_classes)),
            "clip_micro_f1": stored(one_class.f1(positive, found)),
        },
        "class_metrics": {"clip_f1": {c: stored(v) for c, v in zip(classes, of_classes, strict=True)}},
    }
