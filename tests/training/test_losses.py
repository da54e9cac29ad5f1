from functools import cache

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy, mse_loss

from sedrepro.base.errors import DataError
from sedrepro.training.losses import (
    confidence_penalty,
    hinted,
    interpolated,
    pseudo_weights,
    regulated,
    weighted_cross_entropy,
)
from sedrepro.training.settings import Retraining

SHAPE = (2, 5, 3)
few = settings(deadline=None, max_examples=30)
seeds = st.integers(0, 999)
shares = st.floats(0.05, 0.95)
penalties = st.sampled_from([0.01, 0.03, 0.1, 0.5, 2.0])


def drawn(seed=0, shape=SHAPE) -> Tensor:
    """Numbers well inside (0, 1), in double precision."""
    return 0.02 + 0.96 * torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def hard(seed=0) -> Tensor:
    return (drawn(seed) > 0.5).double()


def test_full_confidence_takes_no_hint_and_none_takes_the_label():
    frame, targets = drawn(1), hard(2)
    assert torch.equal(hinted(frame, targets, torch.ones_like(frame)), frame)
    assert torch.equal(hinted(frame, targets, torch.zeros_like(frame)), targets)


@few
@given(seeds)
def test_a_hint_brings_a_prediction_nearer_to_its_label(seed):
    frame, targets, confidence = drawn(seed), hard(seed + 1), drawn(seed + 2)
    error = (hinted(frame, targets, confidence) - targets).abs()
    torch.testing.assert_close(error, confidence * (frame - targets).abs())


@few
@given(seeds)
def test_the_penalty_is_the_mean_negative_logarithm(seed):
    confidence = drawn(seed)
    torch.testing.assert_close(confidence_penalty(confidence), -confidence.log().mean())


def test_the_penalty_is_finite_at_zero_and_nothing_at_one():
    confidence = torch.tensor([0.0, 1e-30, 1.0], requires_grad=True)
    loss = confidence_penalty(confidence)
    loss.backward()
    assert torch.isfinite(loss)
    assert torch.isfinite(confidence.grad).all()
    assert (confidence.grad[:2] < 0).all()
    assert confidence_penalty(torch.ones(4)) == 0


@few
@given(seeds, st.floats(0, 1))
def test_interpolated_confidence_lies_between_itself_and_one(seed, alpha):
    confidence = drawn(seed)
    weights = interpolated(confidence, alpha)
    torch.testing.assert_close(1 - weights, alpha * (1 - confidence))


def test_alpha_0_weighs_all_alike_and_alpha_1_by_confidence():
    confidence = drawn()
    assert torch.equal(interpolated(confidence, 0.0), torch.ones_like(confidence))
    assert torch.equal(interpolated(confidence, 1.0), confidence)


@few
@given(seeds)
def test_weighted_cross_entropy_is_eq_11(seed):
    frame, targets, weights = drawn(seed), drawn(seed + 1), drawn(seed + 2)
    numerator = denominator = 0.0
    for y, t, c in zip(frame.flatten(), targets.flatten(), weights.flatten(), strict=True):
        numerator += c * -(t * y.log() + (1 - t) * (1 - y).log())
        denominator += c
    loss = weighted_cross_entropy(frame, targets, weights)
    torch.testing.assert_close(loss, numerator / denominator)
    torch.testing.assert_close(weighted_cross_entropy(frame, targets, 0.01 * weights), loss)


@few
@given(seeds)
def test_equal_weights_give_the_plain_cross_entropy(seed):
    frame, targets = drawn(seed), hard(seed + 1)
    loss = weighted_cross_entropy(frame, targets, torch.full_like(frame, 0.3))
    torch.testing.assert_close(loss, binary_cross_entropy(frame, targets))


def test_elements_of_weight_0_have_no_say():
    frame, targets, weights = drawn(1), hard(2), hard(3)
    kept = weights > 0
    loss = weighted_cross_entropy(frame, targets, weights)
    torch.testing.assert_close(loss, binary_cross_entropy(frame[kept], targets[kept]))


def test_no_weight_at_all_gives_0_with_gradient_0():
    frame = torch.tensor([[[0.0, 1.0, 0.3]]], requires_grad=True)
    loss = weighted_cross_entropy(frame, torch.tensor([[[1.0, 0.0, 1.0]]]), torch.zeros((1, 1, 3)))
    loss.backward()
    assert loss == 0
    assert torch.equal(frame.grad, torch.zeros_like(frame))


