import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sedrepro.base.errors import SettingsError
from sedrepro.nn.blocks import (
    AtrousEncoder,
    ConvBlock,
    ConvBlocks,
    DilatedDepthwiseBlock,
    DilatedDepthwiseBlocks,
    GatedConv,
    GatedConvBlock,
    GatedLinearBlock,
    GatedLinearUnit,
    Smoothing,
    as_image,
    baseline_init,
    glorot_uniform,
    he_uniform,
    norm_arguments,
    pooling_reductions,
)

DDC = {"dilation": 2, "relu_first": True}


def maps(shape, seed=0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@settings(deadline=None, max_examples=40)
@given(st.tuples(*(st.integers(1, n) for n in (3, 5, 9, 9))), st.integers(0, 99))
def test_smoothing_is_average_pooling_of_stride_one(shape, seed):
    ours, theirs = maps(shape, seed).requires_grad_(), maps(shape, seed).requires_grad_()
    smooth, pooled = Smoothing()(ours), nn.AvgPool2d(3, stride=1, padding=1)(theirs)
    torch.testing.assert_close(smooth, pooled)
    weights = maps(shape, seed + 1)
    (smooth * weights).sum().backward()
    (pooled * weights).sum().backward()
    torch.testing.assert_close(ours.grad, theirs.grad)


def test_smoothing_takes_strided_maps():
    strided = maps((2, 7, 5, 3)).permute(0, 3, 1, 2)[:, :, ::2]
    torch.testing.assert_close(Smoothing()(strided), nn.AvgPool2d(3, stride=1, padding=1)(strided))


def test_smoothing_has_no_parameters():
    assert not list(Smoothing().state_dict())


@pytest.mark.parametrize("smooth", [False, True])
def test_blocks_keep_the_resolution_and_are_never_negative(smooth):
    blocks = ConvBlocks((1, 4, 6), smooth=smooth).double().eval()
    output = blocks(maps((2, 1, 7, 5)))
    assert output.shape == (2, 6, 7, 5)
    assert (output >= 0).all()
    assert sum(isinstance(layer, Smoothing) for layer in blocks.modules()) == (2 if smooth else 0)


def test_a_block_is_two_convolutions_with_norm_and_relu():
    block = ConvBlock(3, 4, smooth=True)
    assert [type(layer) for layer in block] == 2 * [nn.Conv2d, nn.BatchNorm2d, nn.ReLU] + [Smoothing]
    assert [(c.in_channels, c.out_channels, c.kernel_size, c.bias) for c in (block[0], block[3])] == [
        (3, 4, (3, 3), None),
        (4, 4, (3, 3), None),
    ]


def test_a_ddc_block_is_three_convolutions_each_with_relu_and_then_norm():
    block = DilatedDepthwiseBlock(3, 4, **DDC)
    assert [type(layer) for layer in block] == 3 * [nn.Conv2d, nn.ReLU, nn.BatchNorm2d]
    plain, depthwise, pointwise = (layer for layer in block if isinstance(layer, nn.Conv2d))
    assert (plain.in_channels, plain.kernel_size, plain.dilation, plain.groups) == (3, (3, 3), (1, 1), 1)
    assert (depthwise.kernel_size, depthwise.dilation, depthwise.groups) == ((3, 3), (2, 2), 4)
    assert (pointwise.kernel_size, pointwise.groups) == ((1, 1), 1)
    # 9 x 3 x 4 + 9 x 4 + 4 x 4, and scale and shift of three norms of four channels
    assert sum(p.numel() for p in block.parameters()) == 108 + 36 + 16 + 24


def test_a_ddc_block_has_the_order_and_the_dilation_that_it_is_given():
    block = DilatedDepthwiseBlock(3, 4, dilation=3, relu_first=False)
    assert [type(layer) for layer in block] == 3 * [nn.Conv2d, nn.BatchNorm2d, nn.ReLU]
    assert block[3].dilation == (3, 3)
    assert block(maps((1, 3, 9, 9)).float()).shape == (1, 4, 9, 9)


def test_the_depthwise_convolution_keeps_channels_apart_and_the_pointwise_one_bins():
    block = DilatedDepthwiseBlock(2, 3, **DDC).double()
    given = maps((1, 3, 9, 9)).requires_grad_()
    gradients = []
    for convolution in (block[3], block[6]):
        (gradient,) = torch.autograd.grad(convolution(given)[0, 1, 4, 4], given)
        gradients.append({tuple(place) for place in gradient[0].nonzero().tolist()})
    assert gradients[0] == {(1, frame, mel) for frame in (2, 4, 6) for mel in (2, 4, 6)}
    assert gradients[1] == {(channel, 4, 4) for channel in range(3)}


@pytest.mark.parametrize(("count", "reach"), [(1, 3), (2, 6), (4, 12)])
def test_each_ddc_block_hears_three_more_bins_to_each_side(count, reach):
    blocks = DilatedDepthwiseBlocks([1] + count * [2], **DDC).double().eval()
    for layer in blocks.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.ones_(layer.weight)
    impulse = torch.zeros(1, 1, 31, 31, dtype=torch.float64)
    impulse[..., 15, 15] = 1
    heard = blocks(impulse)
    assert heard.shape == (1, 2, 31, 31)
    frames, mels = heard[0, 0].nonzero(as_tuple=True)
    for axis in (frames, mels):
        assert (int(axis.min()), int(axis.max())) == (15 - reach, 15 + reach)


def test_four_ddc_blocks_have_about_half_the_parameters_of_vgg_like_ones():
    widths = (1, 32, 64, 128, 128)
    kinds = (ConvBlocks(widths), DilatedDepthwiseBlocks(widths, **DDC))
    vgg, ddc = (sum(p.numel() for p in kind.parameters()) for kind in kinds)
    masks = 129 * 41
    assert (vgg + masks, ddc + masks) == (587_593, 288_361)
    assert 1 - (ddc + masks) / (vgg + masks) == pytest.approx(0.509, abs=5e-4)


def test_the_atrous_encoder_doubles_its_dilation_and_sees_29_bins():
    encoder = AtrousEncoder((2, 3, 4)).double().eval()
    convolutions = [layer for layer in encoder if isinstance(layer, nn.Conv2d)]
    assert [c.dilation for c in convolutions] == [(1, 1), (2, 2), (4, 4)]
    assert [c.kernel_size for c in convolutions] == 3 * [(5, 5)]
    assert all(c.bias is None for c in convolutions)
    for c in convolutions:
        nn.init.ones_(c.weight)
    impulse = torch.zeros(1, 1, 41, 41, dtype=torch.float64)
    impulse[..., 20, 20] = 1
    seen = encoder(impulse)[0].amax(dim=(0, 1)).nonzero().ravel()
    assert encoder(impulse).shape == (1, 4, 41, 41)
    assert (int(seen.min()), int(seen.max())) == (20 - 14, 20 + 14)  # 2 * (1 + 2 + 4)


def test_he_uniform_draws_within_the_bounds_of_he_et_al():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(8, 64, 3), nn.BatchNorm2d(64))
    nn.init.constant_(network[1].weight, 7)
    nn.init.constant_(network[1].bias, 7)
    he_uniform(network)
    bound = math.sqrt(2 / (8 * 9)) * math.sqrt(3)
    weights = network[0].weight.detach()
    assert weights.abs().max() <= bound
    assert weights.abs().max() > 0.99 * bound
    assert weights.var() == pytest.approx(2 / (8 * 9), rel=0.05)
    assert (network[0].bias == 0).all()
    assert (network[1].weight == 1).all()
    assert (network[1].bias == 0).all()


