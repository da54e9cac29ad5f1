"""The networks of the frequency-dependent auto-pooling paper (Liu et al. 2021), Sections 2 and 3."""

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from sedrepro.base.typed import Dropout, Width, Widths, checked
from sedrepro.nn.blocks import ConvBlock, ConvBlocks, GatedConvBlock, as_image, glorot_uniform, require_size
from sedrepro.nn.masking import MaskNetwork
from sedrepro.nn.output import Network, Output, chosen_network
from sedrepro.nn.poolings import pooling as make_pooling
from sedrepro.nn.poolings import weighted_mean


def mask_network(classes: int, mels: int, pooling: str, **arguments: Any) -> MaskNetwork:
    """Masks by VGG- or DDC-blocks, and their pooling (Section 2); FAP learns from `mels` bands."""
    bands: dict[str, Any] = {"mels": mels} if pooling == "fap" else {}
    return MaskNetwork(classes, pooling=pooling, **bands, **arguments)


class GatedAttention(Network):
    """Gated convolutions, a gated BiGRU, and attention over frames: the row Attention (Xu et al. 2018, as released).

    One block of two gated convolutions per entry of `filters`, each halving the mel axis, a 3x3 convolution of
    `last_filters` with ReLU, and the maximum over the mel bands left. Two BiGRUs of `recurrent` units per direction
    read it, one gating the other. The released GRUs are those of the Keras of their time: hard sigmoids as gates, the
    reset gate before the recurrent matrix, and candidates that are sigmoid in the one that gates and linear in the
    other. Both are torch's here, of which (1 + GRU) / 2 gates: in [0, 1] as there, but no reparametrisation of it.
    `batch_norm` says whose defaults the norms have: "keras" or "torch".
    Frame scores are sigmoid, their weights softmax over classes, normalised over frames. The released sound event
    network, which keeps the frame rate, is taken; its two slips (an unused block, attention fed from scores) are not.
    (batch, frame, mel) -> clip (batch, class), frame (batch, frame, class).

    Raises:
        ValueError: the mel bands are too few for the blocks.
    """

    SMALLEST_WEIGHT = 1e-7  # of a frame's attention, as released

    @checked
    def __init__(
        self,
        classes: int,
        frames: int,
        mels: int,
        filters: Widths,
        last_filters: Width,
        recurrent: Width,
        dropout: Dropout,
        batch_norm: str = "torch",
    ) -> None:
        super().__init__()
        require_size(frames, mels, 1, 2 ** len(filters))
        channels = pairwise((1, *filters))
        self.blocks = nn.Sequential(*(GatedConvBlock(i, o, (1, 2), dropout, batch_norm) for i, o in channels))
        self.last = nn.Sequential(nn.Conv2d(filters[-1], last_filters, 3, padding=1), nn.ReLU(inplace=True))
        self.recurrent, self.gate = (
            nn.GRU(last_filters, recurrent, batch_first=True, bidirectional=True) for _ in range(2)
        )
        self.frame = nn.Linear(2 * recurrent, classes)
        self.attention = nn.Linear(2 * recurrent, classes)

    def forward(self, logmel: Tensor, explain: bool = False) -> Output:
        """Scores of standardised log-mel features; `explain` keeps the frames' weights (batch, frame, class)."""
        maps = self.last(self.blocks(as_image(logmel))).amax(dim=3).transpose(1, 2)
        hidden = self.recurrent(maps)[0] * (1 + self.gate(maps)[0]) / 2
        with torch.autocast(logmel.device.type, enabled=False):  # halves would tie scores
            hidden = hidden.to(self.frame.weight.dtype)
            frame = torch.sigmoid(self.frame(hidden))
            weights = torch.softmax(self.attention(hidden), dim=2).clamp(min=self.SMALLEST_WEIGHT)
            clip = self._mean(frame, weights)
        return Output(clip, frame, maps={"frame_weights": weights} if explain else {})

    def pooled(self, output: Output, frames: slice) -> Tensor:
        """Scores (batch, class) of some frames: their mean by the weights that they have in the clip."""
        return self._mean(output.frame_scores[:, frames], output.maps["frame_weights"][:, frames])

    @staticmethod
    def _mean(frame: Tensor, weights: Tensor) -> Tensor:
        return weighted_mean(frame.transpose(1, 2), weights.transpose(1, 2)).clamp(0, 1)


