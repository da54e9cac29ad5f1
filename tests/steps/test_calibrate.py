"""Calibration times real steps, and the forecast then goes by them."""

from argparse import Namespace

import pytest
import torch

from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.environment import processor_name
from sedrepro.experiments.measured import measured_here
from sedrepro.experiments.papers import load_paper
from sedrepro.steps import calibrate, forecast
from sedrepro.steps.request import Request
from sedrepro.training.rehearsal import LEAST
from sedrepro.training.sampling import sampled_trainer

PAPER = "hierarchical_pooling"


@pytest.fixture
def config(tmp_path):
    given = {"scale": "miniature", "folds": [1], "seeds": [1], "work_dir": str(tmp_path), "device": "cpu"}
    return make_config(given | {"papers": [PAPER], "results_dir": str(tmp_path)}, "test")


def test_steps_are_timed_and_kept_outside_the_results(config, capsys):
    calibrate.run(Request(Namespace(paper="", threads=1, seconds=0.0), config))
    paper, told = load_paper(PAPER, config), capsys.readouterr().out
    assert calibrate.kinds(config, paper)
    for who in calibrate.kinds(config, paper):
        found = measured_here(config, paper, who.system, who.variant, processor_name())
        assert found is not None
        assert found.ms_per_step > 0
        assert f"{who.system} {who.variant}: {found.ms_per_step:.1f} ms" in told
    forecast.run(Request(Namespace(paper="", gpu="", count=None, line=False, target=[]), config))
    assert "rates: measured on this processor" in capsys.readouterr().out


def test_on_a_processor_large_batches_are_thinned_and_stand_for_whole_ones(config, monkeypatch):
    paper, device = load_paper(PAPER, config), torch.device("cpu")
    who, asked = calibrate.kinds(config, paper)[0], []
    monkeypatch.setattr(calibrate, "seconds_per_step", lambda *_: 0.5)
    monkeypatch.setattr(
        calibrate, "sampled_trainer", lambda run, *rest: asked.append(run) or sampled_trainer(run, *rest)
    )
    whole = calibrate.calibrate(config, paper, who, device, 0.0)
    monkeypatch.setattr(calibrate, "LONGEST_STEP_SECONDS", 0.0)
    thin = calibrate.calibrate(config, paper, who, device, 0.0)
    before, after = (run.training.batch_size for run in asked)
    assert (before, after) == (paper.run(who.system, who.variant).training.batch_size, LEAST)
    assert (whole.ms_per_step, thin.ms_per_step) == (500, 500 * before / LEAST)
    assert thin.gflop_per_step == whole.gflop_per_step


def test_kinds_are_each_timed_once(config):
    paper = load_paper(PAPER, config)
    found = calibrate.kinds(config, paper)
    assert len({(who.system, who.variant) for who in found}) == len(found) < len(paper.settings.systems)


class Clock:
    """Time that passes only where a step says so."""

    def __init__(self, steps) -> None:
        self.now, self.steps, self.made = 0.0, iter(steps), 0

    def __call__(self) -> float:
        return self.now

    def step(self) -> None:
        self.made += 1
        self.now += next(self.steps)


def test_time_per_step_is_a_median_after_warming_up():
    clock = Clock([100, 50, 2, 30, 1])
    assert calibrate.seconds_per_step(clock.step, lambda: None, 0.0, clock) == 2
    assert clock.made == 5


def test_short_steps_are_timed_in_groups_and_what_disturbs_one_does_not_count():
    waited = []
    clock = Clock([9, 1, *[1] * 10, *[7] * 10, *[1] * 99])
    assert calibrate.seconds_per_step(clock.step, lambda: waited.append(clock.made), 30.0, clock) == 1
    assert waited == [1, 2, 12, 22, 32]


def test_steps_are_timed_for_as_long_as_was_asked():
    clock = Clock([1, 6, *[2] * 99])
    assert calibrate.seconds_per_step(clock.step, lambda: None, 20.0, clock) == 2
    assert clock.now == 27
