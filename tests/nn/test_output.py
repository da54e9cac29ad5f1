import pytest
import torch
from torch import nn

from sedrepro.nn.output import Network, Output
from sedrepro.nn.poolings import pooling


class Pooled(Network):
    def __init__(self, part: nn.Module) -> None:
        super().__init__()
        self.pooling = part


def test_an_output_has_clip_scores_and_nothing_else_by_itself():
    output = Output(torch.zeros(2, 3))
    assert (output.frame, output.losses, output.maps, output.confidence, output.teacher) == (None, {}, {}, None, None)


@pytest.mark.parametrize("groups", [(), (5,)])
def test_a_network_reports_the_learned_numbers_of_its_pooling(groups):
    network = Pooled(pooling("power", 3, 0, groups, n=1.5))
    assert network.reported() == {"n": 1.5}
    nn.init.constant_(next(network.parameters()), 0.75)
    assert network.reported() == {"n": 0.75}
    assert type(network.reported()["n"]) is float
    assert Pooled(pooling("auto", 3, 0, groups)).reported() == {}


def test_a_network_without_such_a_pooling_reports_nothing():
    assert Network().reported() == {}
    assert Pooled(nn.Identity()).reported() == {}
