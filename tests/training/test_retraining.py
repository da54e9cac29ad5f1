import copy
import math

import numpy as np
import pytest
import semi_supervised as small
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from semi_supervised import (
    CLASSES,
    FRAMES,
    REDUCTION,
    FrameWise,
    at_scores,
    clips,
    copied,
    crnn,
    cross_entropy,
    fit,
    kill_after_batch,
    kill_after_epoch,
    method,
    require_equal_after_a_kill,
    require_finite_in_bfloat16,
    run_data,
    same,
    truncate,
)

from sedrepro.base.errors import DataError, SedreproError
from sedrepro.nn.output import Output
from sedrepro.training.data import STRONG, UNLABELLED, WEAK, Clips
from sedrepro.training.loop import Base

ALL = {"weak": 6, "unlabelled": 8, "strong": 6}
SCORE_FRAMES = FRAMES // REDUCTION


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def said(train: Clips, seed=0, frames=SCORE_FRAMES, confidence=True) -> dict[str, np.ndarray]:
    """What stage one says of the clips without strong labels, and of some that do not train, in another order."""
    random = np.random.default_rng(seed)
    names = [name for name, role in zip(train.filenames, train.roles, strict=True) if role != STRONG]
    names = np.array([*names, "validation_0.wav", "validation_1.wav"])[random.permutation(len(names) + 2)]
    shape = len(names), frames, CLASSES
    arrays = {"filenames": names, "frame": random.uniform(0.01, 0.99, shape).astype(np.float16)}
    return arrays | ({"confidence": random.uniform(0.01, 0.99, shape).astype(np.float16)} if confidence else {})


def of_stage_one() -> dict[str, torch.Tensor]:
    """Weights of a network with a confidence branch and a learned pooling, which stage two does not have."""
    return copied(crnn(seed=9, pooling="power", confidence=True))


def trainer(train=None, arrays=None, network=None, training=None, seed=1, **changes):
    arguments = {name: changes.pop(name) for name in ("precision", "resume", "identity") if name in changes}
    train = train or clips()
    base = Base(of_stage_one(), said(train) if arrays is None else arrays)
    how, network = method("retraining", **changes), network or crnn(pooling="max")
    another = lambda: crnn(seed=5, pooling="max")  # noqa: E731
    return small.trainer(network, how, run_data(train), base, another, seed, training, **arguments)


def of(arrays: dict[str, np.ndarray], train: Clips, rows: np.ndarray, name: str) -> np.ndarray:
    """What stage one says of some clips, float64."""
    names = arrays["filenames"].tolist()
    return np.stack([arrays[name][names.index(train.filenames[row])] for row in rows]).astype(np.float64)


# --- labels and weights

TABLE_3 = {
    "Retrain": ({"weights": "equal", "alpha": 0}, lambda p, c: (p, 1)),
    "Prob0.9": (
        {"weights": "equal", "alpha": 1, "threshold": 0.9, "below": "dropped"},
        lambda p, c: (p, p >= 0.9),
    ),
    "Prob0.9 negatives": (
        {"weights": "equal", "alpha": 0, "threshold": 0.9, "below": "negative"},
        lambda p, c: (p * (p >= 0.9), 1),
    ),
    "Prob0.9 hard": (
        {"weights": "equal", "alpha": 1, "threshold": 0.9, "labels": "hard"},
        lambda p, c: (1, p >= 0.9),
    ),
    "Prob": ({"weights": "probability", "alpha": 0.3}, lambda p, c: (p, 0.3 * p + 0.7)),
    "Prob0.5": (
        {"weights": "confidence", "alpha": 1, "threshold": 0.5, "below": "dropped"},
        lambda p, c: (p, c * (p >= 0.5)),
    ),
    "Prob0.5 equal": (
        {"weights": "equal", "alpha": 0, "threshold": 0.5, "below": "dropped"},
        lambda p, c: (p, p >= 0.5),
    ),
    "C-SSED 0.3": ({"weights": "confidence", "alpha": 0.3}, lambda p, c: (p, 0.3 * c + 0.7)),
    "C-SSED 0.7": ({"weights": "confidence", "alpha": 0.7}, lambda p, c: (p, 0.7 * c + 0.3)),
    "C-SSED 1": ({"weights": "confidence", "alpha": 1}, lambda p, c: (p, c)),
}


