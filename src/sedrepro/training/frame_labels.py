"""Strong labels at the resolution of a network's scores, from those of the frames of its features."""

from collections.abc import Callable

import torch
from torch import Tensor

from sedrepro.base.errors import SettingsError, did_you_mean

LABEL_POOLINGS: dict[str, Callable[[Tensor], Tensor]] = {
    "last": lambda groups: groups[:, :, -1],
    "majority": lambda groups: (groups.mean(dim=2) >= 0.5).to(groups.dtype),
    "max": lambda groups: groups.amax(dim=2),
    "mean": lambda groups: groups.mean(dim=2),
}


def pool_labels(targets: Tensor, reduction: int, how: str) -> Tensor:
    """Labels (batch, frame, class) of every `reduction` frames as one: (batch, frame // reduction, class), float.

    "last" is that of the group's last frame, "majority" 1 where the mean is at least 0.5, else 0; "max" and "mean" are
    what they say. Labels may be soft. Frames left over at the end are dropped, as they have no scores.

    The official baseline of DCASE 2019 rounds down twice: from onset and offset to feature frames a and b, then to
    frames of scores, floor(a / r) <= j < floor(b / r), where r feature frames make one. Its labels are event frames
    "rounded_down" and pooled here as "last": the last feature frame of j is jr + r - 1, which is at or after a where
    j + 1 > a / r, that is j >= floor(a / r), and before b where j + 1 <= b / r, that is j < floor(b / r).

    Raises:
        SettingsError: `how` is unknown (names the nearest).
    """
    if how not in LABEL_POOLINGS:
        raise SettingsError(f"label_pooling '{how}' is unknown; {did_you_mean(how, LABEL_POOLINGS)}")
    values = targets if targets.is_floating_point() else targets.to(torch.float32)
    frames = values.shape[1] // reduction
    return LABEL_POOLINGS[how](values[:, : frames * reduction].unflatten(1, (frames, reduction)))
