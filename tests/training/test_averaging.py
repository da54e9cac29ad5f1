import copy
import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sedrepro.training.averaging import ema_decay, ramp_up, update_average

few = settings(deadline=None, max_examples=25)


def network(seed=0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Conv1d(2, 3, 3), nn.BatchNorm1d(3), nn.GRU(4, 2)).double()


def test_the_decay_rises_to_its_ceiling():
    assert [ema_decay(step) for step in (0, 1, 2, 9)] == pytest.approx([0, 1 / 2, 2 / 3, 0.9])
    assert ema_decay(998) < ema_decay(999) == ema_decay(10**6) == 0.999
    assert ema_decay(10**6, ceiling=0.99) == 0.99


@few
@given(st.integers(0, 99), st.floats(0, 1))
def test_the_average_is_weighted_by_the_decay(seed, decay):
    teacher, student = network(seed), network(seed + 100)
    expected = [
        decay * old + (1 - decay) * new for old, new in zip(teacher.parameters(), student.parameters(), strict=True)
    ]
    update_average(teacher, student, decay)
    for found, wanted in zip(teacher.parameters(), expected, strict=True):
        torch.testing.assert_close(found, wanted)


@pytest.mark.parametrize(("decay", "which"), [(1.0, "teacher"), (0.0, "student")])
def test_at_the_ends_it_is_one_of_the_two_bit_for_bit(decay, which):
    networks = {"teacher": network(1).float(), "student": network(2).float()}
    expected = copy.deepcopy(networks[which])
    update_average(networks["teacher"], networks["student"], decay)
    assert all(map(torch.equal, networks["teacher"].parameters(), expected.parameters()))


def test_first_steps_are_the_mean_of_all_weights_so_far():
    teacher, students = network(0), [network(seed) for seed in range(1, 6)]
    expected = torch.stack([each[0].weight.detach().clone() for each in [teacher, *students]]).mean(dim=0)
    for step, student in enumerate(students, start=1):
        update_average(teacher, student, ema_decay(step))
    torch.testing.assert_close(teacher[0].weight.detach(), expected)


def test_buffers_and_the_student_are_left_alone():
    teacher, student = network(1), network(2)
    student[1].running_mean += 5
    student[1].num_batches_tracked += 3
    buffers = copy.deepcopy(list(teacher.buffers()))
    weights = copy.deepcopy(list(student.parameters()))
    update_average(teacher, student, 0.5)
    assert buffers
    assert all(map(torch.equal, teacher.buffers(), buffers))
    assert all(map(torch.equal, student.parameters(), weights))


def test_no_gradient_comes_in():
    teacher, student = network(1), network(2)
    student[0](torch.ones((1, 2, 5), dtype=torch.float64)).sum().backward()
    update_average(teacher, student, 0.5)
    assert all(each.is_leaf and each.requires_grad and each.grad is None for each in teacher.parameters())


def test_frozen_weights_are_averaged_as_well():
    teacher, student = network(1), network(2)
    before = teacher[0].weight.detach().clone()
    teacher.requires_grad_(False)
    update_average(teacher, student, 0.5)
    assert not torch.equal(teacher[0].weight, before)


def test_networks_of_different_size_are_refused():
    with pytest.raises(RuntimeError):
        update_average(network(), nn.Linear(2, 2).double(), 0.5)


def test_the_ramp_goes_from_near_zero_to_one():
    assert ramp_up(0.0) == pytest.approx(math.exp(-5))
    assert ramp_up(0.5) == pytest.approx(math.exp(-1.25))
    assert ramp_up(1.0) == 1.0


@given(st.floats(-2, 3), st.floats(-2, 3))
def test_the_ramp_never_falls_and_stays_within_its_ends(one, other):
    low, high = sorted((one, other))
    assert math.exp(-5) <= ramp_up(low) <= ramp_up(high) <= 1
    assert ramp_up(-abs(one)) == ramp_up(0.0)
    assert ramp_up(1 + abs(one)) == 1
