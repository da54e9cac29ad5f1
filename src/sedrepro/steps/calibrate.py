"""Time a few training steps of every kind of network on this device, so that `forecast` knows its speed."""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from sedrepro.base.errors import SettingsError
from sedrepro.experiments.devices import CORE_GFLOPS
from sedrepro.experiments.environment import processor_name
from sedrepro.experiments.gpu_memory import MIB, measured_of
from sedrepro.experiments.measured import Measured, write_measured
from sedrepro.experiments.networks import build_network
from sedrepro.experiments.papers import chosen_papers, load_paper
from sedrepro.experiments.step_costs import step_cost
from sedrepro.reporting.targets import planned_runs
from sedrepro.steps.request import Request, say
from sedrepro.training.device import leased_device, set_up_torch
from sedrepro.training.rehearsal import thinning
from sedrepro.training.sampling import sampled_trainer

if TYPE_CHECKING:
    import torch

    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper
    from sedrepro.experiments.runs import RunIdentity
    from sedrepro.training.counting import StepCost
    from sedrepro.training.data import Clips
    from sedrepro.training.loop import Trainer
    from sedrepro.training.settings import Training

#: Batches of random clips.
BATCHES = 2
#: Of a step that would take longer on a processor, by its stated rate, the batch is thinned as in a rehearsal.
LONGEST_STEP_SECONDS = 2.0
#: Groups of steps that are timed, at least.
GROUPS = 3
#: Of its memory that must be free: steps are timed alone.
SHARE_OF_GPU = 0.8


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_paper_filter, add_threads, seconds

    add_paper_filter(parser)
    add_threads(parser)
    parser.add_argument("--seconds", type=seconds, default=2.0, help="of steps per kind of network (default: 2)")


def run(request: Request) -> None:
    """Time the kinds of runs of the configuration on its device.

    Raises:
        SettingsError: nothing could be timed.
    """
    config, options = request.config, request.options
    set_up_torch(options.threads, config.tf32)
    papers = [load_paper(name, config) for name in ([options.paper] if options.paper else chosen_papers(config))]
    with leased_device(config.device, lambda gpu: int(SHARE_OF_GPU * gpu.total)) as device:
        timed = [_timed(request, paper, who, device) for paper in papers for who in kinds(config, paper)]
    if not any(timed):
        raise SettingsError("nothing could be timed; choose a scale of narrower networks, or a larger GPU")


def _timed(request: Request, paper: Paper, who: RunIdentity, device: torch.device) -> Measured | None:
    """Time a kind of run, keep and print what came out; None of one that is too much for the GPU."""
    import torch

    config, name = request.config, f"{paper.name} {who.system} {who.variant}"
    try:
        found = calibrate(config, paper, who, device, request.options.seconds)
    except torch.OutOfMemoryError:
        say(f"{name}: does not fit on this GPU, left out")
        return None
    write_measured(config, paper, who.system, who.variant, found)
    say(f"{name}: {found.ms_per_step:.1f} ms per step, {found.gflops:.0f} GFLOP/s")
    return found


def kinds(config: Config, paper: Paper) -> list[RunIdentity]:
    """One run of each kind: network, corpus, method and cost of a step."""
    found: dict[tuple, RunIdentity] = {}
    for who in planned_runs(config, paper):
        run, cost = paper.run(who.system, who.variant), step_cost(config, paper, who.system, who.variant)
        corpus = paper.settings.corpus_of(who.variant)[0]
        found.setdefault((run.network, corpus, run.training.method.kind, cost.flops), who)
    return list(found.values())


def calibrate(config: Config, paper: Paper, who: RunIdentity, device: torch.device, seconds: float) -> Measured:
    """Time the steps of a run on random clips, for so many seconds.

    On a processor that is the time of one core, whatever else the machine does. Large batches are thinned there; their
    time is then that of the clips left, times those that each stands for.
    """
    import torch

    cuda = device.type == "cuda"
    name = torch.cuda.get_device_name(device) if cuda else processor_name()
    classes = len(paper.settings.classes_of(paper.settings.corpus_of(who.variant)[0]))
    run = paper.run(who.system, who.variant)
    every = 1 if cuda else thinned(run.training, step_cost(config, paper, who.system, who.variant))
    batch = math.ceil(run.training.batch_size / every)
    trainer, clips = sampled_trainer(
        run.model_copy(update={"training": run.training.model_copy(update={"batch_size": batch})}),
        lambda: build_network(paper, who.system, classes, 0, who.variant),
        classes,
        BATCHES,
        device,
        config.mixed_precision,
    )
    step, known = stepper(trainer, clips), measured_of(config, paper, who.system, who.variant, name)
    if cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    wait: Callable[[], None] = (lambda: torch.cuda.synchronize(device)) if cuda else (lambda: None)
    clock = time.perf_counter if cuda else time.process_time
    milliseconds = 1000 * seconds_per_step(step, wait, seconds, clock) * run.training.batch_size / batch
    measured = {"ms_per_step": milliseconds}
    if cuda:
        measured["held_mib"] = torch.cuda.max_memory_reserved(device) // MIB
    return known.model_copy(update=measured)


def thinned(training: Training, cost: StepCost) -> int:
    """Of how many clips of a batch one is taken on a processor."""
    return thinning(training, False) if cost.flops / 1e9 / CORE_GFLOPS > LONGEST_STEP_SECONDS else 1


def stepper(trainer: Trainer, clips: Clips) -> Callable[[], None]:
    """What makes the next training step, epoch after epoch."""
    rows: list[torch.Tensor] = []
    epoch = [0]

    def step() -> None:
        if not rows:
            epoch[0] += 1
            rows.extend(trainer._batches(clips, epoch[0]))
        losses = trainer._losses(clips, rows.pop())
        trainer.optimizer.zero_grad(set_to_none=True)
        trainer.scaler.scale(losses["loss"]).backward()
        trainer.scaler.step(trainer.optimizer)
        trainer.scaler.update()
        trainer._after_batch()

    return step


def seconds_per_step(
    step: Callable[[], None], wait: Callable[[], None], seconds: float, clock: Callable[[], float]
) -> float:
    """Time of a step: the median of at least `GROUPS` groups of steps, over at least so many seconds.

    So what else the machine does for a moment does not count. As in training the device is waited for seldom, after a
    group; groups have as many steps as fill their share of the time. Two steps before warm up, the second tells how
    long one takes.
    """

    def timed(steps: int) -> float:
        started = clock()
        for _ in range(steps):
            step()
        wait()
        return clock() - started

    timed(1)
    size = max(1, int(seconds / GROUPS / max(timed(1), 1e-6)))
    found: list[float] = []
    while len(found) < GROUPS or sum(found) < seconds:
        found.append(timed(size))
    return statistics.median(found) / size
