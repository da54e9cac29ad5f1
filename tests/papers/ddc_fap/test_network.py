import re
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sedrepro.base.errors import SettingsError
from sedrepro.nn.output import Network, Output
from sedrepro.papers.ddc_fap.network import DistancePooling, build

DDC = {"dilation": 2, "relu_first": True}
MASKS = ("vgg", "ddc")
PUBLISHED = {
    "vgg": {"channels": [32, 64, 128, 128]},
    "ddc": {"channels": [32, 64, 128, 128], "block_arguments": DDC},
    "gated_cnn": {"filters": [64, 64, 64, 64], "last_filters": 256, "recurrent": 128, "dropout": 0.0},
    "talnet": {"channels": [32, 64, 128, 256, 512], "recurrent": 512},
    "adaptive_distance": {"channels": [32, 64, 128, 128], "downsample": 4},
}
SMALL = {
    "vgg": {"channels": [4, 5], "pooling": "gwrp", "r": 0.9},
    "ddc": {"channels": [4, 5], "block_arguments": DDC, "pooling": "fap", "alpha_max": 10},
    "gated_cnn": {"filters": [3, 4], "last_filters": 5, "recurrent": 3, "dropout": 0.0},
    "talnet": {"channels": [2, 3, 4], "recurrent": 3},
    "adaptive_distance": {"channels": [4, 5], "downsample": 4},
}
CLASSES, FRAMES, MELS = 3, 21, 16


def small(name: str, seed=0, frames=FRAMES, mels=MELS, **arguments) -> Network:
    torch.manual_seed(seed)
    return build(name, SMALL[name] | arguments, {}, CLASSES, frames, mels)


