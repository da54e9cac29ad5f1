"""Pooling of time-frequency or frame scores into clip scores. Masks are (batch, class, frame, mel)."""

import torch
from torch import Tensor, nn

from sedrepro.errors import SettingsError, did_you_mean


class GlobalAveragePooling(nn.Module):
    """Mean over all time-frequency bins: (batch, class, frame, mel) -> (batch, class)."""

    def forward(self, masks: Tensor) -> Tensor:
        """Pool `masks`."""
        return masks.mean(dim=(2, 3))


class GlobalMaxPooling(nn.Module):
    """Largest time-frequency bin: (batch, class, frame, mel) -> (batch, class)."""

    def forward(self, masks: Tensor) -> Tensor:
        """Pool `masks`."""
        return masks.amax(dim=(2, 3))


class GlobalWeightedRankPooling(nn.Module):
    """Mean of the bins in descending order with weights r^j (Kolesnikov & Lampert 2016; Kong et al. 2019).

    r = 0 is max pooling, r = 1 is average pooling. (batch, class, frame, mel) -> (batch, class).
    """

    def __init__(self, r: float) -> None:
        super().__init__()
        if not 0 <= r <= 1:
            raise SettingsError(f"gwrp: r = {r} must lie between 0 and 1")
        self.r = r

    def forward(self, masks: Tensor) -> Tensor:
        """Pool `masks`."""
        ranked = masks.flatten(2).sort(dim=2, descending=True).values
        weights = self.r ** torch.arange(ranked.shape[2], device=ranked.device, dtype=torch.float64)
        # Autocast would round the products, and with them the clip scores, to half precision.
        with torch.autocast(masks.device.type, enabled=False):
            return ranked @ (weights / weights.sum()).to(ranked.dtype)


class TimeFrequencyAttention(nn.Module):
    """Attention pooling over all time-frequency bins (Ren et al. 2018, as released with the MTL code).

    Attention: 1x1 convolution, sigmoid, clamped to [0.1, 0.9], normalised over the bins. Classification: 1x1
    convolution and log-softmax over classes; the clip score is the sigmoid of the weighted sum, hence at most 0.5.
    (batch, channel, frame, mel) -> clip (batch, class), frame scores (batch, frame, class).
    """

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.attention = nn.Conv2d(channels, classes, 1)
        self.classification = nn.Conv2d(channels, classes, 1)
        nn.init.zeros_(self.attention.weight)
        nn.init.zeros_(self.attention.bias)

    def forward(self, maps: Tensor) -> tuple[Tensor, Tensor]:
        """Clip and frame scores of feature `maps`."""
        weights = torch.sigmoid(self.attention(maps).float()).clamp(0.1, 0.9)
        evidence = torch.log_softmax(self.classification(maps).float(), dim=1)
        clip = (evidence * weights).sum(dim=(2, 3)) / weights.sum(dim=(2, 3))
        frame = (evidence * weights).sum(dim=3) / weights.sum(dim=3)
        return torch.sigmoid(clip), torch.sigmoid(frame).transpose(1, 2)


MASK_POOLINGS = {
    "gap": GlobalAveragePooling,
    "gmp": GlobalMaxPooling,
    "gwrp": GlobalWeightedRankPooling,
}


def mask_pooling(name: str, **arguments: float) -> nn.Module:
    """A pooling of class masks by its name.

    Raises:
        SettingsError: the name or an argument is unknown.
    """
    if name not in MASK_POOLINGS:
        raise SettingsError(f"pooling '{name}' is unknown; {did_you_mean(name, MASK_POOLINGS)}")
    try:
        return MASK_POOLINGS[name](**arguments)
    except TypeError as error:
        raise SettingsError(f"pooling '{name}': {error}") from None
