import re

import pytest
import torch

from sedrepro.base.errors import SettingsError
from sedrepro.nn.crnn import Crnn
from sedrepro.nn.poolings import POOLINGS

OFFICIAL_2019 = {
    "filters": [64, 64, 64],
    "poolings": [[2, 4], [2, 4], [2, 4]],
    "recurrent": 64,
    "recurrent_layers": 2,
    "dropout": 0.5,
    "pooling": "class_attention",
}
SEVEN_LAYERS = OFFICIAL_2019 | {
    "filters": [16, 32, 64, 128, 128, 128, 128],
    "poolings": [[2, 2], [2, 2], [1, 2], [1, 2], [1, 2], [1, 2], [1, 2]],
    "recurrent": 128,
}
SMALL = {
    "filters": [4, 5],
    "poolings": [[2, 2], [2, 2]],
    "recurrent": 3,
    "recurrent_layers": 2,
    "dropout": 0.0,
    "pooling": "power",
}
CLASSES, FRAMES, MELS = 2, 24, 16


def small(seed=0, frames=FRAMES, mels=MELS, **arguments) -> Crnn:
    torch.manual_seed(seed)
    return Crnn(CLASSES, frames, mels, **SMALL | arguments)


def spread(**arguments) -> Crnn:
    """A small network whose dense layers are no longer near zero, in evaluation."""
    network = small(**arguments)
    for layer in network.modules():
        if isinstance(layer, torch.nn.Linear):
            torch.nn.init.normal_(layer.weight)
    return network.eval()


