"""In which order a run sees its training clips."""

import numpy as np
import torch

from sedrepro.training.seeds import RunSeeds


def epoch_order(targets: torch.Tensor, balance: float | None, seeds: RunSeeds, epoch: int) -> torch.Tensor:
    """Rows of the training clips in the order of an epoch, int64 (clip,); as many as there are clips.

    Without `balance` every clip comes once. With it classes are drawn, a class at most `balance` times as often as the
    rarest, and each class gives its clips in an order of its own, reshuffled when all have come (as the data generator
    of Xu et al. 2018 does): a clip of a frequent class may not come, one of a rare class comes often. Clips without
    a label are never drawn then.
    """
    if balance is None:
        return torch.randperm(len(targets), generator=seeds.torch("order", epoch))
    rng = seeds.numpy("order", epoch)
    active = targets.cpu().numpy() > 0
    counts = active.sum(axis=0)
    present = np.flatnonzero(counts)
    shares = np.minimum(counts[present], balance * counts[present].min()).astype(float)
    drawn = rng.choice(len(present), size=len(targets), p=shares / shares.sum())
    order = np.empty(len(targets), dtype=np.int64)
    for number, label in enumerate(present):
        places = np.flatnonzero(drawn == number)
        order[places] = _repeated(np.flatnonzero(active[:, label]), len(places), rng)
    return torch.from_numpy(order)


def _repeated(rows: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` of the rows: all of them in a new order, again and again."""
    rounds = -(-count // len(rows))
    return np.concatenate([rng.permutation(rows) for _ in range(rounds)] or [rows[:0]])[:count]
