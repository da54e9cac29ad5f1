"""A run of which only the beginning is trained, and whose scores are drawn: what it costs, without what it learns."""

import math
import time
from collections.abc import Callable, Sequence

import numpy as np

from sedrepro.base.memory import available_memory
from sedrepro.base.parallel import usable_cores
from sedrepro.training.data import Clips
from sedrepro.training.loop import Progress, Scored, Trainer

STEPS = 3
#: Clips that a batch keeps at least, so that it has some of each kind.
LEAST = 4
#: Clips that the network is asked about, to know what its scores look like.
ASKED = 2


def rehearsed(trainer: Trainer, train: Clips, log: Callable[[str], None] = print) -> Progress:
    """Make a few steps of training, and say how long they took.

    On a CPU batches are made smaller where the memory that the settings name is more than this core's part of what is
    free: other jobs run beside this one.
    """
    needed, free = trainer.run.training.gpu_memory_mib * 2**20, available_memory()
    size, every = trainer.run.training.batch_size, 1
    if trainer.device.type == "cpu" and free is not None:
        every = max(1, min(math.ceil(needed * usable_cores() / free), size // LEAST))
    started = time.monotonic()
    progress = trainer.rehearse(train, STEPS, every)
    seconds = time.monotonic() - started
    whole = "" if every == 1 else f" (of {size}, for which there is no memory)"
    log(f"{STEPS} steps of {math.ceil(size / every)} clips{whole} in {seconds:.1f} s, of {len(train)} clips in memory")
    return progress


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