def test_a_gated_convolution_multiplies_its_linear_half_by_the_sigmoid_of_its_gate_half():
    torch.manual_seed(0)
    gated = GatedConv(3, 4).double()
    given = maps((2, 3, 7, 5))
    convolved = nn.functional.conv2d(given, gated.convolution.weight, padding=1)
    normed = (convolved - convolved.mean((0, 2, 3), keepdim=True)) / torch.sqrt(
        convolved.var((0, 2, 3), keepdim=True, unbiased=False) + gated.norm.eps
    )
    linear, gate = normed[:, :4], normed[:, 4:]
    torch.testing.assert_close(gated(given), linear / (1 + torch.exp(-gate)))
    assert gated.convolution.bias is None


def test_batch_norm_after_keras_keeps_0_99_of_its_statistics_and_adds_1e_3_to_the_variance():
    norm = nn.BatchNorm1d(1, **norm_arguments("keras")).double()
    given = torch.tensor([[1.0], [3.0]], dtype=torch.float64)  # mean 2, variance 1; of a sample 2
    scaled = 1 / math.sqrt(1 + 1e-3)
    torch.testing.assert_close(norm(given), torch.tensor([[-scaled], [scaled]], dtype=torch.float64))
    assert norm.running_mean.item() == pytest.approx(0.01 * 2)
    assert norm.running_var.item() == pytest.approx(0.99 * 1 + 0.01 * 2)
    assert (GatedConv(1, 1, "keras").norm.eps, GatedConv(1, 1).norm.eps) == (1e-3, nn.BatchNorm2d(1).eps)


