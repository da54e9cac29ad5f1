"""Linear and power pooling (Liu et al. 2020, Section 2.2): what the paper derives, against autograd."""

from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sedrepro.nn.poolings import PowerPooling, pooling

few = settings(deadline=None, max_examples=60)
seeds = st.integers(0, 999)
counts = st.integers(2, 30)
exponents = st.floats(-5, 20)


def frames(count: int, seed: int) -> torch.Tensor:
    """Frame scores (batch, class, frame) in [0.02, 0.98]: the closed forms divide by them."""
    generator = torch.Generator().manual_seed(seed)
    return (0.02 + 0.96 * torch.rand((2, 3, count), generator=generator, dtype=torch.float64)).requires_grad_()


def power(n: float) -> PowerPooling:
    module = pooling("power", 3, 0).double()
    torch.nn.init.constant_(module.n, n)  # all digits of it
    return module


def loss_gradient(n: float, scores: torch.Tensor, label: float) -> tuple[torch.Tensor, torch.Tensor]:
    """theta y_c, and what gradient descent on the cross-entropy of the clip scores adds to each frame score."""
    clip = power(n)(scores)
    loss = torch.nn.functional.binary_cross_entropy(clip, torch.full_like(clip, label), reduction="sum")
    (gradient,) = torch.autograd.grad(loss, scores)
    return n / (n + 1) * clip.detach()[..., None], -gradient


# --- gradients in closed form


@few
@given(counts, seeds)
def test_the_gradient_of_linear_pooling_is_equation_2(count, seed):
    scores = frames(count, seed)
    clip = pooling("linear", 3, 0)(scores)
    (gradient,) = torch.autograd.grad(clip.sum(), scores)
    torch.testing.assert_close(gradient, (2 * scores - clip[..., None]) / scores.sum(dim=-1, keepdim=True))


@few
@given(counts, seeds, exponents)
def test_the_gradient_of_power_pooling_is_equation_4(count, seed, n):
    scores = frames(count, seed)
    clip = power(n)(scores)
    (gradient,) = torch.autograd.grad(clip.sum(), scores)
    above = (n + 1) * scores**n - n * scores ** (n - 1) * clip[..., None]
    torch.testing.assert_close(gradient, above / (scores**n).sum(dim=-1, keepdim=True), rtol=1e-8, atol=1e-10)


@few
@given(counts, seeds, exponents)
def test_the_gradient_by_n_equals_finite_differences_and_is_never_negative(count, seed, n):
    scores, module, step = frames(count, seed).detach(), power(n), 1e-5
    module(scores).sum().backward()
    numeric = (power(n + step)(scores) - power(n - step)(scores)) / (2 * step)
    torch.testing.assert_close(module.n.grad, numeric.sum(), rtol=1e-5, atol=1e-8)
    # dy_c / dn is the weighted covariance of y_f and log y_f: positive clips raise n, negative ones lower it.
    assert (numeric > -1e-9).all()


# --- what it interpolates


@few
@given(counts, seeds)
def test_power_pooling_is_the_mean_at_0_linear_at_1_and_tends_to_the_maximum(count, seed):
    scores = frames(count, seed).detach()
    torch.testing.assert_close(power(0)(scores), scores.mean(dim=-1))
    torch.testing.assert_close(power(1)(scores), pooling("linear", 3, 0)(scores))
    largest = scores.amax(dim=-1)
    away = [(largest - power(n)(scores)).max() for n in (1, 10, 100, 1e4)]
    assert all(later <= sooner + 1e-12 for sooner, later in pairwise(away))
    assert away[-1] < 1e-3


# --- Section 2.2.2: where gradient descent drives frame scores


@few
@given(counts, seeds, st.floats(0.01, 20))
def test_above_n_0_positive_clips_part_the_frames_at_theta_y_c_and_negative_ones_draw_them_there(count, seed, n):
    scores = frames(count, seed)
    threshold, raised = loss_gradient(n, scores, 1)
    assert ((threshold > 0) & (threshold < scores.amax(dim=-1, keepdim=True))).all()
    assert (raised * (scores - threshold) >= 0).all()
    assert (raised.amax(dim=-1) > 0).all()
    _, lowered = loss_gradient(n, scores, 0)
    assert (lowered * (scores - threshold) <= 0).all()


@few
@given(counts, seeds, st.floats(-0.999, 0))
def test_from_n_minus_1_to_0_all_frames_follow_the_clip(count, seed, n):
    scores = frames(count, seed)
    threshold, raised = loss_gradient(n, scores, 1)
    assert (threshold <= 0).all()
    assert (raised > 0).all()
    assert (loss_gradient(n, scores, 0)[1] < 0).all()


@few
@given(counts, seeds, st.floats(-5, -1.001))
def test_below_n_minus_1_quiet_frames_weigh_most_and_positive_clips_draw_frames_to_theta_y_c(count, seed, n):
    # The paper only says that this violates the standard multiple instance assumption; by eq. 4 the directions are
    # those of n > 0 reversed, around a threshold above y_c.
    scores = frames(count, seed)
    weights = power(n).weights(scores.detach())
    order = scores.argsort(dim=-1)
    assert (weights.gather(-1, order).diff(dim=-1) <= 0).all()
    threshold, raised = loss_gradient(n, scores, 1)
    assert (threshold > scores.detach().amin(dim=-1, keepdim=True)).all()
    assert (raised * (scores - threshold) <= 0).all()
    assert (loss_gradient(n, scores, 0)[1] * (scores - threshold) >= 0).all()


@pytest.mark.parametrize("n", [-5, -2])
def test_below_n_minus_1_one_quiet_frame_keeps_a_clip_negative(n):
    scores = torch.full((1, 3, 100), 0.99, dtype=torch.float64)
    scores[..., 50] = 0.001
    assert (power(n)(scores) < 0.01).all()
    assert (power(1)(scores) > 0.97).all()


# --- single precision


@few
@given(
    st.lists(st.one_of(st.sampled_from([0.0, 1.0, 1e-45, 1e-7, 1 - 2**-24]), st.floats(0, 1, width=32)), min_size=1),
    exponents,
)
def test_saturated_scores_have_finite_results_and_gradients(values, n):
    scores = torch.tensor([[values]], dtype=torch.float32, requires_grad=True)
    module = pooling("power", 1, 0, n=n)
    clip = module(scores)
    assert clip.dtype == torch.float32
    assert scores.min() <= clip + 1e-6
    assert clip <= scores.max() + 1e-6
    clip.sum().backward()
    assert torch.isfinite(scores.grad).all()
    assert torch.isfinite(module.n.grad)


@few
@given(counts, seeds, exponents, st.floats(1e-6, 1))
def test_single_precision_is_close_to_double(count, seed, n, scale):
    scores = scale * frames(count, seed).detach()
    single, double = pooling("power", 3, 0, n=n), power(n)
    torch.testing.assert_close(single(scores.float()).double(), double(scores), rtol=1e-4, atol=0)
    single(scores.float()).sum().backward()
    double(scores).sum().backward()
    torch.testing.assert_close(single.n.grad.double(), double.n.grad, rtol=1e-2, atol=1e-5)
