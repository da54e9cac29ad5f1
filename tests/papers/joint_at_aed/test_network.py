import re

import pytest
import torch

from sedrepro.base.errors import SettingsError
from sedrepro.nn.crnn import Crnn
from sedrepro.nn.guided import TeacherStudent
from sedrepro.papers.joint_at_aed.network import JointHead, build

TEACHER = {
    "filters": [16, 32, 64, 128, 256],
    "convolutions": [2, 2, 2, 2, 1],
    "kernels": [3, 3, 3, 3, 1],
    "poolings": [[5, 4], [5, 2], [2, 2], [2, 2], [1, 1]],
    "dropout": 0.3,
}
STUDENT = {
    "filters": [160, 160, 160],
    "convolutions": [1, 1, 1],
    "kernels": [5, 5, 3],
    "poolings": [[1, 4], [1, 4], [1, 4]],
    "dropout": 0.0,
}
ALONE = [238, 160, 232, 114, 229, 127, 50, 278, 44, 193]
CLASSES, FRAMES, MELS = 3, 12, 8
SMALL = {
    "teacher": {
        "filters": [4, 5],
        "convolutions": [2, 1],
        "kernels": [3, 1],
        "poolings": [[2, 2], [3, 2]],
        "dropout": 0.0,
    },
    "student": {
        "filters": [6],
        "convolutions": [1],
        "kernels": [3],
        "poolings": [[1, 4]],
        "dropout": 0.0,
    },
}
JOINT = SMALL | {"hidden": 7, "recurrent": 3}
NETWORKS = {"guided": SMALL, "joint": JOINT}


def small(network="joint", frames=FRAMES, seed=0, **arguments) -> TeacherStudent:
    torch.manual_seed(seed)
    return build(network, NETWORKS[network] | arguments, {}, CLASSES, frames, MELS)


