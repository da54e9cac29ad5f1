"""Figures 4 to 6 of the DDC-FAP paper: learned alpha, spread over runs, and parameters against detection."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sedrepro.audio.front_end import mel_centres
from sedrepro.base.words import counted
from sedrepro.experiments.run_view import RunView
from sedrepro.published.cells import Cell
from sedrepro.published.verdict import METRICS
from sedrepro.reporting.figures.pictures import OCTAVES
from sedrepro.reporting.tables.values import measured

#: What alpha "in most cases" does not exceed, Section 3.3.
SMALL_ALPHA = 3

#: Panels of Figure 5, row by row.
MAIN_METRICS = {
    "clip_f1": "AT: F1",
    "roc_auc": "AT: AUC",
    "macro_ap": "AT: mAP",
    "event_error_rate": "SED: ER, event-based",
    "frame_f1": "SED: F1",
    "frame_roc_auc": "SED: AUC",
    "frame_macro_ap": "SED: mAP",
    "event_insertion_rate": "SED: insertions, event-based",
}
#: Fewer runs make no box, only dots.
FEWEST_FOR_A_BOX = 5

# After Okabe and Ito; a shape beside each colour, so that none is needed to tell things apart.
FAMILIES = {"ddc": ("DDC-blocks", "C0", "o"), "vgg": ("VGG-blocks", "C1", "s"), "": ("MIL", "C7", "^")}


def centres(alpha: np.ndarray) -> np.ndarray:
    """Where the alpha of each class lies, (class, mel) -> (class,): the mean number of its mel bands weighted by it."""
    return alpha @ np.arange(alpha.shape[1]) / alpha.sum(axis=1)


def examine_figure4(runs: Sequence[RunView]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Learned alpha (run, class, mel), each run's bound (run,), names of the classes, the mel bands' centres in Hz."""
    poolings = [run.network().pooling for run in runs]
    arrays = {
        "alpha": np.stack([pooling.alpha.detach().cpu().numpy() for pooling in poolings]),
        "alpha_max": np.array([float(pooling.alpha_max) for pooling in poolings]),
        "classes": np.array(runs[0].classes),
        "hz": mel_centres(runs[0].front_end),
    }
    return arrays, {}


