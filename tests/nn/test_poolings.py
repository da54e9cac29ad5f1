import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sedrepro.base.errors import SettingsError
from sedrepro.nn.poolings import (
    ALIASES,
    POOLINGS,
    HierarchicalPooling,
    TimeFrequencyAttention,
    pool_in_stages,
    pooling,
    weighted_mean,
)

CLASSES, FEATURES = 3, 4
ARGUMENTS = {"gwrp": {"r": 0.8}}
# Max pooling has no gradient at ties, and rank pooling none where ranks change places.
SMOOTH = sorted(set(POOLINGS) - {"max", "gwrp"})
shapes = st.tuples(st.integers(1, 3), st.just(CLASSES), st.integers(1, 20))
ranks = st.floats(0, 1)
seeds = st.integers(0, 99)
few = settings(deadline=None, max_examples=25)


def instances(shape, seed=0, dtype=torch.float64) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def features_of(values: torch.Tensor, seed=0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed + 1000)
    return torch.randn((len(values), values.shape[-1], FEATURES), generator=generator, dtype=values.dtype)


def made(name: str, seed=0, **arguments) -> nn.Module:
    """A pooling in double precision whose learned numbers have moved away from their start."""
    torch.manual_seed(seed)
    module = pooling(name, CLASSES, FEATURES, **(ARGUMENTS.get(name, {}) | arguments)).double()
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(torch.randn_like(parameter))
    return module


# --- the registry: its formulas, evaluated one instance after the other


def largest_first(x):
    return sorted(range(len(x)), key=lambda i: -x[i])


def evaluate(name: str, x: list[float], module: nn.Module, c: int, u: np.ndarray) -> tuple[float, list[float]]:
    """The result and the weights of one class, by the formulas as the registry prints them."""
    if name == "max":  # max x_i; 1 if x_i = max x, else 0
        return max(x), [1.0 if value == max(x) else 0.0 for value in x]
    if name == "mean":  # sum x_i / N; 1 / N
        return sum(x) / len(x), [1 / len(x) for _ in x]
    if name == "linear":
        return sum(value**2 for value in x) / sum(x), x
    if name == "exponential":
        return sum(v * np.exp(v) for v in x) / sum(np.exp(v) for v in x), [np.exp(v) for v in x]
    if name == "attention":
        logits = u @ module.dense.weight[c].detach().numpy() + module.dense.bias[c].item()
        w = np.exp(logits) / np.exp(logits).sum()
        return sum(w * x) / sum(w), list(w)
    if name == "class_attention":
        logits = u @ module.dense.weight.detach().numpy().T + module.dense.bias.detach().numpy()
        w = np.exp(logits[:, c]) / np.exp(logits).sum(axis=1)
        return sum(w * x) / sum(w), list(w)
    if name == "auto":
        alpha = module.alpha[c].item()
        w = [np.exp(alpha * v) for v in x]
        return sum(v * np.exp(alpha * v) for v in x) / sum(w), w
    if name == "fap":
        mels = module.alpha.shape[1]
        alpha = [module.alpha[c, i % mels].item() for i in range(len(x))]
        w = [np.exp(a * v) for a, v in zip(alpha, x, strict=True)]
        return sum(v * np.exp(a * v) for a, v in zip(alpha, x, strict=True)) / sum(w), w
    if name == "power":
        n = module.n.item()
        return sum(v ** (n + 1) for v in x) / sum(v**n for v in x), [v**n for v in x]
    order = largest_first(x)
    ranked = [x[i] for i in order]
    r = module.r
    y = sum(r**j * v for j, v in enumerate(ranked)) / sum(r**j for j in range(len(x)))
    return y, [r ** order.index(i) for i in range(len(x))]


