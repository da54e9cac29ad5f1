"""The losses of guided learning (Lin et al. 2020) and of what Liang et al. 2021 add to it; equations are the latter's.

`scores` and `targets` are (clip, class) or (clip, frame, class), in [0, 1]. `rows` says which clips of a batch a loss
is the mean over, bool (clip,); without it all are. A batch without such a clip has the loss 0.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from sedrepro.training.frame_labels import pool_labels

#: Above this a clip score is a tag, and a label active.
TAGGED = 0.5
#: Probabilities are kept so far from 0 and 1 in the focal losses.
MARGIN = 1e-7


def cross_entropy(scores: Tensor, targets: Tensor, rows: Tensor | None = None) -> Tensor:
    """Binary cross entropy, the mean over clips, (frames) and classes."""
    return _mean(nn.functional.binary_cross_entropy(scores, targets, reduction="none"), rows)


# --- guidance


def guidance_weight(epoch: int, start: int, base: float = 0.996) -> float:
    """Weight alpha of the student's guidance of the teacher: 1 - base^(epoch - start) after `start`, 0 until then."""
    return 1 - base ** (epoch - start) if epoch > start else 0.0


def tags(scores: Tensor) -> Tensor:
    """1 where a score is above one half, else 0; no gradient."""
    return (scores.detach() > TAGGED).to(scores.dtype)


def guidance(scores: Tensor, guide: Tensor, rows: Tensor | None = None, weight: float = 1.0) -> Tensor:
    """L_con of eq. 3: `weight` times the cross entropy of clip `scores` against the tags of the other network, `guide`.

    In the paper all clips are its rows; those without labels are another reading, and what guided learning does.
    """
    return weight * cross_entropy(scores, tags(guide), rows)


def guidance_as_released(scores: Tensor, guide: Tensor, rows: Tensor, weight: float = 1.0) -> Tensor:
    """`guidance` as in the code of guided learning: weight and rows are factors within the cross entropy.

    Scores and tags are multiplied by the weight and by 1 or 0, and the mean is over the whole batch. With a weight
    below 1 a tagged class that scores 1 still costs least, but it costs the weight's binary entropy, not 0.
    """
    factor = weight * rows.to(scores.dtype)[:, None]
    return cross_entropy(factor * scores, factor * tags(guide))


# --- distillation
#
# The gradients of these losses reach whatever they are given. Of features F W that both learn from them the distance is
# least at W = 0, so the trainer gives the teacher's as a fixed target unless the settings have both pulled.


def target_event_distillation(
    teacher: Tensor, student: Tensor, frame_targets: Tensor, strong: Tensor, align: str = "upsampled"
) -> Tensor:
    """L_TFD of eq. 1: distance of transformed features in the frames of target events, by the strong labels.

    (1/T) sum_j M_j D_j of a clip, the mean over the clips with strong labels. `teacher` (clip, frame', feature) and
    `student` (clip, frame, feature) are F W of eq. 2, `frame_targets` (clip, frame of the features, class) are 0 or
    1, `strong` says which clips have them, bool (clip,). M is 1 where any class is active; a frame that
    covers several of the labels' is active with any of them.

    Raises:
        ValueError: as in `distillation`.
    """
    distances = frame_differences(teacher, student, "distance", align)
    labels = pool_labels(frame_targets, frame_targets.shape[1] // distances.shape[1], "max")
    return _mean(labels.amax(dim=2) * distances, strong)


def distillation(
    teacher: Tensor, student: Tensor, rows: Tensor | None = None, measure: str = "distance", align: str = "upsampled"
) -> Tensor:
    """The same for all frames, which needs no strong labels: DFD-D, and with the measure "squared" DFD-MSE.

    The paper has them on all clips, and DFD-D(w+u) on those without strong labels.

    Raises:
        ValueError: measure or align is unknown, or the student's frames are no multiple of the teacher's.
    """
    return _mean(frame_differences(teacher, student, measure, align), rows)


def frame_differences(teacher: Tensor, student: Tensor, measure: str, align: str) -> Tensor:
    """Eq. 2: by how much features differ, frame by frame, (clip, frame).

    measure: "distance" is the Euclidean distance, "squared" the mean squared difference. align: where the teacher has
    fewer frames (the paper does not say how the grids meet), it is "upsampled" by repetition, or the student is
    "pooled" to the mean over each frame of the teacher.

    Raises:
        ValueError: as in `distillation`.
    """
    for name, value, known in (("measure", measure, MEASURES), ("align", align, ALIGNMENTS)):
        if value not in known:
            raise ValueError(f"{name} '{value}' is unknown; known: {', '.join(known)}")
    factor, left = divmod(student.shape[1], teacher.shape[1])
    if left or not factor:
        raise ValueError(
            f"{student.shape[1]} frames of the student are no multiple of the teacher's {teacher.shape[1]}"
        )
    return MEASURES[measure](*ALIGNMENTS[align](teacher, student, factor))


def _upsampled(teacher: Tensor, student: Tensor, factor: int) -> tuple[Tensor, Tensor]:
    return teacher.repeat_interleave(factor, dim=1), student


def _pooled(teacher: Tensor, student: Tensor, factor: int) -> tuple[Tensor, Tensor]:
    return teacher, student.unflatten(1, (-1, factor)).mean(dim=2)


def _distance(one: Tensor, other: Tensor) -> Tensor:
    return torch.linalg.vector_norm(one - other, dim=2)


def _squared(one: Tensor, other: Tensor) -> Tensor:
    return (one - other).square().mean(dim=2)


ALIGNMENTS: dict[str, Callable[[Tensor, Tensor, int], tuple[Tensor, Tensor]]] = {
    "upsampled": _upsampled,
    "pooled": _pooled,
}
MEASURES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {"distance": _distance, "squared": _squared}


# --- adaptive focal loss


def adaptive_focal(
    scores: Tensor, targets: Tensor, gamma: float = 2.0, form: str = "printed", rows: Tensor | None = None
) -> Tensor:
    """L_af of eq. 4: cross entropy, weighted by how hard a decision is; the mean over clips, (frames) and classes.

    With p the probability of the true label (the score where the class is active, 1 minus it where not: eq. 4 says
    only "posterior probability") it is -w log p. "printed" is the paper's w = 1 - p^gamma, "cited" is (1 - p)^gamma,
    that of the focal loss which the paper cites (Lin et al. 2017). Gradients pass through w as well. p is kept
    `MARGIN` away from 0 and 1.

    Raises:
        ValueError: the form is unknown.
    """
    if form not in FOCAL_WEIGHTS:
        raise ValueError(f"form '{form}' is unknown; known: {', '.join(FOCAL_WEIGHTS)}")
    true = torch.where(targets > TAGGED, scores, 1 - scores).clamp(MARGIN, 1 - MARGIN)
    return _mean(-FOCAL_WEIGHTS[form](true, gamma) * true.log(), rows)


FOCAL_WEIGHTS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "printed": lambda p, gamma: 1 - p**gamma,
    "cited": lambda p, gamma: (1 - p) ** gamma,
}


def _mean(values: Tensor, rows: Tensor | None) -> Tensor:
    """The mean of `values` (clip, ...) over the clips that `rows` marks, and over all other axes; 0 of no clip."""
    if rows is None:
        return values.mean()
    marked = rows.to(values.dtype)
    return (values.flatten(1).mean(dim=1) * marked).sum() / marked.sum().clamp(min=1)
