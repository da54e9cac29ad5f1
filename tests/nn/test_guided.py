import math
import re

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from sedrepro.base.errors import SettingsError
from sedrepro.nn.guided import Branch, ClassWiseAttention, GuidedEncoder, TeacherStudent, disentangled_sizes

# Clips of the official weak and synthetic lists of DCASE 2019 with this class only, in the order of the labels.
ALONE = [238, 160, 232, 114, 229, 127, 50, 278, 44, 193]
TEACHER = {
    "filters": [16, 32, 64, 128, 256],
    "convolutions": [2, 2, 2, 2, 1],
    "kernels": [3, 3, 3, 3, 1],
    "poolings": [[5, 4], [5, 2], [2, 2], [2, 2], [1, 1]],
    "dropout": 0.3,
}
STUDENT = {
    "filters": [160] * 3,
    "convolutions": [1] * 3,
    "kernels": [5, 5, 3],
    "poolings": [[1, 4]] * 3,
    "dropout": 0.0,
}
SMALL = {"filters": [3, 4], "convolutions": [2, 1], "kernels": [3, 1], "poolings": [[2, 2], [3, 2]], "dropout": 0.0}


def normal(*shape, seed=0, dtype=torch.float32) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def attention(features=6, classes=3, sizes=(6, 2, 1), seed=0) -> ClassWiseAttention:
    """Weights are drawn, also those that start as 0."""
    torch.manual_seed(seed)
    module = ClassWiseAttention(features, classes, sizes).double()
    for number, parameter in enumerate(module.parameters()):
        parameter.data = normal(*parameter.shape, seed=seed + number, dtype=torch.float64)
    return module


# --- encoders


@pytest.mark.parametrize(
    ("arguments", "released", "frames", "features"), [(STUDENT, 875_968, 500, 160), (TEACHER, 327_856, 5, 512)]
)
def test_encoders_are_the_released_ones_but_for_biases_before_a_norm(arguments, released, frames, features):
    encoder = GuidedEncoder(500, 64, **arguments)
    biases = sum(c * f for c, f in zip(arguments["convolutions"], arguments["filters"], strict=True))
    assert sum(p.numel() for p in encoder.parameters()) == released - biases
    assert (encoder.features, 500 // encoder.time_reduction) == (features, frames)


def test_the_shape_is_what_the_encoder_says():
    encoder = GuidedEncoder(12, 9, **SMALL)
    assert encoder(normal(2, 12, 9)).shape == (2, 12 // encoder.time_reduction, encoder.features) == (2, 2, 8)


def test_features_are_stacked_band_by_band():
    encoder = GuidedEncoder(12, 9, **SMALL).eval()
    maps = []
    encoder.blocks.register_forward_hook(lambda _, __, output: maps.append(output))
    features = encoder(normal(2, 12, 9))
    assert maps[0].shape == (2, 4, 2, 2)
    for band in range(2):
        assert torch.equal(features[:, :, 4 * band : 4 * band + 4], maps[0][:, :, :, band].transpose(1, 2))


def test_a_block_is_convolutions_with_norm_and_relu_then_pooling_and_dropout():
    first, second = GuidedEncoder(12, 9, **SMALL | {"dropout": 0.25}).blocks
    convolution = [nn.Conv2d, nn.BatchNorm2d, nn.ReLU]
    assert [type(layer) for layer in first] == [*2 * convolution, nn.MaxPool2d, nn.Dropout]
    assert [type(layer) for layer in second] == [*convolution, nn.MaxPool2d, nn.Dropout]
    assert (first[-1].p, first[-2].kernel_size, second[-2].kernel_size) == (0.25, (2, 2), (3, 2))
    assert (first[0].kernel_size, second[0].kernel_size) == ((3, 3), (1, 1))


def test_all_norms_of_an_encoder_have_the_same_defaults():
    norms = [m for m in GuidedEncoder(12, 9, **SMALL, batch_norm="keras").modules() if hasattr(m, "running_mean")]
    assert [(norm.eps, norm.momentum) for norm in norms] == 4 * [(1e-3, 0.01)]


def test_a_trained_encoder_does_not_mind_the_level_of_a_band():
    torch.manual_seed(0)
    encoder = GuidedEncoder(12, 9, **SMALL)
    logmel, level, scale = normal(4, 12, 9), normal(9, seed=1), normal(9, seed=2).abs() + 0.5
    torch.testing.assert_close(encoder(logmel), encoder(logmel * scale + level), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"filters": [3]}, "1 filters, 2 convolutions, 2 kernels, 2 poolings"),
        ({"filters": [], "convolutions": [], "kernels": [], "poolings": []}, "filters = []"),
        ({"poolings": [[2, 2], [7, 2]]}, "12 frames x 9 mel bands are too few"),
        ({"poolings": [[2, 2], [3]]}, "[frame, mel]"),
    ],
)
def test_impossible_encoders_are_refused(change, words):
    with pytest.raises((SettingsError, ValueError), match=re.escape(words)):
        GuidedEncoder(12, 9, **SMALL | change)


