"""How far a metric would be off on other clips: resamples of the clips, drawn with replacement (Efron 1979).

Intervals are percentiles of the resamples. They say how much hangs on which clips are in the set, and nothing of how
much training the same system again would change.
"""

from collections.abc import Sequence

import numpy as np

#: What an interval leaves out, half of it at each end.
SIGNIFICANCE = 0.05
RESAMPLES, SEED = 1000, 0


def drawn(groups: Sequence[np.ndarray], clips: int, resamples: int, seed: int = SEED) -> np.ndarray:
    """How often each clip is drawn in each resample, (resample, clip); each group is drawn from by itself.

    Groups hold numbers of clips. Equal arguments give equal resamples, so two systems can be compared clip by clip.
    """
    random = np.random.default_rng(seed)
    counts = np.zeros((resamples, clips))
    for rows in groups:
        counts[:, rows] = random.multinomial(len(rows), np.full(len(rows), 1 / len(rows)), size=resamples)
    return counts


def interval(values: np.ndarray) -> tuple[float, float] | None:
    """The percentile interval of resampled values (resample,), lower end first; None where fewer than half have any."""
    defined = values[~np.isnan(values)]
    if len(defined) * 2 < len(values) or len(defined) < 2:
        return None
    low, high = np.quantile(defined, [SIGNIFICANCE / 2, 1 - SIGNIFICANCE / 2])
    return float(low), float(high)


def two_sided(differences: np.ndarray) -> float | None:
    """Twice the smaller share of resampled differences on either side of 0, each counting half where it is 0.

    None where no resample has a value. It is at least one over the number of resamples.
    """
    defined = differences[~np.isnan(differences)]
    if not len(defined):
        return None
    below = float(np.mean(defined < 0) + np.mean(defined == 0) / 2)
    return min(1.0, max(2 * min(below, 1 - below), 1 / len(defined)))
