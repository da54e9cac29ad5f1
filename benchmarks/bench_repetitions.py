"""Repetitions: the seeds of one system trained apart or together, on the same cores or GPU, in one run.

DDC-FAP on random features, several seeds, each with its own initial weights and order of clips, in these ways:

one by one          one process with one thread, run after run, by the suite's `SupervisedTrainer`
process per core    as many such processes at a time as there are cores: how the workflow trains; they share a GPU
stacked             one process with all cores trains all seeds at once: weights stacked, the network mapped over them
stack per core      as many such processes as cores, each with one thread and its share of the seeds

Starting a process (imports) is not counted. All ways must give the same losses and weights up to rounding.

    python benchmarks/bench_repetitions.py [--scale miniature] [--device auto] [--seeds 8] [--steps 10] [--repeats 3]
"""

import argparse
import copy
import multiprocessing
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state

from sedrepro.base.memory import keep_freed_memory
from sedrepro.base.parallel import usable_cores
from sedrepro.experiments.configuration import SCALES, Config
from sedrepro.experiments.networks import build_network
from sedrepro.experiments.papers import Paper, load_paper
from sedrepro.nn.output import Network
from sedrepro.training.data import Clips
from sedrepro.training.device import MIB, wants_cuda
from sedrepro.training.order import epoch_order
from sedrepro.training.schedules import Schedule
from sedrepro.training.seeds import RunSeeds
from sedrepro.training.settings import RunSettings
from sedrepro.training.supervised import SupervisedTrainer

PAPER, SYSTEM, FOLD = "ddc_fap", "ddc_fap", 1
CHECKED_STEPS = 2  # later, rounding has grown
TOLERANCE = 0.05


@dataclass(frozen=True)
class Task:
    """What is trained: one epoch of `steps` batches at a scale, on the device "cpu" or "cuda"."""

    scale: str
    device: str
    steps: int


@dataclass(frozen=True)
class Trained:
    """By seed: the weights and buffers after the epoch, and its mean loss."""

    weights: dict[int, dict[str, np.ndarray]]
    losses: dict[int, float]


@dataclass(frozen=True)
class Cost:
    """What a call cost its process: seconds of all its threads, peak memory (of the GPU, where one is used) in MiB."""

    process: int
    core_seconds: float
    peak_mib: float


@dataclass(frozen=True)
class Way:
    """How the seeds are trained: each group of them by one call, the calls shared among the processes of a pool."""

    name: str
    pool: Executor
    function: Callable[[Task, Sequence[int]], Trained]
    groups: list[Sequence[int]]
    threads: int


@cache
def settings(task: Task) -> tuple[Paper, RunSettings]:
    """The paper at the task's scale, and the system's settings, with one epoch."""
    paper = load_paper(PAPER, Config(scale=task.scale, device=task.device, folds=[FOLD], seeds=[1]))
    run = paper.run(SYSTEM)
    return paper, run.model_copy(update={"training": run.training.model_copy(update={"epochs": 1})})