# --- disentangled features


@pytest.mark.parametrize(
    ("features", "sizes"),
    [
        (160, [137, 94, 134, 69, 132, 76, 34, 160, 30, 113]),
        (512, [441, 303, 430, 222, 425, 245, 108, 512, 98, 361]),
    ],
)
def test_sizes_of_the_official_lists_are_those_of_the_release(features, sizes):
    assert disentangled_sizes(ALONE, features, 0.04) == sizes


@given(st.lists(st.integers(0, 400), min_size=1).filter(any), st.integers(1, 600), st.floats(0, 1))
def test_sizes_follow_the_counts_and_stay_within_the_features(counts, features, share):
    sizes = disentangled_sizes(counts, features, share)
    assert all(1 <= size <= features for size in sizes)
    assert sizes[counts.index(max(counts))] == features
    ranked = [size for _, size in sorted(zip(counts, sizes, strict=True))]
    assert ranked == sorted(ranked)
    assert disentangled_sizes(counts, features, 1) == [features] * len(counts)


@pytest.mark.parametrize(("counts", "share"), [([], 0.04), ([0, 0], 0.04), ([3, -1], 0.04), ([3, 1], 1.5)])
def test_impossible_counts_are_refused(counts, share):
    with pytest.raises(ValueError, match="give counts of which one is positive"):
        disentangled_sizes(counts, 160, share)


# --- class-wise attention


def by_class(module: ClassWiseAttention, features: torch.Tensor, sizes) -> tuple[torch.Tensor, torch.Tensor]:
    """Clip and frame scores one class after the other, as the formulas of the release have it."""
    clip, frame = [], []
    for c, size in enumerate(sizes):
        own = features[:, :, :size]
        evidence = own @ module.evidence[c, :size] + module.evidence_bias[c]
        weights = torch.softmax(evidence / size, dim=1)
        attended = (weights[:, :, None] * own).sum(dim=1)
        clip.append(torch.sigmoid(attended @ module.tagging[c, :size] + module.tagging_bias[c]))
        frame.append(torch.sigmoid(evidence))
    return torch.stack(clip, dim=1), torch.stack(frame, dim=2)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.integers(1, 6), min_size=1, max_size=4), st.integers(1, 7), st.integers(0, 99))
def test_all_classes_at_once_are_one_class_after_the_other(sizes, frames, seed):
    module = attention(classes=len(sizes), sizes=sizes, seed=seed)
    features = normal(2, frames, 6, seed=seed, dtype=torch.float64)
    output = module(features)
    clip, frame = by_class(module, features, sizes)
    torch.testing.assert_close(output.clip, clip)
    torch.testing.assert_close(output.frame, frame)


def test_a_class_does_not_see_beyond_its_size():
    module, sizes = attention(), (6, 2, 1)
    features = normal(2, 5, 6, dtype=torch.float64)
    for first_changed in (1, 2):
        other = features.clone()
        other[:, :, first_changed:] += 1
        before, after = module(features), module(other)
        for c, size in enumerate(sizes):
            same = size <= first_changed
            assert torch.equal(before.clip[:, c], after.clip[:, c]) == same
            assert torch.equal(before.frame[:, :, c], after.frame[:, :, c]) == same


