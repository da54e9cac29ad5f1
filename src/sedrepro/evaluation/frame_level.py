"""Frame-level metrics: ranking of frames by their scores, and F1 of frames at a threshold, class by class.

As the code that Kong et al. 2019 released does, frames of a class that is silent in the clip, its clip score not above
a threshold, have the score 0, and a metric is the mean over classes ("AUC", "mAP" and F1 of DDC-FAP for detection).
Scores are compared with nothing but their own class.

A class is active in every frame that one of its events overlaps, however little, as in segment-based evaluation. The
released code marks frame int(onset x rate) up to frame int(offset x rate), both included: the same, except that an
offset on the border of two frames gives it one that no event overlaps. Frames that start behind the clip's end, which
only pad shorter clips, do not count, and reference behind the last frame neither.
"""

from collections.abc import Sequence

import numpy as np

from sedrepro.annotations.clips import Event
from sedrepro.annotations.frames import event_frames
from sedrepro.detection.frames import frames_within
from sedrepro.evaluation import one_class
from sedrepro.evaluation.averages import mean_of_defined, stored
from sedrepro.evaluation.settings import FrameLevel


def frame_metrics(
    frame_scores: np.ndarray,
    clip_scores: np.ndarray,
    reference: Sequence[Sequence[Event]],
    classes: Sequence[str],
    settings: FrameLevel,
    frames_per_second: float,
    durations: Sequence[float] | np.ndarray,
) -> dict[str, dict]:
    """Frame-level metrics of one run against the reference events of every clip (clip,).

    Frame scores are (clip, frame, class), clip scores (clip, class), durations (clip,) in seconds. Returns `metrics`
    (frame_f1, frame_roc_auc, frame_macro_ap: means over the classes with a value) and `class_metrics` (frame_f1,
    frame_roc_auc, frame_average_precision by class). A class without active frames, or, for ROC-AUC, without others,
    has no value: None.
    """
    clips, frames, _ = frame_scores.shape
    if clip_scores.shape != (clips, len(classes)) or not clips == len(reference) == len(durations):
        raise ValueError(
            f"frame scores {frame_scores.shape}, clip scores {clip_scores.shape}, {len(classes)} classes, "
            f"{len(reference)} references and {len(durations)} durations do not fit"
        )
    active = event_frames(reference, classes, frames, frames_per_second)
    within = frames_within(frames, frames_per_second, durations)
    of_classes: dict[str, dict[str, float]] = {"f1": {}, "roc_auc": {}, "average_precision": {}}
    # One class at a time: copies of all scores of a run would take more memory than they are worth.
    for number, label in enumerate(classes):
        heard = clip_scores[:, number, None] > settings.clip_threshold
        scores = np.where(heard, frame_scores[:, :, number], 0)[within]
        targets = active[:, :, number][within]
        of_classes["f1"][label] = one_class.f1(targets, scores >= settings.threshold)
        of_classes["roc_auc"][label] = one_class.roc_auc(targets, scores)
        of_classes["average_precision"][label] = one_class.average_precision(targets, scores)
    means = {name: stored(mean_of_defined(list(values.values()))) for name, values in of_classes.items()}
    return {
        "metrics": {
            "frame_f1": means["f1"],
            "frame_roc_auc": means["roc_auc"],
            "frame_macro_ap": means["average_precision"],
        },
        "class_metrics": {
            f"frame_{name}": {label: stored(value) for label, value in values.items()}
            for name, values in of_classes.items()
        },
    }