@cache
def clips(task: Task) -> Clips:
    """Random labels, about three classes per clip, in noise; of as many clips as an epoch has places.

    Each class raises a mel band of its own for half of the clip: without anything to learn, gradients would be so small
    that rounding alone parts the ways.
    """
    paper, run = settings(task)
    count, classes, mels = task.steps * run.training.batch_size, len(paper.settings.classes), run.front_end.n_mels
    random = torch.Generator().manual_seed(0)
    features = torch.randn(count, run.front_end.n_frames, mels, generator=random)
    targets = (torch.rand(count, classes, generator=random) < 3 / classes).to(features.dtype)
    targets[0, 0] = 1
    bands = nn.functional.one_hot(torch.arange(classes) % mels, mels).to(features.dtype)
    features[:, : run.front_end.n_frames // 2] += 3 * (targets @ bands)[:, None]
    return Clips(features.to(task.device), targets.to(task.device), tuple(map(str, range(count))))


def initialised(task: Task, seed: int) -> Network:
    """The network of a seed before training, on the CPU."""
    paper, _ = settings(task)
    return build_network(paper, SYSTEM, len(paper.settings.classes), RunSeeds(FOLD, seed).number("weights"))


def separately(task: Task, seeds: Sequence[int]) -> Trained:
    """Seed after seed, as a job of the workflow trains; of the clips, one stands for those that pick the epoch."""
    data, (_, run) = clips(task), settings(task)
    selection = Clips(data.features[:1], data.targets[:1], data.filenames[:1])
    weights, losses = {}, {}
    for seed in seeds:
        trainer = SupervisedTrainer(initialised(task, seed), run, RunSeeds(FOLD, seed), torch.device(task.device))
        progress = trainer.fit(data, selection, log=lambda line: None)
        weights[seed] = {name: tensor.numpy() for name, tensor in progress.best_weights.items()}
        losses[seed] = progress.history[0]["loss"]
    return Trained(weights, losses)


def together(task: Task, seeds: Sequence[int]) -> Trained:
    """All seeds at once: stacked weights, and one network mapped over them and over each seed's own batch.

    The buffers of batch norm are stacked and mapped over as the weights are, so each seed updates its own running
    statistics. The losses are summed: a seed's weights are in its own loss only, so the sum's gradient has each seed's
    own in its place; and Adam works element by element.
    """
    data, (_, run) = clips(task), settings(task)
    networks = [initialised(task, seed).to(task.device).train() for seed in seeds]
    weights, buffers = stack_module_state(networks)
    skeleton = copy.deepcopy(networks[0]).to("meta")
    optimizer = torch.optim.Adam(weights.values(), lr=run.training.learning_rate)
    schedule = Schedule(optimizer, run.training.schedule, "max")

    def loss(weights: dict[str, Tensor], buffers: dict[str, Tensor], features: Tensor, targets: Tensor) -> Tensor:
        output = functional_call(skeleton, (weights, buffers), (features,))
        return nn.functional.binary_cross_entropy(output.clip, targets)

    orders = [epoch_order(data.targets, run.training.balance, RunSeeds(FOLD, seed), epoch=1) for seed in seeds]
    sums = torch.zeros(len(seeds), device=task.device)
    for batch in torch.stack(orders).to(task.device).split(run.training.batch_size, dim=1):
        losses = torch.vmap(loss)(weights, buffers, data.features[batch], data.targets[batch])
        optimizer.zero_grad(set_to_none=True)
        losses.sum().backward()
        optimizer.step()
        schedule.after_batch()
        sums += losses.detach()
    stacked = {name: tensor.detach().cpu().numpy() for name, tensor in (weights | buffers).items()}
    return Trained(
        {seed: {name: values[place] for name, values in stacked.items()} for place, seed in enumerate(seeds)},
        dict(zip(seeds, (sums / task.steps).tolist(), strict=True)),
    )


def check_equal(task: Task, one: Trained, other: Trained) -> None:
    """Both must have learnt the same, up to rounding.

    Adam turns the rounding of a gradient close to 0 into a step of full length, so weights are compared by their
    distance, as a share of the distance that training has moved them.

    Raises:
        SystemExit: they have not.
    """
    for seed, weights in one.weights.items():
        start = {name: tensor.numpy() for name, tensor in initialised(task, seed).state_dict().items()}
        for name, values in weights.items():
            moved = np.linalg.norm(values - start[name])
            apart = np.linalg.norm(values - other.weights[seed][name])
            if not apart <= TOLERANCE * moved:
                raise SystemExit(f"seed {seed}: {name} differs by {apart / moved:.2g}: the times compare other things")
        if not np.allclose(one.losses[seed], other.losses[seed], rtol=1e-4):
            raise SystemExit(f"seed {seed}: the losses differ: the times compare different things")


def called(function: Callable, task: Task, seeds: Sequence[int], threads: int) -> tuple[Trained, Cost]:
    """One call in a process of a pool, and its cost."""
    torch.set_num_threads(threads)
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False  # the suite's default
    started = time.process_time()
    trained = function(task, seeds)
    core_seconds = time.process_time() - started
    if task.device == "cuda":
        return trained, Cost(os.getpid(), core_seconds, torch.cuda.max_memory_allocated() / MIB)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 if sys.platform == "linux" else MIB)
    return trained, Cost(os.getpid(), core_seconds, peak)


