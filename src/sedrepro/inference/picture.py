"""A picture of one recording: spectrogram, masks of the detected classes if there are any, frame scores, events."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sedrepro.annotations.clips import Event
from sedrepro.audio.front_end import FrontEnd
from sedrepro.inference.listener import Heard
from sedrepro.reporting.figures.pictures import STYLE, mel_panel

MOST_CLASSES = 8
# Okabe and Ito's colours, which colour-blind readers can tell apart; black is for text.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#8c6d31", "#7f7f7f")
ROW_INCHES = 1.7


def shown_classes(events: Sequence[Event]) -> list[str]:
    """The classes whose events last longest in sum, at most as many as a picture holds; longest first."""
    seconds: dict[str, float] = {}
    for event in events:
        seconds[event.event_label] = seconds.get(event.event_label, 0) + event.offset - event.onset
    return sorted(seconds, key=lambda label: (-seconds[label], label))[:MOST_CLASSES]


def draw_recording(
    title: str, heard: Heard, events: Sequence[Event], classes: Sequence[str], front_end: FrontEnd, seconds: float
) -> Any:
    """A matplotlib figure with time in seconds on the common axis; `seconds` is the recording's length."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    shown = shown_classes(events)
    masked = [] if heard.masks is None else shown
    heights = [1.3, *[1] * len(masked), *[1, 0.3 + 0.12 * len(shown)] * bool(shown)]
    size = (9, ROW_INCHES * sum(heights) + 0.6)
    with matplotlib.rc_context(STYLE):
        figure, axes = pyplot.subplots(
            len(heights), figsize=size, sharex=True, squeeze=False, layout="constrained", height_ratios=heights
        )
        panels = list(axes[:, 0])
        mel_panel(panels[0], heard.logmel, front_end, "Log-mel spectrogram", "magma")
        for panel, label, colour in zip(panels[1:], masked, COLOURS, strict=False):
            mask = heard.class_masks[classes.index(label)]
            mel_panel(panel, mask, front_end, f"Mask: {_name(label)}", "viridis", limits=(0, 1))
            _mark(panel, [event for event in events if event.event_label == label], colour)
        if shown:
            scores = [heard.frame[:, classes.index(label)] for label in shown]
            _score_panel(panels[-2], scores, heard.frames_per_second)
            _event_panel(panels[-1], shown, events)
        figure.suptitle(f"{title}: {_count(events, shown)}", fontsize=10, parse_math=False)  # a name may have dollars
        panels[-1].set(xlabel="Time (s)", xlim=(0, seconds))
    return figure


def _count(events: Sequence[Event], shown: Sequence[str]) -> str:
    more = len({event.event_label for event in events}) - len(shown)
    left_out = f", {more} more classes not shown" if more else ""
    return f"{len(events)} {'event' if len(events) == 1 else 'events'} detected{left_out}"


def _name(label: str) -> str:
    return label.replace("_", " ")


def _mark(panel: Any, events: Sequence[Event], colour: str) -> None:
    """A bar below the class's mask where it was detected, and its cuts."""
    low, high = panel.get_ylim()
    for event in events:
        panel.plot([event.onset, event.offset], [low, low], color=colour, lw=6, solid_capstyle="butt", clip_on=False)
        panel.vlines([event.onset, event.offset], low, high, color="white", lw=0.9, ls="--")


def _score_panel(panel: Any, of_classes: Sequence[np.ndarray], frames_per_second: float) -> None:
    """Frame scores (frame,) of the shown classes over time, each held for its frame."""
    for scores, colour in zip(of_classes, COLOURS, strict=False):
        edges = np.arange(len(scores) + 1) / frames_per_second
        panel.stairs(scores, edges, color=colour, lw=1.3, baseline=None)
    panel.set(title="Frame scores (colours as below)", ylabel="Score", ylim=(0, 1))


def _event_panel(panel: Any, shown: Sequence[str], events: Sequence[Event]) -> None:
    """A row for each shown class with its events as bars."""
    for row, (label, colour) in enumerate(zip(shown, COLOURS, strict=False)):
        spans = [(e.onset, e.offset - e.onset) for e in events if e.event_label == label]
        panel.broken_barh(spans, (row - 0.35, 0.7), color=colour)
    panel.set_yticks(range(len(shown)), [_name(label) for label in shown])
    panel.set(title="Detected events", ylim=(len(shown) - 0.4, -0.6))
