"""In which order a run sees its training clips."""

import numpy as np
import torch

from sedrepro.training.seeds import RunSeeds


def epoch_order(targets: torch.Tensor, balance: float | None, seeds: RunSeeds, epoch: int) -> torch.Tensor:
    """Rows of the training clips in the order of an epoch, int64 (clip,); as many as there are clips.

    Without `balance` every clip comes once. With it a queue of classes is filled block by block, each shuffled and with
    every class in it, a class at most `balance` times as often as the rarest; each class gives its clips in an order of
    its own, reshuffled when all have come (as the data generator of Xu et al. 2018 does). So a clip of a frequent
    class may not come, one of a rare class comes often, and one without a label never. What else sounds in a clip is
    not counted: a class that accompanies others comes more often than the queue says.
    """
    if balance is None:
        return torch.randperm(len(targets), generator=seeds.torch("order", epoch))
    rng = seeds.numpy("order", epoch)
    active = targets.cpu().numpy() > 0
    counts = active.sum(axis=0)
    present = np.flatnonzero(counts)
    weights = np.floor(np.clip(counts[present] / counts[present].min(), 1, balance)).astype(int)
    block = np.repeat(np.arange(len(present)), weights)
    drawn = _repeated(block, len(targets), rng)
    order = np.empty(len(targets), dtype=np.int64)
    for number, label in enumerate(present):
        places = np.flatnonzero(drawn == number)
        order[places] = _repeated(np.flatnonzero(active[:, label]), len(places), rng)
    return torch.from_numpy(order)


def _repeated(items: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """`count` of the items: all of them in a new order, again and again."""
    rounds = -(-count // len(items))
    return np.concatenate([rng.permutation(items) for _ in range(rounds)] or [items[:0]])[:count]
