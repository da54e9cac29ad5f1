"""One training step of each weakly supervised network: the suite's loop against a bare step and a usual script.

Widths are those of `recordings` on a CPU, features are noise. Bare: forward, loss, backward and a step of Adam on one
batch that is already in memory, nothing else. Script: a DataLoader over clips in an HDF5 file, standardised one by
one, float32, with the loss read after every step. Suite: `Trainer.fit` over resident clips, recording its losses, with
as few selection clips as possible. All three make the same number of steps with the same network, batch and thread
count.

Then pieces of a step at published widths. Adam: torch's loop over tensors against the fused form that the suite
uses. Batch: 32 clips taken out of resident float16 features and standardised, against float32 ones standardised
beforehand.

    python benchmarks/bench_training.py [--steps 12] [--repeats 3] [--batch 16]
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from sedrepro.experiments.configuration import load_config
from sedrepro.experiments.networks import build_network
from sedrepro.experiments.papers import Paper, load_paper, paper_names
from sedrepro.nn.output import Network
from sedrepro.training.data import Clips, stored_features
from sedrepro.training.loop import OPTIMISER, make_optimiser
from sedrepro.training.methods import trainer_class
from sedrepro.training.seeds import RunSeeds
from sedrepro.training.settings import RunSettings

KIND = "supervised"
BATCH = 32
CPU = torch.device("cpu")
Step = Callable[[Tensor, Tensor], Tensor]


class Stored(Dataset):
    """Clips of an HDF5 file, standardised when they are read."""

    def __init__(self, path: Path) -> None:
        self.file = h5py.File(path)
        self.mean, self.deviation = self.file["mean"][:], self.file["deviation"][:]

    def __len__(self) -> int:
        """Number of clips."""
        return len(self.file["features"])

    def __getitem__(self, row: int) -> tuple[Tensor, Tensor]:
        """Features (frame, mel) and weak labels (class,) of a clip."""
        features = (self.file["features"][row] - self.mean) / self.deviation
        return torch.from_numpy(features.astype(np.float32)), torch.from_numpy(self.file["targets"][row])


def networks(scale: str) -> Iterator[tuple[Paper, str]]:
    """The first supervised system of each network of each paper."""
    config = load_config(scale, None, {"data_root": Path(), "budget": "cpu"})
    for name in paper_names():
        paper = load_paper(name, config)
        seen: set[str] = set()
        for system, settings in paper.settings.systems.items():
            supervised = paper.run(system).training.method.kind == KIND
            if supervised and settings.network not in seen:
                seen.add(settings.network)
                yield paper, system


def loss_of(network: Network, run: RunSettings) -> Step:
    """The loss of a batch: clip scores, and the auxiliary losses that have a weight."""

    def loss(features: Tensor, targets: Tensor) -> Tensor:
        output = network(features)
        total = nn.functional.binary_cross_entropy(output.clip, targets)
        for name, weight in run.loss_weights.items():
            total = total + weight * output.losses[name] if weight else total
        return total

    return loss


def bare(network: Network, run: RunSettings, features: Tensor, targets: Tensor, steps: int) -> float:
    """Seconds of steps on one batch that lies there."""
    loss, optimizer = loss_of(network.train(), run), make_optimiser(network.parameters(), run.training.learning_rate)
    batch = slice(run.training.batch_size)
    started = time.monotonic()
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        loss(features[batch], targets[batch]).backward()
        optimizer.step()
    return time.monotonic() - started


def script(network: Network, run: RunSettings, path: Path) -> float:
    """Seconds of an epoch as scripts have it."""
    loss, optimizer = loss_of(network.train(), run), make_optimiser(network.parameters(), run.training.learning_rate)
    started = time.monotonic()
    for features, targets in DataLoader(Stored(path), batch_size=run.training.batch_size, shuffle=True):
        optimizer.zero_grad()
        value = loss(features, targets)
        value.backward()
        optimizer.step()
        value.item()
    return time.monotonic() - started


def suite(network: Network, run: RunSettings, train: Clips, selection: Clips) -> float:
    """Seconds of an epoch of the suite."""
    training = run.training.model_copy(update={"epochs": 1, "monitor": "none", "balance": None})
    trainer = trainer_class(KIND)(network, run.model_copy(update={"training": training}), RunSeeds(0, 1), CPU)
    trainer.prepare(None, None, lambda: network)
    started = time.monotonic()
    trainer.fit(train, selection, log=lambda line: None)
    return time.monotonic() - started


def store(path: Path, features: np.ndarray, targets: np.ndarray) -> None:
    """Clips as an HDF5 file, a row of each array per clip, with the statistics that standardise them."""
    with h5py.File(path, "w") as file:
        file.create_dataset("features", data=features, chunks=(1, *features.shape[1:]))
        file["targets"] = targets
        file["mean"], file["deviation"] = features.mean((0, 1)), features.std((0, 1))


def compare(paper: Paper, system: str, steps: int, repeats: int, batch: int) -> str:
    """A line of the table."""
    run = paper.run(system)
    run = run.model_copy(update={"training": run.training.model_copy(update={"batch_size": batch})})
    generator = np.random.default_rng(0)
    clips, classes = steps * batch, len(paper.settings.classes)
    features = generator.normal(size=(clips, run.front_end.n_frames, run.front_end.n_mels)).astype(np.float32)
    targets = (generator.random((clips, classes)) < 0.1).astype(np.float32)
    resident = Clips(torch.from_numpy(features), torch.from_numpy(targets), tuple(map(str, range(clips))))
    one = Clips(resident.features[:1], resident.targets[:1], ("0",))
    network = build_network(paper, system, classes, seed=1)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "clips.h5")
        store(path, features, targets)
        bare(network, run, resident.features, resident.targets, 1)
        times = np.array(
            [
                (
                    bare(network, run, resident.features, resident.targets, steps),
                    suite(network, run, resident, one),
                    script(network, run, path),
                )
                for _ in range(repeats)
            ]
        )
    plain, ours, theirs = (statistics.median(column) for column in times.T)
    name = f"{paper.name}/{run.network}"
    return f"{name:40} {plain / steps * 1e3:9.1f} {ours / plain:12.2f} {theirs / ours:13.2f}"


def seconds(work: Callable[[], object], repeats: int = 15) -> float:
    """Median processor time of some work, on one thread, after once to warm up."""
    work()
    times = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return statistics.median(times)


def pieces(paper: Paper, system: str) -> str:
    """A line of the second table."""
    run, classes = paper.run(system), len(paper.settings.classes)
    parameters = list(build_network(paper, system, classes, seed=1).parameters())
    for parameter in parameters:
        parameter.grad = torch.full_like(parameter, 0.01)
    plain, fused = (seconds(make.step) for make in (OPTIMISER(parameters), make_optimiser(parameters, 1e-3)))
    shape = (8 * BATCH, run.front_end.n_frames, run.front_end.n_mels)
    stored = stored_features(
        np.random.default_rng(0).normal(size=shape).astype(np.float16),
        np.arange(shape[0]),
        *np.ones((2, shape[2]), "f4"),
    )
    beforehand, rows = stored[:], torch.randperm(shape[0])[:BATCH]
    half, single = seconds(lambda: stored[rows]), seconds(lambda: beforehand[rows])
    name = f"{paper.name}/{run.network}"
    return f"{name:40} {plain * 1e3:9.2f} {plain / fused:12.1f} {half * 1e3:13.1f} {single * 1e3:13.1f}"


def main() -> None:
    """Compare every network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--batch", type=int, default=16)
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'network':40} {'bare, ms':>9} {'suite / bare':>12} {'script / suite':>13}")
    for paper, system in networks("recordings"):
        print(compare(paper, system, options.steps, options.repeats, options.batch), flush=True)
    print(f"\n{'published widths':40} {'Adam, ms':>9} {'/ fused':>12} {'float16, ms':>13} {'float32, ms':>13}")
    for paper, system in networks("full"):
        print(pieces(paper, system), flush=True)


if __name__ == "__main__":
    main()
