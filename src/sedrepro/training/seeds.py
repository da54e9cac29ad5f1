"""All randomness of a run: one SeedSequence, one named child per use."""

import hashlib

import numpy as np
import torch


class RunSeeds:
    """Random streams of the run (fold, seed); systems share them, so that their comparison is paired."""

    def __init__(self, fold: int, seed: int) -> None:
        self._entropy = [seed, fold]

    def number(self, use: str, index: int = 0) -> int:
        """A 64-bit seed for a use ("split", "weights", "order") and an index (the epoch, say)."""
        name = int.from_bytes(hashlib.sha256(use.encode()).digest()[:8], "little")
        sequence = np.random.SeedSequence(self._entropy, spawn_key=(name, index))
        return int(sequence.generate_state(1, np.uint64)[0] >> 1)

    def numpy(self, use: str, index: int = 0) -> np.random.Generator:
        """A NumPy generator."""
        return np.random.default_rng(self.number(use, index))

    def torch(self, use: str, index: int = 0) -> torch.Generator:
        """A torch generator on the CPU: the same draws for every device."""
        return torch.Generator().manual_seed(self.number(use, index))
