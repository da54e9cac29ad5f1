import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn.functional import binary_cross_entropy

from sedrepro.training.guidance import (
    adaptive_focal,
    cross_entropy,
    distillation,
    frame_differences,
    guidance,
    guidance_as_released,
    guidance_weight,
    tags,
    target_event_distillation,
)

CLIPS, CLASSES, FRAMES, FEATURES = 4, 3, 12, 5
ROWS = torch.tensor([True, False, True, False])
probabilities = st.floats(0.001, 0.999)


def scores(*shape, seed=0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 0.01 + 0.98 * torch.rand(shape or (CLIPS, CLASSES), generator=generator, dtype=torch.float64)


def features(frames, seed=0, clips=CLIPS) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn((clips, frames, FEATURES), generator=generator, dtype=torch.float64)


def labels(*shape, seed=7) -> torch.Tensor:
    return (scores(*shape, seed=seed) > 0.5).double()


def one(p: float) -> torch.Tensor:
    return torch.tensor([[p]], dtype=torch.float64)


# --- rows


@pytest.mark.parametrize("loss", [cross_entropy, adaptive_focal])
@pytest.mark.parametrize("shape", [(CLIPS, CLASSES), (CLIPS, FRAMES, CLASSES)])
def test_a_loss_of_rows_is_that_of_these_clips_alone(loss, shape):
    p, y = scores(*shape), labels(*shape)
    torch.testing.assert_close(loss(p, y, rows=ROWS), loss(p[ROWS], y[ROWS]))
    torch.testing.assert_close(loss(p, y, rows=torch.ones(CLIPS, dtype=torch.bool)), loss(p, y))


@pytest.mark.parametrize("loss", [cross_entropy, adaptive_focal, guidance])
def test_without_any_row_a_loss_is_zero_and_so_is_its_gradient(loss):
    p = scores().requires_grad_()
    value = loss(p, labels(), rows=torch.zeros(CLIPS, dtype=torch.bool))
    assert value == 0
    value.backward()
    assert (p.grad == 0).all()


def test_cross_entropy_is_the_mean_over_clips_frames_and_classes():
    p, y = scores(CLIPS, FRAMES, CLASSES), labels(CLIPS, FRAMES, CLASSES)
    torch.testing.assert_close(cross_entropy(p, y), -(y * p.log() + (1 - y) * (1 - p).log()).mean())


# --- guidance


@pytest.mark.parametrize(("epoch", "weight"), [(1, 0), (29, 0), (30, 0), (31, 0.004), (32, 1 - 0.992016)])
def test_the_student_guides_after_the_start(epoch, weight):
    assert guidance_weight(epoch, 30) == pytest.approx(weight, abs=1e-12)


def test_the_weight_of_guidance_rises_towards_one():
    weights = [guidance_weight(epoch, 5, base=0.99) for epoch in range(6, 2000)]
    assert all(later > earlier for earlier, later in pairwise(weights))
    assert 0.999 < weights[-1] < 1


def test_tags_are_what_is_above_one_half():
    assert tags(torch.tensor([[0.0, 0.5, 0.51, 1.0]])).tolist() == [[0, 0, 1, 1]]


def test_guidance_is_cross_entropy_against_the_others_tags():
    p, guide = scores(seed=1), scores(seed=2)
    torch.testing.assert_close(guidance(p, guide), binary_cross_entropy(p, (guide > 0.5).double()))
    torch.testing.assert_close(guidance(p, guide, ROWS, 0.3), 0.3 * guidance(p[ROWS], guide[ROWS]))


@pytest.mark.parametrize("released", [False, True])
def test_guidance_moves_the_guided_only(released):
    p, guide = scores(seed=1).requires_grad_(), scores(seed=2).requires_grad_()
    (guidance_as_released(p, guide, ROWS) if released else guidance(p, guide, ROWS)).backward()
    assert guide.grad is None
    assert (p.grad[ROWS] != 0).all()
    assert (p.grad[~ROWS] == 0).all()


def test_of_full_weight_the_released_guidance_is_diluted_by_the_clips_that_are_no_rows():
    p, guide = scores(seed=1), scores(seed=2)
    torch.testing.assert_close(guidance_as_released(p, guide, ROWS), guidance(p, guide, ROWS) * ROWS.double().mean())


def test_the_released_guidance_has_its_weight_within_the_cross_entropy():
    value = guidance_as_released(one(0.8), one(0.9), torch.tensor([True]), weight=0.25)
    assert float(value) == pytest.approx(-(0.25 * math.log(0.2) + 0.75 * math.log(0.8)))
    assert float(value) != pytest.approx(float(guidance(one(0.8), one(0.9), weight=0.25)), rel=0.1)


def test_the_released_guidance_costs_an_entropy_where_the_score_is_right():
    entropy = -(0.25 * math.log(0.25) + 0.75 * math.log(0.75))
    right = one(1.0).requires_grad_()
    value = guidance_as_released(right, one(0.9), torch.tensor([True]), weight=0.25)
    value.backward()
    assert float(value.detach()) == pytest.approx(entropy)
    assert float(right.grad) == pytest.approx(0, abs=1e-12)
    assert guidance_as_released(one(0.3), one(0.9), torch.tensor([True]), weight=0.0) == 0


# --- distillation


def test_equation_1_by_hand():
    # Two frames of the student per frame of the teacher; distances 5, 0, 1, 2, of which frames 0 and 3 have an event.
    teacher = torch.tensor([[[0.0, 0.0], [1.0, 1.0]]])
    student = torch.tensor([[[3.0, 4.0], [0.0, 0.0], [1.0, 2.0], [3.0, 1.0]]])
    targets = torch.zeros(1, 4, 2, dtype=torch.uint8)
    targets[0, 0, 1] = targets[0, 3, 0] = targets[0, 3, 1] = 1
    strong = torch.tensor([True])
    assert float(target_event_distillation(teacher, student, targets, strong)) == pytest.approx((5 + 2) / 4)
    assert float(distillation(teacher, student)) == pytest.approx(8 / 4)
    assert float(distillation(teacher, student, measure="squared")) == pytest.approx((25 + 0 + 1 + 4) / 2 / 4)
    # Means of the student: (1.5, 2) and (2, 1.5); both frames of the teacher have an event.
    pooled = (2.5 + math.hypot(1, 0.5)) / 2
    assert float(target_event_distillation(teacher, student, targets, strong, "pooled")) == pytest.approx(pooled)
    assert float(distillation(teacher, student, align="pooled")) == pytest.approx(pooled)


@given(st.integers(0, 99))
def test_only_frames_of_events_in_strong_clips_count(seed):
    teacher, student = features(3, seed), features(FRAMES, seed + 1)
    targets = labels(CLIPS, FRAMES, CLASSES, seed=seed + 2)
    value = target_event_distillation(teacher, student, targets, ROWS)
    counted = targets.amax(dim=2).bool() & ROWS[:, None]
    moved = torch.where(counted[:, :, None], student, features(FRAMES, seed + 3))
    torch.testing.assert_close(target_event_distillation(teacher, moved, targets, ROWS), value)
    everywhere = torch.ones_like(targets)
    torch.testing.assert_close(
        target_event_distillation(teacher, student, everywhere, ROWS), distillation(teacher, student, ROWS)
    )
    assert value <= distillation(teacher, student, ROWS)


def test_strong_labels_may_be_finer_than_the_student():
    teacher, student = features(3), features(FRAMES, 1)
    fine = torch.zeros(CLIPS, 3 * FRAMES, CLASSES)
    fine[:, 3 * 4 + 1, 0] = 1  # the middle of the three that frame 4 covers
    coarse = torch.zeros(CLIPS, FRAMES, CLASSES)
    coarse[:, 4, 0] = 1
    values = [target_event_distillation(teacher, student, each, ROWS) for each in (fine, coarse)]
    assert values[0] == values[1] > 0


@pytest.mark.parametrize("align", ["upsampled", "pooled"])
@pytest.mark.parametrize("measure", ["distance", "squared"])
def test_equal_features_cost_nothing_and_their_gradients_are_finite(align, measure):
    teacher = features(3).requires_grad_()
    student = features(3).repeat_interleave(4, dim=1).requires_grad_()
    value = distillation(teacher, student, measure=measure, align=align)
    value.backward()
    assert value.detach() == pytest.approx(0, abs=1e-12)
    assert torch.isfinite(teacher.grad).all()
    assert torch.isfinite(student.grad).all()


def test_both_networks_are_pulled():
    teacher, student = features(3).requires_grad_(), features(FRAMES, 1).requires_grad_()
    target_event_distillation(teacher, student, torch.ones(CLIPS, FRAMES, CLASSES), ROWS).backward()
    for each in (teacher, student):
        assert (each.grad[ROWS] != 0).all()
        assert (each.grad[~ROWS] == 0).all()


def test_on_one_grid_both_alignments_are_the_plain_distance():
    teacher, student = features(6), features(6, 1)
    for align in ("upsampled", "pooled"):
        distance = frame_differences(teacher, student, "distance", align)
        torch.testing.assert_close(distance, (teacher - student).norm(dim=2))


@pytest.mark.parametrize(
    ("frames", "how", "words"),
    [
        (5, {}, "12 frames of the student are no multiple of the teacher's 5"),
        (24, {}, "12 frames of the student are no multiple of the teacher's 24"),
        (3, {"measure": "mse"}, "measure 'mse' is unknown; known: distance, squared"),
        (3, {"align": "cut"}, "align 'cut' is unknown; known: upsampled, pooled"),
    ],
)
def test_what_does_not_fit_is_refused(frames, how, words):
    with pytest.raises(ValueError, match=words):
        distillation(features(frames), features(FRAMES), **how)


# --- adaptive focal loss


def focal(p: float, gamma: float = 2.0, form: str = "printed", active: bool = True) -> float:
    return float(adaptive_focal(one(p if active else 1 - p), one(float(active)), gamma, form))


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize(("form", "weight"), [("printed", 0.75), ("cited", 0.25)])
def test_closed_form_at_one_half(form, weight, active):
    assert focal(0.5, 2, form, active) == pytest.approx(weight * math.log(2))


@given(probabilities, st.floats(1, 5))
def test_the_forms_and_cross_entropy_are_ordered(p, gamma):
    entropy = -math.log(p)
    assert focal(p, gamma, "cited") <= focal(p, gamma) + 1e-12
    assert focal(p, gamma) <= entropy + 1e-12
    assert focal(p, 1, "cited") == pytest.approx(focal(p, 1), rel=1e-9)
    assert focal(p, 0, "cited") == pytest.approx(entropy, rel=1e-9)
    assert focal(p, gamma, active=False) == pytest.approx(focal(p, gamma), rel=1e-9)


@given(st.tuples(probabilities, probabilities), st.floats(0.5, 5), st.sampled_from(["printed", "cited"]))
def test_harder_decisions_cost_more(pair, gamma, form):
    hard, easy = sorted(pair)
    assert focal(hard, gamma, form) >= focal(easy, gamma, form)


@pytest.mark.parametrize("gamma", [1, 2, 4])
def test_near_certainty_the_printed_weight_falls_in_proportion_to_the_error(gamma):
    for error in (1e-3, 1e-4):
        assert focal(1 - error, gamma) / (gamma * error**2) == pytest.approx(1, abs=5 * error * gamma)


@given(probabilities, st.floats(0.5, 4), st.sampled_from(["printed", "cited"]), st.booleans())
def test_gradients_pass_through_the_weight(p, gamma, form, active):
    step = 1e-6 * min(p, 1 - p)
    score = one(p).requires_grad_()
    adaptive_focal(score, one(float(active)), gamma, form).backward()
    ends = [float(adaptive_focal(one(p + sign * step), one(float(active)), gamma, form)) for sign in (1, -1)]
    assert float(score.grad) == pytest.approx((ends[0] - ends[1]) / (2 * step), rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("form", ["printed", "cited"])
@pytest.mark.parametrize("gamma", [0.5, 2])
def test_certain_scores_cost_nothing_if_right_and_a_finite_amount_if_wrong(form, gamma):
    right, wrong = (torch.tensor([[1.0, 0.0]], requires_grad=True) for _ in range(2))
    for score, targets in ((right, [[1.0, 0.0]]), (wrong, [[0.0, 1.0]])):
        adaptive_focal(score, torch.tensor(targets), gamma, form).backward()
        assert torch.isfinite(score.grad).all()
    assert 0 <= adaptive_focal(right, torch.tensor([[1.0, 0.0]]), gamma, form) < 1e-6
    assert 10 < adaptive_focal(wrong, torch.tensor([[0.0, 1.0]]), gamma, form) < 20


def test_an_unknown_form_is_refused():
    with pytest.raises(ValueError, match="form 'focal' is unknown; known: printed, cited"):
        adaptive_focal(scores(), labels(), form="focal")
