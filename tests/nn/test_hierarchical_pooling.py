"""Hierarchical pooling (He et al. 2019), and the closed-form gradients of the paper's appendix against autograd."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sedrepro.nn.poolings import (
    POOLINGS,
    SEGMENT_WEIGHTS,
    HierarchicalPooling,
    pool_in_stages,
    pooling,
    weighted_mean,
)

FEATURES = 4
ARGUMENTS = {"gwrp": {"r": 0.8}}
LEARNED_BY_VALUES = ("linear", "exponential")
groupings = st.lists(st.integers(1, 6), max_size=3)
counts = st.integers(1, 40)
sizes = st.integers(1, 6)  # M, and N / M
seeds = st.integers(0, 99)
few = settings(max_examples=20)  # of each of many poolings


def instances(count, seed=0, classes=2, batch=3) -> torch.Tensor:
    """Values in [0.05, 0.95]: the closed forms divide by them."""
    generator = torch.Generator().manual_seed(seed)
    return 0.05 + 0.9 * torch.rand((batch, classes, count), generator=generator, dtype=torch.float64)


def features_of(values: torch.Tensor, seed=0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed + 1000)
    return torch.randn((len(values), values.shape[-1], FEATURES), generator=generator, dtype=torch.float64)


def made(name, groups, seed=0, classes=2, segment_weights="corrected") -> HierarchicalPooling:
    torch.manual_seed(seed)
    module = pooling(name, classes, FEATURES, **ARGUMENTS.get(name, {})).double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter))
    return HierarchicalPooling(module, groups, segment_weights)


def with_gradient(pool, values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Pooled values, and their gradient by every instance."""
    values = values.detach().clone().requires_grad_()
    pooled = pool(values)
    return pooled.detach(), torch.autograd.grad(pooled.sum(), values)[0]


# --- the structure


def staged(x: np.ndarray, w: np.ndarray, groups, formula: str) -> float:
    """Eq. 3-5 for one class whose counts divide, segment by segment."""
    for size in groups:
        segments = [slice(start, start + size) for start in range(0, len(x), size)]
        pooled = [(w[s] * x[s]).sum() / w[s].sum() for s in segments]
        if formula == "corrected":
            weights = [(w[s] ** 2).sum() / w[s].sum() for s in segments]
        else:
            weights = [w[s].sum() / size for s in segments]
        x, w = np.array(pooled), np.array(weights)
    return (w * x).sum() / w.sum()


@pytest.mark.parametrize("name", POOLINGS)
@pytest.mark.parametrize("formula", SEGMENT_WEIGHTS)
@few
@given(st.lists(sizes, max_size=3), sizes, seeds)
def test_stages_are_equations_3_to_5(name, formula, groups, left, seed):
    values = instances(int(np.prod([*groups, left])), seed)
    features, module = features_of(values, seed), made(name, groups, seed, segment_weights=formula)
    if name == "max" and formula == "corrected":  # eq. 3 as printed is 0 / 0 where a segment has no weight
        expected = values.amax(dim=-1)
    else:
        weights = module.single.weights(values, features).detach().numpy()
        if name == "max":
            weights = weights + 1e-300
        pairs = zip(values.numpy().reshape(-1, values.shape[-1]), weights.reshape(-1, values.shape[-1]), strict=True)
        expected = torch.tensor([staged(x, w, groups, formula) for x, w in pairs]).reshape(values.shape[:2])
    torch.testing.assert_close(module(values, features), expected, rtol=1e-9, atol=0)


def test_the_published_hierarchy_by_hand():
    # 4 instances in segments of 2, linear softmax: x^ = w^ = 0.625 / 1 and 0.05 / 0.3, y = sum x^^2 / sum x^.
    values = torch.tensor([[[0.25, 0.75, 0.1, 0.2]]], dtype=torch.float64)
    first, second = 0.625, 0.05 / 0.3
    expected = (first**2 + second**2) / (first + second)
    assert made("linear", (2,), classes=1)(values).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("name", POOLINGS)
@few
@given(counts, seeds)
def test_segments_of_one_instance_or_of_all_are_the_single_pooling(name, count, seed):
    values = instances(count, seed)
    features = features_of(values, seed)
    expected = made(name, (), seed).single(values, features)
    for groups in ((), (1,), (1, 1), (count,), (count + 3,)):
        torch.testing.assert_close(made(name, groups, seed)(values, features), expected, rtol=1e-9, atol=0)