def test_torch_is_what_torch_has_by_itself():
    norm = nn.BatchNorm1d(1)
    assert norm_arguments("torch") == {"eps": norm.eps, "momentum": norm.momentum}


def test_an_unknown_batch_norm_is_refused():
    with pytest.raises(SettingsError, match="batch_norm 'kears' is unknown; did you mean 'keras'"):
        GatedConvBlock(1, 4, (1, 1), 0, "kears")


def test_a_closed_gate_lets_nothing_through():
    gated = GatedConv(2, 3).double().eval()
    with torch.no_grad():
        gated.norm.bias[3:] = -1e3
    assert (gated(maps((1, 2, 4, 4))) == 0).all()


@pytest.mark.parametrize(("pooling", "shape"), [((2, 2), (3, 2)), ((1, 2), (7, 2)), ((1, 1), (7, 5)), ((7, 5), (1, 1))])
def test_a_gated_block_pools_frames_and_mel_bands_and_keeps_maxima(pooling, shape):
    block = GatedConvBlock(1, 4, pooling, dropout=0.5).double().eval()
    given = maps((2, 1, 7, 5))
    pooled = block(given)
    assert pooled.shape == (2, 4, *shape)
    full = block[1](block[0](given))
    torch.testing.assert_close(pooled[:, :, 0, 0], full[:, :, : pooling[0], : pooling[1]].amax(dim=(2, 3)))


def test_a_gated_block_drops_out_in_training_only():
    block = GatedConvBlock(1, 8, (1, 1), dropout=0.5).double()
    dropped = (block(maps((4, 1, 9, 9))) == 0).double().mean()
    assert 0.4 < dropped < 0.6
    assert (block.eval()(maps((4, 1, 9, 9))) != 0).all()


def test_glorot_uniform_draws_as_keras_does():
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(8, 64, 3), nn.Linear(50, 90), nn.GRU(30, 40, bidirectional=True))
    glorot_uniform(network)
    convolution, dense, recurrent = network
    # Glorot & Bengio 2010: variance 2 / (inputs + outputs), of a GRU's three gates as one matrix.
    drawn = [
        (convolution.weight, 8 * 9, 64 * 9),
        (dense.weight, 50, 90),
        (recurrent.weight_ih_l0, 30, 3 * 40),
        (recurrent.weight_ih_l0_reverse, 30, 3 * 40),
    ]
    for weight, inputs, outputs in drawn:
        bound = math.sqrt(6 / (inputs + outputs))
        assert 0.99 * bound < weight.abs().max() <= bound
        assert weight.var().item() == pytest.approx(bound**2 / 3, rel=0.05)
    for weight in (recurrent.weight_hh_l0, recurrent.weight_hh_l0_reverse):
        torch.testing.assert_close(weight.T @ weight, torch.eye(40), atol=1e-5, rtol=0)
    for name, weight in network.named_parameters():
        assert "bias" not in name or (weight == 0).all()


