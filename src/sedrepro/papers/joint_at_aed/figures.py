"""Figure 2 of the joint tagging and detection paper: how long the events of each class last."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sedrepro.base.files import read_table
from sedrepro.detection.median import average_duration, event_specific_duration, knee
from sedrepro.experiments.run_view import RunView

#: Durations of the official strong labels; published/README.md says where they come from.
DURATIONS = Path(__file__).parent / "published" / "durations.csv"
#: Of the mean duration and of the mean up to the knee; a line style beside each colour.
MARKS = {"average": ("#009e73", "--", "mean"), "event_specific": ("#000000", "-", "mean up to the knee (ESP)")}
COLUMNS = 5


def official_durations() -> dict[str, np.ndarray]:
    """Durations (event,) in seconds of the events in the official synthetic clips, ascending, by class."""
    rows = read_table(DURATIONS, ["event_label", "milliseconds"], delimiter=",")
    return {row["event_label"]: np.array(row["milliseconds"].split(), dtype=float) / 1000 for row in rows}


def examine_figure2(runs: Sequence[RunView]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Durations (event,) s of all classes, one after the other; number of events, knee, means (class,).

    They are those of the official labels at every scale, so nothing of the runs is looked at.
    """
    durations = official_durations()
    arrays = {
        "durations": np.concatenate(list(durations.values())),
        "events": np.array([len(each) for each in durations.values()]),
        "knee": np.array([knee(each) for each in durations.values()]),
        "average": np.array([average_duration(each) for each in durations.values()]),
        "event_specific": np.array([event_specific_duration(each) for each in durations.values()]),
    }
    return arrays, {"event_labels": list(durations)}


def draw_figure2(arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> Any:
    """One panel per class: the share of events that are no longer than each duration, its knee, and the two means."""
    import matplotlib.pyplot as plt

    labels = facts["event_labels"]
    rows = -(-len(labels) // COLUMNS)
    figure, panels = plt.subplots(
        rows, COLUMNS, figsize=(13, 2.9 * rows), sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    of_classes = np.split(arrays["durations"], np.cumsum(arrays["events"])[:-1])
    for number, (panel, label, durations) in enumerate(zip(panels.flat, labels, of_classes, strict=False)):
        _cumulative(panel, durations, int(arrays["knee"][number]))
        for name, (colour, style, _) in MARKS.items():
            panel.axvline(arrays[name][number], color=colour, linestyle=style)
        means = " and ".join(f"{arrays[name][number]:.2f}" for name in MARKS)
        panel.set_title(f"{label.replace('_', ' ')}\n{len(durations)} events, {means} s", fontsize=9)
    for panel in panels.flat[len(labels) :]:
        panel.set_visible(False)
    for panel in panels[-1]:
        panel.set_xlabel("Duration (s)")
    for panel in panels[:, 0]:
        panel.set_ylabel("Share of events")
    figure.legend(*_legend(), loc="outside lower center", ncols=4, frameon=False)
    figure.suptitle("Official strong labels of the synthetic clips, the same at every scale")
    return figure


def _cumulative(panel: Any, durations: np.ndarray, knee: int) -> None:
    """The cumulative distribution of ascending durations, and its knee: a dot at the last event that ESP counts."""
    share = np.arange(1, len(durations) + 1) / len(durations)
    panel.step(durations, share, where="post", color="#0072b2")
    panel.plot(durations[knee - 1], share[knee - 1], "o", color="#d55e00", markersize=5)
    panel.set(xlim=(0, 10), ylim=(0, 1.05))
    panel.grid(color="#e4e4e4")
    panel.set_axisbelow(True)


def _legend() -> tuple[list[Any], list[str]]:
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], color=colour, linestyle=style) for colour, style, _ in MARKS.values()]
    curve = Line2D([], [], color="#0072b2")
    dot = Line2D([], [], color="#d55e00", marker="o", linestyle="none", markersize=5)
    return [curve, dot, *lines], ["cumulative distribution", "knee", *(text for _, _, text in MARKS.values())]