@pytest.mark.parametrize("name", POOLINGS)
@few
@given(groupings, counts, seeds)
def test_results_lie_between_the_least_and_the_largest_instance(name, groups, count, seed):
    values = instances(count, seed)
    pooled = made(name, groups, seed)(values, features_of(values, seed))
    assert (pooled >= values.amin(dim=-1) - 1e-12).all()
    assert (pooled <= values.amax(dim=-1) + 1e-12).all()


@few
@given(groupings, counts, seeds, st.floats(1e-6, 1e6))
def test_the_scale_of_the_weights_makes_no_difference(groups, count, seed, scale):
    values, weights = instances(count, seed), instances(count, seed + 1)
    for formula in SEGMENT_WEIGHTS:
        scaled = pool_in_stages(values, scale * weights, groups, formula)
        torch.testing.assert_close(scaled, pool_in_stages(values, weights, groups, formula))


@few
@given(sizes, sizes, seeds)
def test_only_instances_of_a_segment_and_whole_segments_may_change_places(size, segments, seed):
    values = instances(size * segments, seed)
    generator = torch.Generator().manual_seed(seed)
    grouped = values.unflatten(-1, (segments, size))
    within = grouped[..., torch.randperm(size, generator=generator)].flatten(2)
    between = grouped[:, :, torch.randperm(segments, generator=generator)].flatten(2)
    module = made("linear", (size,))
    torch.testing.assert_close(module(within), module(values))
    torch.testing.assert_close(module(between), module(values))


def test_the_order_of_frames_matters_otherwise():
    values = torch.tensor([[[0.9, 0.5, 0.1, 0.1]]], dtype=torch.float64)
    module = made("linear", (2,), classes=1)
    assert module(values).item() != pytest.approx(module(values[..., [0, 2, 1, 3]]).item(), abs=1e-4)


@pytest.mark.parametrize("name", sorted(set(POOLINGS) - {"max", "gwrp"}))
def test_gradients_of_three_stages_are_right(name):
    values, module = instances(11, batch=1).requires_grad_(), made(name, (3, 2))
    features = features_of(values.detach()).requires_grad_()
    parameters = tuple(module.parameters())
    assert torch.autograd.gradcheck(lambda *inputs: module(*inputs[:2]), (values, features, *parameters))


# --- counts that do not divide


def test_a_short_last_segment_is_pooled_over_what_is_there():
    # Segments of 3 and 1: the short one is its only instance, at a third of the other's count.
    x = np.array([0.2, 0.4, 0.9, 0.6])
    w = np.array([1.0, 3.0, 2.0, 5.0])
    pooled = np.array([(w[:3] * x[:3]).sum() / w[:3].sum(), x[3]])
    weights = np.array([(w[:3] ** 2).sum() / w[:3].sum(), w[3]]) * [3, 1]
    expected = (weights * pooled).sum() / weights.sum()
    ours = pool_in_stages(torch.tensor(x)[None, None], torch.tensor(w)[None, None], (3,))
    assert ours.item() == pytest.approx(expected, rel=1e-12)


@few
@given(groupings, counts, seeds)
def test_padding_is_no_instance(groups, count, seed):
    # Equal values stay what they are, and the gradient is shared out fully, whatever the count.
    values, weights = torch.full((1, 1, count), 0.7, dtype=torch.float64), instances(count, seed, 1, 1)
    pooled, gradient = with_gradient(lambda x: pool_in_stages(x, weights, groups), values)
    assert pooled.item() == pytest.approx(0.7, rel=1e-12)
    assert (gradient > 0).all()
    assert gradient.sum().item() == pytest.approx(1, rel=1e-12)


# --- where hierarchy makes no difference


@pytest.mark.parametrize("name", ["max", "mean"])
@few
@given(groupings, counts, seeds)
def test_hierarchy_makes_no_difference_to_max_and_mean(name, groups, count, seed):
    values = instances(count, seed)
    single, hierarchical = made(name, ()).single, made(name, groups)
    expected, expected_gradient = with_gradient(single, values)
    pooled, gradient = with_gradient(hierarchical, values)
    torch.testing.assert_close(pooled, expected, rtol=1e-9, atol=0)
    torch.testing.assert_close(gradient, expected_gradient, rtol=1e-9, atol=1e-12)


