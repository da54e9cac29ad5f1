import pytest
import torch
from torch import nn

from sedrepro.base.errors import SettingsError
from sedrepro.nn.blocks import ConvBlocks, he_uniform
from sedrepro.nn.masking import AtrousAttention, MaskNetwork
from sedrepro.nn.output import Output

DDC = {"dilation": 2, "relu_first": True}


def logmel(shape=(2, 9, 6), seed=0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(("pooling", "arguments"), [("gap", {}), ("gmp", {}), ("gwrp", {"r": 0.9})])
def test_mask_networks_pool_masks_into_clip_and_frame_scores(pooling, arguments):
    torch.manual_seed(0)
    network = MaskNetwork(3, (4, 5), pooling, **arguments).eval()
    output = network(logmel())
    masks = torch.sigmoid(network.masks(network.blocks(logmel().unsqueeze(1))))
    torch.testing.assert_close(output.clip, network.pooling(masks.flatten(2)))
    assert output.frame.shape == (2, 9, 3)
    torch.testing.assert_close(output.frame[1, 4, 2], masks[1, 2, 4].mean())
    assert ((output.clip > 0) & (output.clip < 1)).all()
    assert output.losses == {}


def test_attention_weighs_each_bin_of_a_mask_by_the_features_that_it_comes_from():
    torch.manual_seed(0)
    network = MaskNetwork(3, (4, 5), "attention").eval()
    maps = network.blocks(logmel().unsqueeze(1))
    masks = torch.sigmoid(network.masks(maps))
    dense = network.pooling.dense
    weights = torch.exp(torch.einsum("bkfm,ck->bcfm", maps, dense.weight) + dense.bias[:, None, None])
    expected = (weights * masks).sum(dim=(2, 3)) / weights.sum(dim=(2, 3))
    torch.testing.assert_close(network(logmel()).clip, expected)


@pytest.mark.parametrize("blocks", ["vgg", "ddc"])
@pytest.mark.parametrize(
    ("pooling", "arguments"),
    [
        ("gmp", {}),
        ("gap", {}),
        ("gwrp", {"r": 0.9}),
        ("auto", {}),
        ("fap", {"mels": 6, "alpha_max": 10.0}),
        ("linear", {"groups": [3, 3]}),
        ("fap", {"mels": 6, "groups": [6]}),
    ],
)
def test_masks_and_scores_are_probabilities_and_all_parameters_learn(blocks, pooling, arguments):
    torch.manual_seed(0)
    network = MaskNetwork(3, (4, 5), pooling, blocks, DDC if blocks == "ddc" else {}, **arguments)
    output = network(logmel(), explain=True)
    masks = output.maps["masks"]
    assert masks.shape == (2, 3, 9, 6)
    assert output.frame.shape == (2, 9, 3)
    for scores in (masks, output.clip, output.frame):
        assert ((scores > 0) & (scores < 1)).all()
    torch.testing.assert_close(output.clip, network.pooling(masks.flatten(2)))
    output.clip.sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad.abs().max() > 0, name


def test_masks_are_kept_only_where_asked_for():
    network = MaskNetwork(3, (4,), "gap").eval()
    assert network(logmel()).maps == {}
    explained = network(logmel(), explain=True)
    torch.testing.assert_close(explained.frame, explained.maps["masks"].mean(dim=3).transpose(1, 2))


def test_frequency_dependent_pooling_weighs_the_bands_of_a_frame_by_its_alpha():
    torch.manual_seed(0)
    network = MaskNetwork(3, (4, 5), "fap", mels=6).eval()
    untrained = network(logmel(), explain=True)
    torch.testing.assert_close(untrained.frame, untrained.maps["masks"].mean(dim=3).transpose(1, 2))
    nn.init.normal_(network.pooling.free_alpha)
    output = network(logmel(), explain=True)
    alpha = network.pooling.alpha.detach()
    expected = sum(alpha[2, mel] * output.maps["masks"][1, 2, 4, mel] for mel in range(6)) / alpha[2].sum()
    torch.testing.assert_close(output.frame[1, 4, 2], expected)
    assert not torch.allclose(output.frame, untrained.frame)


def test_networks_of_vgg_blocks_draw_their_weights_in_the_order_of_their_layers():
    # A change of this order would change every trained result.
    torch.manual_seed(0)
    network = MaskNetwork(3, (4, 5), "gwrp", r=0.9)
    torch.manual_seed(0)
    expected = nn.ModuleDict({"blocks": ConvBlocks((1, 4, 5)), "masks": nn.Conv2d(5, 3, 1)})
    he_uniform(expected)
    assert list(network.state_dict()) == list(expected.state_dict())
    for name, weights in expected.state_dict().items():
        assert torch.equal(network.state_dict()[name], weights), name


def test_unknown_blocks_name_the_nearest():
    with pytest.raises(SettingsError, match=r"blocks 'dcd' are unknown; did you mean 'ddc'\?"):
        MaskNetwork(3, (4,), "gap", blocks="dcd")


def test_networks_that_keep_the_frame_rate_say_so():
    for network in (MaskNetwork(3, (4,), "gmp"), AtrousAttention(3, (4,), (0.1, 0.9), "log_softmax")):
        assert network.time_reduction == 1
        assert network.eval()(logmel()).frame.shape[1] == 9


def test_average_pooling_is_the_mean_of_the_frame_scores():
    network = MaskNetwork(3, (4,), "gap").eval()
    output = network(logmel())
    torch.testing.assert_close(output.clip, output.frame.mean(dim=1))


def test_mask_networks_take_clips_of_any_length():
    network = MaskNetwork(3, (4,), "gmp").eval()
    assert network(logmel((1, 30, 6))).frame.shape == (1, 30, 3)


def test_atrous_attention_starts_as_the_mean_over_all_bins():
    torch.manual_seed(0)
    network = AtrousAttention(3, (4, 5), (0.1, 0.9), "log_softmax").eval()
    output = network(logmel())
    maps = network.encoder(logmel().unsqueeze(1))
    evidence = torch.log_softmax(network.pooling.classification(maps), dim=1)
    torch.testing.assert_close(output.clip, torch.sigmoid(evidence.mean(dim=(2, 3))))
    assert output.frame.shape == (2, 9, 3)


def test_an_unknown_pooling_names_the_nearest():
    with pytest.raises(SettingsError, match=r"did you mean 'gmp'\?"):
        MaskNetwork(3, (4,), "gpm")


def test_an_argument_that_the_pooling_does_not_take_is_refused():
    with pytest.raises(SettingsError, match="pooling 'gap'"):
        MaskNetwork(3, (4,), "gap", r=0.5)


# --- part of a clip


@pytest.mark.parametrize(
    ("pooling", "arguments"),
    [("gmp", {}), ("gap", {}), ("gwrp", {"r": 0.9}), ("auto", {}), ("fap", {"mels": 6}), ("linear", {"groups": [3]})],
)
def test_part_of_a_clip_is_pooled_as_a_clip_of_its_own(pooling, arguments):
    torch.manual_seed(0)
    network = MaskNetwork(3, (4, 5), pooling, **arguments).eval()
    for parameter in network.pooling.parameters():
        nn.init.normal_(parameter)
    output = network(logmel(), explain=True)
    torch.testing.assert_close(network.pooled(output, slice(0, 9)), output.clip)
    part = network.pooling(output.maps["masks"][:, :, 2:5].flatten(2))
    torch.testing.assert_close(network.pooled(output, slice(2, 5)), part)
    assert not torch.allclose(part, output.clip)


@pytest.mark.parametrize(("alpha", "expected"), [(1, 0.475), (3, 0.784), (7, 0.896)])
def test_a_sharp_pooling_pools_a_part_sharply_too(alpha, expected):
    """A mask of 0.9 in 20 of 64 bands: the mean of its frame scores is 0.281, whatever has been learned."""
    network = MaskNetwork(1, (2,), "fap", mels=64, alpha_max=10.0, alpha_start=float(alpha)).eval()
    masks = torch.zeros(1, 1, 31, 64)
    masks[..., :20] = 0.9
    output = Output(masks.amax(dim=(2, 3)), network.pooling.over_mel(masks).transpose(1, 2), maps={"masks": masks})
    assert network.pooled(output, slice(0, 31)).item() == pytest.approx(expected, abs=5e-4)
    assert float(output.frame.mean()) == pytest.approx(0.9 * 20 / 64)