class TalNet(Network):
    """TALNet: ten 3x3 convolutions, five max-poolings, a BiGRU, linear softmax pooling (Wang et al. 2019, as released).

    Two convolutions per entry of `channels`, then max-pooling that halves the mel axis, and in the first two stages
    time as well: 400 frames become 100. Channels are stacked on the mel axis for the BiGRU of `recurrent` units per
    direction. The released network is for 64 mel bands, two of which are left; its convolutions have a bias before
    their batch norm, which does nothing and is left out.
    (batch, frame, mel) -> clip (batch, class), frame (batch, frame // 4, class).

    Raises:
        ValueError: the input is smaller than the poolings.
    """

    TIME_STAGES = 2

    @checked
    def __init__(self, classes: int, frames: int, mels: int, channels: Widths, recurrent: Width) -> None:
        super().__init__()
        time_stages = min(self.TIME_STAGES, len(channels))
        self.time_reduction, mel_reduction = 2**time_stages, 2 ** len(channels)
        require_size(frames, mels, self.time_reduction, mel_reduction)
        layers: list[nn.Module] = []
        for stage, (source, target) in enumerate(pairwise((1, *channels))):
            layers += [ConvBlock(source, target), nn.MaxPool2d((2 if stage < time_stages else 1, 2))]
        self.convolutions = nn.Sequential(*layers)
        stacked = channels[-1] * (mels // mel_reduction)
        self.recurrent = nn.GRU(stacked, recurrent, batch_first=True, bidirectional=True)
        self.frame = nn.Linear(2 * recurrent, classes)
        self.pooling = make_pooling("linear", classes, 2 * recurrent)

    def forward(self, logmel: Tensor, explain: bool = False) -> Output:
        """Scores of standardised log-mel features; they need no more to be explained."""
        maps = self.convolutions(as_image(logmel))
        hidden, _ = self.recurrent(maps.transpose(1, 2).flatten(2))
        with torch.autocast(logmel.device.type, enabled=False):  # halves would tie scores
            frame = torch.sigmoid(self.frame(hidden.to(self.frame.weight.dtype)))
            clip = self.pooling(frame.transpose(1, 2))
        return Output(clip, frame)

    def pooled(self, output: Output, frames: slice) -> Tensor:
        """Scores (batch, class) of some frames: their linear softmax."""
        return self.pooling(output.frame_scores[:, frames].transpose(1, 2))


class DistancePooling(nn.Module):
    """Max-pooling over segments of time that are short where the maps change (Martín-Morató et al. 2020, as released).

    It learns nothing. The maps of a frame are a point, a clip a path through such points; the path is cut into
    frames // `downsample` segments at its largest steps, and each segment is pooled to its maximum, so that frames in
    which nothing happens count little. A step's length is the change of the squared norm, as released, where the
    paper's criterion is to cut the path at equal distances.
    (batch, channel, frame, mel) -> (batch, channel, segment, mel), and the segment of each frame (batch, frame).
    """

    def __init__(self, downsample: int) -> None:
        super().__init__()
        self.downsample = downsample

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Pooled `maps`, and the segment of each frame."""
        batch, channels, frames, mels = maps.shape
        segments = frames // self.downsample
        steps = maps.detach().float().square().sum(dim=(1, 3)).diff(dim=1).abs()
        starts = 1 + steps.topk(segments - 1, dim=1).indices
        segment = torch.zeros(batch, frames, dtype=torch.long, device=maps.device).scatter(1, starts, 1).cumsum(dim=1)
        pooled = maps.new_zeros(batch, channels, segments, mels)
        places = segment[:, None, :, None].expand_as(maps)
        return pooled.scatter_reduce(2, places, maps, "amax", include_self=False), segment


class AdaptiveDistance(Network):
    """VGG-like blocks, adaptive distance-based pooling of time, masks, and their mean (row of the DCASE 2017 table).

    Assumed, as this paper says no more than that this pooling was compared: the pooling stands behind the last block;
    the pooled maps become class masks like those of the other systems; the mean of a mask over mel bins scores a
    segment, and so each of its frames; and the mean of the segments, each counted once, the clip.
    (batch, frame, mel) -> clip (batch, class), frame (batch, frame, class).

    Raises:
        ValueError: `downsample` is no whole number from 1 to the number of frames.
    """

    @checked
    def __init__(self, classes: int, frames: int, channels: Widths, downsample: int) -> None:
        super().__init__()
        if not 1 <= downsample <= frames:
            raise ValueError(
                f"downsample = {downsample} must be a whole number from 1 to the {frames} frames of a clip"
            )
        self.blocks = ConvBlocks((1, *channels))
        self.pooling = DistancePooling(downsample)
        self.masks = nn.Conv2d(channels[-1], classes, 1)

    def forward(self, logmel: Tensor, explain: bool = False) -> Output:
        """Scores of standardised log-mel features; `explain` keeps the segment of each frame (batch, frame)."""
        maps, segment = self.pooling(self.blocks(as_image(logmel)))
        scores = torch.sigmoid(self.masks(maps).float()).mean(dim=3).transpose(1, 2)
        frame = scores.gather(1, segment[:, :, None].expand(-1, -1, scores.shape[2]))
        return Output(scores.mean(dim=1), frame, maps={"segment": segment} if explain else {})

    def pooled(self, output: Output, frames: slice) -> Tensor:
        """Scores (batch, class) of some frames: the mean of the segments that they lie in, each counted once."""
        segment, frame = output.maps["segment"][:, frames], output.frame_scores[:, frames]
        first = torch.ones_like(segment).masked_fill(segment == segment.roll(1, dims=1), 0)
        first[:, 0] = 1
        return (frame * first[:, :, None]).sum(dim=1) / first.sum(dim=1, keepdim=True)


def build(
    network: str, arguments: dict, loss_weights: dict[str, float], classes: int, frames: int, mels: int
) -> Network:
    """The network of a system, with weights after Glorot (Section 3.2, "Xavier"); none has auxiliary losses.

    Raises:
        SettingsError: there is no such network, blocks or pooling (names the nearest).
        TypeError: an argument is unknown to the network.
        ValueError: the features are too small for the network's poolings.
    """
    builders: dict[str, Callable[..., Network]] = {
        "vgg": partial(mask_network, classes, mels, blocks="vgg"),
        "ddc": partial(mask_network, classes, mels, blocks="ddc"),
        "gated_cnn": partial(GatedAttention, classes, frames, mels),
        "talnet": partial(TalNet, classes, frames, mels),
        "adaptive_distance": partial(AdaptiveDistance, classes, frames),
    }
    made = chosen_network(builders, network, arguments)
    glorot_uniform(made)
    return made