def test_a_soft_label_is_where_the_weighted_loss_is_least():
    targets, weights = drawn(1), drawn(2)
    frame = targets.clone().requires_grad_()
    weighted_cross_entropy(frame, targets, weights).backward()
    assert frame.grad.abs().max() < 1e-12


@pytest.mark.parametrize(
    "loss",
    [
        lambda y, t, c: hinted(y, t, c).square().sum(),
        lambda y, t, c: confidence_penalty(c),
        lambda y, t, c: interpolated(c, 0.3).square().sum(),
        weighted_cross_entropy,
    ],
)
def test_gradients_are_right(loss):
    inputs = [drawn(seed).requires_grad_() for seed in range(3)]
    assert torch.autograd.gradcheck(loss, inputs)


GRID = torch.linspace(1e-4, 1, 10_000, dtype=torch.float64)


def least(loss) -> float:
    """Where a loss of confidences (candidate,) is least, by grid."""
    return float(GRID[loss(GRID).argmin()])


@cache
def grid_penalty() -> Tensor:
    return torch.stack([confidence_penalty(c) for c in GRID[:, None]])


@settings(max_examples=15)
@given(shares, penalties)
def test_confidence_in_a_single_frame(p, penalty):
    """c = min(1, lambda / ((1 + lambda) (1 - p))) for probability p of the true label."""

    def loss(confidence):
        true = torch.ones_like(confidence)
        hint = hinted(p * true, true, confidence)
        return binary_cross_entropy(hint, true, reduction="none") + penalty * grid_penalty()

    assert least(loss) == pytest.approx(min(1, penalty / ((1 + penalty) * (1 - p))), abs=2e-4)


@settings(max_examples=15)
@given(shares, penalties)
def test_confidence_among_frames_that_look_alike(q, penalty):
    """c = lambda / (lambda + 1 - q), where a saturated prediction is right in a share q of them."""

    def loss(confidence):
        predicted = torch.ones_like(confidence)
        right, wrong = (
            binary_cross_entropy(hinted(predicted, label, confidence), label, reduction="none")
            for label in (predicted, 1 - predicted)
        )
        return q * right + (1 - q) * wrong + penalty * grid_penalty()

    assert least(loss) == pytest.approx(penalty / (penalty + 1 - q), abs=2e-4)


@pytest.mark.parametrize("penalty", [0.03, 0.1])
def test_gradient_descent_finds_that_confidence(penalty):
    shares = torch.tensor([0.5, 0.8, 0.95])
    right = torch.arange(200)[:, None] < 200 * shares
    targets = right.double()[None]
    frame = torch.ones_like(targets)
    logits = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.05)
    for _ in range(600):
        confidence = torch.sigmoid(logits).expand_as(targets)
        loss = binary_cross_entropy(hinted(frame, targets, confidence), targets)
        optimizer.zero_grad()
        (loss + penalty * confidence_penalty(confidence)).backward()
        optimizer.step()
    expected = penalty / (penalty + 1 - shares.double())
    torch.testing.assert_close(torch.sigmoid(logits).detach(), expected, rtol=0, atol=2e-3)


