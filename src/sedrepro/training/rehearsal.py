"""A run of which only the beginning is trained, and whose scores are drawn: what it costs, without what it learns."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch

from sedrepro.base.files import alone
from sedrepro.base.memory import available_memory
from sedrepro.base.parallel import usable_cores
from sedrepro.training.data import Clips
from sedrepro.training.loop import Progress, Scored, Trainer

STEPS = 3
#: Clips that a batch keeps at least.
LEAST = 4
#: Clips that the network is asked about, to know what its scores look like.
ASKED = 2


def rehearsed(
    trainer: Trainer, train: Clips, lock: Path, need_mib: Callable[[], int], log: Callable[[str], None] = print
) -> Progress:
    """Make a few steps of training, and say how long they took.

    On a CPU one run at a time, as the lock file sees to, makes its steps on all cores; batches are made smaller where
    the memory that a run needs, MiB, is not free, but for those that are composed of kinds of clips.
    """
    with alone(lock) if trainer.device.type == "cpu" else nullcontext():
        size, every = trainer.run.training.batch_size, _thinning(trainer, need_mib)
        threads, started = torch.get_num_threads(), time.monotonic()
        torch.set_num_threads(usable_cores())
        progress = trainer.rehearse(train, STEPS, every)
        torch.set_num_threads(threads)
        seconds = time.monotonic() - started
    whole = "" if every == 1 else f" (of {size}, for which there is no memory)"
    log(f"{STEPS} steps of {math.ceil(size / every)} clips{whole} in {seconds:.1f} s, of {len(train)} clips in memory")
    return progress


def _thinning(trainer: Trainer, need_mib: Callable[[], int]) -> int:
    """Of how many clips of a batch one can be taken."""
    training, free = trainer.run.training, available_memory()
    if trainer.device.type != "cpu" or free is None or hasattr(training.method, "composition"):
        return 1
    return max(1, min(math.ceil(need_mib() * 2**20 / free), training.batch_size // LEAST))


def random_scores(trainer: Trainer, clips: Clips, with_frames: bool = False, segments: Sequence[slice] = ()) -> Scored:
    """Scores as `Trainer.scores` gives them, uniform in 0..1, for as many clips."""
    few = Clips(clips.features[:ASKED], clips.targets[:ASKED], clips.filenames[:ASKED])
    asked, rng = trainer.scores(few, with_frames, segments), np.random.default_rng(len(clips))
    shapes = {name: array for name, array in vars(asked).items() if array is not None}
    return Scored(
        **{
            name: rng.random((len(clips), *array.shape[1:]), dtype=np.float32).astype(array.dtype)
            for name, array in shapes.items()
        }
    )