def logmel(shape=(2, FRAMES, MELS), seed=0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def count(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


# --- full width


def test_the_official_baseline_of_2019_has_its_parameters_and_frames():
    network = Crnn(10, 864, 64, **OFFICIAL_2019).eval()
    # Blocks 640 + 2 x 36928 + 3 x (128 + 4160), GRUs 2 x 3 x 64 (64 + 64 + 2) + 2 x 3 x 64 (128 + 64 + 2),
    # and two dense layers of 129 x 10.
    assert count(network) == 214_356 == 87_360 + 49_920 + 74_496 + 2_580
    with torch.no_grad():
        output = network(logmel((1, 864, 64)))
    assert output.clip.shape == (1, 10)
    assert output.frame.shape == (1, 108, 10)
    assert network.time_reduction == 8


def test_the_seven_layers_have_the_published_parameters_and_frames():
    network = Crnn(10, 605, 128, **SEVEN_LAYERS).eval()
    assert count(network) == 1_112_420
    with torch.no_grad():
        assert network(logmel((1, 605, 128))).frame.shape == (1, 151, 10)
    assert network.time_reduction == 4
    assert count(Crnn(10, 605, 128, **SEVEN_LAYERS, confidence=True)) == 1_112_420 + 257 * 10


# --- what it computes


@pytest.mark.parametrize("pooling", sorted(set(POOLINGS) - {"gwrp"}))
def test_scores_are_probabilities_and_all_parameters_learn(pooling):
    network = small(pooling=pooling, confidence=True)
    output = network(logmel())
    assert output.clip.shape == (2, CLASSES)
    assert output.frame.shape == output.confidence.shape == (2, FRAMES // 4, CLASSES)
    for scores in (output.clip, output.frame, output.confidence):
        assert ((scores > 0) & (scores < 1)).all()
    assert output.losses == output.maps == {}
    assert output.teacher is None
    (output.clip.sum() + output.confidence.sum()).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad.abs().max() > 0, name


def test_the_clip_scores_are_the_pooled_frame_scores():
    output = spread(pooling_arguments={"n": 2})(logmel())
    torch.testing.assert_close(output.clip, (output.frame**3).sum(dim=1) / (output.frame**2).sum(dim=1))


@pytest.mark.parametrize("pooling", ["attention", "class_attention"])
def test_all_dense_layers_share_their_input(pooling):
    network = spread(pooling=pooling, confidence=True)
    seen = []
    for layer in (network.frame, network.pooling.dense, network.confidence):
        layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    output = network(logmel())
    hidden = seen[0]
    assert hidden.shape == (2, 6, 2 * SMALL["recurrent"])
    assert all(torch.equal(hidden, each) for each in seen)
    torch.testing.assert_close(output.frame, torch.sigmoid(network.frame(hidden)))
    torch.testing.assert_close(output.confidence, torch.sigmoid(network.confidence(hidden)))
    weights = network.pooling.dense(hidden).softmax(dim={"attention": 1, "class_attention": 2}[pooling])
    torch.testing.assert_close(output.clip, (weights * output.frame).sum(dim=1) / weights.sum(dim=1))


def test_channels_are_stacked_on_the_mel_axis_frame_by_frame():
    network = small().eval()
    maps, seen = [], []
    network.blocks.register_forward_hook(lambda _, __, output: maps.append(output))
    network.recurrent.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network(logmel())
    assert maps[0].shape == (2, 5, 6, 4)
    for frame in range(6):
        assert torch.equal(seen[0][:, frame], maps[0][:, :, frame].flatten(1))


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_recurrent_layers(layers):
    assert small(recurrent_layers=layers).recurrent.num_layers == layers


def test_frames_and_mel_bands_left_over_have_no_scores():
    network = small(frames=27, mels=19).eval()
    assert network(logmel((2, 27, 19))).frame.shape == (2, 27 // network.time_reduction, CLASSES)


def test_dropout_acts_in_training_only_behind_blocks_and_recurrent_layers():
    network = small(dropout=0.5)
    dropped = [layer for layer in network.modules() if isinstance(layer, torch.nn.Dropout)]
    assert [layer.p for layer in dropped] == 3 * [0.5]
    assert not torch.equal(network(logmel()).clip, network(logmel()).clip)
    network.eval()
    assert torch.equal(network(logmel()).clip, network(logmel()).clip)


def test_norms_have_the_given_momentum_and_epsilon():
    norms = [layer for layer in small(norm_momentum=0.99, norm_eps=1e-3).modules() if "Norm" in type(layer).__name__]
    assert [(norm.momentum, norm.eps) for norm in norms] == 2 * [(0.99, 1e-3)]
    assert {(norm.momentum, norm.eps) for norm in small().modules() if "Norm" in type(norm).__name__} == {(0.1, 1e-5)}


def test_weights_start_as_in_the_official_baselines():
    network = small(pooling="attention", recurrent=64, confidence=True)
    for layer in (network.frame, network.pooling.dense, network.confidence):
        assert layer.weight.std().item() == pytest.approx(0.01, rel=0.2)
        assert (layer.bias == 0).all()
    recurrent = network.recurrent.weight_hh_l1_reverse
    torch.testing.assert_close(recurrent.T @ recurrent, torch.eye(64), atol=1e-5, rtol=0)


def test_the_confidence_branch_leaves_everything_else_as_it_is():
    plain, branched = small(), small(confidence=True)
    assert plain.confidence is None
    weights = branched.state_dict()
    assert weights.keys() - plain.state_dict().keys() == {"confidence.weight", "confidence.bias"}
    for name, weight in plain.state_dict().items():
        assert torch.equal(weights[name], weight), name
    without, beside = plain.eval()(logmel()), branched.eval()(logmel())
    assert without.confidence is None
    assert torch.equal(without.clip, beside.clip)


def test_the_exponent_of_power_pooling_is_reported():
    assert small(pooling_arguments={"n": 10}).reported() == {"n": 10.0}
    assert small(pooling="linear").reported() == {}


def test_equal_seeds_give_equal_networks_and_scores():
    first, again, other = (small(seed).eval()(logmel()).clip for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("pooling", ["power", "class_attention"])
def test_scores_stay_in_single_precision_under_autocast(pooling):
    network = spread(pooling=pooling, confidence=True)
    heard = []
    network.frame.register_forward_pre_hook(lambda _, inputs: heard.append(inputs[0]))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = network(logmel())
    assert {scores.dtype for scores in (output.clip, output.frame, output.confidence)} == {torch.float32}
    frame = torch.sigmoid(network.frame(heard[0]))
    torch.testing.assert_close(output.frame, frame)
    torch.testing.assert_close(output.confidence, torch.sigmoid(network.confidence(heard[0])))
    torch.testing.assert_close(output.clip, network.pooling(frame.transpose(1, 2), heard[0]))


# --- wrong settings


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"frames": 3}, "3 frames x 16 mel bands are too few for poolings of 4 x 4"),
        ({"mels": 3}, "24 frames x 3 mel bands are too few for poolings of 4 x 4"),
        ({"filters": [4]}, "1 filters but 2 poolings"),
        ({"filters": [], "poolings": []}, "filters = []"),
        ({"poolings": [[2, 2], [2]]}, "[frame, mel]"),
        ({"poolings": [[2, 2], [0, 2]]}, "[frame, mel]"),
        ({"dropout": 1.5}, "dropout = 1.5: must be less than 1"),
    ],
)
def test_impossible_sizes_are_refused(arguments, words):
    with pytest.raises((SettingsError, ValueError), match=re.escape(words)):
        small(**arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"pooling": "class_atention"}, "did you mean 'class_attention'?"),
        ({"pooling": "linear", "pooling_arguments": {"n": 1}}, "pooling 'linear'"),
    ],
)
def test_wrong_poolings_are_refused(arguments, words):
    with pytest.raises(SettingsError) as caught:
        small(**arguments)
    assert words in str(caught.value)


def test_an_initialisation_is_chosen_by_name():
    torch.manual_seed(0)
    small, usual = (
        Crnn(3, 8, 8, [4], [[1, 8]], 4, 1, 0.0, "linear", initialisation=name) for name in ("baseline", "glorot")
    )
    assert small.frame.weight.std() < 0.02 < usual.frame.weight.std()
    with pytest.raises(SettingsError, match="did you mean 'glorot'"):
        Crnn(3, 8, 8, [4], [[1, 8]], 4, 1, 0.0, "linear", initialisation="glorto")
