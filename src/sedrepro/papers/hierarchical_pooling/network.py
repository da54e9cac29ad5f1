"""The network of the hierarchical pooling paper (He et al. 2019), Section 2 and Figure 3."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from sedrepro.base.typed import Dropout, Width, Widths, checked
from sedrepro.nn.blocks import GatedConvBlock, as_image, glorot_uniform, norm_arguments, pooling_reductions
from sedrepro.nn.output import Network, Output, chosen_network
from sedrepro.nn.poolings import pooling as make_pooling


class GatedCrnn(Network):
    """Gated convolution blocks, a plain convolution, a BiGRU, frame scores, and their pooling (Figure 2 and 3).

    One block per entry of `filters`, with the max-pooling (frame, mel) of the same place in `poolings`; then a 3x3
    convolution of `last_filters` with batch norm, ReLU and `last_pooling`. Channels are stacked on the mel axis for
    the BiGRU of `recurrent` units per direction. Attention learns its weights from the BiGRU's output, the input of
    the dense layer of the frame scores. Weights start as in Keras, in which the code that the paper follows is written;
    `batch_norm` says whether its batch norms have the defaults of "keras" or of "torch".
    (batch, frame, mel) -> clip (batch, class), frame (batch, frame // time_reduction, class).

    Raises:
        SettingsError: the pooling or the batch norm is unknown (names the nearest).
        ValueError: the input is smaller than the poolings, or filters and poolings differ in number.
    """

    @checked
    def __init__(
        self,
        classes: int,
        frames: int,
        mels: int,
        filters: Widths,
        poolings: Sequence[Sequence[int]],
        last_filters: Width,
        last_pooling: Sequence[int],
        recurrent: Width,
        dropout: Dropout,
        pooling: str,
        groups: Sequence[int],
        segment_weights: str,
        batch_norm: str = "torch",
    ) -> None:
        super().__init__()
        if len(filters) != len(poolings):
            raise ValueError(f"{len(filters)} filters but {len(poolings)} poolings; give one of each per block")
        self.time_reduction, mel_reduction = pooling_reductions([*poolings, last_pooling], frames, mels)
        channels = (1, *filters)
        self.blocks = nn.Sequential(
            *(
                GatedConvBlock(source, target, (time, mel), dropout, batch_norm)
                for source, target, (time, mel) in zip(channels, filters, poolings, strict=False)
            )
        )
        self.last = nn.Sequential(
            nn.Conv2d(channels[-1], last_filters, 3, padding=1, bias=False),
            nn.BatchNorm2d(last_filters, **norm_arguments(batch_norm)),
            nn.ReLU(inplace=True),
            nn.MaxPool2d(tuple(last_pooling)),
        )
        stacked = last_filters * (mels // mel_reduction)
        self.recurrent = nn.GRU(stacked, recurrent, batch_first=True, bidirectional=True)
        self.frame = nn.Linear(2 * recurrent, classes)
        self.pooling = make_pooling(pooling, classes, 2 * recurrent, groups, segment_weights)
        glorot_uniform(self)

    def forward(self, logmel: Tensor) -> Output:
        """Scores of standardised log-mel features."""
        maps = self.last(self.blocks(as_image(logmel)))
        hidden, _ = self.recurrent(maps.transpose(1, 2).flatten(2))
        with torch.autocast(logmel.device.type, enabled=False):  # halves would tie scores, and lose small weights
            hidden = hidden.to(self.frame.weight.dtype)
            frame = torch.sigmoid(self.frame(hidden))
            clip = self.pooling(frame.transpose(1, 2), hidden)
        return Output(clip, frame)


def build(
    network: str, arguments: dict, loss_weights: dict[str, float], classes: int, frames: int, mels: int
) -> Network:
    """The network of a system; it has no auxiliary losses.

    Raises:
        SettingsError: there is no such network or pooling (names the nearest).
        TypeError: an argument is unknown to the network.
        ValueError: the features are too small for the network's poolings.
    """
    builders = {"gated_crnn": partial(GatedCrnn, classes, frames, mels)}
    return chosen_network(builders, network, arguments)
