"""The networks of the two-step attention paper (Deshmukh et al. 2021), Section 3."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from sedrepro.base.errors import SettingsError, did_you_mean
from sedrepro.base.typed import Widths, checked
from sedrepro.nn.blocks import ConvBlocks, as_image, he_uniform
from sedrepro.nn.masking import AtrousAttention, MaskNetwork
from sedrepro.nn.output import Network, Output, chosen_network


class AttentionStep(nn.Module):
    """One attention step over the last axis: a classification summed by attention weights (eq. 4-5, and 6-7).

    Both linear maps act along the last axis and are shared by all classes. The released code has a sigmoid on the
    classification and none on the attention before its softmax; eq. 4 and 6 print them the other way round
    (`inner_sigmoid`, and no `classification_sigmoid`). With the inner one no weight is more than e times another.
    (..., length) -> pooled (...), weights (..., length).
    """

    def __init__(self, length: int, inner_sigmoid: bool, classification_sigmoid: bool) -> None:
        super().__init__()
        self.classification = nn.Linear(length, length)
        self.attention = nn.Linear(length, length)
        self.inner_sigmoid = inner_sigmoid
        self.classification_sigmoid = classification_sigmoid

    def forward(self, values: Tensor) -> tuple[Tensor, Tensor]:
        """Pooled values and attention weights."""
        attention, classification = self.attention(values), self.classification(values)
        if self.inner_sigmoid:
            attention = torch.sigmoid(attention)
        if self.classification_sigmoid:
            classification = torch.sigmoid(classification)
        weights = torch.softmax(attention, dim=-1)
        return (classification * weights).sum(dim=-1), weights


class TwoStepAttention(nn.Module):
    """Two-step attention pooling: over frequency, then over time (Section 3.3).

    Z (batch, class, frame, mel) -> clip (batch, class) and frame (batch, class, frame), both in [0, 1], and the weights
    of both steps. The time step's linear maps have one weight per pair of frames: the pooling knows positions and
    takes clips of one length only. Without a sigmoid on the classifications the results of the two steps are logits
    here: eq. 7 puts them into [0, 1] and does not say how, and clamped they stay at 0, where there is no gradient.
    """

    def __init__(self, frames: int, mels: int, inner_sigmoid: bool, classification_sigmoid: bool) -> None:
        super().__init__()
        self.frequency = AttentionStep(mels, inner_sigmoid, classification_sigmoid)
        self.time = AttentionStep(frames, inner_sigmoid, classification_sigmoid)
        self.probabilities = classification_sigmoid

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Clip scores, frame scores, frequency weights, time weights."""
        frame, frequency_weights = self.frequency(maps)
        clip, time_weights = self.time(frame)
        if not self.probabilities:
            clip, frame = torch.sigmoid(clip), torch.sigmoid(frame)
        return clip.clamp(0, 1), frame, frequency_weights, time_weights


class TwoStepNetwork(Network):
    """Shared encoder, two-step attention pooling, and the decoder that reconstructs the input (Figure 1).

    The decoder mirrors the encoder. It starts from the encoder's last feature map, as released, or from the class maps
    Z (`decode_from: class_maps`), as the text has it. It ends in ReLU and pooling, so the reconstruction is never
    negative although its target is standardised.
    (batch, frame, mel) -> clip (batch, class), frame (batch, frame, class), loss `reconstruction` (eq. 8's L2).

    Raises:
        SettingsError: the decoder cannot start there (names the nearest).
    """

    @checked
    def __init__(
        self,
        classes: int,
        frames: int,
        mels: int,
        channels: Widths,
        inner_sigmoid: bool,
        classification_sigmoid: bool,
        decode_from: str,
        reconstruct: bool,
    ) -> None:
        super().__init__()
        starts = {"encoder": channels[-1], "class_maps": classes}
        if decode_from not in starts:
            raise SettingsError(f"decode_from '{decode_from}' is unknown; {did_you_mean(decode_from, starts)}")
        self.encoder = ConvBlocks((1, *channels), smooth=True)
        self.classes = nn.Conv2d(channels[-1], classes, 1)
        self.decoder = ConvBlocks((starts[decode_from], *reversed(channels[:-1]), 1), smooth=True)
        he_uniform(self)
        self.pooling = TwoStepAttention(frames, mels, inner_sigmoid, classification_sigmoid)
        self.decode_from, self.reconstruct = decode_from, reconstruct

    def forward(self, logmel: Tensor, explain: bool = False) -> Output:
        """Scores of standardised log-mel features; `explain` keeps every map that Figure 2 shows."""
        encoded = self.encoder(as_image(logmel))
        with torch.autocast(logmel.device.type, enabled=False):  # scores are ranked: half precision makes ties
            maps = self.classes(encoded.float())
            clip, frame, frequency_weights, time_weights = self.pooling(maps)
        output = Output(clip, frame.transpose(1, 2))
        if self.reconstruct or explain:
            reconstruction = self.decoder(encoded if self.decode_from == "encoder" else maps).squeeze(1).float()
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
    builders: dict[str, Callable[..., Network]] = {
        "vgg_like": partial(MaskNetwork, classes),
        "atrous": partial(AtrousAttention, classes),
        "two_step": partial(TwoStepNetwork, classes, frames, mels, reconstruct=reconstruct),
    }
    return chosen_network(builders, network, arguments)
