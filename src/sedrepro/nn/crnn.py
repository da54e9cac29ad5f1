"""The convolutional recurrent network of the official baselines of DCASE 2019 and 2020 task 4."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from sedrepro.base.errors import SettingsError, did_you_mean
from sedrepro.base.typed import Dropout, Width, Widths, checked
from sedrepro.nn.blocks import GatedLinearBlock, as_image, baseline_init, glorot_uniform, pooling_reductions
from sedrepro.nn.output import Network, Output
from sedrepro.nn.poolings import pooling as make_pooling

#: How weights start. The small ones of the baseline's dense layers need thousands of steps to leave their start.
INITIALISATIONS: dict[str, Callable[[nn.Module], None]] = {"baseline": baseline_init, "glorot": glorot_uniform}


class Crnn(Network):
    """Convolution blocks with gated linear units, BiGRU layers, dense frame scores, and their pooling.

    One block per entry of `filters`, with the average pooling (frame, mel) of the same place in `poolings`. Channels
    are stacked on the mel axis for `recurrent_layers` BiGRUs of `recurrent` units per direction; after dropout, a dense
    layer with a sigmoid gives the frame scores, and `pooling` (with `pooling_arguments`) the clip scores. Attention
    learns its weights from the input of that dense layer. `norm_momentum` is torch's: the share of the last batch in
    the running statistics. With `confidence` a second dense layer with a sigmoid, parallel to the first, says how sure
    each frame score is (Liu et al. 2020, Section 2.3.1, Power Pooling Operators and Confidence Learning); it is
    `self.confidence`, otherwise None, and all other weights start as without it.
    (batch, frame, mel) -> clip (batch, class); frame and confidence (batch, frame // time_reduction, class).

    Raises:
        SettingsError: the pooling or an argument of it is wrong, or the initialisation is unknown (names the nearest).
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
        recurrent: Width,
        recurrent_layers: Width,
        dropout: Dropout,
        pooling: str,
        pooling_arguments: Mapping[str, Any] | None = None,
        norm_momentum: float = 0.1,
        norm_eps: float = 1e-5,
        confidence: bool = False,
        initialisation: str = "baseline",
    ) -> None:
        super().__init__()
        if initialisation not in INITIALISATIONS:
            hint = did_you_mean(initialisation, INITIALISATIONS)
            raise SettingsError(f"initialisation '{initialisation}' is unknown; {hint}")
        initialise = INITIALISATIONS[initialisation]
        if not filters or len(filters) != len(poolings):
            raise ValueError(f"{len(filters)} filters but {len(poolings)} poolings; give one of each per block")
        self.time_reduction, mel_reduction = pooling_reductions(poolings, frames, mels)
        self.blocks = nn.Sequential(
            *(
                GatedLinearBlock(before, after, (pooling[0], pooling[1]), dropout, norm_momentum, norm_eps)
                for before, after, pooling in zip((1, *filters), filters, poolings, strict=False)
            )
        )
        stacked, hidden = filters[-1] * (mels // mel_reduction), 2 * recurrent
        self.recurrent = nn.GRU(stacked, recurrent, recurrent_layers, batch_first=True, bidirectional=True)
        self.dropout = nn.Dropout(dropout)
        self.frame = nn.Linear(hidden, classes)
        self.pooling = make_pooling(pooling, classes, hidden, **(pooling_arguments or {}))
        initialise(self)
        self.confidence: nn.Linear | None = None
        if confidence:
            self.confidence = nn.Linear(hidden, classes)
            initialise(self.confidence)

    def forward(self, logmel: Tensor) -> Output:
        """Scores of standardised log-mel features."""
        maps = self.blocks(as_image(logmel))
        hidden, _ = self.recurrent(maps.transpose(1, 2).flatten(2))
        with torch.autocast(logmel.device.type, enabled=False):  # halves would tie scores, and lose small weights
            hidden = self.dropout(hidden.to(self.frame.weight.dtype))
            frame = torch.sigmoid(self.frame(hidden))
            clip = self.pooling(frame.transpose(1, 2), hidden)
            confidence = None if self.confidence is None else torch.sigmoid(self.confidence(hidden))
        return Output(clip, frame, confidence=confidence)