FORMULAS = {
    "max": ("Max pooling", "max x_i", "1 if x_i = max x, else 0"),
    "mean": ("Average pooling", "sum x_i / N", "1 / N"),
    "linear": ("Linear softmax", "sum x_i^2 / sum x_i", "x_i"),
    "exponential": ("Exp. softmax", "sum x_i exp(x_i) / sum exp(x_i)", "exp(x_i)"),
    "attention": ("Attention", "sum w_i x_i / sum w_i", "h(u_i)"),
    "class_attention": ("Attention over classes", "sum w_i x_i / sum w_i", "h(u_i), softmax over classes"),
    "auto": ("Auto-pooling", "sum x_i exp(alpha x_i) / sum exp(alpha x_i)", "exp(alpha x_i)"),
    "fap": (
        "Frequency-dependent auto-pooling",
        "sum x_i exp(alpha(f_i) x_i) / sum exp(alpha(f_i) x_i)",
        "exp(alpha(f_i) x_i)",
    ),
    "power": ("Power pooling", "sum x_i^(n+1) / sum x_i^n", "x_i^n"),
    "gwrp": (
        "Global weighted rank pooling",
        "sum r^j x_(j) / sum r^j with x_(0) >= x_(1) >= ...",
        "r^(rank of x_i), 0 for the largest",
    ),
}


@pytest.mark.parametrize("name", POOLINGS)
@few
@given(shapes, seeds)
def test_the_formulas_that_reports_print_are_what_is_computed(name, shape, seed):
    # `evaluate` is written after these texts; who changes a text must see whether it still is.
    kind = POOLINGS[name]
    assert (kind.title, kind.definition, kind.weight) == FORMULAS[name]
    values, module = instances(shape, seed), made(name, seed)
    features = features_of(values, seed)
    pooled, weights = module(values, features), module.weights(values, features)
    for b in range(shape[0]):
        for c in range(CLASSES):
            y, w = evaluate(name, values[b, c].tolist(), module, c, features[b].numpy())
            np.testing.assert_allclose(pooled[b, c].item(), y, rtol=1e-9)
            ours = weights[b, c].detach().numpy()
            np.testing.assert_allclose(ours / ours.sum(), np.array(w) / sum(w), rtol=1e-9)


# --- what holds for every pooling


@pytest.mark.parametrize("name", POOLINGS)
@few
@given(shapes, seeds)
def test_direct_formulas_equal_the_weighted_mean(name, shape, seed):
    values, module = instances(shape, seed), made(name, seed)
    features = features_of(values, seed)
    torch.testing.assert_close(module(values, features), weighted_mean(values, module.weights(values, features)))


@pytest.mark.parametrize("name", POOLINGS)
@few
@given(shapes, seeds)
def test_results_lie_between_the_least_and_the_largest_instance(name, shape, seed):
    values = instances(shape, seed)
    pooled = made(name, seed)(values, features_of(values, seed))
    assert pooled.shape == shape[:2]
    assert (pooled >= values.amin(dim=-1) - 1e-12).all()
    assert (pooled <= values.amax(dim=-1) + 1e-12).all()


