"""Figure 5 of the hierarchical pooling paper: frame scores of single and hierarchical pooling on one clip."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from sedrepro.annotations.clips import Event
from sedrepro.annotations.frames import event_frames
from sedrepro.base.errors import DataError
from sedrepro.experiments.run_view import RunView

#: The event that the paper's figure shows (Section 4.1).
PRINTED = Event(7.574, 10.0, "Train")
SPLIT = "evaluation"
#: Half of a clip: a longer event is shown only where there is no other.
LONGEST = 5.0
#: Frames of a segment of the first stage, and from which score on a frame or a segment counts as active.
SEGMENT, ACTIVE = 5, 0.5
#: The place in the figure of the system whose frames and segments are counted.
HIERARCHICAL_LINEAR = 1
#: Of the single and the hierarchical curve.
STYLES = (("C1", "--"), ("C0", "-"))


def choose_clip(events: Mapping[str, Sequence[Event]], filenames: Sequence[str]) -> str:
    """The clip to show, by its labels alone: the one whose only event is nearest to the event of the paper's figure.

    Nearest: of the same class if there is one, then one that leaves time without an event to compare with (`LONGEST`),
    then the least sum of the distances of onset and offset, then the first by name. With the official data this is the
    paper's own clip. Where every clip has several events, the nearest event of any clip decides.

    Raises:
        DataError: no clip holds an event.
    """
    listed = [(name, event) for name in filenames for event in events.get(name, ())]
    alone = [(name, event) for name, event in listed if len(events[name]) == 1]
    if not listed:
        raise DataError(f"Figure 5: no clip of split '{SPLIT}' holds an event; check its strong labels")
    return min(alone or listed, key=lambda pair: (*_distance(pair[1]), pair[0]))[0]


def _distance(event: Event) -> tuple[bool, bool, float]:
    distance = abs(event.onset - PRINTED.onset) + abs(event.offset - PRINTED.offset)
    return event.event_label != PRINTED.event_label, event.offset - event.onset > LONGEST, distance


def examine_figure5(runs: Sequence[RunView]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Frame scores (run, frame) of the chosen clip for the class of its event, and where that sounds, (frame,).

    Beside them the place in the figure of the system of each run, (run,), and, over the whole split, how often frames
    and segments of the hierarchical linear runs are right, (run, 2).
    """
    systems = list(dict.fromkeys(run.who.system for run in runs))
    system = np.array([systems.index(run.who.system) for run in runs])
    scores = runs[0].scores
    evaluated = [str(name) for name, split in zip(scores["filenames"], scores["splits"], strict=True) if split == SPLIT]
    filename = choose_clip(runs[0].events, evaluated)
    events = runs[0].events[filename]
    label = min(events, key=_distance).event_label
    rate = float(scores["frames_per_second"])
    facts = {
        "filename": filename,
        "event_label": label,
        "events": [asdict(event) for event in events],
        "frames_per_second": rate,
    }
    frame = np.stack([run.frame_scores(filename, label) for run in runs]).astype(np.float32)
    times = (np.arange(frame.shape[1]) + 0.5) / rate
    inside = np.zeros(frame.shape[1], dtype=bool)
    for event in events:
        inside |= (event.event_label == label) & (times >= event.onset) & (times < event.offset)
    hierarchical = [run for run, place in zip(runs, system, strict=True) if place == HIERARCHICAL_LINEAR]
    accuracy = np.stack([frame_and_segment_accuracy(run) for run in hierarchical])
    return {"frame": frame, "system": system, "inside": inside, "accuracy": accuracy}, facts


def frame_and_segment_accuracy(run: RunView) -> np.ndarray:
    """How often frames and segments of `SEGMENT` frames are right over all classes, (2,) (He et al. 2019, Section 2.4).

    A segment's score is that of linear softmax (eq. 3), so the run must have it. A frame is active if an event
    overlaps it, a segment if one of its frames is, as a bag of instances. Frames that fill no segment do not count.
    """
    scores = run.scores
    rows = np.flatnonzero(scores["splits"] == SPLIT)
    names = [str(name) for name in scores["filenames"][rows]]
    values = scores["frame"][rows].astype(np.float64)
    whole = values.shape[1] // SEGMENT * SEGMENT
    events = [run.events.get(name, []) for name in names]
    active = event_frames(events, run.classes, values.shape[1], float(scores["frames_per_second"]))
    values, active = (each[:, :whole].reshape(len(rows), -1, SEGMENT, len(run.classes)) for each in (values, active))
    mass = values.sum(axis=2)
    pooled = np.divide((values**2).sum(axis=2), mass, out=np.zeros_like(mass), where=mass > 0)
    right = ((values >= ACTIVE) == active).mean(), ((pooled >= ACTIVE) == active.any(axis=2)).mean()
    return np.array(right)


def draw_figure5(arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> Any:
    """One panel per pooling: single and hierarchical curve of the first run; the reference event is shaded."""
    import matplotlib.pyplot as plt

    first = np.unique(arrays["system"], return_index=True)[1]
    curves, labels = arrays["frame"][first], [facts["labels"][run] for run in first]
    rows = -(-len(curves) // 2)
    figure, panels = plt.subplots(
        rows, 1, figsize=(9, 2.1 * rows + 0.4), sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    times = (np.arange(curves.shape[1]) + 0.5) / facts["frames_per_second"]
    for number, panel in enumerate(panels[:, 0]):
        _shade(panel, facts)
        for system, (colour, style) in zip(range(2 * number, len(curves)), STYLES, strict=False):
            panel.plot(times, curves[system], color=colour, linestyle=style, label=labels[system])
        panel.set(ylim=(-0.03, 1.03), ylabel="Probability")
        panel.legend(loc="center left", bbox_to_anchor=(1, 0.5))
    panels[-1, 0].set(xlabel="Time (s)", xlim=(0, curves.shape[1] / facts["frames_per_second"]))
    name = facts["filename"].rsplit("/", 1)[-1]
    shown = "" if len(first) == len(arrays["frame"]) else "; the first run of each system"
    figure.suptitle(f"{facts['event_label']} in {name} ({facts['scale']} scale); shaded: reference event{shown}")
    return figure


def _shade(panel: Any, facts: dict[str, Any]) -> None:
    for event in facts["events"]:
        if event["event_label"] == facts["event_label"]:
            panel.axvspan(event["onset"], event["offset"], color="#999999", alpha=0.3, linewidth=0)
