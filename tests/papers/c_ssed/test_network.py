"""The network of the C-SSED paper by its name."""

import pytest
import torch

from sedrepro.base.errors import SettingsError
from sedrepro.papers.c_ssed.network import build

SMALL = {
    "filters": [2, 3],
    "poolings": [[2, 4], [2, 2]],
    "recurrent": 4,
    "recurrent_layers": 2,
    "dropout": 0.0,
    "pooling": "power",
    "pooling_arguments": {"n": 3.0},
}


def test_a_system_has_its_pooling_and_its_first_n():
    network = build("crnn", SMALL, {}, 5, 24, 16).eval()
    output = network(torch.zeros(2, 24, 16))
    assert output.clip.shape == (2, 5)
    assert output.frame.shape == (2, 6, 5) and output.confidence is None
    assert network.reported() == {"n": 3.0}


def test_a_confidence_branch_has_the_shape_of_the_frame_scores():
    output = build("crnn", SMALL | {"confidence": True}, {}, 5, 24, 16)(torch.zeros(2, 24, 16))
    assert output.confidence.shape == output.frame.shape


def test_an_unknown_network_names_the_nearest():
    with pytest.raises(SettingsError, match="network 'crn' is unknown; did you mean 'crnn'"):
        build("crn", SMALL, {}, 5, 24, 16)
