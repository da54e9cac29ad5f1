"""A run on random clips: its trainer, ready for a few steps that are timed or counted."""

from collections.abc import Callable

import numpy as np
import torch

from sedrepro.nn.output import Network
from sedrepro.training.budget import batch_parts
from sedrepro.training.data import ROLES, WEAK, Clips, RunData, StoredFeatures
from sedrepro.training.loop import Base, Trainer
from sedrepro.training.methods import trainer_class
from sedrepro.training.seeds import RunSeeds
from sedrepro.training.settings import RunSettings


def sampled_trainer(
    run: RunSettings,
    build: Callable[[], Network],
    classes: int,
    batches: int,
    device: torch.device,
    precision: str = "off",
) -> tuple[Trainer, Clips]:
    """A prepared trainer, and random clips for so many batches; what the run is based on is random, too."""
    seeds = RunSeeds(0, 0)
    data = sampled_data(run, classes, batches, device)
    trainer = trainer_class(run.training.method.kind)(build(), run, seeds, device, precision)
    trainer.prepare(data, _base(trainer.network, run, data.train), build)
    trainer._train_mode()
    return trainer, data.train


def sampled_data(run: RunSettings, classes: int, batches: int, device: torch.device) -> RunData:
    """Random clips for so many batches, as the run's method composes them; they train, select and are held out."""
    front_end, rng = run.front_end, np.random.default_rng(0)
    composed = batch_parts(run.training)
    roles = np.repeat(np.arange(len(ROLES)), [composed.get(name, 0) * batches for name in ROLES])
    if not composed:  # one order of all clips
        kinds = range(len(ROLES)) if run.training.method.strong_labels else [WEAK]
        roles = np.resize(kinds, run.training.batch_size * batches)
    count = len(roles)
    features = rng.standard_normal((count, front_end.n_frames, front_end.n_mels), dtype=np.float32).astype(np.float16)
    mean, deviation = np.zeros(front_end.n_mels, np.float32), np.ones(front_end.n_mels, np.float32)
    frames = rng.random((count, front_end.n_frames, classes)) < 0.1
    clips = Clips(
        features=StoredFeatures(*map(torch.from_numpy, (features, mean, deviation))),
        targets=torch.from_numpy((rng.random((count, classes)) < 0.3).astype(np.float32)),
        filenames=tuple(map(str, range(count))),
        roles=roles,
        frame_targets=torch.from_numpy(frames.astype(np.uint8)),
    ).to(device)
    return RunData(clips, clips, clips, np.arange(count), mean, deviation)


def _base(network: Network, run: RunSettings, train: Clips) -> Base | None:
    method = run.training.method
    if not method.starts_from_run:
        return None
    weights = {name: value.detach().cpu() for name, value in network.state_dict().items()}
    if not method.pseudo_labels:
        return Base(weights)
    frames, classes = train.features.shape[1] // network.time_reduction, train.targets.shape[1]
    said = np.full((len(train), frames, classes), 0.5, dtype=np.float16)
    return Base(weights, {"filenames": np.array(train.filenames), "frame": said, "confidence": said})