def logmel(shape=(2, FRAMES, MELS), seed=0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def parameters(network: nn.Module) -> int:
    return sum(p.numel() for p in network.parameters())


# --- full width


@pytest.mark.parametrize(
    ("blocks", "pooling", "arguments", "count"),
    [
        ("vgg", "gwrp", {"r": 0.9998}, 587_593),
        ("vgg", "auto", {}, 587_593 + 41),
        ("vgg", "fap", {"alpha_max": 10}, 587_593 + 41 * 64),
        ("ddc", "gwrp", {"r": 0.9998}, 288_361),
        ("ddc", "auto", {}, 288_361 + 41),
        ("ddc", "fap", {"alpha_max": 3}, 288_361 + 41 * 64),
    ],
)
def test_mask_networks_have_half_the_parameters_with_ddc_blocks(blocks, pooling, arguments, count):
    given = PUBLISHED[blocks] | {"pooling": pooling} | arguments
    assert parameters(build(blocks, given, {}, 41, 311, 64)) == count


@pytest.mark.parametrize(
    ("name", "count"),
    [
        # Gated 9 (1 + 7 x 64) 128 and norms 8 x 256, plain 9 x 64 x 256 + 256, two BiGRUs of
        # 2 x 3 x 128 (256 + 128 + 2), two dense layers of 257 x 41
        ("gated_cnn", 517_248 + 2_048 + 147_712 + 2 * 296_448 + 2 * 10_537),
        # Convolutions, norms 4 (32 + 64 + 128 + 256 + 512), BiGRU 2 x 3 x 512 (1024 + 512 + 2), dense 1025 x 41
        ("talnet", 4_709_664 + 3_968 + 4_724_736 + 42_025),
        ("adaptive_distance", 587_593),  # as vgg_gap: its pooling learns nothing
    ],
)
def test_compared_networks_have_the_sizes_of_their_releases(name, count):
    assert parameters(build(name, PUBLISHED[name], {}, 41, 311, 64)) == count


@pytest.mark.parametrize(
    ("name", "frames", "reduced"),
    [("ddc", 311, 311), ("gated_cnn", 311, 311), ("talnet", 311, 77), ("talnet", 400, 100), ("vgg", 62, 62)],
)
def test_clips_keep_their_frames_but_talnet_has_a_quarter(name, frames, reduced):
    arguments = PUBLISHED[name] | ({"pooling": "fap"} if name in MASKS else {})
    network = build(name, arguments, {}, 10, frames, 64).eval()
    with torch.no_grad():
        output = network(logmel((1, frames, 64)))
    assert output.clip.shape == (1, 10)
    assert output.frame.shape == (1, reduced, 10)
    assert frames // network.time_reduction == reduced


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_networks_of_full_width_take_the_miniature_features(name):
    arguments = PUBLISHED[name] | ({"pooling": "fap"} if name in MASKS else {})
    network = build(name, arguments, {}, 5, 62, 32).eval()
    with torch.no_grad():
        output = network(logmel((1, 62, 32)))
    assert output.frame.shape == (1, 62 // network.time_reduction, 5)


# --- what holds for all


@pytest.mark.parametrize("name", sorted(SMALL))
def test_scores_are_probabilities_and_all_parameters_learn(name):
    network = small(name)
    output = network(logmel())
    assert output.clip.shape == (2, CLASSES)
    assert output.frame.shape == (2, FRAMES // network.time_reduction, CLASSES)
    for scores in (output.clip, output.frame):
        assert ((scores > 0) & (scores < 1)).all()
    assert output.losses == {}
    output.clip.sum().backward()
    for part, parameter in network.named_parameters():
        assert parameter.grad.abs().max() > 0, part


@pytest.mark.parametrize("name", sorted(SMALL))
def test_equal_seeds_give_equal_networks_and_scores(name):
    first, again, other = (small(name, seed).eval()(logmel()).clip for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("name", sorted(SMALL))
def test_weights_start_after_glorot(name):
    for layer in small(name).modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            inputs, outputs = layer.weight[0].numel(), layer.weight[:, 0].numel()
            bound = (6 / (inputs + outputs)) ** 0.5
            assert layer.weight.abs().max() <= bound
            assert layer.bias is None or (layer.bias == 0).all()
            if layer.weight.numel() > 100:
                assert layer.weight.abs().max() > 0.9 * bound


@pytest.mark.parametrize("name", sorted(SMALL))
def test_scores_stay_in_single_precision_under_autocast(name):
    network = small(name).eval()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = network(logmel())
    assert (output.clip.dtype, output.frame.dtype) == (torch.float32, torch.float32)
    torch.testing.assert_close(output.clip, network(logmel()).clip, atol=0.03, rtol=0)


@pytest.mark.parametrize(("name", "part", "reach"), [("ddc", "blocks", 6), ("talnet", "convolutions", 4)])
def test_an_output_frame_hears_its_own_input_frames(name, part, reach):
    # Before a BiGRU, which hears everything. Two DDC-blocks reach 6 frames; six convolutions of TALNet, of which two
    # hear single frames, two pairs of frames, and two quadruples, 2 + 4 + 8 frames, hence 4 of the output's.
    network = small(name, frames=64).eval()
    changed = logmel((1, 64, MELS))
    changed[:, 40] += 5
    maps = [getattr(network, part)(x.unsqueeze(1)) for x in (logmel((1, 64, MELS)), changed)]
    moved = (maps[0] - maps[1]).abs().amax(dim=(0, 1, 3)).nonzero().ravel()
    own = 40 // network.time_reduction
    assert own in moved
    assert (moved - own).abs().max() <= reach


# --- masks


def test_frequency_dependent_pooling_gets_the_mel_bands_of_the_features():
    network = small("ddc")
    assert network.pooling.alpha.shape == (CLASSES, MELS)
    assert network(logmel(), explain=True).maps["masks"].shape == (2, CLASSES, FRAMES, MELS)


# --- gated convolutions and attention


def attend(network: Network, features: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The hidden features and the attention weights, by the formulas."""
    maps = network.last(network.blocks(features.unsqueeze(1))).amax(dim=3).transpose(1, 2)
    hidden = network.recurrent(maps)[0] * (0.5 + 0.5 * network.gate(maps)[0])
    logits = network.attention(hidden)
    return hidden, torch.exp(logits) / torch.exp(logits).sum(dim=2, keepdim=True)


def test_the_clip_score_is_the_mean_of_frames_weighted_by_attention_over_classes():
    network = small("gated_cnn").eval()
    for layer in (network.attention, network.frame):
        nn.init.normal_(layer.weight, std=50)  # the untrained BiGRUs put out little
    output = network(logmel())
    hidden, weights = attend(network, logmel())
    torch.testing.assert_close(output.frame, torch.sigmoid(network.frame(hidden)))
    torch.testing.assert_close(output.clip, (weights * output.frame).sum(dim=1) / weights.sum(dim=1))
    assert not torch.allclose(output.clip, output.frame.mean(dim=1))


def test_classes_that_get_no_attention_anywhere_are_averaged():
    network = small("gated_cnn").eval()
    with torch.no_grad():
        network.attention.bias[1] = -200.0
    output = network(logmel())
    torch.testing.assert_close(output.clip[:, 1], output.frame[:, :, 1].mean(dim=1))


def test_a_closed_recurrent_gate_lets_nothing_through():
    network = small("gated_cnn").eval()
    network.gate = nn.GRU(5, 3, batch_first=True, bidirectional=True)
    with torch.no_grad():
        for name, weight in network.gate.named_parameters():
            weight.zero_()
            if name.startswith("bias_ih"):
                weight[3:6] = -100.0  # the former state is dropped
                weight[6:] = -100.0  # for a candidate of -1
    scores = network(logmel()).frame
    torch.testing.assert_close(scores, torch.full_like(scores, 0.5))


# --- TALNet


def test_talnet_pools_its_frame_scores_by_linear_softmax():
    output = small("talnet").eval()(logmel())
    torch.testing.assert_close(output.clip, (output.frame**2).sum(dim=1) / output.frame.sum(dim=1))


def test_talnet_has_ten_convolutions_and_five_poolings_of_which_two_shorten_time():
    network = build("talnet", PUBLISHED["talnet"], {}, 41, 400, 64)
    convolutions = [layer for layer in network.modules() if isinstance(layer, nn.Conv2d)]
    widths = [32, 32, 64, 64, 128, 128, 256, 256, 512, 512]
    assert [(layer.out_channels, layer.kernel_size) for layer in convolutions] == [(width, (3, 3)) for width in widths]
    poolings = [layer.kernel_size for layer in network.modules() if isinstance(layer, nn.MaxPool2d)]
    assert poolings == [(2, 2), (2, 2), (1, 2), (1, 2), (1, 2)]
    assert network.recurrent.input_size == 1024
    assert network.time_reduction == 4


# --- adaptive distance-based pooling


def segments_of(norms: list[float], segments: int) -> list[int]:
    """Segment of each frame: a new one starts after each of the largest steps of the squared norm."""
    steps = [abs(after**2 - before**2) for before, after in pairwise(norms)]
    starts = sorted(range(len(steps)), key=lambda i: -steps[i])[: segments - 1]
    segment, found = 0, [0]
    for i in range(len(steps)):
        segment += i in starts
        found.append(segment)
    return found


def test_segments_start_at_the_largest_steps():
    path = torch.tensor([0.0, 0.0, 0.1, 3.0, 3.0, 3.1, 3.0, 0.2, 0.2, 0.1, 0.0, 0.1])
    pooled, segment = DistancePooling(4)(path[None, None, :, None])
    assert segment.tolist() == [[0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 2]]
    torch.testing.assert_close(pooled[0, 0, :, 0], torch.tensor([0.1, 3.1, 0.2]))


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 3), st.integers(1, 3), st.integers(1, 24), st.integers(1, 24), st.integers(0, 99))
def test_every_segment_is_pooled_to_its_maximum(channels, mels, frames, downsample, seed):
    downsample = min(downsample, frames)
    maps = torch.rand((2, channels, frames, mels), generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    pooled, segment = DistancePooling(downsample)(maps)
    count = frames // downsample
    assert pooled.shape == (2, channels, count, mels)
    for b in range(2):
        norms = maps[b].square().sum(dim=(0, 2)).sqrt().tolist()
        assert segment[b].tolist() == segments_of(norms, count)
        for s in range(count):
            torch.testing.assert_close(pooled[b, :, s], maps[b][:, segment[b] == s].amax(dim=1))


def test_pooling_to_single_frames_changes_nothing_and_to_one_segment_is_the_maximum():
    maps = logmel((2, 3, 9, 4))
    torch.testing.assert_close(DistancePooling(1)(maps)[0], maps)
    torch.testing.assert_close(DistancePooling(9)(maps)[0], maps.amax(dim=2, keepdim=True))


def test_steady_maps_are_cut_into_as_many_segments():
    pooled, segment = DistancePooling(3)(torch.ones(1, 2, 10, 2))
    assert pooled.shape == (1, 2, 3, 2)
    assert segment.unique().tolist() == [0, 1, 2]
    assert (pooled == 1).all()


def test_gradients_reach_the_maxima_of_the_segments():
    maps = logmel((1, 2, 8, 3)).double().requires_grad_()
    pooled, segment = DistancePooling(4)(maps)
    pooled.sum().backward()
    expected = (maps == pooled.gather(2, segment[:, None, :, None].expand_as(maps))).double()
    torch.testing.assert_close(maps.grad, expected)


def test_frames_of_a_segment_share_its_score_and_segments_count_the_same():
    network = small("adaptive_distance").eval()
    output = network(logmel())
    _, segment = network.pooling(network.blocks(logmel().unsqueeze(1)))
    for b in range(2):
        scores = [output.frame[b][segment[b] == s] for s in range(FRAMES // 4)]
        assert all((each == each[0]).all() for each in scores)
        torch.testing.assert_close(output.clip[b], torch.stack([each[0] for each in scores]).mean(dim=0))


# --- wrong settings


@pytest.mark.parametrize(
    ("name", "sizes", "words"),
    [
        ("gated_cnn", {"mels": 3}, "21 frames x 3 mel bands are too few for poolings of 1 x 4"),
        ("talnet", {"mels": 7}, "21 frames x 7 mel bands are too few for poolings of 4 x 8"),
        ("talnet", {"frames": 3}, "3 frames x 16 mel bands are too few for poolings of 4 x 8"),
        ("adaptive_distance", {"frames": 3}, "downsample = 4 must be a whole number from 1 to the 3 frames"),
        ("adaptive_distance", {"downsample": 0}, "downsample = 0"),
        ("adaptive_distance", {"downsample": 1.5}, "downsample = 1.5"),
        ("gated_cnn", {"dropout": 1.5}, "dropout"),
    ],
)
def test_impossible_sizes_are_refused(name, sizes, words):
    with pytest.raises((SettingsError, ValueError), match=re.escape(words)):
        small(name, **sizes)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"pooling": "fpa"}, "did you mean 'fap'?"),
        ({"pooling": "gap"}, "pooling 'gap'"),  # which has no alpha_max
        ({"alpha_max": 0.5}, "alpha_max = 0.5"),
    ],
)
def test_wrong_poolings_are_refused(arguments, words):
    with pytest.raises(SettingsError) as caught:
        small("ddc", **arguments)
    assert words in str(caught.value)


def test_an_unknown_network_names_the_right_one():
    with pytest.raises(SettingsError, match=r"did you mean 'gated_cnn'\?"):
        build("gated_crnn", {}, {}, CLASSES, FRAMES, MELS)


@pytest.mark.parametrize("name", ["gated_cnn", "talnet", "adaptive_distance"])
def test_an_unknown_argument_is_refused(name):
    with pytest.raises(SettingsError, match="unknown argument 'kernel'"):
        small(name, kernel=3)


# --- part of a clip


@pytest.mark.parametrize("name", sorted(SMALL))
def test_all_frames_are_pooled_as_the_clip_and_a_part_by_itself(name):
    network = small(name, frames=32).eval()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.mul_(3)  # untrained scores are all alike
        output = network(logmel((2, 32, MELS)), explain=True)
        frames = output.frame.shape[1]
        whole, part = (network.pooled(output, each) for each in (slice(0, frames), slice(1, frames // 2)))
    torch.testing.assert_close(whole, output.clip)
    assert part.shape == whole.shape
    assert ((part >= 0) & (part <= 1)).all()
    assert not torch.allclose(part, whole)


def test_attention_and_linear_softmax_pool_a_part_by_its_own_frames():
    with torch.no_grad():
        gated, talnet = small("gated_cnn").eval(), small("talnet", frames=64).eval()
        output = gated(logmel(), explain=True)
        frame, weight = output.frame[:, 3:9], output.maps["frame_weights"][:, 3:9]
        expected = (frame * weight).sum(dim=1) / weight.sum(dim=1)
        torch.testing.assert_close(gated.pooled(output, slice(3, 9)), expected)
        output = talnet(logmel((2, 64, MELS)), explain=True)
        frame = output.frame[:, 3:9]
        torch.testing.assert_close(talnet.pooled(output, slice(3, 9)), (frame**2).sum(dim=1) / frame.sum(dim=1))


def test_adaptive_segments_count_once_in_a_part_too():
    network = small("adaptive_distance")
    segment = torch.tensor([[0, 0, 0, 1, 2, 2, 3, 3]])
    frame = torch.tensor([0.1, 0.1, 0.1, 0.5, 0.9, 0.9, 0.3, 0.3]).reshape(1, 8, 1)
    output = Output(frame.mean(dim=1), frame, maps={"segment": segment})
    assert network.pooled(output, slice(1, 6)).item() == pytest.approx((0.1 + 0.5 + 0.9) / 3)
    assert network.pooled(output, slice(2, 3)).item() == pytest.approx(0.1)


def test_a_network_whose_pooling_takes_whole_clips_says_so():
    with pytest.raises(SettingsError, match="pools whole clips only"):
        Network().pooled(Output(torch.zeros(1, 2)), slice(0, 1))
