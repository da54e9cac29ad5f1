"""Figure 2 of the two-step attention paper: what both attention steps and the decoder show for one clip."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from sedrepro.audio.front_end import FrontEnd
from sedrepro.experiments.run_view import RunView
from sedrepro.reporting.figures.pictures import mark_spans, mel_panel

MOST_PROBABLE = 3


def choose_clip(clip_scores: np.ndarray, targets: np.ndarray) -> int:
    """The clip to show, by rule: of the clips whose three events are the three most probable classes, the surest.

    Surest: the highest score of the third class. Where there is no such clip, the one with most of its events
    among the three most probable, then the highest sum of the scores of its events. Shapes (clip, class).
    """
    order = np.argsort(-clip_scores, axis=1)[:, :MOST_PROBABLE]
    found = np.take_along_axis(targets, order, axis=1).sum(axis=1)
    top = np.take_along_axis(clip_scores, order, axis=1)
    complete = (found == MOST_PROBABLE) & (targets.sum(axis=1) == MOST_PROBABLE)
    if complete.any():
        return int(np.argmax(np.where(complete, top[:, -1], -1)))
    return int(np.lexsort(((clip_scores * targets).sum(axis=1), found))[-1])


def examine_figure2(runs: Sequence[RunView]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays of Figure 2, and which clip they are of."""
    run = runs[0]
    clip = choose_clip(run.scores["clip"], run.scores["targets"])
    filename = str(run.scores["filenames"][clip])
    facts = {
        "filename": filename,
        "front_end": run.front_end.model_dump(mode="json"),
        "events": [asdict(event) for event in run.events[filename]],
    }
    return panels_of(run.network(), run.logmel(filename)) | {"targets": run.scores["targets"][clip]}, facts


def panels_of(network: Any, logmel: Any) -> dict[str, np.ndarray]:
    """What the panels show of one clip; `logmel` is (1, frame, mel), standardised."""
    output = network(logmel, explain=True)
    probabilities = output.clip[0].numpy()
    shown = np.argsort(-probabilities)[:MOST_PROBABLE]
    return {
        "logmel": logmel[0].numpy(),
        "reconstruction": output.maps["reconstruction"][0].numpy(),
        "shown": shown,
        "frequency_weights": output.maps["frequency_weights"][0, shown].numpy(),
        "frame": output.frame[0].numpy().T,
        "time_weights": output.maps["time_weights"][0].numpy(),
        "clip": probabilities,
    }


def draw_figure2(arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> Any:
    """The eight panels; time in seconds, frequency in Hz at the mel bands, class names on class axes."""
    import matplotlib.pyplot as plt

    front_end, classes, events = FrontEnd(**facts["front_end"]), facts["classes"], facts["events"]
    # Rows of class names need room, panels over mel bands are alike.
    classes_inches = max(1.9, 0.4 + 0.1 * len(classes))
    heights = [1.9, 1.9, classes_inches, classes_inches]
    figure, axes = plt.subplots(4, 2, figsize=(9, sum(heights) + 2.4), height_ratios=heights, layout="constrained")
    panels = axes.ravel()
    names = [classes[i].replace("_", " ") for i in arrays["shown"]]
    energy = "Standardised log energy"
    mel_panel(panels[0], arrays["logmel"], front_end, "1  Log-mel spectrogram", "magma", unit=energy)
    mel_panel(panels[1], arrays["reconstruction"], front_end, "2  Reconstruction by the decoder", "magma", unit=energy)
    for number, (name, weights) in enumerate(zip(names, arrays["frequency_weights"], strict=True)):
        title = f"{number + 3}  Step 1 weights: {name}"
        mel_panel(panels[2 + number], weights, front_end, title, "viridis", unit="Weight")
    for panel in panels[:5]:
        panel.set_xlabel("Time (s)")
    _class_panel(panels[5], arrays["frame"], front_end, classes, "6  Output of step 1 (over frequency)", "Score")
    _class_panel(panels[6], arrays["time_weights"], front_end, classes, "7  Step 2 weights (over time)", "Weight")
    for panel in panels[:5]:
        mark_spans(panel, [(e["onset"], e["offset"]) for e in events])
    for panel in panels[5:7]:
        _mark_events(panel, events, classes)
    _score_panel(panels[7], arrays["clip"], arrays["targets"], classes)
    reference = ", ".join(f"{e['event_label'].replace('_', ' ')} {e['onset']:g} to {e['offset']:.3g} s" for e in events)
    figure.suptitle(
        f"{facts['filename']} ({facts['variant']}, {facts['scale']} scale); bars: reference events\n{reference}"
    )
    return figure


def _class_panel(
    panel: Any, values: np.ndarray, front_end: FrontEnd, classes: list[str], title: str, unit: str
) -> None:
    """(class, frame) as an image with class names on the axis."""
    extent = (0, values.shape[1] / front_end.frames_per_second, len(classes) - 0.5, -0.5)
    image = panel.imshow(values, aspect="auto", cmap="viridis", extent=extent, interpolation="nearest")
    _name_classes(panel.yaxis, classes)
    panel.set(title=title, xlabel="Time (s)")
    panel.figure.colorbar(image, ax=panel, pad=0.01, aspect=20, label=unit)


def _name_classes(axis: Any, classes: list[str]) -> None:
    size = 9 if len(classes) <= 20 else 7
    axis.set_ticks(range(len(classes)), [name.replace("_", " ") for name in classes], fontsize=size)


def _mark_events(panel: Any, events: list[dict], classes: list[str]) -> None:
    """A bar in the row of its class where the reference says an event sounds."""
    for event in events:
        level = classes.index(event["event_label"])
        mark_spans(panel, [(event["onset"], event["offset"])], level)


def _score_panel(panel: Any, scores: np.ndarray, targets: np.ndarray, classes: list[str]) -> None:
    """Clip probability per class; the classes that the clip contains are filled."""
    colours = ["C0" if t else "#c8c8c8" for t in targets]
    panel.barh(range(len(classes)), scores, color=colours)
    _name_classes(panel.yaxis, classes)
    panel.set(title="8  Clip probability (blue: in the clip)", xlim=(0, 1), xlabel="Probability")
    panel.set_ylim(len(classes) - 0.5, -0.5)
