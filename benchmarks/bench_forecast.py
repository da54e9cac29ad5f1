"""The forecast compared with the time that runs took on this machine, paper by paper.

Two parts. First, for the runs in the results of a scale that were trained on this processor or GPU: the sum of the
times in their environment.json, compared with the forecast for the same runs. Second, since there may be no such runs,
steps of two small systems are run now and compared with their forecast by the stated rate and by a calibration.

    python benchmarks/bench_forecast.py [--scale miniature] [--data-root DIR] [--seconds 5]
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

from sedrepro.experiments.configuration import Config, load_config
from sedrepro.experiments.devices import CORE_GFLOPS
from sedrepro.experiments.environment import processor_name, read_environment
from sedrepro.experiments.networks import build_network
from sedrepro.experiments.papers import Paper, chosen_papers, load_paper
from sedrepro.experiments.run_files import ENVIRONMENT
from sedrepro.experiments.runs import RunIdentity
from sedrepro.reporting.status.forecast import forecast
from sedrepro.reporting.status.forecast_text import machine_of
from sedrepro.steps.calibrate import calibrate, kinds, stepper
from sedrepro.training.sampling import sampled_trainer

#: Parts of a training here and now, with a calibration before each.
PARTS = 5


def past_runs(config: Config, paper: Paper) -> tuple[int, float, float]:
    """Runs that are there from this device, seconds that the forecast gives them, and that they took."""
    machine = machine_of(config)
    expected = measured = 0.0
    count = 0
    for run in forecast(config, [paper], machine)[0].runs:
        path = run.who.folder(config) / ENVIRONMENT
        if run.done and (made := read_environment(path)).device == machine.device.name:
            expected, measured, count = expected + run.seconds, measured + made.seconds, count + 1
    return count, expected, measured


def run_now(config: Config, paper: Paper, who: RunIdentity, seconds: float) -> None:
    """Train a kind of run on random clips for a while, and print how long its steps took and were forecast to take.

    Between parts of the training it is calibrated again, so that both meet the same load; of that the median counts.
    """
    classes = len(paper.settings.classes_of(paper.settings.corpus_of(who.variant)[0]))
    run = paper.run(who.system, who.variant)
    made = sampled_trainer(
        run, lambda: build_network(paper, who.system, classes, 0, who.variant), classes, 8, torch.device("cpu")
    )
    step, steps, took, rates = stepper(*made), 0, 0.0, []
    step()  # warms up
    for _ in range(PARTS):
        found = calibrate(config, paper, who, torch.device("cpu"), seconds / PARTS / 2)
        rates.append(found.gflops or CORE_GFLOPS)
        started = time.perf_counter()
        while (part := time.perf_counter() - started) < seconds / PARTS:
            step()
            steps += 1
        took += part
    work = steps * found.gflop_per_step
    stated, calibrated = work / CORE_GFLOPS, work / statistics.median(rates)
    print(
        f"  {paper.name} {who.system}: {steps} steps took {took:.2f} s; forecast {calibrated:.2f} s calibrated "
        f"(ratio {calibrated / took:.2f}), {stated:.2f} s by the stated rate (ratio {stated / took:.2f})"
    )


def main() -> None:
    """Print both parts."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", default="miniature")
    parser.add_argument("--data-root", type=Path)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    changes = {"data_root": str(options.data_root)} if options.data_root else {}
    config = load_config(options.scale, changes=changes)
    print(f"forecast against measured time, scale {options.scale}, {processor_name()}")
    total = [0.0, 0.0]
    for paper in (load_paper(name, config) for name in chosen_papers(config)):
        count, expected, measured = past_runs(config, paper)
        total = [total[0] + expected, total[1] + measured]
        if count:
            ratio = expected / measured
            print(f"  {paper.name}: {count} runs took {measured:.0f} s, forecast {expected:.0f} s, ratio {ratio:.2f}")
    if total[1]:
        print(f"  all: ratio {total[0] / total[1]:.2f}")
    with tempfile.TemporaryDirectory() as folder:
        apart = config.model_copy(update={"work_dir": Path(folder)})
        for name in ("hierarchical_pooling", "c_ssed"):
            paper = load_paper(name, apart)
            run_now(apart, paper, kinds(apart, paper)[0], options.seconds)


if __name__ == "__main__":
    main()
