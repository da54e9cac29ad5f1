"""Counted operations against closed forms, and against torch's counter on a GRU frame by frame."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from sedrepro.training.counting import Counter, GruProducts


def counted(module: nn.Module, features: torch.Tensor) -> int:
    counter = Counter()
    with counter:
        out = module(features)
        (out[0] if isinstance(out, tuple) else out).sum().backward()
    return counter.flops


@pytest.mark.parametrize("groups", [1, 2, 8])
def test_a_convolution_costs_three_times_its_products(groups):
    module = nn.Conv2d(8, 16, (3, 5), padding="same", groups=groups)
    features = torch.zeros(2, 8, 7, 6, requires_grad=True)
    products = 2 * 2 * 7 * 6 * 16 * (8 // groups) * 15
    assert counted(module, features) == 3 * products


def test_without_a_gradient_of_the_features_it_costs_twice():
    assert counted(nn.Conv2d(8, 16, 1), torch.zeros(2, 8, 7, 6)) == 2 * 2 * 2 * 7 * 6 * 16 * 8


def test_a_transposed_convolution_costs_three_times_its_products():
    module = nn.ConvTranspose2d(8, 4, 2, stride=2)
    assert counted(module, torch.zeros(3, 8, 5, 5, requires_grad=True)) == 3 * 2 * 3 * 25 * 8 * 4 * 4


@pytest.mark.parametrize(("layers", "bidirectional"), [(1, False), (1, True), (2, True)])
def test_a_gru_costs_what_its_matrices_do(layers, bidirectional):
    batch, frames, given, units, directions = 3, 5, 7, 4, 1 + bidirectional
    gru = nn.GRU(given, units, layers, batch_first=True, bidirectional=bidirectional)
    features = torch.zeros(batch, frames, given, requires_grad=True)
    inputs = [given, *[directions * units] * (layers - 1)]
    forward = sum(6 * units * (width + units) * directions * batch * frames for width in inputs)
    assert counted(GruProducts(gru), features) == 3 * forward


def test_a_gru_is_counted_as_frame_by_frame():
    gru = nn.GRU(7, 4, 2, batch_first=True, bidirectional=True)
    features = torch.zeros(3, 50, 7, requires_grad=True)
    with FlopCounterMode(display=False) as counter:  # of which it sees every product
        gru(features)[0].sum().backward()
    assert counted(GruProducts(gru), features) == pytest.approx(counter.get_total_flops(), rel=0.02)


def test_the_products_of_a_gru_have_its_shape():
    gru = nn.GRU(7, 4, 2, batch_first=True, bidirectional=True)
    assert GruProducts(gru)(torch.zeros(3, 50, 7))[0].shape == gru(torch.zeros(3, 50, 7))[0].shape


def test_memory_is_the_most_that_lives_at_a_time():
    with Counter() as memory:
        one = torch.zeros(1000)
        two = one + 1
        del one
        three = two.view(10, 100)  # no memory of its own
        four = two + 1
    assert memory.peak == 8000
    assert memory.now == 8000
    del two, three, four
    assert memory.now == 0
