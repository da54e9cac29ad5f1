"""Means over classes, some of which have no value (NaN), and values as they are stored."""

from collections.abc import Sequence

import numpy as np


def mean_of_defined(values: Sequence[float] | np.ndarray) -> float:
    """Mean of the values that are not NaN; NaN where none is."""
    defined = [value for value in values if not np.isnan(value)]
    return float(np.mean(defined)) if defined else float("nan")


def stored(value: float) -> float | None:
    """A metric as files hold it: 6 digits, None where it has no value."""
    return None if np.isnan(value) else round(float(value), 6)
