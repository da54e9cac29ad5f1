"""Convolution blocks and encoders that papers share."""

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from sedrepro.base.errors import SettingsError, did_you_mean

#: Of a batch norm, by whose defaults it has: the number that keeps the variance from 0, and torch's momentum, the share
#: of the last batch in the running statistics. Keras calls what it keeps of them the momentum, 0.99.
BATCH_NORMS = {"torch": {"eps": 1e-5, "momentum": 0.1}, "keras": {"eps": 1e-3, "momentum": 0.01}}


def norm_arguments(batch_norm: str) -> dict[str, Any]:
    """The arguments of a torch batch norm with the defaults of "torch" or "keras".

    Raises:
        SettingsError: it is neither (names the nearest).
    """
    if batch_norm not in BATCH_NORMS:
        raise SettingsError(f"batch_norm '{batch_norm}' is unknown; {did_you_mean(batch_norm, BATCH_NORMS)}")
    return BATCH_NORMS[batch_norm]


class Smoothing(nn.Module):
    """3x3 average pooling of stride 1 with zero padding; the shape stays.

    On the CPU it runs as a depthwise convolution with constant weights: equal, and about four times faster than
    torch's average pooling there.
    """

    def forward(self, maps: Tensor) -> Tensor:
        """Smooth `maps` (batch, channel, frame, mel)."""
        if maps.device.type != "cpu":
            return nn.functional.avg_pool2d(maps, 3, stride=1, padding=1)
        weights = torch.full((maps.shape[1], 1, 3, 3), 1 / 9, dtype=maps.dtype)
        return nn.functional.conv2d(maps, weights, padding=1, groups=maps.shape[1])


def he_uniform(module: nn.Module) -> None:
    """He-uniform weights (He et al. 2015) and zero biases for convolutions; unit scale, zero shift for batch norms."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.ones_(layer.weight)
            nn.init.zeros_(layer.bias)


def glorot_uniform(module: nn.Module) -> None:
    """Keras's defaults: Glorot-uniform weights, zero biases; for GRUs orthogonal recurrent weights.

    As Keras does, the weights of a GRU's three gates are drawn as one matrix.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.GRU):
            for name, weight in layer.named_parameters():
                if name.startswith("weight_ih"):
                    nn.init.xavier_uniform_(weight)
                elif name.startswith("weight_hh"):
                    nn.init.orthogonal_(weight)
                else:
                    nn.init.zeros_(weight)


def baseline_init(module: nn.Module) -> None:
    """Initial weights of the official baselines of DCASE 2019 and 2020 task 4.

    Convolutions: Glorot-uniform with a gain of sqrt(2); dense layers: N(0, 0.01); their biases: 0; batch norms: scale
    N(1, 0.02), shift 0 (second numbers are standard deviations). GRUs: all matrices orthogonal; their biases stay
    torch's.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.xavier_uniform_(layer.weight, gain=math.sqrt(2))
        elif isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, 0, 0.01)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1, 0.02)
        elif isinstance(layer, nn.GRU):
            for weight in (each for each in layer.parameters() if each.ndim == 2):
                nn.init.orthogonal_(weight)
        if isinstance(layer, nn.Conv2d | nn.Linear | nn.BatchNorm2d) and layer.bias is not None:
            nn.init.zeros_(layer.bias)


class ConvBlock(nn.Sequential):
    """Two of [3x3 convolution without bias, batch norm, ReLU], then 3x3 average pooling of stride 1 where asked for.

    (batch, in, frame, mel) -> (batch, out, frame, mel); the resolution stays (Kong et al. 2019, VGG-like).
    """

    def __init__(self, channels_in: int, channels_out: int, smooth: bool = False) -> None:
        layers: list[nn.Module] = []
        for source in (channels_in, channels_out):
            layers += [
                nn.Conv2d(source, channels_out, 3, padding=1, bias=False),
                nn.BatchNorm2d(channels_out),
                nn.ReLU(inplace=True),
            ]
        if smooth:
            layers.append(Smoothing())
        super().__init__(*layers)


class ConvBlocks(nn.Sequential):
    """A chain of `ConvBlock`s through the given channels, the input's first."""

    def __init__(self, channels: Sequence[int], smooth: bool = False) -> None:
        super().__init__(*(ConvBlock(i, o, smooth) for i, o in pairwise(channels)))


class DilatedDepthwiseBlock(nn.Sequential):
    """DDC-block: 3x3 convolution, dilated depthwise 3x3 convolution, pointwise convolution (Liu et al. 2021).

    (batch, in, frame, mel) -> (batch, out, frame, mel); the resolution stays. Each convolution, without bias, is
    followed by ReLU and batch norm, `relu_first` in this order, in which Section 2.1 names them (the VGG-like block has
    them the other way round). The text leaves the arrangement, kernel sizes and dilation to its figures: the
    arrangement is assumed, since for 41 classes blocks so arranged make 288,361 parameters, 50.9 % fewer than the
    587,593 of VGG-like ones, where 49.5 % is printed; with the separable pair first it would be 35.9 %, with two such
    pairs 86.8 %. (With frequency-dependent auto-pooling's 2,624 they are 49.5 % of the VGG-like number.)
    """

    def __init__(self, channels_in: int, channels_out: int, dilation: int, relu_first: bool) -> None:
        convolutions = (
            nn.Conv2d(channels_in, channels_out, 3, padding=1, bias=False),
            nn.Conv2d(
                channels_out, channels_out, 3, padding=dilation, dilation=dilation, groups=channels_out, bias=False
            ),
            nn.Conv2d(channels_out, channels_out, 1, bias=False),
        )
        layers: list[nn.Module] = []
        for convolution in convolutions:
            after = [nn.ReLU(inplace=True), nn.BatchNorm2d(channels_out)]
            layers += [convolution, *(after if relu_first else reversed(after))]
        super().__init__(*layers)


