"""Table 1 of the hierarchical pooling paper: the printed formulas beside what the poolings compute."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from sedrepro.base.errors import DataError, did_you_mean
from sedrepro.experiments.papers import Paper
from sedrepro.nn.poolings import POOLINGS, Pooling
from sedrepro.published.cells import Cell
from sedrepro.published.verdict import VerdictName
from sedrepro.reporting.tables.text import CodeText

#: Largest deviation that still counts as the same formula.
TOLERANCE = 1e-6
CLIPS, CLASSES, FRAMES, FEATURES = 100, 3, 125, 8

# The formulas as transcribed from the paper and as the code words them, and what they say: x are frame scores, w their
# weights, and h(u) the "dense layer with softmax activation" of Section 2.2, all (clip, class, frame).
DEFINITIONS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "y = max_i x_i": lambda x, w: x.max(axis=-1),
    "y = max x_i": lambda x, w: x.max(axis=-1),
    "y = sum x_i / N": lambda x, w: x.sum(axis=-1) / x.shape[-1],
    "y = (1/n) sum x_i": lambda x, w: 1 / x.shape[-1] * x.sum(axis=-1),
    "y = sum x_i^2 / sum x_i": lambda x, w: (x**2).sum(axis=-1) / x.sum(axis=-1),
    "y = sum x_i exp(x_i) / sum exp(x_i)": lambda x, w: (x * np.exp(x)).sum(axis=-1) / np.exp(x).sum(axis=-1),
    "y = sum w_i x_i / sum w_i": lambda x, w: (w * x).sum(axis=-1) / w.sum(axis=-1),
}
WEIGHTS: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "w_i = 1 if i = argmax_i x_i else 0": lambda x, h: (np.arange(x.shape[-1]) == x.argmax(axis=-1)[..., None]) * 1.0,
    "w_i = 1 if x_i = max x, else 0": lambda x, h: (x == x.max(axis=-1, keepdims=True)) * 1.0,
    "w_i = 1 / N": lambda x, h: np.full_like(x, 1 / x.shape[-1]),
    "w_i = h(u_i)": lambda x, h: h,
    "w_i = 1/n": lambda x, h: np.full_like(x, 1 / x.shape[-1]),
    "w_i = x_i": lambda x, h: x,
    "w_i = exp(x_i)": lambda x, h: np.exp(x),
    "w_i = h(u)": lambda x, h: h,
}


class Clips(NamedTuple):
    """Random frame scores x (clip, class, frame) and features u (clip, frame, feature)."""

    x: np.ndarray
    u: np.ndarray


def table1(paper: Paper, cells: Sequence[Cell]) -> list[CodeText]:
    """The five poolings: definitions and weights of the code, compared with the printed formulas on random clips.

    Raises:
        DataError: a row is no pooling of the suite, or a formula has not been transcribed (names the nearest).
    """
    printed = {(cell.labels["pooling"], cell.metric): cell.published for cell in cells}
    random = np.random.default_rng(0)
    clips = Clips(random.random((CLIPS, CLASSES, FRAMES)), random.normal(size=(CLIPS, FRAMES, FEATURES)))
    return [_said(cell, printed[cell.labels["pooling"], "weight"], clips) for cell in cells]


def _said(cell: Cell, printed_weight: str, clips: Clips) -> CodeText:
    pooling = _pooling(cell.labels["pooling"])
    x, u = (torch.from_numpy(each) for each in clips)
    weights = _formula(WEIGHTS, printed_weight)(clips.x, _learned(pooling, clips.u))
    with torch.no_grad():
        if cell.metric == "weight":  # only the proportions count (eq. 1)
            ours, text = pooling.weights(x, u).numpy(), f"w_i = {pooling.weight}"
            said = _formula(WEIGHTS, text)(clips.x, _learned(pooling, clips.u))
            deviation = max(np.abs(_normalised(ours) - _normalised(each)).max() for each in (weights, said))
        else:
            ours, text = pooling(x, u).numpy(), f"y = {pooling.definition}"
            formulas = (_formula(DEFINITIONS, each) for each in (cell.published, text))
            deviation = max(np.abs(ours - formula(clips.x, weights)).max() for formula in formulas)
    verdict: VerdictName = "reproduced" if deviation <= TOLERANCE else "differs"
    return CodeText(text, verdict, f"largest deviation {deviation:.0g} on {CLIPS} random clips of {FRAMES} frames")


def _pooling(title: str) -> Pooling:
    of_title = {pooling.title: pooling for pooling in POOLINGS.values()}
    if title not in of_title:
        raise DataError(f"table1.csv: pooling '{title}' is unknown; {did_you_mean(title, of_title)}")
    torch.manual_seed(0)
    return of_title[title](CLASSES, FEATURES).double()


def _learned(pooling: Pooling, u: np.ndarray) -> np.ndarray:
    """h(u) (clip, class, frame) from the dense layer of a pooling that has one, softmax over the frames."""
    dense = getattr(pooling, "dense", None)
    if not isinstance(dense, nn.Linear):
        return np.empty(0)
    logits = u @ dense.weight.detach().numpy().T + dense.bias.detach().numpy()
    return _normalised(np.exp(logits).swapaxes(1, 2))


def _formula(formulas: Mapping[str, Callable], printed: str) -> Callable:
    if printed not in formulas:
        raise DataError(f"table1.csv: formula '{printed}' has no transcript; {did_you_mean(printed, formulas)}")
    return formulas[printed]


def _normalised(weights: np.ndarray) -> np.ndarray:
    return weights / weights.sum(axis=-1, keepdims=True)