@pytest.mark.parametrize("name", POOLINGS)
@few
@given(shapes, seeds)
def test_the_order_of_instances_makes_no_difference(name, shape, seed):
    values, module = instances(shape, seed), made(name, seed)
    features = features_of(values, seed)
    order = torch.randperm(shape[-1], generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(module(values[..., order], features[:, order]), module(values, features))


@few
@given(shapes, seeds, st.floats(1e-6, 1e6))
def test_the_scale_of_the_weights_makes_no_difference(shape, seed, scale):
    values, weights = instances(shape, seed), instances(shape, seed + 1)
    torch.testing.assert_close(weighted_mean(values, scale * weights), weighted_mean(values, weights))


@pytest.mark.parametrize("name", SMOOTH)
def test_gradients_are_right(name):
    values = (0.1 + 0.8 * instances((2, CLASSES, 7))).requires_grad_()
    features = features_of(values).requires_grad_()
    module = made(name)
    parameters = tuple(module.parameters())
    assert torch.autograd.gradcheck(lambda *inputs: module(*inputs[:2]), (values, features, *parameters))


@pytest.mark.parametrize("name", POOLINGS)
@pytest.mark.parametrize("groups", [(), (3, 2)])
@pytest.mark.parametrize("value", [0.0, 1e-41, 1e-30, 1e-7, 1.0])
def test_saturated_instances_pool_to_themselves_with_finite_gradients(name, groups, value):
    values = torch.full((2, CLASSES, 7), value, requires_grad=True)
    module = made(name, groups=groups).float()
    pooled = module(values, features_of(values.detach()))
    torch.testing.assert_close(pooled, torch.full((2, CLASSES), value))
    assert ((pooled >= 0) & (pooled <= 1)).all()
    pooled.sum().backward()
    for tensor in (values, *module.parameters()):
        assert torch.isfinite(tensor.grad).all()


@pytest.mark.parametrize("r", [0.595, 0.66, 0.9998])
def test_rounding_does_not_lift_results_above_one(r):
    # A cross-entropy refuses more than 1; sums of many sizes, since only some round upwards.
    for count in range(11, 140, 10):
        values = torch.ones(8, 17, count)
        by_frame = instances((8, count, 17), dtype=torch.float32)
        pooled = [pooling("gwrp", 17, 0, r=r)(values)]
        pooled += [pool_in_stages(values, by_frame.transpose(1, 2), groups) for groups in ((), (5, 5))]
        for results in pooled:
            assert ((results > 0.999) & (results <= 1)).all()


@pytest.mark.parametrize("name", POOLINGS)
@pytest.mark.parametrize("groups", [(), (5, 5)])
def test_autocast_makes_no_difference(name, groups):
    # Rounding clip scores to bfloat16 would tie clips, and ties move ranking metrics.
    values = instances((4, CLASSES, 125), dtype=torch.float32)
    module, features = made(name, groups=groups).float(), features_of(values)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        pooled = module(values, features)
    assert pooled.dtype == torch.float32
    assert torch.equal(pooled, module(values, features))


# --- single poolings


@few
@given(shapes, seeds)
def test_gradient_of_the_single_linear_softmax_is_equation_6(shape, seed):
    values = instances(shape, seed).requires_grad_()
    pooled = made("linear")(values)
    (gradient,) = torch.autograd.grad(pooled.sum(), values)
    expected = (2 * values - pooled[..., None]) / values.sum(dim=-1, keepdim=True)
    torch.testing.assert_close(gradient, expected, rtol=1e-9, atol=1e-12)


def test_tied_maxima_share_the_gradient():
    values = torch.tensor([[[0.2, 0.9, 0.9, 0.1]]], requires_grad=True)
    pooling("max", 1, 0)(values).sum().backward()
    assert values.grad.tolist() == [[[0, 0.5, 0.5, 0]]]


@few
@given(shapes, seeds)
def test_auto_pooling_runs_from_mean_to_maximum_class_by_class(shape, seed):
    values = instances(shape, seed)
    module = pooling("auto", CLASSES, 0).double()
    torch.testing.assert_close(module(values), values.mean(dim=-1))
    with torch.no_grad():
        module.alpha.copy_(torch.tensor([0.0, 1.0, 1e6]))
    pooled = module(values)
    torch.testing.assert_close(pooled[:, 0], values[:, 0].mean(dim=-1))
    torch.testing.assert_close(pooled[:, 1], made("exponential")(values)[:, 1])
    torch.testing.assert_close(pooled[:, 2], values[:, 2].amax(dim=-1), atol=1e-4, rtol=0)


@few
@given(shapes, seeds)
def test_power_pooling_runs_from_mean_over_linear_softmax_to_maximum(shape, seed):
    values = instances(shape, seed)
    torch.testing.assert_close(pooling("power", CLASSES, 0, n=0)(values), values.mean(dim=-1))
    torch.testing.assert_close(pooling("power", CLASSES, 0, n=1)(values), made("linear")(values))
    torch.testing.assert_close(pooling("power", CLASSES, 0, n=1e5)(values), values.amax(dim=-1), atol=1e-3, rtol=0)


def test_power_pooling_starts_at_its_n_and_is_precise_for_small_values_and_large_n():
    module = pooling("power", 1, 0)
    assert module.n.item() == pytest.approx(1.2)
    small = torch.tensor([[[1e-3, 2e-3]]])
    expected = (1e-3**11 + 2e-3**11) / (1e-3**10 + 2e-3**10)
    assert pooling("power", 1, 0, n=10)(small).item() == pytest.approx(expected, rel=1e-5)


def test_softmax_of_large_logits_does_not_overflow():
    module = pooling("attention", 1, 1)
    nn.init.constant_(module.dense.weight, 1e3)
    features = torch.tensor([[[-1.0], [1.0], [0.5]]])
    assert module(torch.tensor([[[0.1, 0.7, 0.9]]]), features).item() == pytest.approx(0.7)


@few
@given(shapes, seeds)
def test_class_attention_is_a_softmax_over_the_classes_of_an_instance(shape, seed):
    values, module = instances(shape, seed), made("class_attention", seed)
    weights = module.weights(values, features_of(values, seed))
    torch.testing.assert_close(weights.sum(dim=1), torch.ones(shape[0], shape[2], dtype=torch.float64))


def test_class_attention_is_clamped_so_that_instances_of_other_classes_still_count():
    module = pooling("class_attention", 2, 1)
    with torch.no_grad():
        module.dense.weight.copy_(torch.tensor([[1e3], [-1e3]]))
    features = torch.tensor([[[1.0], [2.0], [3.0]]])
    weights = module.weights(torch.zeros(1, 2, 3), features)
    assert weights.tolist() == [[[1.0] * 3, [pytest.approx(1e-7)] * 3]]
    values = torch.tensor([[[0.1, 0.3, 0.8], [0.2, 0.4, 0.9]]])
    torch.testing.assert_close(module(values, features), values.mean(dim=-1))


def test_class_attention_of_one_class_is_the_mean():
    values = instances((2, 1, 9))
    module = pooling("class_attention", 1, FEATURES).double()
    torch.testing.assert_close(module(values, features_of(values)), values.mean(dim=-1))


# --- frequency-dependent auto-pooling

bands = st.integers(1, 6)
bins = st.tuples(st.integers(1, 2), st.just(CLASSES), st.integers(1, 7))  # (batch, class, frame)


def with_alpha(alpha: torch.Tensor | float, mels: int, alpha_max: float = 10.0) -> nn.Module:
    module = pooling("fap", CLASSES, FEATURES, mels=mels, alpha_max=alpha_max).double()
    with torch.no_grad():
        wanted = torch.as_tensor(alpha, dtype=torch.float64).expand(CLASSES, mels)
        module.free_alpha.copy_(torch.logit(wanted / alpha_max))
    return module


def random_alpha(mels: int, seed: int) -> torch.Tensor:
    return 0.1 + 9 * instances((CLASSES, mels), seed + 50)


@few
@given(bins, bands, seeds)
def test_bins_are_weighted_by_the_alpha_of_their_band(shape, mels, seed):
    masks, alpha = instances((*shape, mels), seed), random_alpha(mels, seed)
    weights = torch.exp(alpha[:, None, :] * masks)
    expected = (weights * masks).sum(dim=(2, 3)) / weights.sum(dim=(2, 3))
    torch.testing.assert_close(with_alpha(alpha, mels)(masks.flatten(2)), expected)


@few
@given(bins, bands, seeds, st.floats(0.01, 9.9))
def test_one_alpha_for_all_bands_is_auto_pooling(shape, mels, seed, alpha):
    masks = instances((*shape, mels), seed).flatten(2)
    auto = pooling("auto", CLASSES, FEATURES).double()
    nn.init.constant_(auto.alpha, alpha)
    torch.testing.assert_close(with_alpha(alpha, mels)(masks), auto(masks))


@few
@given(bins, bands, seeds)
def test_frequency_dependent_pooling_runs_from_mean_over_softmax_to_maximum(shape, mels, seed):
    masks = instances((*shape, mels), seed).flatten(2)
    for alpha, alpha_max, reached in ((1e-9, 10, "gap"), (1, 10, "exponential"), (1e7, 1e8, "gmp")):
        pooled = with_alpha(alpha, mels, alpha_max)(masks)
        torch.testing.assert_close(pooled, made(reached)(masks), atol=1e-5, rtol=0)


@pytest.mark.parametrize("alpha_max", [3, 5, 10])
def test_frequency_dependent_pooling_starts_as_softmax(alpha_max):
    masks = instances((2, CLASSES, 12), dtype=torch.float32)
    module = pooling("fap", CLASSES, FEATURES, mels=4, alpha_max=alpha_max)
    torch.testing.assert_close(module.alpha, torch.ones(CLASSES, 4))
    torch.testing.assert_close(module(masks), pooling("exponential", CLASSES, FEATURES)(masks))


@few
@given(bins, bands, seeds)
def test_gradients_of_frequency_dependent_pooling_are_their_closed_forms(shape, mels, seed):
    # y = sum p M with p = exp(alpha M) / sum exp(alpha M):
    # dy / dM = p (1 + alpha (M - y)), and dy / dalpha(f) = sum over frames of p M (M - y).
    masks, alpha = instances((*shape, mels), seed).requires_grad_(), random_alpha(mels, seed)
    module = with_alpha(alpha, mels)
    pooled = module(masks.flatten(2))
    (of_masks, of_free) = torch.autograd.grad(pooled.sum(), (masks, module.free_alpha))
    with torch.no_grad():
        shares = torch.softmax((alpha[:, None, :] * masks).flatten(2), dim=2).view_as(masks)
        away = masks - pooled[..., None, None]
        of_alpha = (shares * masks * away).sum(dim=(0, 2))
        # alpha = 10 sigmoid(a) has the slope alpha (10 - alpha) / 10.
        expected = of_alpha * alpha * (10 - alpha) / 10
    torch.testing.assert_close(of_masks, shares * (1 + alpha[:, None, :] * away), rtol=1e-7, atol=1e-10)
    torch.testing.assert_close(of_free, expected, rtol=1e-7, atol=1e-10)


def test_gradients_of_frequency_dependent_pooling_are_right():
    module = with_alpha(random_alpha(3, 0), 3)
    masks = (0.1 + 0.8 * instances((2, CLASSES, 6))).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, _: module(x), (masks, module.free_alpha))