def test_weights_beyond_a_size_do_not_learn():
    module = attention()
    output = module(normal(2, 5, 6, dtype=torch.float64))
    (output.clip.sum() + output.frame.sum()).backward()
    for weights in (module.evidence, module.tagging):
        assert torch.equal(weights.grad != 0, module.seen)


def test_attention_starts_as_the_mean_over_frames_and_frame_scores_at_one_half():
    torch.manual_seed(0)
    module, features = ClassWiseAttention(6, 3), normal(2, 5, 6)
    output = module(features)
    assert (output.frame == 0.5).all()
    torch.testing.assert_close(output.clip, torch.sigmoid(features.mean(dim=1) @ module.tagging.T))


def test_tags_alone_teach_the_attention():
    module, features = ClassWiseAttention(6, 3), normal(2, 5, 6)
    module(features).clip.sum().backward()
    assert (module.evidence.grad != 0).all()


def test_dense_layers_start_within_glorots_bound():
    torch.manual_seed(0)
    module = ClassWiseAttention(200, 2, [200, 50])
    for weights, size in zip(module.tagging, (200, 50), strict=True):
        bound = math.sqrt(6 / (size + 1))
        assert 0.9 * bound < weights[:size].abs().max() <= bound
        assert (weights[size:] == 0).all()


def test_scores_stay_in_single_precision_under_autocast():
    module, features = attention().float(), normal(2, 5, 6)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = module(features)
    assert (output.clip.dtype, output.frame.dtype) == (torch.float32, torch.float32)
    torch.testing.assert_close(output.clip, module(features).clip)


@pytest.mark.parametrize("sizes", [[6, 2], [6, 2, 0], [6, 2, 7]])
def test_sizes_that_do_not_fit_are_refused(sizes):
    with pytest.raises(ValueError, match="give one from 1 to 6 for each of the 3 classes"):
        ClassWiseAttention(6, 3, sizes)


# --- teacher and student


def pair(frames=12, long=6, short=2, distilled=0) -> TeacherStudent:
    torch.manual_seed(0)

    def branch(reduction: int) -> Branch:
        poolings = {"poolings": [[1, 2], [reduction, 2]]}
        encoder = GuidedEncoder(frames, 9, **SMALL | poolings)
        made = Branch(encoder, ClassWiseAttention(encoder.features, 3))
        if distilled:
            made.distil(distilled)
        return made

    return TeacherStudent(frames, branch(long), branch(short))


def test_scores_are_the_students_and_the_teacher_stands_beside_them():
    network, logmel = pair().eval(), normal(2, 12, 9)
    output = network(logmel)
    assert network.time_reduction == 2
    assert (output.frame.shape, output.teacher.frame.shape) == ((2, 6, 3), (2, 2, 3))
    assert torch.equal(output.clip, network.student(logmel).clip)
    assert torch.equal(output.teacher.clip, network.teacher(logmel).clip)
    assert output.teacher.teacher is None


def test_the_teacher_may_hear_something_else():
    network, logmel, noisy = pair().eval(), normal(2, 12, 9), normal(2, 12, 9, seed=1)
    output = network(logmel, teacher_input=noisy)
    assert torch.equal(output.clip, network(logmel).clip)
    assert torch.equal(output.teacher.clip, network(noisy).teacher.clip)
    assert not torch.equal(output.teacher.clip, network(logmel).teacher.clip)


def test_features_are_transformed_where_they_are_distilled():
    network, logmel = pair(distilled=5).eval(), normal(2, 12, 9)
    output = network(logmel)
    for branch, own, frames in ((network.student, output, 6), (network.teacher, output.teacher, 2)):
        assert own.maps["features"].shape == (2, frames, 5)
        torch.testing.assert_close(own.maps["features"], branch.encoder(logmel) @ branch.transform.weight.T)


def test_without_distillation_nothing_is_transformed():
    network = pair()
    output = network(normal(2, 12, 9))
    assert output.maps == output.teacher.maps == {}
    assert not [name for name, _ in network.named_parameters() if "transform" in name]


@pytest.mark.parametrize(("frames", "long", "short"), [(13, 6, 2), (12, 4, 3), (12, 2, 4)])
def test_frames_that_do_not_divide_are_refused(frames, long, short):
    with pytest.raises(ValueError, match=f"do not divide {frames} frames evenly"):
        pair(frames, long, short)
