"""What every network of the suite is and returns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import nn

from sedrepro.base.errors import SettingsError, did_you_mean


@dataclass
class Output:
    """Scores of one batch.

    clip: (batch, class) probabilities; frame: (batch, frame, class) probabilities, where the network has them;
    losses: auxiliary losses by name, scalars, unweighted; maps: further tensors by name, for figures; confidence:
    (batch, frame, class) in [0, 1], how sure the network is of each frame score, where it says so; teacher: what a
    second network that guides this one says of the same batch, where there is one.
    """

    clip: torch.Tensor
    frame: torch.Tensor | None = None
    losses: dict[str, torch.Tensor] = field(default_factory=dict)
    maps: dict[str, torch.Tensor] = field(default_factory=dict)
    confidence: torch.Tensor | None = None
    teacher: "Output | None" = None

    @property
    def frame_scores(self) -> torch.Tensor:
        """Frame scores (batch, frame, class).

        Raises:
            ValueError: the network has none.
        """
        if self.frame is None:
            raise ValueError("the network has no frame scores")
        return self.frame

    @property
    def known_confidence(self) -> torch.Tensor:
        """Confidence (batch, frame, class).

        Raises:
            ValueError: the network does not say it.
        """
        if self.confidence is None:
            raise ValueError("the network does not say how sure it is")
        return self.confidence

    @property
    def known_teacher(self) -> "Output":
        """What the guiding network says.

        Raises:
            ValueError: there is no such network.
        """
        if self.teacher is None:
            raise ValueError("no second network guides this one")
        return self.teacher


class Network(nn.Module):
    """A network of the suite: standardised features (batch, frame, mel) -> `Output`.

    time_reduction: input frames per frame of `Output.frame`; frame k covers input frames k * time_reduction up to
    (k + 1) * time_reduction, and input frames left over at the end have no scores.
    """

    time_reduction: int = 1

    def pooled(self, output: Output, frames: slice) -> torch.Tensor:
        """Scores (batch, class) of some frames of an explained output alone, by the network's own pooling.

        Raises:
            SettingsError: its pooling takes whole clips only.
        """
        raise SettingsError(f"{type(self).__name__} pools whole clips only, not parts of them")

    def reported(self) -> dict[str, float]:
        """Learned numbers that the history of a training shows epoch by epoch, by name: those of its `pooling`."""
        pooling = getattr(self, "pooling", None)
        return pooling.reported() if pooling is not None and hasattr(pooling, "reported") else {}


def chosen_network(
    builders: Mapping[str, Callable[..., Network]], network: str, arguments: Mapping[str, Any]
) -> Network:
    """The network that a paper's `builders` have by name, made of its arguments.

    Raises:
        SettingsError: there is no such network (names the nearest).
    """
    if network not in builders:
        raise SettingsError(f"network '{network}' is unknown; {did_you_mean(network, builders)}")
    return builders[network](**arguments)
