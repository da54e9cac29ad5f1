"""Seeds stacked and trained at once learn what they learn apart (bench_repetitions.py compares the times)."""

import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

BENCHMARK = Path(__file__).parents[2] / "benchmarks" / "bench_repetitions.py"
SEEDS = (1, 2, 3)


@pytest.fixture(scope="module")
def repetitions():
    spec = importlib.util.spec_from_file_location("bench_repetitions", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def task(repetitions):
    return repetitions.Task("miniature", "cpu", 3)


@pytest.fixture(scope="module")
def learnt(repetitions, task):
    """Apart and together, in double precision throughout: single leaves rounding that Adam makes into whole steps."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch.Tensor, "float", lambda tensor: tensor)  # networks and trainer convert to single so
        yield repetitions.separately(task, SEEDS), repetitions.together(task, SEEDS)
    torch.set_default_dtype(torch.float32)
    torch.set_num_threads(threads)


def test_losses_weights_and_running_statistics_are_equal(repetitions, learnt):
    apart, together = learnt
    assert set(apart.weights) == set(together.weights) == set(SEEDS)
    for seed in SEEDS:
        assert together.losses[seed] == pytest.approx(apart.losses[seed], rel=1e-12)
        assert together.weights[seed].keys() == apart.weights[seed].keys()
        for name, values in apart.weights[seed].items():
            np.testing.assert_allclose(together.weights[seed][name], values, rtol=1e-9, atol=1e-11, err_msg=name)


def test_the_check_of_the_benchmark_passes_equals_and_refuses_others(repetitions, task, learnt):
    apart, together = learnt
    repetitions.check_equal(task, apart, together)
    swapped = {1: together.weights[2], 2: together.weights[1], 3: together.weights[3]}
    stale = {name: np.zeros_like(v) if "running_mean" in name else v for name, v in together.weights[1].items()}
    others = [
        replace(together, weights=swapped),
        replace(together, weights=together.weights | {1: stale}),
        replace(together, losses={seed: loss * 1.01 for seed, loss in together.losses.items()}),
    ]
    for other in others:
        with pytest.raises(SystemExit, match="seed 1"):
            repetitions.check_equal(task, apart, other)