class Branches(nn.Module):
    """A frame and a confidence branch on common features; the clip score is linear softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.common, self.frame, self.confidence = (nn.Linear(3, 3).double() for _ in range(3))

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        common = self.common(features).detach()  # fixed, as in the training of the branch
        frame = torch.sigmoid(self.frame(common))
        clip = frame.square().sum(dim=1) / frame.sum(dim=1)
        return frame, clip, torch.sigmoid(self.confidence(common))


def confidence_gradient(name: str) -> Tensor | None:
    """Gradient in the confidence branch of one term of eq. 9."""
    torch.manual_seed(0)
    network = Branches()
    frame, clip, confidence = network(drawn(1))
    targets, teacher = hard(2), drawn(3)
    hints = hinted(frame, targets, confidence)
    loss = {
        "frame": lambda: binary_cross_entropy(hints, targets),
        "clip": lambda: binary_cross_entropy(clip, targets.amax(dim=1)),
        "frame_consistency": lambda: mse_loss(frame, teacher),
        "clip_consistency": lambda: mse_loss(clip, teacher.mean(dim=1)),
        "penalty": lambda: confidence_penalty(confidence),
        "hinted_consistency": lambda: mse_loss(hints, teacher),
    }[name]()
    loss.backward()
    return network.confidence.weight.grad


@pytest.mark.parametrize("name", ["frame", "penalty", "hinted_consistency"])
def test_terms_that_teach_confidence(name):
    assert confidence_gradient(name).abs().max() > 0


@pytest.mark.parametrize("name", ["clip", "frame_consistency", "clip_consistency"])
def test_terms_of_eq_9_that_do_not_teach_confidence(name):
    assert confidence_gradient(name) is None


def how(weights="equal", alpha=1.0, threshold=None, below="dropped", labels="soft") -> Retraining:
    """What weighing depends on, without the rest of the settings."""
    return Retraining.model_construct(weights=weights, alpha=alpha, threshold=threshold, below=below, labels=labels)


def test_hard_labels_are_rounded_and_weighed_by_the_probability_before():
    frame = torch.tensor([0.05, 0.499, 0.5, 0.95]).reshape(1, 4, 1)
    labels, weights = pseudo_weights(frame, None, how("probability", 1.0, labels="hard"))
    assert labels.flatten().tolist() == [0, 0, 1, 1]
    assert torch.equal(weights, frame)


def test_weights_are_equal_confidence_or_probability():
    frame, confidence = drawn(1), drawn(2)
    expected = {"equal": torch.ones_like(frame), "confidence": confidence, "probability": frame}
    for name, weights in expected.items():
        labels, found = pseudo_weights(frame, confidence, how(name))
        assert torch.equal(labels, frame)
        assert torch.equal(found, weights)


@few
@given(seeds, st.sampled_from(["equal", "confidence", "probability"]), st.floats(0, 1))
def test_weights_are_interpolated(seed, name, alpha):
    frame, confidence = drawn(seed), drawn(seed + 1)
    plain, weights = (pseudo_weights(frame, confidence, how(name, each))[1] for each in (1.0, alpha))
    torch.testing.assert_close(weights, interpolated(plain, alpha))


def test_true_negatives_weighed_by_probability_get_about_07():
    # Section 3.2.2, for alpha = 0.3.
    _, weights = pseudo_weights(torch.full(SHAPE, 0.01), None, how("probability", alpha=0.3))
    torch.testing.assert_close(weights, torch.full(SHAPE, 0.703))


@pytest.mark.parametrize("alpha", [0.0, 0.3, 1.0])
def test_dropped_labels_have_weight_0_whatever_alpha_is(alpha):
    frame, confidence = torch.tensor([[[0.1, 0.5, 0.9]]]), torch.tensor([[[0.8, 0.6, 0.4]]])
    labels, weights = pseudo_weights(frame, confidence, how("confidence", alpha, threshold=0.5))
    assert torch.equal(labels, frame)
    expected = interpolated(confidence, alpha) * torch.tensor([0.0, 1.0, 1.0])
    torch.testing.assert_close(weights, expected)


def test_negative_labels_keep_their_weight():
    frame, confidence = torch.tensor([[[0.1, 0.5, 0.9]]]), torch.tensor([[[0.8, 0.6, 0.4]]])
    labels, weights = pseudo_weights(frame, confidence, how("confidence", threshold=0.5, below="negative"))
    assert torch.equal(labels, torch.tensor([[[0.0, 0.5, 0.9]]]))
    assert torch.equal(weights, confidence)


def test_weighing_leaves_its_inputs_alone():
    frame, confidence = drawn(1), drawn(2)
    kept = frame.clone(), confidence.clone()
    for below in ("dropped", "negative"):
        labels, weights = pseudo_weights(frame, confidence, how("confidence", threshold=0.5, below=below))
        regulated(labels, weights, torch.zeros((2, 3)))
    assert torch.equal(frame, kept[0])
    assert torch.equal(confidence, kept[1])


def test_only_confidence_weights_need_a_confidence():
    frame = drawn()
    with pytest.raises(DataError, match="without confidence"):
        pseudo_weights(frame, None, how("confidence"))
    for name in ("equal", "probability"):
        pseudo_weights(frame, None, how(name))


@few
@given(seeds)
def test_weak_labels_overrule_pseudo_labels_of_absent_classes_only(seed):
    frame, weights = drawn(seed), drawn(seed + 1)
    clip_targets = (drawn(seed + 2, (2, 3)) > 0.5).float()
    found = regulated(frame, weights, clip_targets)
    for clip in range(2):
        for label in range(3):
            present = bool(clip_targets[clip, label])
            expected = (frame, weights) if present else (torch.zeros_like(frame), torch.ones_like(weights))
            for got, wanted in zip(found, expected, strict=True):
                assert torch.equal(got[clip, :, label], wanted[clip, :, label])