@pytest.mark.parametrize(("changes", "expected"), TABLE_3.values(), ids=TABLE_3)
def test_labels_and_weights_are_those_of_table_3(changes, expected):
    train = clips()
    arrays = said(train)
    made = trainer(train, arrays, **changes)
    labels, weights = made.labels.double().numpy(), made.label_weights.double().numpy()
    assert labels.shape == weights.shape == (len(train), SCORE_FRAMES, CLASSES)
    for role in (WEAK, UNLABELLED):
        rows = train.rows(role)
        frame, confidence = (of(arrays, train, rows, name) for name in ("frame", "confidence"))
        label, weight = (np.broadcast_to(each, frame.shape).astype(float) for each in expected(frame, confidence))
        if role == WEAK:  # a class that is absent has label 0 and counts in full
            present = np.broadcast_to(train.targets[rows].numpy()[:, None] > 0, frame.shape)
            assert 0 < present.mean() < 1
            label, weight = np.where(present, label, 0), np.where(present, weight, 1)
        counting = weight > 0
        np.testing.assert_allclose(labels[rows][counting], label[counting], rtol=1e-6)
        np.testing.assert_allclose(weights[rows], weight, rtol=1e-6)
    strong = train.rows(STRONG)
    np.testing.assert_array_equal(labels[strong], at_scores(train.frame_targets[strong]).mean(axis=2) >= 0.5)
    assert (weights[strong] == 1).all()


@pytest.mark.parametrize(("how", "pooled"), [("last", lambda g: g[:, :, -1]), ("max", lambda g: g.max(axis=2))])
def test_strong_labels_are_pooled_as_the_settings_say(how, pooled):
    train = clips()
    strong = train.rows(STRONG)
    labels = trainer(train, label_pooling=how).labels[strong]
    np.testing.assert_array_equal(labels, pooled(at_scores(train.frame_targets[strong])))


@pytest.mark.parametrize("threshold", [None, 0.5])
def test_without_alpha_confidence_does_not_count(threshold):
    train = clips()
    confident, equal = (
        trainer(train, said(train), weights=weights, alpha=0, threshold=threshold)
        for weights in ("confidence", "equal")
    )
    assert torch.equal(confident.labels, equal.labels)
    assert torch.equal(confident.label_weights, equal.label_weights)
    histories = [fit(made, run_data(train)).history for made in (confident, equal)]
    assert histories[0] == histories[1]


@hypothesis_settings(deadline=None, max_examples=10)
@given(st.integers(0, 99))
def test_labels_go_by_filename_whatever_the_order(seed):
    train = clips()
    arrays = said(train)
    order = np.random.default_rng(seed).permutation(len(arrays["filenames"]))
    other = {name: values[order] for name, values in arrays.items()}
    first, second = trainer(train, arrays), trainer(train, other)
    assert torch.equal(first.labels, second.labels)
    assert torch.equal(first.label_weights, second.label_weights)


def test_weak_labels_of_clips_with_other_labels_do_not_count():
    train, other = clips(), clips()
    others = np.flatnonzero(other.roles != WEAK)
    other.targets[others] = 1
    other.frame_targets[np.flatnonzero(other.roles != STRONG)] = 1
    first, second = (trainer(each, said(train)) for each in (train, other))
    assert torch.equal(first.labels, second.labels)
    assert torch.equal(first.label_weights, second.label_weights)


# --- the loss


def test_the_loss_is_the_weighted_cross_entropy_of_all_clips_and_consistency():
    train = clips()
    made = trainer(
        train, composition=ALL, training={"epochs": 1}, teacher_start="independent", alpha=0.7, consistency=50
    )
    labels, weights = made.labels.double().numpy(), made.label_weights.double().numpy()
    with torch.no_grad():
        student, teacher = (copy.deepcopy(each).train()(train.features) for each in (made.network, made.teacher))
    expected = {
        "frame": (weights * cross_entropy(student.frame, labels)).sum() / weights.sum(),
        "consistency_clip": np.square((student.clip - teacher.clip).double().numpy()).mean(),
        "consistency_frame": np.square((student.frame - teacher.frame).double().numpy()).mean(),
    }
    row = fit(made, run_data(train)).history[0]
    assert row.keys() == {"epoch", "learning_rate", "loss", *expected}
    for name, value in expected.items():
        assert row[name] == pytest.approx(value, rel=1e-4)
    consistency = expected["consistency_clip"] + expected["consistency_frame"]
    assert row["loss"] == pytest.approx(expected["frame"] + 50 * math.exp(-5) * consistency, rel=1e-4)


def known_labels(train: Clips) -> np.ndarray:
    """Which labels are no predictions (clip, frame, class): of strong clips, and absent classes of weak ones."""
    strong, weak = (train.roles[:, None, None] == role for role in (STRONG, WEAK))
    return np.broadcast_to(strong | weak & (train.targets.numpy() == 0)[:, None], (len(train), SCORE_FRAMES, CLASSES))


