"""Clip-level ranking metrics, by scikit-learn.

"micro-p", "macro-p" and "AUC" of the remix papers are these (MTL:utils.get_stats). A class without a clip in the
evaluated set (or, for ROC-AUC, with every clip) has no value: it is left out of the macro mean and listed.
"""

from collections.abc import Sequence

import numpy as np
from sklearn.metrics import average_precision_score, roc_auc_score


def micro_average_precision(targets: np.ndarray, scores: np.ndarray) -> float:
    """Average precision over all (clip, class) decisions pooled; NaN without any positive."""
    return float(average_precision_score(targets.ravel(), scores.ravel())) if targets.any() else float("nan")


def class_average_precision(targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Average precision of each class (class,); NaN for a class without a positive clip."""
    return np.array(
        [average_precision_score(t, s) if t.any() else np.nan for t, s in zip(targets.T, scores.T, strict=True)]
    )


def class_roc_auc(targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Area under the ROC curve of each class (class,); NaN where positives or negatives are missing."""
    return np.array(
        [roc_auc_score(t, s) if t.any() and not t.all() else np.nan for t, s in zip(targets.T, scores.T, strict=True)]
    )


def clip_metrics(targets: np.ndarray, scores: np.ndarray, classes: Sequence[str]) -> dict:
    """All clip-level metrics of one run; targets and scores are (clip, class).

    Returns `metrics` (micro_ap, macro_ap, roc_auc), `class_metrics` (average_precision, roc_auc by class) and
    `classes_without_events`. Undefined values are None.
    """
    precision, area = class_average_precision(targets, scores), class_roc_auc(targets, scores)
    return {
        "metrics": {
            "micro_ap": _defined(micro_average_precision(targets, scores)),
            "macro_ap": _defined(_mean(precision)),
            "roc_auc": _defined(_mean(area)),
        },
        "class_metrics": {
            "average_precision": {c: _defined(v) for c, v in zip(classes, precision, strict=True)},
            "roc_auc": {c: _defined(v) for c, v in zip(classes, area, strict=True)},
        },
        "classes_without_events": [c for c, t in zip(classes, targets.T, strict=True) if not t.any()],
    }


def _mean(values: np.ndarray) -> float:
    return float(np.nanmean(values)) if np.isfinite(values).any() else float("nan")


def _defined(value: float) -> float | None:
    return round(float(value), 6) if np.isfinite(value) else None
