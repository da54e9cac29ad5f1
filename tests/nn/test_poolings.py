import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sedrepro.errors import SettingsError
from sedrepro.nn.poolings import (
    GlobalAveragePooling,
    GlobalMaxPooling,
    GlobalWeightedRankPooling,
    TimeFrequencyAttention,
    mask_pooling,
)

shapes = st.tuples(*(st.integers(1, n) for n in (3, 4, 7, 5)))
ranks = st.floats(0, 1)
few = settings(deadline=None, max_examples=25)


def masks(shape, seed=0, dtype=torch.float64) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def rank_pooled(values: np.ndarray, r: float) -> np.ndarray:
    """Kong et al. 2019: sum of r^(j-1) x_(j) over j, x_(1) the largest bin, divided by the sum of r^(j-1)."""
    batch, classes = values.shape[:2]
    pooled = np.zeros((batch, classes))
    for b in range(batch):
        for c in range(classes):
            ranked = sorted(values[b, c].ravel(), reverse=True)
            weights = [r**j if j else 1.0 for j in range(len(ranked))]
            pooled[b, c] = sum(w * x for w, x in zip(weights, ranked, strict=True)) / sum(weights)
    return pooled


@given(shapes, st.integers(0, 99))
def test_average_and_maximum_run_over_frames_and_mel_bins(shape, seed):
    values = masks(shape, seed)
    flat = values.numpy().reshape(*shape[:2], -1)
    np.testing.assert_allclose(GlobalAveragePooling()(values), flat.mean(axis=2), rtol=1e-12)
    np.testing.assert_array_equal(GlobalMaxPooling()(values), flat.max(axis=2))


@given(shapes, ranks, st.integers(0, 99))
def test_rank_pooling_is_the_published_formula(shape, r, seed):
    values = masks(shape, seed)
    np.testing.assert_allclose(GlobalWeightedRankPooling(r)(values), rank_pooled(values.numpy(), r), rtol=1e-10)


@given(shapes, st.integers(0, 99))
def test_rank_pooling_lies_between_average_and_maximum_and_reaches_both(shape, seed):
    values = masks(shape, seed)
    average, largest = GlobalAveragePooling()(values), GlobalMaxPooling()(values)
    torch.testing.assert_close(GlobalWeightedRankPooling(1)(values), average)
    torch.testing.assert_close(GlobalWeightedRankPooling(0)(values), largest)
    between = GlobalWeightedRankPooling(0.7)(values)
    assert ((between >= average - 1e-12) & (between <= largest + 1e-12)).all()


def test_rank_pooling_at_the_published_size_and_decay():
    values = masks((1, 2, 311, 64), dtype=torch.float32)
    expected = rank_pooled(values.double().numpy(), 0.9998)
    np.testing.assert_allclose(GlobalWeightedRankPooling(0.9998)(values), expected, rtol=1e-5)


@few
@given(shapes, ranks, st.integers(0, 99))
def test_gradient_of_rank_pooling_is_its_closed_form(shape, r, seed):
    # d pooled / d x = r^rank(x) / sum_j r^j, where rank counts the larger bins of the same class.
    values = masks(shape, seed).requires_grad_()
    GlobalWeightedRankPooling(r)(values).sum().backward()
    flat = values.detach().numpy().reshape(*shape[:2], -1)
    rank = (flat[..., None, :] > flat[..., :, None]).sum(axis=-1)
    weights = np.float64(r) ** np.arange(flat.shape[2])
    expected = (np.float64(r) ** rank / weights.sum()).reshape(shape)
    np.testing.assert_allclose(values.grad, expected, rtol=1e-10, atol=1e-300)


def test_rank_pooling_keeps_single_precision_under_autocast():
    # Rounding clip scores to bfloat16 would tie clips, and ties move ranking metrics.
    values, pooling = masks((4, 3, 31, 8), dtype=torch.float32), GlobalWeightedRankPooling(0.99)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        pooled = pooling(values)
    assert pooled.dtype == torch.float32
    torch.testing.assert_close(pooled, pooling(values))