@pytest.mark.parametrize(
    ("how", "apart"),
    [
        ("jointly", lambda train: np.ones((len(train), 1, 1), dtype=bool)),
        ("strong_apart", lambda train: train.roles[:, None, None] == STRONG),
        ("predicted_apart", known_labels),
    ],
)
def test_quotients_of_the_loss_run_over_the_parts_that_the_settings_say(how, apart):
    train = clips()
    made = trainer(train, composition=ALL, training={"epochs": 1}, alpha=0.7, threshold=0.6, normalised=how)
    labels, weights = made.labels.double().numpy(), made.label_weights.double().numpy()
    with torch.no_grad():
        costs = weights * cross_entropy(copy.deepcopy(made.network).train()(train.features).frame, labels)
    parts = [np.broadcast_to(part, costs.shape) for part in (apart(train), ~apart(train))]
    expected = sum(costs[part].sum() / weights[part].sum() for part in parts if part.any())
    assert fit(made, run_data(train)).history[0]["frame"] == pytest.approx(expected, rel=1e-4)


def test_few_predicted_labels_count_as_much_as_all_known_ones_where_they_stand_apart():
    # One frame at 0.95 in an unlabelled clip: jointly it is one of hundreds, apart it is half of the loss.
    train = clips()
    arrays = said(train)
    arrays["frame"][:] = 0.01
    clip = arrays["filenames"].tolist().index(train.filenames[train.rows(UNLABELLED)[0]])
    arrays["frame"][clip, 2, 1] = 0.95
    pulls = []
    for how in ("jointly", "predicted_apart"):
        made = trainer(train, arrays, weights="equal", alpha=1, threshold=0.9, normalised=how)
        rows = torch.arange(len(train))
        frame = torch.full((len(train), SCORE_FRAMES, CLASSES), 0.5, requires_grad=True)
        losses = made._class_losses(train, rows, torch.zeros(len(train), dtype=torch.int64), Output(frame, frame))
        gradient = torch.autograd.grad(losses["frame"], frame)[0]
        pulls.append(-float(gradient[train.rows(UNLABELLED)[0], 2, 1]))
    known = int(known_labels(train).sum())
    assert pulls == pytest.approx([1.8 / (known + 1), 1.8], rel=1e-3)


def test_pseudo_labels_are_learnt():
    train = clips()
    arrays = said(train)
    arrays["frame"] = np.round(arrays["frame"].astype(float)).astype(np.float16)
    made = trainer(train, arrays, weights="equal", training={"epochs": 40, "learning_rate": 0.02})
    history = fit(made, run_data(train)).history
    assert history[-1]["frame"] < 0.75 * history[0]["frame"]


# --- shifts