@pytest.mark.parametrize("bound", ["sigmoid", "clamp"])
@pytest.mark.parametrize("start", [0.5, 1.0, 2.5])
def test_alpha_starts_where_it_is_said_to(bound, start):
    module = pooling("fap", CLASSES, FEATURES, mels=4, alpha_max=3.0, alpha_start=start, bound=bound)
    torch.testing.assert_close(module.alpha, torch.full((CLASSES, 4), start))


def test_a_clamped_alpha_has_no_gradient_beyond_its_bound():
    masks = instances((2, CLASSES, 8), dtype=torch.float32)
    module = pooling("fap", CLASSES, FEATURES, mels=4, alpha_max=3.0, bound="clamp")
    with torch.no_grad():
        module.free_alpha[:, 0], module.free_alpha[:, 1] = 3.5, -0.5
    assert module.alpha[0].tolist() == [3.0, 0.0, 1.0, 1.0]
    module(masks).sum().backward()
    assert (module.free_alpha.grad[:, :2] == 0).all()
    assert (module.free_alpha.grad[:, 2:] != 0).all()


def test_frame_scores_may_weigh_all_bands_the_same():
    module = pooling("fap", CLASSES, FEATURES, mels=4, frame_weights="equal")
    nn.init.normal_(module.free_alpha)
    masks = instances((2, CLASSES, 5, 4), dtype=torch.float32)
    torch.testing.assert_close(module.over_mel(masks), masks.mean(dim=3))


