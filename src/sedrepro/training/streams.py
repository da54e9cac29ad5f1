"""Batches of semi-supervised training: of fixed shares of each kind of clip, or of the shuffled union of all."""

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from sedrepro.base.errors import DataError, SettingsError, did_you_mean
from sedrepro.training.seeds import RunSeeds


def stream_batches(
    groups: Mapping[str, np.ndarray | Tensor], sizes: Mapping[str, int], seeds: RunSeeds, epoch: int
) -> Tensor:
    """Rows of the batches of an epoch, int64 (batch, clip): `sizes` of each stream, in that order.

    Each stream of `groups` (rows of its clips) is shuffled anew every epoch, and the epoch ends with the stream that is
    through first; what is left of the others does not come (sampler of the official baseline of DCASE 2019). A
    stream's order does not depend on the others.

    Raises:
        DataError: a stream has fewer clips than one batch takes (names it).
        SettingsError: there is no such stream, or a batch takes none of one.
    """
    for name, size in sizes.items():
        if name not in groups:
            raise SettingsError(f"composition: stream '{name}' is unknown; {did_you_mean(name, groups)}")
        if size < 1:
            raise SettingsError(f"composition.{name} = {size}: a batch takes at least one clip of each stream")
        if len(groups[name]) < size:
            raise DataError(
                f"composition.{name} = {size}: there are {len(groups[name])} such clips to train on; lower it"
            )
    batches = min(len(groups[name]) // size for name, size in sizes.items())
    streams = [
        _shuffled(groups[name], seeds, f"order of {name}", epoch)[: batches * size].reshape(batches, size)
        for name, size in sizes.items()
    ]
    return torch.cat(streams, dim=1)


def union_batches(rows: np.ndarray | Tensor, batch_size: int, seeds: RunSeeds, epoch: int) -> tuple[Tensor, ...]:
    """The shuffled rows in batches, int64 (clip,) each; the last may be short (Lin et al. 2020, as released)."""
    return _shuffled(rows, seeds, "order", epoch).split(batch_size)


def _shuffled(rows: np.ndarray | Tensor, seeds: RunSeeds, use: str, epoch: int) -> Tensor:
    rows = torch.as_tensor(rows, dtype=torch.int64)
    return rows[torch.randperm(len(rows), generator=seeds.torch(use, epoch)).to(rows.device)]
