"""A run of which only the beginning is trained, and whose scores are drawn: what it costs, without what it learns."""

import math
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch

from sedrepro.base.files import alone
from sedrepro.base.parallel import usable_cores
from sedrepro.training.data import Clips
from sedrepro.training.loop import Progress, Scored, Trainer
from sedrepro.training.settings import Training

STEPS = 3
#: Clips that a batch keeps at least on a processor, which would need hours for whole ones, and tens of GiB.
LEAST = 4
#: Clips that the network is asked about, to know what its scores look like.
ASKED = 2


def thinning(training: Training, is_gpu: bool) -> int:
    """Of how many clips of a batch one is taken: of each on a GPU, and where batches are composed of kinds of clips."""
    whole = is_gpu or hasattr(training.method, "composition")
    return 1 if whole else max(1, training.batch_size // LEAST)


def rehearsed(trainer: Trainer, train: Clips, lock: Path, log: Callable[[str], None] = print) -> Progress:
    """Make a few steps of training, and say how long they took.

    On a processor one run at a time, as the lock file sees to, makes its steps on all cores.
    """
    is_gpu, training = trainer.device.type != "cpu", trainer.run.training
    with nullcontext() if is_gpu else alone(lock):
        every = thinning(training, is_gpu)
        threads, started = torch.get_num_threads(), time.monotonic()
        torch.set_num_threads(usable_cores())
        progress = trainer.rehearse(train, STEPS, every)
        torch.set_num_threads(threads)
        seconds = time.monotonic() - started
    whole = "" if every == 1 else f" (of {training.batch_size}, which would take a processor too long)"
    clips = math.ceil(training.batch_size / every)
    log(f"{STEPS} steps of {clips} clips{whole} in {seconds:.1f} s, of {len(train)} clips in memory")
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
