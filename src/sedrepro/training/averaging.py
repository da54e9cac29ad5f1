"""The mean teacher: a network whose weights are a running average of the student's (Tarvainen & Valpola 2017)."""

import math

import torch
from torch import nn


def ema_decay(step: int, ceiling: float = 0.999) -> float:
    """How much of the teacher stays in a step, counted from 1: min(1 - 1 / (step + 1), ceiling).

    At first the teacher is the mean of all students so far and its own start.
    """
    return min(1 - 1 / (step + 1), ceiling)


@torch.no_grad()
def update_average(teacher: nn.Module, student: nn.Module, decay: float, with_statistics: bool = False) -> None:
    """Teacher = decay x teacher + (1 - decay) x student, in place, for two networks of one architecture.

    Of parameters, and of the running statistics of batch norms where these are asked for; else the teacher's are of its
    own batches.
    """
    torch._foreach_lerp_(list(teacher.parameters()), list(student.parameters()), 1 - decay)
    if with_statistics:
        own, others = ([b for b in each.buffers() if b.is_floating_point()] for each in (teacher, student))
        torch._foreach_lerp_(own, others, 1 - decay)


def ramp_up(progress: float) -> float:
    """exp(-5 (1 - x)^2) for x = `progress`, from 0 at the start to 1 at the end of the ramp; 1 behind it."""
    return math.exp(-5 * (1 - min(max(progress, 0.0), 1.0)) ** 2)
