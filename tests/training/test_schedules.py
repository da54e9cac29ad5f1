import pytest
import torch

from sedrepro.training.schedules import Schedule
from sedrepro.training.settings import Constant, Decay, Plateau, Steps


def rates(settings, epochs, mode="max", batches=3):
    """The rate of every batch, when the monitored values are `epochs`."""
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule, seen = Schedule(optimizer, settings, mode), []
    for value in epochs:
        for _ in range(batches):
            seen.append(optimizer.param_groups[0]["lr"])
            optimizer.step()
            schedule.after_batch()
        schedule.after_epoch(value)
    return seen


def test_a_constant_rate_stays():
    assert set(rates(Constant(kind="constant"), [0.5] * 9)) == {1.0}


@pytest.mark.parametrize(("mode", "values"), [("max", [0.5, 0.4, 0.3, 0.2]), ("min", [0.5, 0.6, 0.7, 0.8])])
def test_a_plateau_lowers_the_rate_after_its_patience(mode, values):
    plateau = Plateau(kind="plateau", factor=0.1, patience=1)
    assert rates(plateau, values, mode) == pytest.approx([1.0] * 9 + [0.1] * 3)


def test_steps_count_epochs_whatever_is_monitored():
    steps = Steps(kind="steps", factor=0.5, epochs=2)
    assert rates(steps, [0.1, 0.2, 0.0, 0.9, 0.3]) == pytest.approx([1.0] * 6 + [0.5] * 6 + [0.25] * 3)


def test_guided_learnings_rate_falls_after_11_epochs_and_then_every_10():
    # Keras counts epochs from 0; the release lowers the rate at the end of epochs 10, 20, 30.
    steps = Steps(kind="steps", factor=0.8, epochs=10, first=11)
    expected = [0.0018 * 0.8 ** max(0, (epoch - 1) // 10) for epoch in range(40)]
    assert [0.0018 * rate for rate in rates(steps, [0.0] * 40, batches=1)] == pytest.approx(expected)


def test_the_optimiser_starts_anew_with_each_fall_where_it_shall():
    def moments(anew):
        weight = torch.nn.Parameter(torch.zeros(1))
        optimizer = torch.optim.Adam([weight], lr=1.0)
        schedule = Schedule(optimizer, Steps(kind="steps", factor=0.5, epochs=2, first=3, anew=anew), "max")
        steps = []
        for _ in range(6):
            weight.grad = torch.ones(1)
            optimizer.step()
            steps.append(int(optimizer.state[weight]["step"]))
            schedule.after_epoch(0.0)
        return steps

    assert moments(False) == [1, 2, 3, 4, 5, 6]
    assert moments(True) == [1, 2, 3, 1, 2, 1]  # falls after epochs 3 and 5


def test_decay_counts_batches_and_not_epochs():
    decay = Decay(kind="decay", factor=0.9, iterations=4)
    assert rates(decay, [0.0] * 4) == pytest.approx([1.0] * 4 + [0.9] * 4 + [0.81] * 4)


@pytest.mark.parametrize(
    "settings",
    [
        Decay(kind="decay", factor=0.9, iterations=4),
        Plateau(kind="plateau", factor=0.1, patience=2),
        Steps(kind="steps", factor=0.5, epochs=4),
        Steps(kind="steps", factor=0.5, epochs=4, first=6, anew=True),
    ],
)
def test_a_restored_schedule_goes_on_counting(settings):
    def run(stop):
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
        schedule = Schedule(optimizer, settings, "max")
        for step in range(12):
            if step == stop:
                state, rate = schedule.state_dict(), optimizer.state_dict()
                optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
                schedule = Schedule(optimizer, settings, "max")
                optimizer.load_state_dict(rate)
                schedule.load_state_dict(state)
            optimizer.step()
            schedule.after_batch()
            schedule.after_epoch(0.5)
        return optimizer.param_groups[0]["lr"]

    assert run(None) == pytest.approx(run(5)) != 1.0
