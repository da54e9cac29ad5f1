"""What every network of the suite returns."""

from dataclasses import dataclass, field

import torch


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
