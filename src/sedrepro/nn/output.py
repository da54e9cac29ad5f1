"""What every network of the suite is and returns."""

from dataclasses import dataclass, field

import torch
from torch import nn


@dataclass
class Output:
    """Scores of one batch.

    clip: (batch, class) probabilities; frame: (batch, frame, class) probabilities, where the network has them;
    losses: auxiliary losses by name, scalars, unweighted; maps: further tensors by name, for figures.
    """

    clip: torch.Tensor
    frame: torch.Tensor | None = None
    losses: dict[str, torch.Tensor] = field(default_factory=dict)
    maps: dict[str, torch.Tensor] = field(default_factory=dict)


class Network(nn.Module):
    """A network of the suite: standardised features (batch, frame, mel) -> `Output`.

    time_reduction: input frames per frame of `Output.frame`; frame k covers input frames k * time_reduction up to
    (k + 1) * time_reduction, and input frames left over at the end have no scores.
    """

    time_reduction: int = 1