class DilatedDepthwiseBlocks(nn.Sequential):
    """A chain of `DilatedDepthwiseBlock`s through the given channels, the input's first."""

    def __init__(self, channels: Sequence[int], dilation: int, relu_first: bool) -> None:
        super().__init__(*(DilatedDepthwiseBlock(i, o, dilation, relu_first) for i, o in pairwise(channels)))


class GatedConv(nn.Module):
    """3x3 convolution without bias and batch norm; half of the channels, linear, times the sigmoid of the other half.

    `batch_norm` says whose defaults that has: see `norm_arguments`.
    (batch, in, frame, mel) -> (batch, out, frame, mel) (Dauphin et al. 2017; Xu et al. 2018).
    """

    def __init__(self, channels_in: int, channels_out: int, batch_norm: str = "torch") -> None:
        super().__init__()
        self.convolution = nn.Conv2d(channels_in, 2 * channels_out, 3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(2 * channels_out, **norm_arguments(batch_norm))

    def forward(self, maps: Tensor) -> Tensor:
        """Gate `maps`."""
        return nn.functional.glu(self.norm(self.convolution(maps)), dim=1)


class GatedConvBlock(nn.Sequential):
    """Two gated convolutions, max-pooling of the given size (frame, mel), dropout; `batch_norm` as in `GatedConv`.

    (batch, in, frame, mel) -> (batch, out, frame // pooling[0], mel // pooling[1]).
    """

    def __init__(
        self, channels_in: int, channels_out: int, pooling: tuple[int, int], dropout: float, batch_norm: str = "torch"
    ) -> None:
        super().__init__(
            GatedConv(channels_in, channels_out, batch_norm),
            GatedConv(channels_out, channels_out, batch_norm),
            nn.MaxPool2d(pooling),
            nn.Dropout(dropout),
        )


class GatedLinearUnit(nn.Module):
    """A dense layer over the channels of each bin, times the sigmoid of its input.

    (batch, channel, frame, mel) -> the same. So the DCASE 2019 baseline has it; the gated linear unit of Dauphin et al.
    2017 has a layer before the sigmoid as well.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, channels)

    def forward(self, maps: Tensor) -> Tensor:
        """Gate `maps`."""
        # As a 1x1 convolution the layer needs no transposed copies: some three times faster on the CPU.
        linear = nn.functional.conv2d(maps, self.linear.weight[:, :, None, None], self.linear.bias)
        return linear * torch.sigmoid(maps)


class GatedLinearBlock(nn.Sequential):
    """3x3 convolution, batch norm, gated linear unit, dropout, average pooling of the given size (frame, mel).

    (batch, in, frame, mel) -> (batch, out, frame // pooling[0], mel // pooling[1]) (DCASE 2019 baseline).
    """

    def __init__(
        self,
        channels_in: int,
        channels_out: int,
        pooling: tuple[int, int],
        dropout: float,
        norm_momentum: float = 0.1,
        norm_eps: float = 1e-5,
    ) -> None:
        super().__init__(
            nn.Conv2d(channels_in, channels_out, 3, padding=1),
            nn.BatchNorm2d(channels_out, eps=norm_eps, momentum=norm_momentum),
            GatedLinearUnit(channels_out),
            nn.Dropout(dropout),
            nn.AvgPool2d(pooling),
        )


class AtrousEncoder(nn.Sequential):
    """[5x5 dilated convolution without bias, batch norm, ReLU] per channel count; dilation 1, 2, 4, ... (as released).

    (batch, 1, frame, mel) -> (batch, channels[-1], frame, mel).
    """

    def __init__(self, channels: Sequence[int]) -> None:
        layers: list[nn.Module] = []
        for depth, (source, target) in enumerate(zip((1, *channels), channels, strict=False)):
            dilation = 2**depth
            layers += [
                nn.Conv2d(source, target, 5, padding=2 * dilation, dilation=dilation, bias=False),
                nn.BatchNorm2d(target),
                nn.ReLU(inplace=True),
            ]
        super().__init__(*layers)


def as_image(logmel: Tensor) -> Tensor:
    """(batch, frame, mel) -> (batch, 1, frame, mel)."""
    return logmel.unsqueeze(1)


def require_size(frames: int, mels: int, time: int, mel: int) -> None:
    """Refuse features that poolings, which divide their axes by `time` and `mel`, would leave nothing of.

    Raises:
        ValueError: there are fewer frames or mel bands than that.
    """
    if frames < time or mels < mel:
        raise ValueError(f"features of {frames} frames x {mels} mel bands are too few for poolings of {time} x {mel}")


def pooling_reductions(poolings: Sequence[Sequence[int]], frames: int, mels: int) -> tuple[int, int]:
    """By how much all poolings (frame, mel) together shorten the time and the mel axis.

    Raises:
        ValueError: a pooling is not two sizes of at least 1, or the features are too small for all of them.
    """
    if not all(len(sizes) == 2 and min(sizes) >= 1 for sizes in poolings):
        raise ValueError(f"poolings {poolings}: give two sizes of at least 1 each, [frame, mel]")
    time, mel = (math.prod(sizes) for sizes in zip(*poolings, strict=True))
    require_size(frames, mels, time, mel)
    return time, mel