@pytest.mark.parametrize("sign", [-1, 1])
@pytest.mark.parametrize("alpha_max", [3.0, 10.0])
def test_alpha_stays_inside_its_bound_and_comes_back(sign, alpha_max):
    module = pooling("fap", CLASSES, FEATURES, mels=4, alpha_max=alpha_max)
    masks = instances((2, CLASSES, 20), dtype=torch.float32)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.1)

    def step(direction: int) -> None:
        optimizer.zero_grad()
        (direction * module(masks)).sum().backward()
        optimizer.step()

    # The loss drives alphas to both ends, some bands upwards and others downwards.
    for _ in range(100):
        step(sign)
        assert ((module.alpha > 0) & (module.alpha < alpha_max)).all()
    far = module.alpha.detach().clone()
    assert (far - 1).abs().max() > 0.9
    for _ in range(100):
        step(-sign)
    assert (module.alpha - far).abs().amin() > 1e-3
    assert (module.free_alpha.grad != 0).all()


@few
@given(bins, bands, seeds)
def test_frame_scores_are_the_mean_weighted_by_alpha(shape, mels, seed):
    masks, alpha = instances((*shape, mels), seed), random_alpha(mels, seed)
    expected = torch.einsum("bctf,cf->bct", masks, alpha / alpha.sum(dim=1, keepdim=True))
    torch.testing.assert_close(with_alpha(alpha, mels).over_mel(masks), expected)
    grouped = pooling("fap", CLASSES, FEATURES, groups=[2], mels=mels).double()
    for module in (with_alpha(0.7, mels), made("gwrp"), grouped):
        torch.testing.assert_close(module.over_mel(masks), masks.mean(dim=3))


