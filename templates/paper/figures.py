"""Figure 1 of the paper: the mask of each event class of one clip.

For each figure `examine_<figure>` looks into trained runs and returns arrays and facts, which are stored, and
`draw_<figure>` draws these, as often as its look is changed.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from sedrepro.audio.front_end import FrontEnd
from sedrepro.experiments.run_view import RunView
from sedrepro.reporting.figures.pictures import mel_panel


def choose_clip(clip_scores: np.ndarray, targets: np.ndarray) -> int:
    """The clip to show, by rule, never by hand: the one whose events have the highest mean score. (clip, class)."""
    return int(np.argmax((clip_scores * targets).sum(axis=1) / np.maximum(targets.sum(axis=1), 1)))


def examine_figure1(runs: Sequence[RunView]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Features (frame, mel) and masks (event class, frame, mel) of the chosen clip."""
    run = runs[0]
    clip = choose_clip(run.scores["clip"], run.scores["targets"])
    filename = str(run.scores["filenames"][clip])
    logmel = run.logmel(filename)
    shown = np.flatnonzero(run.scores["targets"][clip])
    masks = run.network()(logmel, explain=True).maps["masks"]
    facts = {"filename": filename, "front_end": run.front_end.model_dump(mode="json")}
    return {"logmel": logmel[0].numpy(), "shown": shown, "masks": masks[0, shown].numpy()}, facts


def draw_figure1(arrays: dict[str, np.ndarray], facts: dict[str, Any]) -> Any:
    """The spectrogram above the masks; time in seconds, frequency in Hz at the mel bands."""
    import matplotlib.pyplot as plt

    front_end = FrontEnd(**facts["front_end"])
    titles = [facts["classes"][number].replace("_", " ") for number in arrays["shown"]]
    figure, panels = plt.subplots(1 + len(titles), 1, figsize=(8, 2.2 * (1 + len(titles))), layout="constrained")
    mel_panel(panels[0], arrays["logmel"], front_end, "Log-mel spectrogram (standardised)", "magma")
    for panel, title, mask in zip(panels[1:], titles, arrays["masks"], strict=True):
        mel_panel(panel, mask, front_end, f"Mask: {title}", "viridis")
    panels[-1].set_xlabel("Time (s)")
    figure.suptitle(f"{facts['filename']} ({facts['variant']}, {facts['scale']} scale)")
    return figure