def attention(channels=3, classes=4) -> TimeFrequencyAttention:
    torch.manual_seed(0)
    return TimeFrequencyAttention(channels, classes).double()


@few
@given(shapes, st.integers(0, 99))
def test_untrained_attention_is_the_mean_of_the_log_softmax(shape, seed):
    pooling = attention(shape[1]).float()
    maps = masks(shape, seed, torch.float32)
    clip, frame = pooling(maps)
    evidence = torch.log_softmax(pooling.classification(maps), dim=1)
    torch.testing.assert_close(clip, torch.sigmoid(evidence.mean(dim=(2, 3))))
    torch.testing.assert_close(frame, torch.sigmoid(evidence.mean(dim=3)).transpose(1, 2))


def test_constant_attention_of_any_size_is_the_mean():
    pooling, maps = attention(), masks((2, 3, 5, 4))
    untrained = pooling(maps)[0]
    for bias in (-50.0, -0.3, 2.0, 50.0):
        nn.init.constant_(pooling.attention.bias, bias)
        torch.testing.assert_close(pooling(maps)[0], untrained)


@few
@given(st.integers(0, 99), st.floats(0.1, 30))
def test_attention_scores_are_at_most_one_half(seed, size):
    pooling, maps = attention(), masks((2, 3, 5, 4), seed) * 2 - 1
    with torch.no_grad():
        for weight in pooling.parameters():
            weight.mul_(size)
    nn.init.normal_(pooling.attention.weight)
    clip, frame = pooling(maps)
    assert ((clip >= 0) & (clip <= 0.5)).all()
    assert ((frame >= 0) & (frame <= 0.5)).all()


def test_attention_is_clamped_so_that_one_bin_weighs_at_most_nine_times_another():
    pooling = attention(channels=1, classes=2)
    maps = torch.full((1, 1, 1, 4), -1.0, dtype=torch.float64)
    maps[..., 0] = 1.0
    nn.init.constant_(pooling.attention.weight, 1e3)
    evidence = torch.log_softmax(pooling.classification(maps), dim=1)[0, :, 0].detach().numpy()
    expected = (0.9 * evidence[:, 0] + 0.1 * evidence[:, 1:].sum(axis=1)) / (0.9 + 3 * 0.1)
    np.testing.assert_allclose(pooling(maps)[0][0].detach().numpy(), 1 / (1 + np.exp(-expected)), rtol=1e-6)


def test_attention_weights_are_normalised_in_single_precision_under_autocast():
    pooling, maps = attention().float(), masks((2, 3, 31, 16), dtype=torch.float32)
    nn.init.normal_(pooling.attention.weight)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        weights = torch.sigmoid(pooling.attention(maps).float()).clamp(0.1, 0.9)
        evidence = torch.log_softmax(pooling.classification(maps).float(), dim=1)
        clip, _ = pooling(maps)
    expected = torch.sigmoid((evidence * weights).sum(dim=(2, 3)) / weights.sum(dim=(2, 3)))
    torch.testing.assert_close(clip, expected)


def test_poolings_by_name():
    assert isinstance(mask_pooling("gap"), GlobalAveragePooling)
    assert isinstance(mask_pooling("gmp"), GlobalMaxPooling)
    assert mask_pooling("gwrp", r=0.5).r == 0.5


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("gwpr", {"r": 0.5}, "did you mean 'gwrp'?"),
        ("gap", {"r": 0.5}, "pooling 'gap'"),
        ("gwrp", {}, "pooling 'gwrp'"),
        ("gwrp", {"r": 1.5}, "r = 1.5"),
        ("gwrp", {"r": -0.1}, "r = -0.1"),
        ("gwrp", {"r": float("nan")}, "r = nan"),
        ("gwrp", {"r": "much"}, "pooling 'gwrp'"),
    ],
)
def test_wrong_names_and_arguments_are_refused_in_one_line(name, arguments, words):
    with pytest.raises(SettingsError) as caught:
        mask_pooling(name, **arguments)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