def test_frame_scores_of_saturated_masks_do_not_exceed_one():
    for mels in range(1, 70):
        module = pooling("fap", 17, FEATURES, mels=mels)
        nn.init.normal_(module.free_alpha)
        scores = module.over_mel(torch.ones(2, 17, 5, mels))
        assert ((scores > 0.999) & (scores <= 1)).all()


def test_bins_that_fill_no_whole_frame_are_refused():
    with pytest.raises(ValueError, match="7 instances are no whole number of frames of 4 mel bands"):
        pooling("fap", CLASSES, FEATURES, mels=4)(instances((1, CLASSES, 7), dtype=torch.float32))


# --- rank pooling


def rank_pooled(values: np.ndarray, r: float) -> np.ndarray:
    """Kong et al. 2019: sum of r^(j-1) x_(j) over j, x_(1) the largest bin, divided by the sum of r^(j-1)."""
    batch, classes = values.shape[:2]
    pooled = np.zeros((batch, classes))
    for b in range(batch):
        for c in range(classes):
            ranked = sorted(values[b, c], reverse=True)
            weights = [r**j if j else 1.0 for j in range(len(ranked))]
            pooled[b, c] = sum(w * x for w, x in zip(weights, ranked, strict=True)) / sum(weights)
    return pooled


@given(shapes, ranks, seeds)
def test_rank_pooling_is_the_published_formula(shape, r, seed):
    values = instances(shape, seed)
    np.testing.assert_allclose(made("gwrp", r=r)(values), rank_pooled(values.numpy(), r), rtol=1e-10)


@given(shapes, seeds)
def test_rank_pooling_lies_between_average_and_maximum_and_reaches_both(shape, seed):
    values = instances(shape, seed)
    average, largest = values.mean(dim=-1), values.amax(dim=-1)
    torch.testing.assert_close(made("gwrp", r=1)(values), average)
    torch.testing.assert_close(made("gwrp", r=0)(values), largest)
    between = made("gwrp", r=0.7)(values)
    assert ((between >= average - 1e-12) & (between <= largest + 1e-12)).all()


def test_rank_pooling_at_the_published_size_and_decay():
    values = instances((1, CLASSES, 311 * 64), dtype=torch.float32)
    expected = rank_pooled(values.double().numpy(), 0.9998)
    np.testing.assert_allclose(pooling("gwrp", CLASSES, 0, r=0.9998)(values), expected, rtol=1e-5)


@few
@given(shapes, ranks, seeds)
def test_gradient_of_rank_pooling_is_its_closed_form(shape, r, seed):
    # d pooled / d x = r^rank(x) / sum_j r^j, where rank counts the larger bins of the same class.
    values = instances(shape, seed).requires_grad_()
    made("gwrp", r=r)(values).sum().backward()
    flat = values.detach().numpy()
    rank = (flat[..., None, :] > flat[..., :, None]).sum(axis=-1)
    weights = np.float64(r) ** np.arange(flat.shape[2])
    expected = np.float64(r) ** rank / weights.sum()
    np.testing.assert_allclose(values.grad, expected, rtol=1e-10, atol=1e-300)