def test_mean_would_change_if_a_short_segment_counted_like_a_full_one():
    # Equation 5 as it stands for 3 + 1 instances: the last one would weigh as much as the three before.
    values = torch.tensor([[[0.0, 0.0, 0.0, 1.0]]], dtype=torch.float64)
    assert made("mean", (3,), classes=1)(values).item() == pytest.approx(1 / 4)
    assert made("mean", (3,), classes=1)(values[..., 1:]).item() == pytest.approx(1 / 3)
    as_printed = np.mean([values[0, 0, :3].mean(), values[0, 0, 3]])
    assert as_printed == pytest.approx(1 / 2)


@few
@given(groupings, counts, seeds)
def test_with_the_withdrawn_weights_hierarchy_makes_no_difference_to_any_pooling(groups, count, seed):
    # w^ x^ = (sum w / M)(sum w x / sum w) = sum w x / M, so eq. 5 is eq. 1; gradients by x and w too.
    values, weights = instances(count, seed).requires_grad_(), instances(count, seed + 1).requires_grad_()
    single = pool_in_stages(values, weights)
    hierarchical = pool_in_stages(values, weights, groups, "mean")
    torch.testing.assert_close(hierarchical, single, rtol=1e-9, atol=0)
    for ours, theirs in zip(
        torch.autograd.grad(hierarchical.sum(), (values, weights)),
        torch.autograd.grad(single.sum(), (values, weights)),
        strict=True,
    ):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-12)


def test_with_the_corrected_weights_it_does():
    values = instances(125)
    for name in LEARNED_BY_VALUES:
        single, hierarchical = made(name, ()), made(name, (5, 5))
        assert ((hierarchical(values) - single(values)).abs() > 1e-5).all()


def test_segments_without_weight_contribute_nothing():
    values = torch.tensor([[[0.0, 0.0, 0.5, 0.25]]], dtype=torch.float64)
    pooled, gradient = with_gradient(made("linear", (2,), classes=1), values)
    assert pooled.item() == pytest.approx((0.5**2 + 0.25**2) / 0.75)
    assert torch.isfinite(gradient).all()


# --- the appendix: two levels, N instances in segments of M


class Levels:
    """What the closed forms are made of, one value per instance: x, w, x^_j, w^_j, sum_n w_n, and y, sum_l w^_l."""

    def __init__(self, x: torch.Tensor, w: torch.Tensor, size: int) -> None:
        x_in, w_in = (each.unflatten(-1, (-1, size)) for each in (x, w))
        mass = w_in.sum(dim=-1)
        pooled, weights = (w_in * x_in).sum(dim=-1) / mass, (w_in**2).sum(dim=-1) / mass
        self.x, self.w, self.size = x, w, size
        self.pooled, self.weight, self.mass = (each.repeat_interleave(size, -1) for each in (pooled, weights, mass))
        self.y = ((weights * pooled).sum(dim=-1) / weights.sum(dim=-1))[..., None]
        self.sum_of_weights = weights.sum(dim=-1, keepdim=True)
        self.sum_of_pooled = pooled.sum(dim=-1, keepdim=True)


def case(name: str, size: int, segments: int, seed: int) -> tuple[Levels, torch.Tensor]:
    """A random case of a pooling whose weights depend on the values, and its gradient by autograd."""
    values = instances(size * segments, seed)
    pooled, gradient = with_gradient(made(name, (size,)), values)
    parts = Levels(values, values if name == "linear" else values.exp(), size)
    torch.testing.assert_close(parts.y[..., 0], pooled, rtol=1e-12, atol=0)
    return parts, gradient


def independent(size: int, segments: int, seed: int) -> tuple[Levels, torch.Tensor, torch.Tensor]:
    """A random case of attention, where weights do not depend on the values, and the gradients by both."""
    values, weights = instances(size * segments, seed), instances(size * segments, seed + 1)
    leaves = values.clone().requires_grad_(), weights.clone().requires_grad_()
    by_values, by_weights = torch.autograd.grad(pool_in_stages(*leaves, (size,)).sum(), leaves)
    return Levels(values, weights, size), by_values, by_weights


def agree(ours: torch.Tensor, theirs: torch.Tensor) -> bool:
    return torch.allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def a_14(p: Levels, slope: torch.Tensor) -> torch.Tensor:
    """The general form; slope is dw_i / dx_i."""
    inner = (p.x - p.pooled) * p.weight + (p.pooled - p.y) * (2 * p.w - p.weight)
    return (p.weight * p.w + inner * slope) / (p.sum_of_weights * p.mass)


