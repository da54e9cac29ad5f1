"""Strong labels as frames: at the resolution of the features, and pooled to that of a network's scores."""

from collections.abc import Callable, Sequence
from math import ceil, floor
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from sedrepro.annotations.clips import Event
from sedrepro.base.errors import DataError, SettingsError, did_you_mean


def frame_targets(
    events: Sequence[Sequence[Event]],
    classes: Sequence[str],
    frames: int,
    frames_per_second: float,
    offsets: Literal["up", "down"] = "up",
) -> np.ndarray:
    """Whether each class is active in each frame, uint8 (clip, frame, class), from the events of every clip.

    An event is active in every frame that it overlaps, floor(onset x rate) <= frame < ceil(offset x rate); with offsets
    rounded "down", up to floor(offset x rate). What lies behind the last frame is left out.

    The official baseline of DCASE 2019 rounds down twice: from onset and offset to feature frames a and b, then to
    frames of scores, floor(a / r) <= j < floor(b / r), where r feature frames make one. Its labels are those rounded
    "down" and pooled by `pool_labels` as "last": the last feature frame of j is jr + r - 1, which is at or after a
    where j + 1 > a / r, that is j >= floor(a / r), and before b where j + 1 <= b / r, that is j < floor(b / r).

    Raises:
        DataError: an event is of no class in `classes`, or its frames are not in order (names the clip's row).
    """
    index = {label: number for number, label in enumerate(classes)}
    rounded = {"up": ceil, "down": floor}[offsets]
    targets = np.zeros((len(events), frames, len(classes)), dtype=np.uint8)
    for clip, of_clip in enumerate(events):
        for event in of_clip:
            if event.event_label not in index:
                hint = did_you_mean(event.event_label, classes)
                raise DataError(f"clip {clip}: event of class '{event.event_label}', which is not trained; {hint}")
            if not 0 <= event.onset <= event.offset:
                raise DataError(f"clip {clip}: event from {event.onset} s to {event.offset} s; correct its times")
            start = floor(_in_frames(event.onset, frames_per_second))
            stop = rounded(_in_frames(event.offset, frames_per_second))
            targets[clip, start:stop, index[event.event_label]] = 1
    return targets


def _in_frames(seconds: float, frames_per_second: float) -> float:
    # Rounded: the border of two frames may come out a bit below it, and would then belong to the frame before.
    return round(seconds * frames_per_second, 6)


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

    Raises:
        SettingsError: `how` is unknown (names the nearest).
    """
    if how not in LABEL_POOLINGS:
        raise SettingsError(f"label_pooling '{how}' is unknown; {did_you_mean(how, LABEL_POOLINGS)}")
    values = targets if targets.is_floating_point() else targets.to(torch.float32)
    frames = values.shape[1] // reduction
    return LABEL_POOLINGS[how](values[:, : frames * reduction].unflatten(1, (frames, reduction)))
