"""Figures 2 and 3 of the C-SSED paper: the exponent of power pooling over epochs, and accuracy against confidence."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sedrepro.annotations.clips import Event
from sedrepro.annotations.frames import event_frames
from sedrepro.base.errors import DataError
from sedrepro.base.words import counted
from sedrepro.detection.frames import frames_within
from sedrepro.experiments.run_view import RunView

#: The value at which the paper says n ends, Section 3.2.1.
PRINTED_N = 0.7
#: Starts up to this one are those that Section 3.2.1 recommends; from above it training may be "trapped".
LARGEST_START = 3.0
#: Curves of n end together if none of them moves by more than this over its last epochs, and their means over these
#: lie no further apart.
SAME_N = 0.1
#: Share of the epochs that counts as the last ones, of which there are two or more.
LAST = 0.1

#: The split of Figure 3 ("the DCASE2019 validation set").
SPLIT = "validation"
#: Equal bins of [0, 1]; the paper gives none. Multiples of 0.05 are borders, since its text speaks of [0.5, 0.6].
BINS = 40
#: A class is said to be active from this probability on, Section 3.2.2.
POSITIVE = 0.5
#: Bins of fewer frames are joined with their neighbours: the accuracy of 50 frames has a standard error of up to 0.07.
FEWEST = 50
#: Of the polynomials of Figure 3 (b); the paper gives none.
DEGREE = 3

# After Okabe and Ito; a line style and a marker beside each colour, so that none is needed to tell curves apart.
COLOURS = ("C0", "C1", "C2", "C3", "C7")
LINES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))
MARKERS = ("o", "s", "^", "D", "v")


# --- Figure 2


def examine_figure2(runs: Sequence[RunView]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """n (run, epoch) from its start, epoch 0, to the last epoch of each run; NaN behind it."""
    curves = [np.array([_start(run), *_column(run, "n")], dtype=float) for run in runs]
    longest = max(map(len, curves))
    padded = [np.pad(curve, (0, longest - len(curve)), constant_values=np.nan) for curve in curves]
    return {"n": np.stack(padded)}, {}


def _start(run: RunView) -> float:
    """The first value of n, which the run was given."""
    n = (run.arguments.get("pooling_arguments") or {}).get("n")
    if n is None:
        raise DataError(f"{run.folder}: its system gives no pooling_arguments.n, the first value of the curve")
    return float(n)


def _column(run: RunView, name: str) -> np.ndarray:
    if name not in run.history:
        raise DataError(f"{run.folder / 'history.csv'}: has no column '{name}'; train this run again")
    return run.history[name]


def endings(curves: np.ndarray) -> np.ndarray:
    """Mean and range of each curve of `curves` (run, epoch) over its last epochs, (run, 2); NaN ends a curve.

    Epoch 0, the start, is none of them. A curve of a single epoch has an infinite range.
    """
    found = []
    for curve in curves:
        trained = curve[~np.isnan(curve)][1:]
        last = trained[-max(2, round(LAST * len(trained))) :]
        found.append((last.mean(), np.ptp(last) if len(last) > 1 else np.inf))
    return np.array(found)


def common_value(curves: np.ndarray) -> float | None:
    """The value at which all curves (run, epoch) end, if they do: see `SAME_N`."""
    means, ranges = endings(curves).T
    together = len(means) > 1 and np.ptp(means) <= SAME_N and ranges.max() <= SAME_N
    return float(means.mean()) if together else None


def draw_figure2(arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> Any:
    """A curve of n per start, the printed value, and ours where the curves end together."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import MaxNLocator

    curves = arrays["n"]
    figure, panel = plt.subplots(figsize=(9, 4.8), layout="constrained")
    starts = list(dict.fromkeys(curves[:, 0]))  # runs of one start look alike, and stand in the legend once
    shown: set[float] = set()
    for curve in curves:
        look = starts.index(curve[0]) % 5
        named = None if curve[0] in shown else f"n from {curve[0]:g}"
        shown.add(curve[0])
        panel.plot(curve, color=COLOURS[look], linestyle=LINES[look], label=named)
    panel.axhline(PRINTED_N, color="black", linewidth=0.8, linestyle="--", label=f"published: {PRINTED_N}")
    ours = common_value(curves)
    if ours is not None:
        panel.axhline(ours, color="black", linewidth=0.8, label=f"ours: {ours:.2f}")
    panel.set_yscale("symlog", linthresh=1, linscale=1.5)
    bottom = min(0, np.nanmin(curves)) - 0.1
    panel.set_ylim(bottom=bottom)
    panel.set_yticks([tick for tick in (-2, -1, -0.5, 0, 0.5, 1, 2, 3, 5, 10) if tick >= bottom])
    panel.yaxis.set_major_formatter("{x:g}")
    panel.minorticks_off()
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.set(xlabel="Epoch", ylabel="n (linear up to 1, then logarithmic)", xlim=(0, max(1, curves.shape[1] - 1)))
    panel.grid(True)
    panel.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    figure.suptitle(f"{facts['variant']}, {facts['scale']} scale; {_said_of_endings(curves, ours)}")
    return figure