def logmel(shape=(2, FRAMES, MELS), seed=0) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def count(module: torch.nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


# --- full width


@pytest.mark.parametrize(
    ("network", "arguments"),
    [("guided", {"single_class_clips": ALONE}), ("joint", {"hidden": 64, "recurrent": 16, "distilled": 32})],
)
def test_600_frames_are_the_students_and_6_the_teachers(network, arguments):
    made = build(network, {"teacher": TEACHER, "student": STUDENT} | arguments, {}, 10, 600, 64).eval()
    with torch.no_grad():
        output = made(logmel((1, 600, 64)))
    assert made.time_reduction == 1
    assert (output.clip.shape, output.frame.shape) == ((1, 10), (1, 600, 10))
    assert (output.teacher.clip.shape, output.teacher.frame.shape) == ((1, 10), (1, 6, 10))


def test_the_release_had_500_frames_and_its_sizes_of_disentangled_features():
    made = build("guided", {"teacher": TEACHER, "student": STUDENT, "single_class_clips": ALONE}, {}, 10, 500, 64)
    assert made.student.head.sizes.tolist() == [137, 94, 134, 69, 132, 76, 34, 160, 30, 113]
    assert made.teacher.head.sizes.tolist() == [441, 303, 430, 222, 425, 245, 108, 512, 98, 361]


# --- what they compute


@pytest.mark.parametrize("network", NETWORKS)
def test_scores_are_probabilities_and_all_parameters_learn(network):
    made = small(network)
    output = made(logmel())
    for scores in (output.clip, output.frame, output.teacher.clip, output.teacher.frame):
        assert ((scores > 0) & (scores < 1)).all()
    assert output.losses == {}
    # Squares, as the attention over classes starts near the mean and sums of its clip scores near a constant.
    sum(s.square().sum() for s in (output.clip, output.frame, output.teacher.clip, output.teacher.frame)).backward()
    for name, parameter in made.named_parameters():
        assert parameter.grad.abs().max() > 0, name


def test_without_counts_every_class_has_all_features():
    made = small("guided")
    assert made.student.head.seen.all()
    assert made.teacher.head.seen.all()


def test_a_smallest_share_of_one_gives_every_class_all_features():
    made = small("guided", single_class_clips=[9, 1, 3], smallest_share=1)
    assert made.teacher.head.seen.all()
    assert not small("guided", single_class_clips=[9, 1, 3]).teacher.head.seen.all()


def test_detection_hears_no_recurrent_layer_and_tagging_does():
    head = JointHead(6, CLASSES, 7, 3)
    features, last = torch.randn(1, 5, 6), torch.randn(1, 5, 6)
    last[:, :4] = features[:, :4]
    before, after = head(features), head(last)
    assert torch.equal(before.frame[:, :4], after.frame[:, :4])
    assert not torch.equal(before.frame[:, 4], after.frame[:, 4])
    heard = [head.tagging(torch.cat([x, head.recurrent(x)[0]], dim=2))[:, 0] for x in (features, last)]
    assert not torch.equal(*heard)


def test_branches_share_nothing_but_the_convolutions():
    head = JointHead(6, CLASSES, 7, 3)
    features = torch.randn(2, 5, 6)
    head(features).frame.sum().backward()
    learned = {name.split(".")[0] for name, p in head.named_parameters() if p.grad is not None and p.grad.any()}
    assert learned == {"detection"}
    head.zero_grad()
    head(features).clip.square().sum().backward()
    learned = {name.split(".")[0] for name, p in head.named_parameters() if p.grad is not None and p.grad.any()}
    assert learned == {"recurrent", "tagging", "tags", "pooling"}


def test_tags_are_pooled_by_attention_whose_softmax_runs_over_classes():
    head = JointHead(6, CLASSES, 7, 3)
    features = torch.randn(2, 5, 6)
    dense = head.tagging(torch.cat([features, head.recurrent(features)[0]], dim=2))
    weights, tags = head.pooling.dense(dense).softmax(dim=2), torch.sigmoid(head.tags(dense))
    torch.testing.assert_close(head(features).clip, (weights * tags).sum(dim=1) / weights.sum(dim=1))


def test_two_recurrent_layers_read_the_convolutions_and_their_output_stands_beside_them():
    head = JointHead(6, CLASSES, 7, 3)
    assert (head.recurrent.num_layers, head.recurrent.bidirectional, head.recurrent.input_size) == (2, True, 6)
    assert head.tagging[0].in_features == 6 + 2 * 3
    # Dense (6 + 1) 7 and (7 + 1) 3; GRUs 2 x 3 x 3 (6 + 3 + 2) twice; dense (12 + 1) 7; tags and attention 8 x 3.
    assert count(head) == 49 + 24 + 2 * 198 + 91 + 24 + 24


@pytest.mark.parametrize("distilled", [0, 5])
def test_features_are_transformed_only_where_they_are_distilled(distilled):
    made = small(distilled=distilled)
    output = made(logmel())
    assert count(made) - count(small()) == distilled * (made.teacher.encoder.features + made.student.encoder.features)
    shapes = [tuple(each.maps["features"].shape) for each in (output, output.teacher) if "features" in each.maps]
    assert shapes == ([(2, FRAMES, distilled), (2, FRAMES // 6, distilled)] if distilled else [])


def test_all_other_weights_start_as_without_distillation():
    made, control = small(distilled=5).state_dict(), small().state_dict()
    assert sorted(made.keys() - control.keys()) == ["student.transform.weight", "teacher.transform.weight"]
    assert all(torch.equal(made[name], weights) for name, weights in control.items())


def test_the_transformations_start_as_in_keras_and_each_on_its_own():
    arguments = {"teacher": TEACHER, "student": STUDENT, "hidden": 8, "recurrent": 4, "distilled": 64}
    made = build("joint", arguments, {}, 3, 600, 64)
    for branch in (made.teacher, made.student):
        bound = (6 / (branch.encoder.features + 64)) ** 0.5
        assert 0.99 * bound < branch.transform.weight.abs().max() <= bound
    assert not torch.equal(made.teacher.transform.weight[:, :160], made.student.transform.weight)


@pytest.mark.parametrize("network", NETWORKS)
def test_scores_stay_in_single_precision_under_autocast(network):
    made = small(network).eval()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        output = made(logmel())
    for scores in (output.clip, output.frame, output.teacher.clip, output.teacher.frame):
        assert scores.dtype == torch.float32
    torch.testing.assert_close(output.clip, made(logmel()).clip, atol=0.05, rtol=0)


@pytest.mark.parametrize("network", NETWORKS)
def test_equal_seeds_give_equal_networks_and_scores(network):
    first, again, other = (small(network, seed=seed).eval()(logmel()).clip for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("network", NETWORKS)
def test_dropout_is_the_teachers_and_acts_in_training_only(network):
    made = small(network, teacher=SMALL["teacher"] | {"dropout": 0.5})
    outputs = [made(logmel()) for _ in range(2)]
    assert torch.equal(outputs[0].clip, outputs[1].clip)
    assert not torch.equal(outputs[0].teacher.clip, outputs[1].teacher.clip)
    made.eval()
    assert torch.equal(made(logmel()).teacher.clip, made(logmel()).teacher.clip)


def test_weights_start_as_in_keras():
    head = small(recurrent=16).student.head
    assert (head.tags.bias == 0).all()
    recurrent = head.recurrent.weight_hh_l1
    torch.testing.assert_close(recurrent.T @ recurrent, torch.eye(16), atol=1e-5, rtol=0)
    assert (small("guided").student.head.evidence == 0).all()


def test_the_mean_teachers_network_is_the_baselines():
    arguments = {
        "filters": [4, 4],
        "poolings": [[2, 2], [2, 2]],
        "recurrent": 3,
        "recurrent_layers": 2,
        "dropout": 0.0,
        "pooling": "class_attention",
    }
    made = build("crnn", arguments, {}, CLASSES, FRAMES, MELS)
    assert isinstance(made, Crnn)
    assert made(logmel()).frame.shape == (2, 3, CLASSES)


# --- wrong settings


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"frames": 13}, "do not divide 13 frames evenly; change the poolings"),
        ({"frames": 5}, "5 frames x 8 mel bands are too few for poolings of 6 x 4"),
        ({"network": "guided", "single_class_clips": [3, 1]}, "give one from 1 to 10 for each of the 3 classes"),
        ({"network": "guided", "single_class_clips": [0, 0, 0]}, "give counts of which one is positive"),
        ({"student": SMALL["student"] | {"filters": [6, 6]}}, "2 filters, 1 convolutions"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, words):
    with pytest.raises(ValueError, match=re.escape(words)):
        small(**arguments)


def test_an_unknown_network_names_the_right_one():
    with pytest.raises(SettingsError, match=r"did you mean 'guided'\?"):
        build("guide", SMALL, {}, CLASSES, FRAMES, MELS)


@pytest.mark.parametrize("change", [{"kernel": 3}, {"teacher": SMALL["teacher"] | {"kernel": 3}}])
def test_an_unknown_argument_is_refused(change):
    with pytest.raises(SettingsError, match="unknown argument 'kernel'"):
        small(**change)
