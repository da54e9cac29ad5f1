"""Table 1 of the C-SSED paper and its Section 2.2.2: where training moves frame scores, by automatic differentiation.

Nothing of eq. 2 or 4 is used here. Random clips are pooled, the binary cross-entropy of the clip score is
differentiated, and where a step down the gradient moves each frame score says what is written into the table.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from sedrepro.base.errors import DataError, did_you_mean
from sedrepro.experiments.papers import Paper
from sedrepro.nn.poolings import Pooling, pooling
from sedrepro.published.cells import Cell
from sedrepro.published.verdict import VerdictName
from sedrepro.reporting.tables.text import CodeText

CLIPS, FRAMES = 200, 125
#: Frame scores lie above this: a sigmoid gives no 0.
LOWEST = 1e-3
#: Largest deviation that still counts as the same pooling.
TOLERANCE = 1e-6

#: Clip labels t as Table 1 words them.
LABELS = {"positive (t = 1)": 1, "negative (t = 0)": 0}
#: Frames that a condition is about, by y_f / y_c (clip, frame) and theta.
CONDITIONS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "y_f > y_c/2": lambda ratio, theta: ratio > 1 / 2,
    "y_f < y_c/2": lambda ratio, theta: ratio < 1 / 2,
    "y_f > theta y_c": lambda ratio, theta: ratio > theta,
    "y_f < theta y_c": lambda ratio, theta: ratio < theta,
}
#: Poolings that power pooling is said to become.
NAMED = {"mean pooling": "mean", "linear pooling": "linear", "max pooling": "max"}
#: Ranges of theta that the text gives.
RANGES: dict[str, tuple[float, float]] = {
    "in (0, 1)": (0, 1),
    "in (1, inf)": (1, np.inf),
    "in (-inf, 0]": (-np.inf, 0),
}


class Moves(NamedTuple):
    """Where a step down the gradient moves the scores of clips with one label.

    y_f / y_c and the sign of the move, both (clip, frame), and the sign of the move of y_c (clip,).
    """

    ratio: np.ndarray
    sign: np.ndarray
    clip_sign: np.ndarray


def random_scores() -> np.ndarray:
    """Frame scores y_f (clip, 1, frame) of clips between nearly silent and nearly full ones, in double precision."""
    random = np.random.default_rng(0)
    shape = np.exp(random.uniform(-1.5, 1.5, size=(CLIPS, 1, 1)))
    return LOWEST + (1 - LOWEST) * random.random((CLIPS, 1, FRAMES)) ** shape


def moves(pool: nn.Module, label: int) -> Moves:
    """How training moves the frame scores of random clips that all have this label (0 or 1)."""
    scores = torch.from_numpy(random_scores()).requires_grad_()
    with torch.enable_grad():
        clip = pool(scores)
        loss = nn.functional.binary_cross_entropy(clip, torch.full_like(clip, label), reduction="sum")
        of_scores, of_clip = torch.autograd.grad(loss, (scores, clip))
    ratio = (scores / clip[:, :, None]).detach().numpy()[:, 0]
    return Moves(ratio, -of_scores.sign().numpy()[:, 0], -of_clip.sign().numpy()[:, 0])


def border(moved: Moves) -> tuple[float, float] | None:
    """Between which y_f / y_c the direction changes; None if it is the same for all frames.

    It changes once: the frames on one side of it all move up, those on the other all down. If they do not, the two
    values are in descending order.
    """
    up, down = moved.ratio[moved.sign > 0], moved.ratio[moved.sign < 0]
    if not len(up) or not len(down):
        return None
    lower, upper = (up, down) if np.median(up) < np.median(down) else (down, up)
    return float(lower.max()), float(upper.min())


def direction(moved: Moves, frames: np.ndarray, theta: float, name: str) -> str:
    """Where `frames`, bool (clip, frame), go: to 1, to 0, or to the border between both directions.

    The border is called `name` where theta lies on it, else by its value.
    """
    signs, place = moved.sign[frames], border(moved)
    share = (signs > 0).mean()
    if (signs == 0).any() or 0 < share < 1:
        return f"no common direction: {share:.1%} up"
    end = "1" if share else "0"
    if place is not None and _from_both_sides(moved):
        middle = sum(place) / 2
        end = name if place[0] <= theta <= place[1] else f"{middle:.3f} y_c"
    return f"y_f -> {end}"


def _from_both_sides(moved: Moves) -> bool:
    """Whether frames move to the border between both directions: those above it down, those below it up."""
    return bool(np.median(moved.ratio[moved.sign > 0]) < np.median(moved.ratio[moved.sign < 0]))


def table1(paper: Paper, cells: Sequence[Cell]) -> list[CodeText]:
    """Directions that linear pooling gives to clip and frame scores, for random clips of each label.

    Raises:
        DataError: a label, condition or metric is unknown (names the nearest).
    """
    pool = pooling("linear", 1, 1).double()
    return [_of_row(cell, moves(pool, _known("table1", LABELS, cell.labels["label"]))) for cell in cells]


def _of_row(cell: Cell, moved: Moves) -> CodeText:
    _known("table1", {"direction": None}, cell.metric)
    frames = _known("table1", CONDITIONS, cell.labels["condition"])(moved.ratio, 1 / 2)
    ours = direction(moved, frames, 1 / 2, "y_c/2")
    clip = f"y_c -> {int(moved.clip_sign[0] > 0)}" if len(set(moved.clip_sign)) == 1 else "no common direction"
    agrees = ours == cell.published and clip == cell.labels["clip_level"]
    return CodeText(ours, "reproduced" if agrees else "differs", f"{_counted(moved, frames)}, {clip} in {CLIPS} clips")


def power(paper: Paper, cells: Sequence[Cell]) -> list[CodeText]:
    """What power pooling does for several n (Section 2.2.2): threshold, weights, directions, and what it equals.

    Raises:
        DataError: n is no number, or a metric is unknown (names the nearest).
    """
    return [_of_exponent(cell) for cell in cells]


def _of_exponent(cell: Cell) -> CodeText:
    try:
        n = float(cell.labels["n"])
    except ValueError:
        raise DataError(f"power.csv: n '{cell.labels['n']}' is not a number") from None
    pool = pooling("power", 1, 1, n=n).double()
    label, _, condition = cell.metric.partition(", ")
    if condition:
        return _direction(cell, moves(pool, _known("power", {"t = 1": 1, "t = 0": 0}, label)), condition, n / (n + 1))
    return _known("power", {"threshold": _threshold, "weight": _weight, "equals": _equals}, label)(cell, pool, n)


def _direction(cell: Cell, moved: Moves, condition: str, theta: float) -> CodeText:
    frames = _known("power", CONDITIONS, condition)(moved.ratio, theta)
    ours = direction(moved, frames, theta, "theta y_c")
    return CodeText(ours, _verdict(cell, ours == cell.published))


def _threshold(cell: Cell, pool: Pooling, n: float) -> CodeText:
    """The border between the directions of a positive clip, in units of y_c, and whether it has the range."""
    low, high = _known("power", RANGES, cell.published)
    found, theta = border(moves(pool, 1)), n / (n + 1)
    if found is None:  # a border at or below 0 has no frame score on its other side
        return CodeText("none above 0", _verdict(cell, high <= 0 and theta <= 0))
    fits = found[0] <= theta <= found[1]
    said = f"{sum(found) / 2:.3f}" + (" = n/(n + 1)" if fits else f", where n/(n + 1) = {theta:.3f}")
    return CodeText(said, _verdict(cell, fits and low < found[0] and found[1] < high))


def _weight(cell: Cell, pool: Pooling, n: float) -> CodeText:
    """Whether a frame's weight grows with its score."""
    scores = torch.from_numpy(np.sort(random_scores()))
    with torch.no_grad():
        steps = pool.weights(scores).diff(dim=-1).sign().numpy()
    ours = {1: "rises with y_f", -1: "falls as y_f rises", 0: "constant"}
    word = ours[int(steps.flat[0])] if np.ptp(steps) == 0 else "neither rises nor falls throughout"
    return CodeText(word, _verdict(cell, word == cell.published))


def _equals(cell: Cell, pool: Pooling, n: float) -> CodeText:
    """Which of the poolings of the suite has the same clip scores."""
    scores = torch.from_numpy(random_scores())
    with torch.no_grad():
        deviations = {
            name: float((pool(scores) - pooling(kind, 1, 1)(scores)).abs().max()) for name, kind in NAMED.items()
        }
    nearest = min(deviations, key=lambda name: deviations[name])
    ours = nearest if deviations[nearest] <= TOLERANCE else "none of them"
    return CodeText(ours, _verdict(cell, ours == cell.published))


def _verdict(cell: Cell, agrees: bool) -> VerdictName:
    if not cell.published:
        return "no published value"
    return "reproduced" if agrees else "differs"


def _counted(moved: Moves, frames: np.ndarray) -> str:
    signs = moved.sign[frames]
    return f"{(signs > 0).sum()} of {len(signs)} frames up, {(signs < 0).sum()} down"


def _known(table: str, known: dict, given: str):
    if given not in known:
        raise DataError(f"{table}.csv: '{given}' is unknown; {did_you_mean(given, known)}")
    return known[given]
