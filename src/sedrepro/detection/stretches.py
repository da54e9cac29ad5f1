"""Runs: stretches of active frames, or segments, of many rows at once.

A row is one class of one clip. All functions work on whole arrays, so that a search can try thousands of settings.
"""

from typing import NamedTuple

import numpy as np


class Runs(NamedTuple):
    """Stretches of active frames, one entry each, ordered by row and time where they come from `find_runs`."""

    row: np.ndarray
    start: np.ndarray
    """First frame."""
    stop: np.ndarray
    """One behind the last frame."""

    def where(self, kept: np.ndarray) -> "Runs":
        """The runs that a bool array (run,) marks."""
        return Runs(self.row[kept], self.start[kept], self.stop[kept])


def find_runs(active: np.ndarray) -> Runs:
    """The runs of a bool array (row, frame)."""
    padded = np.pad(active, ((0, 0), (1, 1)))
    edges = np.flatnonzero(padded[:, 1:] != padded[:, :-1])
    width = padded.shape[1] - 1
    row, start = np.divmod(edges[::2], width)
    return Runs(row, start, edges[1::2] - row * width)


def joined(runs: Runs, longest_gap: int) -> Runs:
    """Runs with the gaps of up to `longest_gap` frames between neighbours of one row closed."""
    apart = (runs.row[1:] != runs.row[:-1]) | (runs.start[1:] - runs.stop[:-1] > longest_gap)
    begins, ends = np.ones((2, len(runs.row)), dtype=bool)
    begins[1:], ends[:-1] = apart, apart
    return Runs(runs.row[begins], runs.start[begins], runs.stop[ends])


def without_short(runs: Runs, shortest: int) -> Runs:
    """The runs of at least `shortest` frames."""
    return runs.where(runs.stop - runs.start >= shortest)


def painted(runs: Runs, rows: int, length: int) -> np.ndarray:
    """Activity (row, length), bool: true wherever at least one run is; runs may overlap and come in any order."""
    width = length + 1
    changes = np.bincount(runs.row * width + runs.start, minlength=rows * width)
    changes -= np.bincount(runs.row * width + runs.stop, minlength=rows * width)
    # Every row sums to zero, so one sum over all rows is the sum along each.
    return np.cumsum(changes).reshape(rows, width)[:, :length] > 0
