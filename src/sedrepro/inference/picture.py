"""A picture of one recording: spectrogram, masks of the detected classes if there are any, scores, events."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sedrepro.annotations.clips import Event
from sedrepro.audio.front_end import FrontEnd
from sedrepro.inference.listener import Heard
from sedrepro.reporting.figures.pictures import STYLE, mel_panel

MOST_CLASSES = 8
#: Classes whose scores are shown where nothing is detected.
NEAREST_CLASSES = 3
#: Of the style sheet's colours, which colour-blind readers can tell apart; black is for text.
COLOURS = tuple(f"C{number}" for number in range(MOST_CLASSES))
ROW_INCHES = 1.7
#: Longer recordings have minutes on the axis.
LONG_SECONDS = 120
#: Settings of a way of detection that frame scores are held against; a class may have a threshold of its own.
THRESHOLDS = ("threshold", "high", "low")


def shown_classes(events: Sequence[Event]) -> list[str]:
    """The classes whose events last longest in sum, at most as many as a picture holds; longest first."""
    seconds: dict[str, float] = {}
    for event in events:
        seconds[event.event_label] = seconds.get(event.event_label, 0) + event.offset - event.onset
    return sorted(seconds, key=lambda label: (-seconds[label], label))[:MOST_CLASSES]


def nearest_classes(frame: np.ndarray, classes: Sequence[str]) -> list[str]:
    """The classes with the highest frame scores (frame, class), the highest first."""
    return [classes[place] for place in np.argsort(-frame.max(axis=0), kind="stable")[:NEAREST_CLASSES]]


def draw_recording(
    title: str,
    heard: Heard,
    events: Sequence[Event],
    classes: Sequence[str],
    front_end: FrontEnd,
    seconds: float,
    settings: Mapping[str, Any] | None = None,
) -> Any:
    """A matplotlib figure with time on the common axis.

    Args:
        title: the recording's name.
        heard: what the network says of it.
        events: what was detected; where that is nothing, the classes with the highest scores are shown.
        classes: in the order of the scores.
        front_end: of the spectrogram.
        seconds: the recording's length.
        settings: of the way of detection; its thresholds are drawn.
    """
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    detected = shown_classes(events)
    shown = detected or nearest_classes(heard.frame, classes)
    masked = [] if heard.masks is None else detected
    heights = [1.3, *[1] * len(masked), 1.2, *[0.3 + 0.12 * len(detected)] * bool(detected)]
    size = (9, ROW_INCHES * sum(heights) + 0.6)
    with matplotlib.rc_context(fname=STYLE):
        figure, axes = pyplot.subplots(
            len(heights), figsize=size, sharex=True, squeeze=False, layout="constrained", height_ratios=heights
        )
        panels = list(axes[:, 0])
        mel_panel(panels[0], heard.logmel, front_end, "Log-mel spectrogram", "magma", unit="Log energy")
        for panel, label, colour in zip(panels[1:], masked, COLOURS, strict=False):
            mask = heard.class_masks[classes.index(label)]
            mel_panel(panel, mask, front_end, f"Mask: {_name(label)}", "viridis", limits=(0, 1), unit="Mask")
            _mark(panel, [event for event in events if event.event_label == label], colour)
        scores = {label: heard.frame[:, classes.index(label)] for label in shown}
        _score_panel(panels[1 + len(masked)], scores, heard.frames_per_second, settings or {}, bool(detected))
        if detected:
            _event_panel(panels[-1], shown, events)
        figure.suptitle(f"{title}: {_count(events, detected)}", parse_math=False)  # a name may have dollars
        _time_axis(panels[-1], seconds)
    return figure


def _time_axis(panel: Any, seconds: float) -> None:
    """Seconds, or minutes and seconds where the recording is long."""
    panel.set(xlabel="Time (s)", xlim=(0, seconds))
    if seconds > LONG_SECONDS:
        from matplotlib.ticker import FuncFormatter, MaxNLocator

        panel.xaxis.set_major_locator(MaxNLocator(steps=[1.2, 3, 6], nbins=10))  # whole parts of a minute
        panel.xaxis.set_major_formatter(FuncFormatter(lambda at, _: f"{int(at) // 60}:{int(at) % 60:02d}"))
        panel.set_xlabel("Time (min:s)")


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


def _score_panel(
    panel: Any,
    of_classes: Mapping[str, np.ndarray],
    frames_per_second: float,
    settings: Mapping[str, Any],
    detected: bool,
) -> None:
    """Frame scores (frame,) of the shown classes over time, each held for its frame, and the thresholds."""
    for (label, scores), colour in zip(of_classes.items(), COLOURS, strict=False):
        edges = np.arange(len(scores) + 1) / frames_per_second
        panel.stairs(scores, edges, color=colour, lw=1.3, baseline=None, label=_name(label))
        if settings.get(label) is not None:
            panel.axhline(settings[label], color=colour, lw=1, ls="--")
    for name in THRESHOLDS:
        if settings.get(name) is not None:
            panel.axhline(settings[name], color="black", lw=1, ls="--", label=f"{name} {settings[name]:g}")
    title = "Frame scores" if detected else "Frame scores of the highest-scoring classes; none was detected"
    panel.set(title=title, ylabel="Score", ylim=(0, 1.02))
    panel.legend(loc="center left", bbox_to_anchor=(1, 0.5))


def _event_panel(panel: Any, shown: Sequence[str], events: Sequence[Event]) -> None:
    """A row for each shown class with its events as bars."""
    for row, (label, colour) in enumerate(zip(shown, COLOURS, strict=False)):
        spans = [(e.onset, e.offset - e.onset) for e in events if e.event_label == label]
        panel.broken_barh(spans, (row - 0.35, 0.7), color=colour)
    panel.set_yticks(range(len(shown)), [_name(label) for label in shown])
    panel.set(title="Detected events", ylim=(len(shown) - 0.4, -0.6))