# --- the factory


def test_poolings_by_name():
    for name, kind in POOLINGS.items():
        assert type(made(name)) is kind
    for name, meaning in ALIASES.items():
        assert type(made(name)) is POOLINGS[meaning]
    assert pooling("gwrp", 1, 0, r=0.5).r == 0.5
    hierarchical = pooling("auto", CLASSES, 0, groups=[5, 5], segment_weights="mean")
    assert isinstance(hierarchical, HierarchicalPooling)
    assert type(hierarchical.single) is POOLINGS["auto"]
    assert (hierarchical.groups, hierarchical.segment_weights) == ((5, 5), "mean")


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("gwpr", {"r": 0.5}, "did you mean 'gwrp'?"),
        ("linaer", {}, "did you mean 'linear'?"),
        ("gap", {"r": 0.5}, "pooling 'gap'"),
        ("gwrp", {}, "pooling 'gwrp'"),
        ("gwrp", {"r": 1.5}, "r = 1.5"),
        ("gwrp", {"r": -0.1}, "r = -0.1"),
        ("gwrp", {"r": float("nan")}, "r = nan"),
        ("gwrp", {"r": "much"}, "pooling 'gwrp'"),
        ("power", {"n": "much"}, "pooling 'power'"),
        ("fap", {"alpha_max": 1}, "alpha_max = 1.0 must"),
        ("fap", {"alpha_start": 0}, "above 0.0, where alpha starts"),
        ("fap", {"bound": "sigmoids"}, "bound 'sigmoids' is unknown; did you mean 'sigmoid'?"),
        ("fap", {"frame_weights": "alhpa"}, "did you mean 'alpha'?"),
        ("fap", {"alpha_max": float("nan")}, "alpha_max = nan"),
        ("fap", {"alpha_max": float("inf")}, "alpha_max = inf"),
        ("fap", {"alpha_max": "much"}, "pooling 'fap'"),
        ("fap", {"mels": 0}, "mels = 0"),
        ("fap", {"mels": 2.5}, "mels = 2.5"),
        ("linear", {"groups": [5, 0]}, "groups = [5, 0]"),
        ("linear", {"groups": [2.5]}, "groups = [2.5]"),
        ("linear", {"groups": [True]}, "groups = [True]"),
        ("linear", {"groups": 5}, "groups = 5"),
        ("linear", {"segment_weights": "corected"}, "did you mean 'corrected'?"),
    ],
)
def test_wrong_names_and_arguments_are_refused_in_one_line(name, arguments, words):
    with pytest.raises(SettingsError) as caught:
        pooling(name, CLASSES, FEATURES, **arguments)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_instances_without_any_weight_pool_to_zero():
    values, nothing = instances((2, CLASSES, 6)).requires_grad_(), torch.zeros(2, CLASSES, 6, requires_grad=True)
    for groups in ((), (4,), (2, 2)):
        pooled = pool_in_stages(values, nothing, groups)
        assert (pooled == 0).all()
        gradients = torch.autograd.grad(pooled.sum(), (values, nothing))
        assert all(torch.isfinite(gradient).all() for gradient in gradients)


# --- attention over time and frequency


def attention(channels=3, classes=4, bounds=(0.1, 0.9), classification="log_softmax") -> TimeFrequencyAttention:
    torch.manual_seed(0)
    return TimeFrequencyAttention(channels, classes, bounds, classification).double()


def test_the_classification_starts_after_he_and_the_attention_as_the_mean():
    module = attention(channels=256, classes=41)
    weights = module.classification.weight.detach()
    bound = (6 / 256) ** 0.5  # 0.153, that of the released code
    assert bound == pytest.approx(0.153, abs=5e-4)
    assert 0.99 * bound < weights.abs().max() <= bound
    assert float(weights.std()) == pytest.approx(bound / 3**0.5, rel=0.02)
    for nothing in (module.classification.bias, module.attention.weight, module.attention.bias):
        assert (nothing == 0).all()