def test_a_gated_linear_unit_is_a_dense_layer_over_channels_times_the_sigmoid_of_its_input():
    torch.manual_seed(0)
    unit, given = GatedLinearUnit(3).double(), maps((2, 3, 5, 4)).requires_grad_()
    channels_last = given.permute(0, 2, 3, 1)
    expected = (unit.linear(channels_last) / (1 + torch.exp(-channels_last))).permute(0, 3, 1, 2)
    torch.testing.assert_close(unit(given), expected)
    weights, wanted = maps(expected.shape, 1), (given, *unit.parameters())
    ours, theirs = (torch.autograd.grad((each * weights).sum(), wanted) for each in (unit(given), expected))
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize(("pooling", "shape"), [((2, 2), (3, 2)), ((1, 2), (7, 2)), ((2, 4), (3, 1))])
def test_a_gated_linear_block_convolves_norms_gates_and_takes_means(pooling, shape):
    torch.manual_seed(0)
    block = GatedLinearBlock(3, 4, pooling, dropout=0.5, norm_eps=1e-3).double().eval()
    given = maps((2, 3, 7, 5))
    pooled = block(given)
    assert pooled.shape == (2, 4, *shape)
    convolved = nn.functional.conv2d(given, block[0].weight, block[0].bias, padding=1)
    full = block[2](convolved / (1 + 1e-3) ** 0.5)
    torch.testing.assert_close(pooled[:, :, 0, 0], full[:, :, : pooling[0], : pooling[1]].mean(dim=(2, 3)))


def test_a_gated_linear_block_drops_out_in_training_only():
    block = GatedLinearBlock(1, 8, (1, 1), dropout=0.5).double()
    dropped = (block(maps((4, 1, 9, 9))) == 0).double().mean()
    assert 0.4 < dropped < 0.6
    assert (block.eval()(maps((4, 1, 9, 9))) != 0).all()


@pytest.mark.parametrize("momentum", [0.1, 0.99])
def test_norm_momentum_is_the_share_of_the_last_batch(momentum):
    block = GatedLinearBlock(1, 2, (1, 1), dropout=0, norm_momentum=momentum).double()
    given = maps((4, 1, 9, 9))
    block(given)
    torch.testing.assert_close(block[1].running_mean, momentum * block[0](given).mean(dim=(0, 2, 3)))


def test_baseline_weights_start_as_in_the_official_baselines():
    torch.manual_seed(0)
    network = nn.Sequential(
        nn.Conv2d(8, 64, 3), nn.Linear(200, 90), nn.BatchNorm2d(4000), nn.GRU(30, 40, bidirectional=True)
    )
    convolution, dense, norm, recurrent = network
    of_torch = recurrent.bias_ih_l0.detach().clone()
    baseline_init(network)
    bound = 2**0.5 * math.sqrt(6 / (8 * 9 + 64 * 9))
    assert 0.99 * bound < convolution.weight.abs().max() <= bound
    assert convolution.weight.var().item() == pytest.approx(bound**2 / 3, rel=0.05)
    for weight, mean, deviation in ((dense.weight, 0, 0.01), (norm.weight, 1, 0.02)):
        assert weight.mean().item() == pytest.approx(mean, abs=deviation / 20)
        assert weight.std().item() == pytest.approx(deviation, rel=0.05)
    for layer in (convolution, dense, norm):
        assert (layer.bias == 0).all()
    for weight in (recurrent.weight_ih_l0, recurrent.weight_hh_l0_reverse):
        torch.testing.assert_close(weight.T @ weight, torch.eye(weight.shape[1]), atol=1e-5, rtol=0)
    assert torch.equal(recurrent.bias_ih_l0, of_torch)


def test_baseline_weights_of_layers_without_bias():
    baseline_init(nn.Sequential(nn.Conv2d(1, 2, 3, bias=False), nn.Linear(2, 2, bias=False)))


def test_poolings_shorten_axes_by_their_products():
    assert pooling_reductions([[2, 2], (2, 2), [1, 5]], 605, 128) == (4, 20)
    for poolings, words in (([[2, 2, 2]], "two sizes"), ([[0, 2]], "two sizes"), ([[2, 2], [4, 1]], "too few")):
        with pytest.raises(ValueError, match=words):
            pooling_reductions(poolings, 7, 9)


def test_as_image_adds_the_channel_axis():
    assert as_image(torch.zeros(2, 5, 3)).shape == (2, 1, 5, 3)