def draw_figure4(arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> Any:
    """A panel per upper bound: alpha of its first run over frequency, a row per class, those with low bands on top."""
    import matplotlib.pyplot as plt

    bounds = list(dict.fromkeys(arrays["alpha_max"].tolist()))
    first = [arrays["alpha"][arrays["alpha_max"] == bound][0] for bound in bounds]
    order = np.argsort(centres(first[-1]), kind="stable")
    figure, panels = plt.subplots(
        1, len(bounds), figsize=(9, 1.6 + 0.17 * len(order)), sharey=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    ticks = [f for f in OCTAVES if arrays["hz"][0] <= f <= arrays["hz"][-1]]
    places = np.interp(np.log(ticks), np.log(arrays["hz"]), np.arange(len(arrays["hz"])))
    for panel, bound, alpha in zip(panels[0], bounds, first, strict=True):
        runs = arrays["alpha"][arrays["alpha_max"] == bound]
        image = panel.imshow(alpha[order], aspect="auto", cmap="viridis", vmin=0, interpolation="nearest")
        panel.set_xticks(places, [f"{f}" for f in ticks], rotation=90)
        panel.set_xlabel("Frequency (Hz)")
        small = f"{(runs <= SMALL_ALPHA).mean():.0%} up to {SMALL_ALPHA} in {counted(len(runs), 'run')}"
        panel.set_title(f"$\\alpha_{{max}}$ = {bound:g}\n{small}")
        bar = figure.colorbar(image, ax=panel, location="bottom", pad=0.02, aspect=25, label="$\\alpha_k(f)$")
        bar.ax.tick_params(labelsize=8)
    panels[0, 0].set_yticks(range(len(order)), [facts["classes"][i].replace("_", " ") for i in order], fontsize=7)
    shown = "the first run of each bound" if len(arrays["alpha"]) > len(bounds) else "one run per bound"
    figure.suptitle(f"Learned $\\alpha_k(f)$ of each class, {shown}; {facts['variant']}, {facts['scale']} scale")
    return figure


def examine_figure5(runs: Sequence[RunView]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The main metrics of every run (metric, run), and the number of each run's system (run,)."""
    values = np.array([[_value(run, metric) for run in runs] for metric in MAIN_METRICS], dtype=float)
    return {"values": values} | _systems(runs)[0], _systems(runs)[1]


def _value(run: RunView, metric: str) -> float:
    """A metric of a run, NaN where it is undefined."""
    value = measured(run.metrics, Cell({}, run.who.system, run.who.variant, {}, metric, ""), metric)
    return np.nan if value is None else value


def _systems(runs: Sequence[RunView]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Which system each run is of, and names and labels of the systems."""
    labels = {run.who.system: run.label for run in runs}
    number = np.array([list(labels).index(run.who.system) for run in runs])
    return {"system": number}, {"systems": list(labels), "system_labels": list(labels.values())}


def draw_figure5(arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> Any:
    """One panel per metric: a dot per run, and a box where a system has enough runs."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(4, 2, figsize=(9, 11), sharex=True, layout="constrained")
    for panel, values, (metric, title) in zip(panels.flat, arrays["values"], MAIN_METRICS.items(), strict=True):
        for number, system in enumerate(facts["systems"]):
            _spread(panel, number, values[arrays["system"] == number], _family(system))
        panel.set_title(f"{title} {better(metric)}")
        panel.grid(axis="y")
        panel.set_xticks(range(len(facts["systems"])), facts["system_labels"], rotation=90)
    counts = np.bincount(arrays["system"])
    runs = f"{counts.min()}" if counts.min() == counts.max() else f"{counts.min()} to {counts.max()}"
    figure.legend(*_family_legend(facts["systems"]), loc="outside lower center", ncols=3)
    boxes = (
        "boxes: quartiles and range"
        if counts.max() >= FEWEST_FOR_A_BOX
        else f"no boxes, which take {FEWEST_FOR_A_BOX} runs"
    )
    word = "run" if runs == "1" else "runs"
    figure.suptitle(
        f"{facts['variant']}, {facts['scale']} scale: {runs} {word} (fold, seed) per system, a dot each; {boxes}\n"
        "↑ higher is better, ↓ lower is better"
    )
    return figure


def better(metric: str) -> str:
    """An arrow to where a metric is better."""
    return "↑" if METRICS[metric].higher_is_better else "↓"


def _spread(panel: Any, place: int, values: np.ndarray, family: tuple[str, str, str]) -> None:
    _, colour, marker = family
    values = values[~np.isnan(values)]
    if len(values) >= FEWEST_FOR_A_BOX:
        line = {"color": colour}
        panel.boxplot(
            [values], positions=[place], widths=0.7, whis=(0, 100), boxprops=line, whiskerprops=line, capprops=line,
            medianprops=line | {"linewidth": 2}, manage_ticks=False, showfliers=False,
        )  # fmt: skip
    beside = np.linspace(-1, 1, len(values)) if len(values) > 1 else 0  # side by side, so that equal values show
    panel.plot(
        place + min(0.2, 0.05 * len(values)) * beside,
        values,
        marker,
        color=colour,
        markersize=3 if len(values) >= FEWEST_FOR_A_BOX else 6,
        alpha=0.7,
        linestyle="none",
    )


def _family(system: str) -> tuple[str, str, str]:
    """Name, colour and marker of the kind of network that a system is."""
    return FAMILIES.get(system.partition("_")[0], FAMILIES[""])


def _family_legend(systems: Sequence[str]) -> tuple[list[Any], list[str]]:
    from matplotlib.lines import Line2D

    families = list(dict.fromkeys(_family(system) for system in systems))
    return [Line2D([], [], color=c, marker=m, linestyle="none") for _, c, m in families], [f[0] for f in families]


def examine_figure6(runs: Sequence[RunView]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Number of parameters (run,) and frame-level mAP (run,) of every run, and its system's number (run,)."""
    arrays, facts = _systems(runs)
    for metric in ("parameters", "frame_macro_ap"):
        arrays[metric] = np.array([_value(run, metric) for run in runs], dtype=float)
    return arrays, facts


def draw_figure6(arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> Any:
    """Mean mAP with its deviation over runs against the number of parameters, each system named."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator

    figure, panel = plt.subplots(figsize=(9, 5), layout="constrained")
    points = []
    divisor, unit = (1e6, "millions") if arrays["parameters"].min() >= 1e5 else (1e3, "thousands")
    for number, system in enumerate(facts["systems"]):
        own = arrays["system"] == number
        size, scores = arrays["parameters"][own].mean() / divisor, arrays["frame_macro_ap"][own]
        scores = scores[~np.isnan(scores)]
        if len(scores):
            _, colour, marker = _family(system)
            deviation = scores.std(ddof=1) if len(scores) > 1 else None
            panel.errorbar(size, scores.mean(), deviation, fmt=marker, color=colour, markersize=7, capsize=3)
            points.append((size, scores.mean(), facts["system_labels"][number]))
    panel.set(xscale="log", xlabel=f"Parameters ({unit}) ←", ylabel="SED: mAP of frames ↑")
    panel.xaxis.set_minor_locator(LogLocator(subs=(2, 5)))  # more labels would run into each other
    panel.xaxis.set_major_formatter("{x:g}")
    panel.xaxis.set_minor_formatter("{x:g}")
    panel.tick_params(axis="x", which="both", length=4, pad=4)
    panel.margins(x=0.25, y=0.15)
    panel.grid(True)
    _name_points(panel, points)
    figure.legend(*_family_legend(facts["systems"]), loc="outside lower center", ncols=3)
    several = np.bincount(arrays["system"]).max() > 1
    spread = "bars: sample standard deviation over runs" if several else "one run per system, so no spread is known"
    figure.suptitle(f"{facts['variant']}, {facts['scale']} scale; {spread}. Arrows: better")
    return figure


def _name_points(panel: Any, points: Sequence[tuple[float, float, str]]) -> None:
    """A label at the right of each point; labels of points of about the same size are kept apart, with a line."""
    low, high = panel.get_ylim()
    apart = 0.055 * (high - low)
    ranked = sorted(points)
    while ranked:
        near = [point for point in ranked if point[0] < 1.6 * ranked[0][0]]
        ranked = ranked[len(near) :]
        heights = _kept_apart(sorted(point[1] for point in near), apart)
        for (size, score, label), height in zip(sorted(near, key=lambda p: p[1]), heights, strict=True):
            line = {"arrowstyle": "-", "color": "#999999", "linewidth": 0.7}
            panel.annotate(label, (size, score), (1.12 * near[-1][0], height), va="center", fontsize=8, arrowprops=line)


def _kept_apart(heights: Sequence[float], apart: float) -> np.ndarray:
    """Heights in ascending order, moved as little as possible (least squares) to lie at least `apart`."""
    from sklearn.isotonic import isotonic_regression

    steps = apart * np.arange(len(heights))
    return isotonic_regression(np.asarray(heights) - steps) + steps