def test_a_linear_classification_may_exceed_one_half():
    module, maps = attention(classification="linear").float(), instances((2, 3, 5, 4), dtype=torch.float32)
    clip, frame = module(maps)
    torch.testing.assert_close(clip, torch.sigmoid(module.classification(maps).mean(dim=(2, 3))))
    torch.testing.assert_close(frame, torch.sigmoid(module.classification(maps).mean(dim=3)).transpose(1, 2))
    assert (clip > 0.5).any()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"classification": "softmax"}, "did you mean 'log_softmax'"),
        ({"bounds": (0.9, 0.1)}, "attention_bounds = [0.9, 0.1]"),
        ({"bounds": (0, 0.9)}, "attention_bounds = [0, 0.9]"),
        ({"bounds": (0.1,)}, "attention_bounds = [0.1]"),
    ],
)
def test_impossible_settings_of_time_frequency_attention_are_refused(given, message):
    with pytest.raises(SettingsError) as caught:
        attention(**given)
    assert message in str(caught.value)


@few
@given(st.tuples(*(st.integers(1, n) for n in (3, 4, 7, 5))), seeds)
def test_untrained_attention_is_the_mean_of_the_log_softmax(shape, seed):
    module = attention(shape[1]).float()
    maps = instances(shape, seed, torch.float32)
    clip, frame = module(maps)
    evidence = torch.log_softmax(module.classification(maps), dim=1)
    torch.testing.assert_close(clip, torch.sigmoid(evidence.mean(dim=(2, 3))))
    torch.testing.assert_close(frame, torch.sigmoid(evidence.mean(dim=3)).transpose(1, 2))


def test_constant_attention_of_any_size_is_the_mean():
    module, maps = attention(), instances((2, 3, 5, 4))
    untrained = module(maps)[0]
    for bias in (-50.0, -0.3, 2.0, 50.0):
        nn.init.constant_(module.attention.bias, bias)
        torch.testing.assert_close(module(maps)[0], untrained)


@few
@given(seeds, st.floats(0.1, 30))
def test_attention_scores_are_at_most_one_half(seed, size):
    module, maps = attention(), instances((2, 3, 5, 4), seed) * 2 - 1
    with torch.no_grad():
        for weight in module.parameters():
            weight.mul_(size)
    nn.init.normal_(module.attention.weight)
    clip, frame = module(maps)
    assert ((clip >= 0) & (clip <= 0.5)).all()
    assert ((frame >= 0) & (frame <= 0.5)).all()


def test_attention_is_clamped_so_that_one_bin_weighs_at_most_nine_times_another():
    module = attention(channels=1, classes=2)
    maps = torch.full((1, 1, 1, 4), -1.0, dtype=torch.float64)
    maps[..., 0] = 1.0
    nn.init.constant_(module.attention.weight, 1e3)
    evidence = torch.log_softmax(module.classification(maps), dim=1)[0, :, 0].detach().numpy()
    expected = (0.9 * evidence[:, 0] + 0.1 * evidence[:, 1:].sum(axis=1)) / (0.9 + 3 * 0.1)
    np.testing.assert_allclose(module(maps)[0][0].detach().numpy(), 1 / (1 + np.exp(-expected)), rtol=1e-6)


def test_attention_weights_are_normalised_in_single_precision_under_autocast():
    module, maps = attention().float(), instances((2, 3, 31, 16), dtype=torch.float32)
    nn.init.normal_(module.attention.weight)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        weights = torch.sigmoid(module.attention(maps).float()).clamp(0.1, 0.9)
        evidence = torch.log_softmax(module.classification(maps).float(), dim=1)
        clip, _ = module(maps)
    expected = torch.sigmoid((evidence * weights).sum(dim=(2, 3)) / weights.sum(dim=(2, 3)))
    torch.testing.assert_close(clip, expected)
