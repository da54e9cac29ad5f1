import re

import pytest
import torch

from sedrepro.base.errors import SettingsError
from sedrepro.nn.poolings import POOLINGS
from sedrepro.papers.hierarchical_pooling.network import GatedCrnn, build

PUBLISHED = {
    "filters": [64, 64, 64, 64],
    "poolings": [[2, 2], [2, 2], [1, 2], [1, 2]],
    "last_filters": 256,
    "last_pooling": [1, 5],
    "recurrent": 128,
    "dropout": 0.2,
    "pooling": "linear",
    "groups": [5, 5],
    "segment_weights": "corrected",
}
SMALL = PUBLISHED | {
    "filters": [4, 5],
    "poolings": [[2, 2], [2, 2]],
    "last_filters": 6,
    "last_pooling": [1, 2],
    "recurrent": 3,
    "groups": [3],
}
CLASSES, FRAMES, MELS = 2, 24, 16


def small(seed=0, frames=FRAMES, mels=MELS, **arguments) -> GatedCrnn:
    torch.manual_seed(seed)
    return build("gated_crnn", SMALL | arguments, {}, CLASSES, frames, mels)


def logmel(shape=(2, FRAMES, MELS), seed=0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


# --- full width


@pytest.mark.parametrize(("pooling", "count"), [("linear", 968_081), ("exponential", 968_081), ("attention", 972_450)])
@pytest.mark.parametrize("groups", [[], [5, 5]])
def test_hierarchy_adds_no_parameters_at_the_published_width(pooling, count, groups):
    network = build("gated_crnn", PUBLISHED | {"pooling": pooling, "groups": groups}, {}, 17, 500, 80)
    # Gated 9 (1 + 7 x 64) 128, plain 9 x 64 x 256, norms 2 (8 x 128 + 256), GRU 2 x 3 x 128 (256 + 128 + 2),
    # and one or two dense layers of 257 x 17.
    assert sum(p.numel() for p in network.parameters()) == count
    assert count == 517_248 + 147_456 + 2_560 + 296_448 + 4_369 * (2 if pooling == "attention" else 1)


def test_500_frames_become_125():
    network = build("gated_crnn", PUBLISHED, {}, 17, 500, 80).eval()
    with torch.no_grad():
        output = network(logmel((1, 500, 80)))
    assert output.clip.shape == (1, 17)
    assert output.frame.shape == (1, 125, 17)
    assert network.time_reduction == 4


# --- what it computes


@pytest.mark.parametrize("pooling", sorted(set(POOLINGS) - {"gwrp"}))
@pytest.mark.parametrize("groups", [[], [3]])
def test_scores_are_probabilities_and_all_parameters_learn(pooling, groups):
    network = small(pooling=pooling, groups=groups, dropout=0.0)
    output = network(logmel())
    assert output.clip.shape == (2, CLASSES)
    assert output.frame.shape == (2, FRAMES // 4, CLASSES)
    for scores in (output.clip, output.frame):
        assert ((scores > 0) & (scores < 1)).all()
    assert output.losses == {}
    output.clip.sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad.abs().max() > 0, name


def test_the_clip_scores_are_the_pooled_frame_scores():
    output = small(groups=[3]).eval()(logmel())
    segments = output.frame.unflatten(1, (2, 3))
    pooled = (segments**2).sum(dim=2) / segments.sum(dim=2)
    torch.testing.assert_close(output.clip, (pooled**2).sum(dim=1) / pooled.sum(dim=1))


def test_attention_and_frame_scores_share_their_input():
    network = small(pooling="attention", groups=[]).eval()
    seen = []
    for layer in (network.frame, network.pooling.dense):
        layer.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    output = network(logmel())
    assert seen[0].shape == (2, 6, 2 * SMALL["recurrent"])
    assert torch.equal(*seen)
    weights = torch.softmax(network.pooling.dense(seen[0]), dim=1)
    torch.testing.assert_close(output.clip, (weights * output.frame).sum(dim=1))


def test_channels_are_stacked_on_the_mel_axis_frame_by_frame():
    network = small().eval()
    maps, seen = [], []
    network.last.register_forward_hook(lambda _, __, output: maps.append(output))
    network.recurrent.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    network(logmel())
    assert maps[0].shape == (2, 6, 6, 2)
    for frame in range(6):
        assert torch.equal(seen[0][:, frame], maps[0][:, :, frame].flatten(1))


def test_an_output_frame_hears_its_own_input_frames():
    # Before the BiGRU: a changed input frame moves the maps of its own output frame and of near ones only.
    network = small(filters=[4], poolings=[[4, 2]], frames=64).eval()
    changed = logmel((1, 64, MELS))
    changed[:, 40] += 5
    maps = [network.last(network.blocks(x.unsqueeze(1))) for x in (logmel((1, 64, MELS)), changed)]
    moved = (maps[0] - maps[1]).abs().amax(dim=(0, 1, 3)).nonzero().ravel().tolist()
    assert 40 // network.time_reduction in moved
    assert set(moved) <= {8, 9, 10, 11}  # two 3x3 convolutions reach frames 38 to 42, the third one output frame more


def test_frames_left_over_have_no_scores():
    network = small().eval()
    assert network(logmel((2, 27, MELS))).frame.shape == (2, 27 // network.time_reduction, CLASSES)


def test_dropout_acts_in_training_only():
    network = small(dropout=0.5)
    assert not torch.equal(network(logmel()).clip, network(logmel()).clip)
    network.eval()
    assert torch.equal(network(logmel()).clip, network(logmel()).clip)
    whole = small(dropout=0.0)
    assert torch.equal(whole(logmel()).clip, whole(logmel()).clip)


def test_weights_start_as_in_keras():
    network = small(pooling="attention", recurrent=32)
    for layer in (network.frame, network.pooling.single.dense):
        bound = (6 / (64 + CLASSES)) ** 0.5
        assert 0.9 * bound < layer.weight.abs().max() <= bound
        assert (layer.bias == 0).all()
    recurrent = network.recurrent.weight_hh_l0
    torch.testing.assert_close(recurrent.T @ recurrent, torch.eye(32), atol=1e-5, rtol=0)


def test_equal_seeds_give_equal_networks_and_scores():
    first, again, other = (small(seed).eval()(logmel()).clip for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_scores_stay_in_single_precision_under_autocast():
    network = small(pooling="attention").eval()
    heard = []
    network.frame.register_forward_pre_hook(lambda _, inputs: heard.append(inputs[0]))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = network(logmel())
    assert (output.clip.dtype, output.frame.dtype) == (torch.float32, torch.float32)
    frame = torch.sigmoid(network.frame(heard[0]))
    torch.testing.assert_close(output.frame, frame)
    torch.testing.assert_close(output.clip, network.pooling(frame.transpose(1, 2), heard[0]))


# --- wrong settings


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"frames": 3}, "3 frames x 16 mel bands are too few for poolings of 4 x 8"),
        ({"mels": 7}, "24 frames x 7 mel bands are too few for poolings of 4 x 8"),
        ({"filters": [4]}, "1 filters but 2 poolings"),
        ({"poolings": [[2, 2], [2]]}, "[frame, mel]"),
        ({"poolings": [[2, 2], [0, 2]]}, "[frame, mel]"),
        ({"dropout": 1.5}, "dropout"),
    ],
)
def test_impossible_sizes_are_refused(arguments, words):
    with pytest.raises((SettingsError, ValueError), match=re.escape(words)):
        small(**arguments)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"pooling": "linaer"}, "did you mean 'linear'?"),
        ({"groups": [0]}, "groups = [0]"),
        ({"segment_weights": "means"}, "did you mean 'mean'?"),
    ],
)
def test_wrong_poolings_are_refused(arguments, words):
    with pytest.raises(SettingsError) as caught:
        small(**arguments)
    assert words in str(caught.value)


def test_an_unknown_network_names_the_right_one():
    with pytest.raises(SettingsError, match=r"did you mean 'gated_crnn'\?"):
        build("gated_cnn", SMALL, {}, CLASSES, FRAMES, MELS)


def test_an_unknown_argument_is_refused():
    with pytest.raises(SettingsError, match="unknown argument 'kernel'"):
        small(kernel=3)
