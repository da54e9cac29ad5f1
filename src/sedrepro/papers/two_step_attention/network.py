"""The networks of the two-step attention paper (Deshmukh et al. 2021), Section 3."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from sedrepro.nn.blocks import ConvBlocks, as_image, he_uniform
from sedrepro.nn.masking import AtrousAttention, MaskNetwork
from sedrepro.nn.output import Network, Output, chosen_network


class AttentionStep(nn.Module):
    """One attention step over the last axis: weighted sum of a sigmoid classification (eq. 4-5, and 6-7).

    Both linear maps act along the last axis and are shared by all classes. `inner_sigmoid` squashes the
    attention before the softmax, as eq. 4 prints; the released code does not.
    (..., length) -> pooled (...), weights (..., length).
    """

    def __init__(self, length: int, inner_sigmoid: bool) -> None:
        super().__init__()
        self.classification = nn.Linear(length, length)
        self.attention = nn.Linear(length, length)
        self.inner_sigmoid = inner_sigmoid

    def forward(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Pooled values and attention weights."""
        attention = self.attention(values)
        if self.inner_sigmoid:
            attention = torch.sigmoid(attention)
        weights = torch.softmax(attention, dim=-1)
        return (torch.sigmoid(self.classification(values)) * weights).sum(dim=-1), weights


class TwoStepAttention(nn.Module):
    """Two-step attention pooling: over frequency, then over time (Section 3.3).

    Z (batch, class, frame, mel) -> clip (batch, class) in [0, 1], frame (batch, class, frame), and the weights of
    both steps. The time step's linear maps have one weight per pair of frames: the pooling knows positions
    and takes clips of one length only.
    """

    def __init__(self, frames: int, mels: int, inner_sigmoid: bool) -> None:
        super().__init__()
        self.frequency = AttentionStep(mels, inner_sigmoid)
        self.time = AttentionStep(frames, inner_sigmoid)

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Clip scores, frame scores, frequency weights, time weights."""
        frame, frequency_weights = self.frequency(maps)
        clip, time_weights = self.time(frame)
        return clip.clamp(0, 1), frame, frequency_weights, time_weights


class TwoStepNetwork(Network):
    """Shared encoder, two-step attention pooling, and the decoder that reconstructs the input (Figure 1).

    The decoder mirrors the encoder and starts from its last feature map (as released; the text starts it from Z). It
    ends in ReLU and pooling, so the reconstruction is never negative although its target is standardised.
    (batch, frame, mel) -> clip (batch, class), frame (batch, frame, class), loss `reconstruction` (eq. 8's L2).
    """

    def __init__(
        self, classes: int, frames: int, mels: int, channels: Sequence[int], inner_sigmoid: bool, reconstruct: bool
    ) -> None:
        super().__init__()
        self.encoder = ConvBlocks((1, *channels), smooth=True)
        self.classes = nn.Conv2d(channels[-1], classes, 1)
        self.decoder = ConvBlocks((*reversed(channels), 1), smooth=True)
        he_uniform(self)
        self.pooling = TwoStepAttention(frames, mels, inner_sigmoid)
        self.reconstruct = reconstruct

    def forward(self, logmel: Tensor, explain: bool = False) -> Output:
        """Scores of standardised log-mel features; `explain` keeps every map that Figure 2 shows."""
        encoded = self.encoder(as_image(logmel))
        with torch.autocast(logmel.device.type, enabled=False):  # scores are ranked: half precision makes ties
            clip, frame, frequency_weights, time_weights = self.pooling(self.classes(encoded.float()))
        output = Output(clip, frame.transpose(1, 2))
        if self.reconstruct or explain:
            reconstruction = self.decoder(encoded).squeeze(1).float()
            output.losses["reconstruction"] = nn.functional.mse_loss(reconstruction, logmel.float())
            if explain:
                output.maps = {
                    "reconstruction": reconstruction,
                    "frequency_weights": frequency_weights,
                    "time_weights": time_weights,
                }
        return output


def build(
    network: str, arguments: dict, loss_weights: dict[str, float], classes: int, frames: int, mels: int
) -> Network:
    """The network of a system; a decoder whose loss has weight 0 is built but never run.

    Raises:
        SettingsError: there is no such network (names the nearest).
        TypeError: an argument is unknown to the network.
    """
    reconstruct = loss_weights.get("reconstruction", 0) > 0
    builders = {
        "vgg_like": partial(MaskNetwork, classes),
        "atrous": partial(AtrousAttention, classes),
        "two_step": partial(TwoStepNetwork, classes, frames, mels, reconstruct=reconstruct),
    }
    return chosen_network(builders, network, arguments)