def measure(way: Way, task: Task) -> tuple[Trained, float, list[Cost]]:
    """Train all seeds in one way: what they learnt, wall-clock seconds, and the cost of every call."""
    started = time.perf_counter()
    calls = [way.pool.submit(called, way.function, task, group, way.threads) for group in way.groups]
    trained, costs = zip(*(call.result() for call in calls), strict=True)
    seconds = time.perf_counter() - started
    weights = {seed: values for part in trained for seed, values in part.weights.items()}
    losses = {seed: values for part in trained for seed, values in part.losses.items()}
    return Trained(weights, losses), seconds, list(costs)


def all_ways(seeds: Sequence[int], cores: int, pools: ExitStack) -> list[Way]:
    """The ways of the module's docstring; processes allocate memory as those of the workflow do."""

    def pool(processes: int) -> Executor:
        spawn = multiprocessing.get_context("spawn")
        return pools.enter_context(ProcessPoolExecutor(processes, spawn, keep_freed_memory))

    singles, shares = [[seed] for seed in seeds], [seeds[start::cores] for start in range(cores)]
    return [
        Way("one by one", pool(1), separately, singles, 1),
        Way("process per core", pool(cores), separately, singles, 1),
        Way("stacked", pool(1), together, [seeds], cores),
        Way("stack per core", pool(cores), together, shares, 1),
    ]


def report(ways: list[Way], rounds: list[list[tuple[float, list[Cost]]]], batches: int) -> None:
    """Print the medians of each way, and how many times less than one by one it took in the same round.

    Beside other work the ratio of wall-clock times is unfair to ways that need all cores; that of core time is not.
    """
    core_seconds = [[sum(cost.core_seconds for cost in costs) for _, costs in each] for each in rounds]
    for place, way in enumerate(ways):
        seconds = statistics.median(each[place][0] for each in rounds)
        cores = statistics.median(each[place] for each in core_seconds)
        peaks = {cost.process: cost.peak_mib for cost in rounds[-1][place][1]}
        ratios = [each[0][0] / each[place][0] for each in rounds]
        print(f"  {way.name:16} {seconds / batches * 1e3:8.2f} ms per batch,", end=" ")
        print(f"{cores / batches * 1e3:8.2f} ms of a core, {sum(peaks.values()):5.0f} MiB,", end=" ")
        print(f"ratio {statistics.median(ratios):.2f} (lowest {min(ratios):.2f}, highest {max(ratios):.2f}),", end=" ")
        print(f"of core time {statistics.median(each[0] / each[place] for each in core_seconds):.2f}")


def main() -> None:
    """Run all ways in turn."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--scale", choices=SCALES, default="miniature", help="full: the published width")
    options.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    options.add_argument("--seeds", type=int, default=8)
    options.add_argument("--steps", type=int, default=10, help="batches of each seed")
    options.add_argument("--repeats", type=int, default=3)
    given = options.parse_args()
    task = Task(given.scale, "cuda" if wants_cuda(given.device) else "cpu", given.steps)
    seeds, cores = range(1, given.seeds + 1), min(usable_cores(), given.seeds)
    clips_per_batch = settings(task)[1].training.batch_size
    print(
        f"{given.seeds} seeds of DDC-FAP at {task.scale} scale, {task.steps} batches of {clips_per_batch}",
        end=" ",
    )
    print(f"clips each, {task.device}, {cores} cores, median of {given.repeats} runs")
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")  # on shared cores, threads that spin while waiting cost most
    with ExitStack() as pools:
        ways = all_ways(seeds, cores, pools)
        checked = replace(task, steps=min(task.steps, CHECKED_STEPS))
        first, *others = (measure(way, checked)[0] for way in ways)  # starts the processes
        for other in others:
            check_equal(checked, first, other)
        rounds = [[measure(way, task)[1:] for way in ways] for _ in range(given.repeats)]
    report(ways, rounds, given.seeds * task.steps)


if __name__ == "__main__":
    main()
