"""Figure 2 of the joint tagging and detection paper: how long the events of each class last."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sedrepro.base.files import read_table
from sedrepro.base.words import counted
from sedrepro.detection.median import average_duration, event_specific_duration, knee
from sedrepro.detection.settings import Knee
from sedrepro.experiments.run_view import RunView

#: Durations of the official strong labels; published/README.md says where they come from.
DURATIONS = Path(__file__).parent / "published" / "durations.csv"
#: By way of detection with windows that follow such a duration, what its knee is of (see settings.yaml).
KNEES: dict[str, Knee] = {"event_specific": "cumulative_sum", "event_specific_chord": "chord"}
#: Of the mean duration and of the means up to the knees; a line style beside each colour.
MARKS: dict[str, tuple[str, Literal["-", "--", ":"], str]] = {
    "average": ("C2", "--", "mean"),
    "event_specific": ("black", "-", "mean up to the knee of the cumulative sum (ESP)"),
    "event_specific_chord": ("C7", ":", "mean up to the knee of the curve itself"),
}
#: What the numbers in a panel are called.
SHORT = {"average": "mean", "event_specific": "ESP", "event_specific_chord": "curve’s knee"}
COLUMNS = 3
#: The longest events are as long as a clip, 10 s; a little more shows them and their knees whole.
LONGEST = 10.4


def official_durations() -> dict[str, np.ndarray]:
    """Durations (event,) in seconds of the events in the official synthetic clips, ascending, by class."""
    rows = read_table(DURATIONS, ["event_label", "milliseconds"], delimiter=",")
    return {row["event_label"]: np.array(row["milliseconds"].split(), dtype=float) / 1000 for row in rows}


def printed_names() -> dict[str, str]:
    """Names of the classes as the paper's Table II prints them, by label."""
    rows = read_table(DURATIONS.with_name("table2.csv"), ["event", "event_class"], delimiter=",")
    return {row["event_class"]: row["event"] for row in rows}


def examine_figure2(runs: Sequence[RunView]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Durations (event,) s of all classes, one after the other; number of events, knees, means (class,).

    They are those of the official labels at every scale, so nothing of the runs is looked at.
    """
    durations = official_durations()
    arrays = {
        "durations": np.concatenate(list(durations.values())),
        "events": np.array([len(each) for each in durations.values()]),
        "knee": np.array([knee(each, KNEES["event_specific"]) for each in durations.values()]),
        "average": np.array([average_duration(each) for each in durations.values()]),
    }
    for name, of in KNEES.items():
        arrays[name] = np.array([event_specific_duration(each, of) for each in durations.values()])
    return arrays, {"event_labels": list(durations)}


def draw_figure2(arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> Any:
    """One panel per class: the share of events that are no longer than each duration, its knee, and three means."""
    import matplotlib.pyplot as plt

    labels, names = facts["event_labels"], printed_names()
    rows = -(-len(labels) // COLUMNS)
    figure, panels = plt.subplots(
        rows, COLUMNS, figsize=(9, 2.2 * rows + 0.9), sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    of_classes = np.split(arrays["durations"], np.cumsum(arrays["events"])[:-1])
    for number, (panel, label, durations) in enumerate(zip(panels.flat, labels, of_classes, strict=False)):
        _cumulative(panel, durations, int(arrays["knee"][number]))
        for name, (colour, style, _) in MARKS.items():
            panel.axvline(arrays[name][number], color=colour, linestyle=style)
        for line, (name, (colour, _, _)) in enumerate(MARKS.items()):
            text = f"{SHORT[name]} {arrays[name][number]:.2f} s"
            place = {"ha": "right", "va": "bottom", "transform": panel.transAxes}
            place["bbox"] = {"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 1}
            panel.text(0.98, 0.32 - 0.14 * line, text, color=colour, fontsize=8.5, **place)
        panel.set_title(f"{names.get(label, label.replace('_', ' '))}: {counted(len(durations), 'event')}")
    for panel in panels.flat[len(labels) :]:
        panel.axis("off")
    for number in range(max(0, len(labels) - COLUMNS), len(labels)):
        panels.flat[number].set_xlabel("Duration (s)")
        panels.flat[number].tick_params(labelbottom=True)
    for panel in panels[:, 0]:
        panel.set_ylabel("Share of events")
    free = panels.flat[len(labels)] if len(labels) < panels.size else None
    if free is not None:
        free.legend(*_legend(), loc="center left").set_in_layout(False)  # it may reach over the next free place
    else:
        figure.legend(*_legend(), loc="outside lower center", ncols=2)
    figure.suptitle("Official strong labels of the synthetic clips, the same at every scale; numbers: the means")
    return figure


def _cumulative(panel: Any, durations: np.ndarray, knee: int) -> None:
    """The cumulative distribution of ascending durations, and a dot at the last event that ESP counts."""
    share = np.arange(1, len(durations) + 1) / len(durations)
    panel.step(durations, share, where="post", color="C0")
    panel.plot(durations[knee - 1], share[knee - 1], "o", color="C1", markersize=5, clip_on=False, zorder=3)
    panel.set(xlim=(0, LONGEST), ylim=(0, 1.05))
    panel.grid(True)


def _legend() -> tuple[list[Any], list[str]]:
    from matplotlib.lines import Line2D

    lines = [Line2D([], [], color=colour, linestyle=style) for colour, style, _ in MARKS.values()]
    curve = Line2D([], [], color="C0")
    dot = Line2D([], [], color="C1", marker="o", linestyle="none", markersize=5)
    return [curve, dot, *lines], ["cumulative distribution", "knee of ESP", *(text for _, _, text in MARKS.values())]
