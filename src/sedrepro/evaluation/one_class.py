"""Metrics of one class over clips or frames; NaN where a class has no value. Ranking ones by scikit-learn.

scikit-learn is imported when it is asked for: settings name metrics, and are read where nothing is scored.
"""

import numpy as np


def average_precision(targets: np.ndarray, scores: np.ndarray) -> float:
    """Average precision, both (item,); NaN without a positive."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(targets, scores)) if targets.any() else float("nan")


def roc_auc(targets: np.ndarray, scores: np.ndarray) -> float:
    """Area under the ROC curve, both (item,); NaN where positives or negatives are missing."""
    from sklearn.metrics import roc_auc_score

    return float(roc_auc_score(targets, scores)) if targets.any() and not targets.all() else float("nan")


def f1(targets: np.ndarray, decisions: np.ndarray) -> float:
    """F1 of bool arrays of one shape: 0 where nothing is decided for; NaN without a positive, whatever is decided."""
    positive, decided = np.count_nonzero(targets), np.count_nonzero(decisions)
    return 2 * np.count_nonzero(targets & decisions) / (positive + decided) if positive else float("nan")
