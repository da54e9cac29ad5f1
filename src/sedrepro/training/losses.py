"""Losses of confidence learning, and what pseudo-labels weigh (Liu et al. 2020; numbers of equations are theirs).

What the confidence c learns (eq. 5, 6 and 8, lambda the weight of eq. 8, both means over the same frames):

* For a frame whose true label has the probability p, the loss -log(1 - c (1 - p)) - lambda log c is least at
  c = min(1, lambda / ((1 + lambda) (1 - p))). So predictions with p >= 1 / (1 + lambda) have c = 1.
* Where predictions are 0 or 1, and a share q of the frames that look alike is right, the mean loss
  -(1 - q) log(1 - c) - lambda log c is least at c = lambda / (lambda + 1 - q).

So confidence rises with accuracy, but equals it only for q = lambda and q = 1. Consistency (eq. 7) and the clip loss
take the prediction itself, not its hinted form, so they have no gradient in the confidence branch. If eq. 8 is a mean
over more frames than those with strong labels, lambda counts for less in the latter, in proportion.
"""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy

from sedrepro.base.errors import DataError
from sedrepro.training.settings import Retraining

#: From this probability on a hard pseudo-label is 1 (Liu et al. 2020, Section 3.2.2: positive predictions).
HARD = 0.5


def summed(losses: Iterable[Tensor]) -> Tensor:
    """The sum of one or more losses, a scalar."""
    first, *others = losses
    return sum(others, first)


def hinted(frame: Tensor, targets: Tensor, confidence: Tensor) -> Tensor:
    """Predictions with hints, y' = (1 - c) t + c y (eq. 5); all tensors (batch, frame, class)."""
    return (1 - confidence) * targets + confidence * frame


def confidence_penalty(confidence: Tensor) -> Tensor:
    """Mean of -log c (eq. 8), a scalar; as a cross-entropy it is finite for c = 0, and so is its gradient."""
    return binary_cross_entropy(confidence, torch.ones_like(confidence))


def interpolated(confidence: Tensor, alpha: float) -> Tensor:
    """Weights c' = alpha c + (1 - alpha) (eq. 10), of the shape of the confidence."""
    return alpha * confidence + (1 - alpha)


def weighted_cross_entropy(frame: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
    """sum(c' BCE(y, t)) / sum(c') over all frames and classes (eq. 11), a scalar; 0 where all weights are 0.

    All tensors are (batch, frame, class).
    """
    total = weights.sum()
    losses = weights * binary_cross_entropy(frame, targets, reduction="none")
    return losses.sum() / torch.where(total > 0, total, 1)


def pseudo_weights(frame: Tensor, confidence: Tensor | None, how: Retraining) -> tuple[Tensor, Tensor]:
    """Labels and weights c' of frames that have no strong label (Table 3), both (batch, frame, class).

    `frame` are the probabilities of stage one, which are the labels, rounded where these are to be hard, and
    `confidence` its confidence.
    `how.weights` says what stands for c in eq. 10, `how.alpha` how much it counts. Below `how.threshold` a probability
    is either "dropped", which is weight 0 whatever alpha is, or "negative", which is label 0 with the weight it has.

    Raises:
        DataError: the weights are the confidence, and there is none.
    """
    sources = {"equal": torch.ones_like(frame), "probability": frame}
    if confidence is not None:
        sources["confidence"] = confidence
    elif how.weights == "confidence":
        raise DataError("pseudo-labels without confidence; base the system on one that has a confidence branch")
    labels = frame if how.labels == "soft" else (frame >= HARD).to(frame.dtype)
    weights = interpolated(sources[how.weights], how.alpha)
    if how.threshold is not None:
        below = frame < how.threshold
        if how.below == "dropped":
            weights = weights.masked_fill(below, 0)
        else:
            labels = labels.masked_fill(below, 0)
    return labels, weights


def regulated(labels: Tensor, weights: Tensor, clip_targets: Tensor) -> tuple[Tensor, Tensor]:
    """Labels and weights (batch, frame, class) of weakly labelled clips, corrected by weak labels (batch, class).

    A class that is absent has label 0 and weight 1 in all frames (Section 2.3.2).
    """
    absent = (clip_targets == 0)[:, None, :]
    return labels.masked_fill(absent, 0), weights.masked_fill(absent, 1)