def _said_of_endings(curves: np.ndarray, ours: float | None) -> str:
    means, _ = endings(curves).T
    if ours is None:
        return f"no common value: the last epochs have means of {means.min():.2f} to {means.max():.2f}"
    return f"all end within {np.ptp(means):.2f} of each other"


# --- Figure 3


def binned(values: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """Frames, correct frames and the sum of the values in each of `BINS` equal bins of [0, 1], (3, bin)."""
    places = np.minimum((values * BINS).astype(int), BINS - 1)
    weights = (np.ones(len(values)), correct, values)
    return np.stack([np.bincount(places, each, BINS) for each in weights])


def examine_figure3a(runs: Sequence[RunView]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Of all frames and classes, by confidence: frames, correct ones and the sum of confidence (run, 3, bin).

    Beside them lambda of each run, (run,).
    """
    counts, penalties = [], []
    for run in runs:
        probability, confidence, active = _frames(run)
        counts.append(binned(confidence, (probability >= POSITIVE) == active))
        penalties.append(_penalty(run))
    return {"confidence": np.stack(counts), "penalty": np.array(penalties)}, {}


def _penalty(run: RunView) -> float:
    """lambda, as a run was trained with it."""
    penalty = run.config.settings.get("training", {}).get("method", {}).get("penalty")
    if penalty is None:
        raise DataError(f"{run.folder / 'config.json'}: has no training.method.penalty, lambda; train this run again")
    return float(penalty)


def examine_figure3b(runs: Sequence[RunView]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Of the positive predictions: the same (run, 3, bin), by confidence and by probability.

    Beside them all negative predictions by probability, "negative"; those that are true ones are its correct ones.
    """
    of_runs = [_positives_and_negatives(run) for run in runs]
    return {name: np.stack([counts[name] for counts in of_runs]) for name in of_runs[0]}, {}


def _positives_and_negatives(run: RunView) -> dict[str, np.ndarray]:
    probability, confidence, active = _frames(run)
    positive = probability >= POSITIVE
    return {
        "confidence": binned(confidence[positive], active[positive]),
        "probability": binned(probability[positive], active[positive]),
        "negative": binned(probability[~positive], ~active[~positive]),
    }


def _frames(run: RunView) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Probability, confidence and label (frame,) of every class in every frame within the clips of the split."""
    path, scores = run.folder / "scores.npz", run.scores
    for name in ("frame", "confidence"):
        if name not in scores:
            raise DataError(f"{path}: holds no '{name}'; only a system with a confidence branch can be shown")
    rows = np.flatnonzero(scores["splits"] == SPLIT)
    if not len(rows):
        raise DataError(f"{path}: has no clip of split '{SPLIT}'; hold it out and train this run again")
    rate, frames = float(scores["frames_per_second"]), scores["frame"].shape[1]
    within = frames_within(frames, rate, scores["durations"][rows])
    active = event_frames(_reference(run, rows), run.classes, frames, rate, "half_covered")
    probability, confidence = (scores[name][rows][within].astype(np.float32) for name in ("frame", "confidence"))
    return probability.ravel(), confidence.ravel(), active[within].ravel()


def _reference(run: RunView, rows: np.ndarray) -> list[list[Event]]:
    names = [str(name) for name in run.scores["filenames"][rows]]
    missing = [name for name in names if name not in run.events]
    if missing:
        raise DataError(f"{missing[0]} of split '{SPLIT}' has no strong labels; prepare the corpus again")
    return [run.events[name] for name in names]


def draw_figure3a(arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> Any:
    """Accuracy of all frame labels over confidence, a curve per lambda; below, how confidence is distributed.

    Runs of one lambda are counted together.
    """
    import matplotlib.pyplot as plt

    figure, (panel, below) = plt.subplots(2, 1, figsize=(9, 7), sharex=True, height_ratios=(3, 1), layout="constrained")
    panel.plot((0, 1), (0, 1), color="black", linewidth=0.8, linestyle="--", label="y = x")
    labels = np.array(facts["labels"])
    for number, label in enumerate(dict.fromkeys(facts["labels"])):
        counts = arrays["confidence"][labels == label].sum(axis=0)
        _curve(panel, counts, number, label)
        _histogram(below, counts, number)
    panel.set(ylabel="Accuracy", xlim=(0, 1), ylim=(-0.02, 1.02))
    panel.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    below.set(xlabel="Confidence", ylabel="Share of frames")
    figure.suptitle(
        f"All frame labels of split {SPLIT}, {facts['variant']}, {facts['scale']} scale; "
        f"{counted(len(labels), 'run')}\n{_said_of_bins()}"
    )
    return figure


def draw_figure3b(arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> Any:
    """Accuracy of positive predictions over confidence and over probability, with fits, above the distributions.

    All runs are counted together.
    """
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(
        2, 2, figsize=(9, 6), sharex="col", sharey="row", height_ratios=(3, 1), layout="constrained"
    )
    fits = 0
    for number, (name, limits) in enumerate({"confidence": (0, 1), "probability": (POSITIVE, 1)}.items()):
        counts = arrays[name].sum(axis=0)
        panel, below = panels[:, number]
        _curve(panel, counts, number, "accuracy")
        degree, fit = fitted(counts)
        if fit is not None:
            panel.plot(*fit, color="black", linewidth=1, label=f"polynomial of degree {degree}")
            fits += 1
        _histogram(below, counts, number)
        panel.set_title(_said_of_shares(name, counts))
        if counts[0].sum() >= FEWEST:
            panel.legend(loc="best")
        else:
            few = f"fewer than {FEWEST} positive predictions"
            panel.text(0.5, 0.5, few, ha="center", va="center", transform=panel.transAxes)
        below.set(xlabel=name.capitalize(), xlim=limits)
    panels[0, 0].set(ylabel="Accuracy", ylim=(-0.02, 1.02))
    panels[1, 0].set(ylabel="Share of positives")
    figure.suptitle(
        f"{facts['labels'][0]}: positive predictions of split {SPLIT}, {facts['variant']}, {facts['scale']} scale\n"
        f"{counted(len(facts['labels']), 'run')}; {_said_of_bins()}\n{_said_of_fits(fits)}"
    )
    return figure


def fitted(counts: np.ndarray) -> tuple[int, tuple[np.ndarray, np.ndarray] | None]:
    """Degree and points (x, y) of the polynomial fitted to the accuracies of bins (3, bin), weighted by their frames.

    The bins are joined as in the curve. The degree is at most two less than it has points, so that the fit does not go
    through all of them. None where there are fewer than three.
    """
    counts = joined(counts)
    degree = min(DEGREE, counts.shape[1] - 2)
    if degree < 1:
        return degree, None
    values, accuracy = accuracies(counts)
    # The fit squares its weights.
    polynomial = np.polynomial.Polynomial.fit(values, accuracy, degree, w=np.sqrt(counts[0]))
    return degree, polynomial.linspace(100, (values.min(), values.max()))


def _curve(panel: Any, counts: np.ndarray, number: int, label: str) -> None:
    """Accuracies of bins, joined where they have few frames, at the mean values of these."""
    look = {"color": COLOURS[number % 5], "marker": MARKERS[number % 5], "linestyle": LINES[number % 5]}
    panel.plot(*accuracies(joined(counts)), **look, markersize=4, label=label)
    panel.grid(True)


def joined(counts: np.ndarray) -> np.ndarray:
    """Bins (3, bin) joined with their upper neighbours until each has `FEWEST` frames, (3, point).

    What is left above the last of these is joined with it. With fewer frames in all there is no point.
    """
    ends, frames = [], 0
    for end, more in enumerate(counts[0], start=1):
        frames += more
        if frames >= FEWEST:
            ends.append(end)
            frames = 0
    return np.add.reduceat(counts, [0, *ends[:-1]], axis=1) if ends else counts[:, :0]


def accuracies(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean value and accuracy of bins (3, bin), none of them empty."""
    frames, correct, total = counts
    return total / frames, correct / frames


def _histogram(panel: Any, counts: np.ndarray, number: int) -> None:
    """Share of the frames in each bin, as steps; over two powers of ten or more, which are labelled."""
    from matplotlib.ticker import NullFormatter

    shares = counts[0] / max(1, counts[0].sum())
    panel.stairs(shares, np.linspace(0, 1, BINS + 1), color=COLOURS[number % 5], linestyle=LINES[number % 5])
    if shares.any():
        panel.set_yscale("log")
        panel.yaxis.set_minor_formatter(NullFormatter())
        low, high = panel.get_ylim()
        panel.set_ylim(bottom=min(low, high / 100))


def _said_of_fits(fits: int) -> str:
    """What there is of fits in two panels."""
    if fits == 2:
        return "fits weighted by frames"
    lacking = f"a fit takes three points of {FEWEST} frames or more"
    return f"no fits: {lacking}" if fits == 0 else f"one fit, weighted by frames: {lacking}"


def _said_of_bins() -> str:
    return f"{BINS} bins of [0, 1], joined to points of {FEWEST} frames or more"


def share_within(counts: np.ndarray, low: float, high: float) -> float:
    """Share of the frames of bins (3, bin) in a range of whole bins; 0 where there is no frame."""
    return float(counts[0, round(low * BINS) : round(high * BINS)].sum() / max(1, counts[0].sum()))


def _said_of_shares(name: str, counts: np.ndarray) -> str:
    """How many of the positives lie where Section 3.2.2 says that most and few of them lie."""
    ranges = {"confidence": ((0, 0.1),), "probability": ((0.9, 1), (0.5, 0.6))}[name]
    return ", ".join(f"{share_within(counts, a, b):.1%} in [{a:g}, {b:g}]" for a, b in ranges)
