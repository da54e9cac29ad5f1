"""Networks that classify every time-frequency bin and pool the class masks (Kong et al. 2019)."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sedrepro.base.errors import SettingsError, did_you_mean
from sedrepro.base.typed import Widths, checked
from sedrepro.nn.blocks import AtrousEncoder, ConvBlocks, DilatedDepthwiseBlocks, as_image, he_uniform
from sedrepro.nn.output import Network, Output
from sedrepro.nn.poolings import TimeFrequencyAttention
from sedrepro.nn.poolings import pooling as make_pooling

BLOCKS: dict[str, Callable[..., nn.Module]] = {"vgg": ConvBlocks, "ddc": DilatedDepthwiseBlocks}


class MaskNetwork(Network):
    """Convolution blocks, a sigmoid 1x1 convolution to class masks, and a pooling of the masks' bins.

    `blocks` are "vgg" (Kong et al. 2019) or "ddc" (Liu et al. 2021), which take `block_arguments`. (batch, frame, mel)
    -> clip (batch, class); frame scores are the mean of a class's mask over mel bins, weighted where the pooling learns
    weights of them.

    Raises:
        SettingsError: there are no such blocks or no such pooling (names the nearest), or its arguments are wrong.
    """

    @checked
    def __init__(
        self,
        classes: int,
        channels: Widths,
        pooling: str,
        blocks: str = "vgg",
        block_arguments: Mapping[str, Any] | None = None,
        **pooling_arguments: Any,
    ) -> None:
        super().__init__()
        if blocks not in BLOCKS:
            raise SettingsError(f"blocks '{blocks}' are unknown; {did_you_mean(blocks, BLOCKS)}")
        self.blocks = BLOCKS[blocks]((1, *channels), **(block_arguments or {}))
        self.masks = nn.Conv2d(channels[-1], classes, 1)
        self.pooling: Any = make_pooling(pooling, classes, channels[-1], **pooling_arguments)
        he_uniform(self)

    def forward(self, logmel: Tensor, explain: bool = False) -> Output:
        """Scores of standardised log-mel features; `explain` keeps the masks (batch, class, frame, mel)."""
        maps = self.blocks(as_image(logmel))
        masks = torch.sigmoid(self.masks(maps).float())
        clip = self.pooling(masks.flatten(2), maps.flatten(2).transpose(1, 2))
        output = Output(clip, self.pooling.over_mel(masks).transpose(1, 2))
        if explain:
            output.maps["masks"] = masks
        return output

    def pooled(self, output: Output, frames: slice) -> Tensor:
        """Scores (batch, class) of some frames: the pooling of their bins alone, for poolings of values."""
        return self.pooling(output.maps["masks"][:, :, frames].flatten(2))


class AtrousAttention(Network):
    """Dilated convolutions and attention pooling over all time-frequency bins (Ren et al. 2018).

    (batch, frame, mel) -> clip (batch, class), frame (batch, frame, class).
    """

    @checked
    def __init__(self, classes: int, channels: Widths, attention_bounds: Sequence[float], classification: str) -> None:
        super().__init__()
        self.encoder = AtrousEncoder(channels)
        he_uniform(self)
        self.pooling = TimeFrequencyAttention(channels[-1], classes, attention_bounds, classification)

    def forward(self, logmel: Tensor) -> Output:
        """Scores of standardised log-mel features."""
        return Output(*self.pooling(self.encoder(as_image(logmel))))
