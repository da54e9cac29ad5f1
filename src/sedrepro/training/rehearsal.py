"""A run of which only the beginning is trained, and whose scores are drawn: what it costs, without what it learns."""

import time
from collections.abc import Callable, Sequence

import numpy as np

from sedrepro.training.data import Clips
from sedrepro.training.loop import Progress, Scored, Trainer

STEPS = 3
#: Clips that the network is asked about, to know what its scores look like.
ASKED = 2


def rehearsed(trainer: Trainer, train: Clips, log: Callable[[str], None] = print) -> Progress:
    """Make a few steps of training, and say how long they took."""
    started = time.monotonic()
    progress = trainer.rehearse(train, STEPS)
    seconds, each = time.monotonic() - started, trainer.run.training.batch_size
    log(f"{STEPS} steps of batches of {each} clips in {seconds:.1f} s; {len(train)} clips to train on are in memory")
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
