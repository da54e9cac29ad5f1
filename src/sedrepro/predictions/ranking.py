"""Average precision and area under the ROC curve of many weightings of the same items at once.

The numbers of record come from scikit-learn (`sedrepro.evaluation.clip_metrics`), to which these are equal (tested);
they serve the bootstrap, which weights every item by how often its clip was drawn.
"""

import numpy as np

#: Numbers that are held at once; more weightings are taken in parts.
AT_ONCE = 8_000_000


class Ranking:
    """Items in the order of their scores: targets bool (item,), scores (item,), and the clip of each (item,)."""

    def __init__(self, targets: np.ndarray, scores: np.ndarray, clip: np.ndarray) -> None:
        order = np.argsort(-scores, kind="stable")
        self._targets, self._clip = targets[order].astype(float), clip[order]
        ordered = scores[order]
        # Items of one score stand or fall together: only the last of them ends a step of the curve.
        self._ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True)) if len(scores) else np.array([], int)

    def metrics(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Average precision and area under the ROC curve, (weighting,) each, of weightings (weighting, clip).

        NaN where positives are missing or, for the area, negatives.
        """
        size = max(1, AT_ONCE // max(len(self._clip), 1))
        parts = [self._of(weights[start : start + size]) for start in range(0, len(weights), size)]
        return np.concatenate([p for p, _ in parts]), np.concatenate([a for _, a in parts])

    def _of(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        drawn = weights[:, self._clip]
        hits = np.cumsum(drawn * self._targets, axis=1)[:, self._ends]
        chosen = np.cumsum(drawn, axis=1)[:, self._ends]
        if not hits.shape[1]:
            return np.full(len(weights), np.nan), np.full(len(weights), np.nan)
        positives, others = hits[:, -1], (chosen - hits)[:, -1]
        steps = np.diff(hits, axis=1, prepend=0)
        precision = np.divide(hits, chosen, out=np.zeros_like(hits), where=chosen > 0)
        false = np.diff(chosen - hits, axis=1, prepend=0)
        below = (false * (hits - steps / 2)).sum(axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            average = (steps * precision).sum(axis=1) / positives
            area = below / (positives * others)
        return average, np.where((positives > 0) & (others > 0), area, np.nan)