def shifted(made, train: Clips, steps: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Labels and weights of all clips after the same shift."""
    return made._targets(train, torch.arange(len(train)), torch.full((len(train),), steps), made.parts[0])


@pytest.mark.parametrize("frames", [FRAMES, 16])
def test_without_a_shift_labels_stay(frames):
    train = clips(frames=frames)
    made = trainer(train, said(train, frames=frames // REDUCTION), network=crnn(frames=frames), threshold=0.5)
    labels, weights = shifted(made, train, 0)
    torch.testing.assert_close(weights, made.label_weights)
    torch.testing.assert_close(labels * weights, made.labels * made.label_weights)


@pytest.mark.parametrize("steps", [1, -2])
def test_a_shift_by_whole_frames_of_scores_moves_labels(steps):
    train = clips(frames=16)
    made = trainer(train, said(train), network=FrameWise(REDUCTION))
    labels, weights = shifted(made, train, steps * REDUCTION)
    torch.testing.assert_close(labels, made.labels.roll(steps, dims=1))
    torch.testing.assert_close(weights, made.label_weights.roll(steps, dims=1))


def test_at_the_resolution_of_the_features_labels_are_rolled():
    train = clips()
    made = trainer(train, said(train, frames=FRAMES), network=FrameWise(1))
    labels, weights = shifted(made, train, 3)
    torch.testing.assert_close(labels, made.labels.roll(3, dims=1))
    torch.testing.assert_close(weights, made.label_weights.roll(3, dims=1))


@hypothesis_settings(deadline=None, max_examples=15)
@given(st.integers(-30, 30), st.sampled_from([FRAMES, 16, 19]), st.sampled_from([None, 0.5]))
def test_a_shifted_frame_costs_what_its_feature_frames_cost(steps, frames, threshold):
    # The loss of a frame of scores is the mean of those of its feature frames, each with its own label and weight.
    train = clips(frames=frames)
    made = trainer(train, said(train), network=FrameWise(REDUCTION), alpha=1, threshold=threshold)
    places = np.minimum(np.arange(frames) // REDUCTION, frames // REDUCTION - 1)
    fine = [np.roll(each.double().numpy()[:, places], steps, axis=1) for each in (made.labels, made.label_weights)]
    fine_labels, fine_weights = (at_scores(each) for each in fine)
    scores = np.random.default_rng(0).uniform(0.1, 0.9, (len(train), frames // REDUCTION, CLASSES))
    expected = (fine_weights * cross_entropy(scores[:, :, None], fine_labels)).mean(axis=2)
    labels, weights = (each.double().numpy() for each in shifted(made, train, steps))
    np.testing.assert_allclose(weights * cross_entropy(scores, labels), expected, rtol=1e-4, atol=1e-6)
    assert labels.min() >= 0
    assert labels.max() <= 1


# --- where stage two starts


def test_stage_two_starts_anew_or_from_stage_one():
    weights, fresh = of_stage_one(), crnn(pooling="max").state_dict()
    assert same(trainer(start="anew").network.state_dict(), fresh)
    made = trainer(start="stage_one")
    state = made.network.state_dict()
    assert same(state, {name: weights[name] for name in state})
    assert not same(state, fresh)
    assert same(made.teacher.state_dict(), state)


def test_weights_that_stage_one_lacks_are_an_error():
    with pytest.raises(SedreproError, match=r"^based_on: the weights are of another network \(") as caught:
        trainer(start="stage_one", network=crnn(pooling="max", filters=[5, 5]))
    assert "\n" not in str(caught.value)


# --- what goes wrong


def refused(*arguments, **changes) -> str:
    with pytest.raises(DataError) as caught:
        trainer(*arguments, **changes)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_clip_without_pseudo_labels_is_named():
    train = clips()
    arrays = said(train)
    missing = train.filenames[train.rows(WEAK)[1]]
    kept = arrays["filenames"] != missing
    message = refused(train, {name: values[kept] for name, values in arrays.items()})
    assert message.startswith(f"pseudo-labels lack {missing} and 0 more")


def test_confidence_weights_need_confidence():
    train = clips()
    arrays = said(train, confidence=False)
    assert "without confidence" in refused(train, arrays)
    assert trainer(train, arrays, weights="equal").labels.any()


def test_pseudo_labels_at_another_frame_rate_are_refused():
    train = clips()
    message = refused(train, said(train, frames=9))
    assert message == (
        "based_on: pseudo-labels have 9 frames of scores, the network has 4; base the system on one of equal poolings"
    )


# --- randomness, kills, precision


def test_seeds_decide_the_course_of_training():
    histories = [fit(trainer(seed=seed, **small.RANDOM), run_data(clips())).history for seed in (1, 1, 2)]
    assert histories[0] == histories[1] != histories[2]


@pytest.mark.parametrize("start", ["student", "independent"])
@pytest.mark.parametrize(
    "stop",
    [kill_after_epoch(1), kill_after_epoch(4), kill_after_batch(3), kill_after_batch(6)],
    ids=["epoch 1", "epoch 4", "batch 3", "batch 6"],
)
def test_a_killed_run_ends_like_an_undisturbed_one(tmp_path, stop, start):
    def make(**given):
        network = crnn(pooling="max", dropout=0.3)
        return trainer(network=network, teacher_start=start, threshold=0.2, **small.RANDOM, **given)

    require_equal_after_a_kill(make, run_data(clips()), tmp_path / "run.pt", stop)


@pytest.mark.parametrize("passed_over", [{"identity": "another"}, {"damage": truncate}], ids=["other", "truncated"])
def test_a_resume_file_of_no_use_is_passed_over(tmp_path, passed_over):
    make, data = (lambda **given: trainer(**small.RANDOM, **given)), run_data(clips())
    require_equal_after_a_kill(make, data, tmp_path / "run.pt", kill_after_epoch(2), resumes=False, **passed_over)


@pytest.mark.parametrize("network", [None, FrameWise(REDUCTION)], ids=["crnn", "scores in bfloat16"])
def test_bfloat16_trains_with_finite_values(network):
    data = run_data(clips())
    made = trainer(network=network, precision="bfloat16", **small.RANDOM)
    require_finite_in_bfloat16(made, data)