def a_21_numerator(p: Levels) -> torch.Tensor:
    return p.x * (4 * p.pooled - 2 * p.y) - 2 * p.pooled**2 + p.y * p.pooled


def a_23_numerator(p: Levels) -> torch.Tensor:
    return (p.weight * (1 + p.x - 2 * p.pooled + p.y) + 2 * p.x.exp() * (p.pooled - p.y)) * p.x.exp()


@few
@given(sizes, sizes, seeds)
def test_the_general_gradient_a_14_holds(size, segments, seed):
    parts, gradient = case("linear", size, segments, seed)
    assert agree(a_14(parts, torch.ones_like(parts.x)), gradient)
    parts, gradient = case("exponential", size, segments, seed)
    assert agree(a_14(parts, parts.x.exp()), gradient)


@few
@given(sizes, sizes, seeds)
def test_the_gradient_of_linear_softmax_a_21_holds_with_the_sum_of_x_n(size, segments, seed):
    # Equation 8 is A-21. Its sum of x^_l is right, since w^ = x^ here.
    parts, gradient = case("linear", size, segments, seed)
    segment_sum = parts.x.unflatten(-1, (segments, size)).sum(dim=-1).repeat_interleave(size, -1)
    assert agree(a_21_numerator(parts) / (parts.sum_of_pooled * segment_sum), gradient)


def test_a_21_as_printed_sums_x_i_over_n_which_does_not_hold():
    # Taken literally, the sum over n of x_i is M x_i.
    parts, gradient = case("linear", 5, 4, 0)
    assert not agree(a_21_numerator(parts) / (parts.sum_of_pooled * parts.size * parts.x), gradient)


@few
@given(sizes, sizes, seeds)
def test_the_gradient_of_exponential_softmax_a_23_holds_with_the_sum_of_segment_weights(size, segments, seed):
    parts, gradient = case("exponential", size, segments, seed)
    segment_sum = parts.x.exp().unflatten(-1, (segments, size)).sum(dim=-1).repeat_interleave(size, -1)
    assert agree(a_23_numerator(parts) / (parts.sum_of_weights * segment_sum), gradient)


def test_a_23_as_printed_divides_by_the_sum_of_segment_values_which_does_not_hold():
    parts, gradient = case("exponential", 5, 4, 0)
    printed = a_23_numerator(parts) / (parts.sum_of_pooled * parts.mass)
    assert not agree(printed, gradient)
    # It is too large by one factor per clip and class.
    torch.testing.assert_close(printed, gradient * parts.sum_of_weights / parts.sum_of_pooled)


@few
@given(sizes, sizes, seeds)
def test_the_gradients_of_attention_a_25_and_a_26_hold(size, segments, seed):
    p, by_values, by_weights = independent(size, segments, seed)
    scale = p.sum_of_weights * p.mass
    assert agree(p.weight * p.w / scale, by_values)
    assert agree((2 * p.w * (p.pooled - p.y) + p.weight * (p.x + p.y - 2 * p.pooled)) / scale, by_weights)


@few
@given(sizes, sizes, seeds)
def test_the_parts_of_the_chain_a_10_to_a_13_hold(size, segments, seed):
    values, weights = instances(segments, seed).requires_grad_(), instances(segments, seed + 1).requires_grad_()
    y = pool_in_stages(values, weights)
    by_values, by_weights = torch.autograd.grad(y.sum(), (values, weights))
    assert agree(by_values, weights / weights.sum(dim=-1, keepdim=True))
    assert agree(by_weights, (values - y[..., None]) / weights.sum(dim=-1, keepdim=True))
    # Within one segment: x^ by x and w, w^ by w.
    x, w = instances(size, seed).requires_grad_(), instances(size, seed + 1).requires_grad_()
    pooled, weight = weighted_mean(x, w), SEGMENT_WEIGHTS["corrected"](w, torch.ones(size))
    by_x, by_w = torch.autograd.grad(pooled.sum(), (x, w), retain_graph=True)
    assert agree(by_x, w / w.sum(dim=-1, keepdim=True))
    assert agree(by_w, (x - pooled[..., None]) / w.sum(dim=-1, keepdim=True))
    (by_w,) = torch.autograd.grad(weight.sum(), w)
    assert agree(by_w, (2 * w - weight[..., None]) / w.sum(dim=-1, keepdim=True))
