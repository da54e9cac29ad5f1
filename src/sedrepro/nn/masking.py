"""Networks that classify every time-frequency bin and pool the class masks (Kong et al. 2019)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from sedrepro.nn.blocks import AtrousEncoder, ConvBlocks, as_image, he_uniform
from sedrepro.nn.output import Output
from sedrepro.nn.poolings import TimeFrequencyAttention, mask_pooling


class MaskNetwork(nn.Module):
    """VGG-like blocks, a sigmoid 1x1 convolution to class masks, and a pooling of the masks.

    (batch, frame, mel) -> clip (batch, class); frame scores are the mean of a class's mask over mel bins.
    """

    def __init__(self, classes: int, channels: Sequence[int], pooling: str, **pooling_arguments: float) -> None:
        super().__init__()
        self.blocks = ConvBlocks((1, *channels))
        self.masks = nn.Conv2d(channels[-1], classes, 1)
        self.pooling = mask_pooling(pooling, **pooling_arguments)
        he_uniform(self)

    def forward(self, logmel: Tensor) -> Output:
        """Scores of standardised log-mel features."""
        masks = torch.sigmoid(self.masks(self.blocks(as_image(logmel))).float())
        return Output(self.pooling(masks), masks.mean(dim=3).transpose(1, 2))


class AtrousAttention(nn.Module):
    """Dilated convolutions and attention pooling over all time-frequency bins (Ren et al. 2018).

    (batch, frame, mel) -> clip (batch, class), frame (batch, frame, class).
    """

    def __init__(self, classes: int, channels: Sequence[int]) -> None:
        super().__init__()
        self.encoder = AtrousEncoder(channels)
        he_uniform(self)
        self.pooling = TimeFrequencyAttention(channels[-1], classes)

    def forward(self, logmel: Tensor) -> Output:
        """Scores of standardised log-mel features."""
        return Output(*self.pooling(self.encoder(as_image(logmel))))
