import copy
import math
from dataclasses import replace

import numpy as np
import pytest
import semi_supervised as small
import torch
from semi_supervised import (
    CLASSES,
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
from sklearn.metrics import average_precision_score

from sedrepro.annotations.clips import Event
from sedrepro.annotations.frames import event_frames
from sedrepro.base.errors import DataError, SedreproError, SettingsError
from sedrepro.training import mean_teacher
from sedrepro.training.data import STRONG, UNLABELLED, WEAK

#: All clips of `clips()` in one batch.
ALL = {"weak": 6, "unlabelled": 8, "strong": 6}


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def trainer(network=None, data=None, another=lambda: crnn(seed=5), training=None, seed=1, **changes):
    arguments = {name: changes.pop(name) for name in ("precision", "resume", "identity") if name in changes}
    how = method("mean_teacher", **changes)
    network, data = network or crnn(), data or run_data(clips())
    return small.trainer(network, how, data, another=another, training=training, seed=seed, **arguments)


def first_row(train, network=None, **changes) -> dict[str, float]:
    """Losses of one batch with all clips, and of the weights before it."""
    data = run_data(train)
    return fit(trainer(network, data, training={"epochs": 1}, composition=ALL, **changes), data).history[0]


def heard(module) -> list[torch.Tensor]:
    """What a network is given while it is trained."""
    inputs = []
    module.register_forward_pre_hook(lambda m, given: inputs.append(given[0].clone()) if m.training else None)
    return inputs


def logged(made) -> list[dict[str, float]]:
    """Losses of every batch."""
    rows, losses = [], made._losses

    def record(*arguments):
        rows.append(losses(*arguments))
        return rows[-1]

    made._losses = record
    return rows


# --- learning


def test_a_semi_supervised_problem_is_learnt_by_heart():
    data = run_data(clips())
    made = trainer(data=data, training={"epochs": 80, "learning_rate": 0.02}, consistency=0.5)
    history = fit(made, data).history
    scored, train = made.scores(data.train, with_frames=True), data.train
    weak, strong = train.rows(WEAK), train.rows(STRONG)
    assert average_precision_score(train.targets[weak].numpy().ravel(), scored.clip[weak].ravel()) > 0.99
    frames = at_scores(train.frame_targets[strong]).mean(axis=2) >= 0.5
    assert average_precision_score(frames.ravel(), scored.frame[strong].ravel()) > 0.97
    assert history[-1]["loss"] < 0.5 * history[0]["loss"]


def test_losses_are_those_of_the_formulas():
    train, student, teacher = clips(), crnn().train(), crnn(seed=5).train()
    with torch.no_grad():
        said, guided = student(train.features), teacher(train.features)
    weak, strong = train.rows(WEAK), train.rows(STRONG)
    labels = at_scores(train.frame_targets).mean(axis=2) >= 0.5
    expected = {
        "clip": cross_entropy(said.clip[weak], train.targets[weak]).mean(),
        "frame": cross_entropy(said.frame[strong], labels[strong]).mean(),
        "consistency_clip": np.square((said.clip - guided.clip).double().numpy()).mean(),
        "consistency_frame": np.square((said.frame - guided.frame).double().numpy()).mean(),
    }
    row = first_row(train, teacher_start="independent", consistency=50)
    total = expected["clip"] + expected["frame"]
    total += 50 * math.exp(-5) * (expected["consistency_clip"] + expected["consistency_frame"])
    assert row.keys() == {"epoch", "learning_rate", "loss", *expected}
    for name, value in expected.items():
        assert row[name] == pytest.approx(value, rel=1e-4)
    assert row["loss"] == pytest.approx(total, rel=1e-5)


@pytest.mark.parametrize("role", [STRONG, UNLABELLED])
def test_clip_labels_count_for_weak_clips_only(role):
    train, other = clips(), clips()
    other.targets[other.rows(role)] = 1 - other.targets[other.rows(role)]
    assert first_row(train) == first_row(other)
    other.targets[other.rows(WEAK)[0]] = 1 - other.targets[other.rows(WEAK)[0]]
    changed = first_row(other)
    assert changed["clip"] != first_row(train)["clip"]
    assert changed["frame"] == first_row(train)["frame"]


def test_clip_labels_of_strong_clips_count_where_the_settings_say_so():
    train = clips()
    with torch.no_grad():
        said = crnn().train()(train.features)
    rows = np.concatenate([train.rows(WEAK), train.rows(STRONG)])
    row = first_row(train, clip_loss="weak_and_strong")
    assert row["clip"] == pytest.approx(cross_entropy(said.clip[rows], train.targets[rows]).mean(), rel=1e-4)
    assert row["clip"] != pytest.approx(first_row(train)["clip"], rel=1e-3)
    assert row["frame"] == first_row(train)["frame"]


@pytest.mark.parametrize("role", [WEAK, UNLABELLED])
def test_frame_labels_count_for_strong_clips_only(role):
    train, other = clips(), clips()
    other.frame_targets[other.rows(role)] = 1
    assert first_row(train) == first_row(other)
    other.frame_targets[other.rows(STRONG)[0]] = 1
    changed = first_row(other)
    assert changed["frame"] != first_row(train)["frame"]
    assert changed["clip"] == first_row(train)["clip"]


def test_a_batch_has_so_many_clips_of_each_kind_in_this_order():
    train = clips()
    made = trainer(data=run_data(train), training={"epochs": 2})
    inputs = heard(made.network)
    fit(made, run_data(train))
    assert len(inputs) == 2 * 2
    for batch in inputs:
        rows = [int((train.features == one).flatten(1).all(dim=1).nonzero()) for one in batch]
        assert train.roles[rows].tolist() == 3 * [WEAK] + 4 * [UNLABELLED] + 3 * [STRONG]
        assert len(set(rows)) == 10
    assert not torch.equal(inputs[0], inputs[2])


@pytest.mark.parametrize(("share", "steps"), [(0.5, 4), (1.0, 8), (0.25, 2)])
def test_the_weight_of_consistency_rises_over_the_first_steps(share, steps):
    data = run_data(clips())
    made = trainer(data=data, teacher_start="independent", ramp_up=share, consistency=3)
    batches = logged(made)
    fit(made, data)
    assert len(batches) == 8
    for step, row in enumerate(batches):
        value = {name: float(loss.detach()) for name, loss in row.items()}
        consistency = value["consistency_clip"] + value["consistency_frame"]
        weight = 3 * math.exp(-5 * (1 - min(step / steps, 1)) ** 2)
        supervised = value["clip"] + value["frame"]
        assert value["loss"] - supervised == pytest.approx(weight * consistency, rel=1e-3, abs=1e-6)


def test_without_consistency_the_teacher_does_not_matter():
    data = run_data(clips())
    made = [trainer(data=data, consistency=0, teacher_start=start) for start in ("student", "independent")]
    for each in made:
        fit(each, data)
    assert same(*(each.network.state_dict() for each in made))
    assert not same(*(each.teacher.state_dict() for each in made))


# --- the teacher


@pytest.mark.parametrize("average", [0.6, 0.999])
def test_the_teacher_averages_the_students_parameters(average):
    data = run_data(clips())
    made = trainer(data=data, teacher_start="independent", average=average)
    expected = [p.detach().double().clone() for p in made.teacher.parameters()]
    done, steps = made._after_batch, iter(range(1, 100))

    def after_batch():
        done()
        decay = min(1 - 1 / (next(steps) + 1), average)
        for kept, teacher, student in zip(expected, made.teacher.parameters(), made.network.parameters(), strict=True):
            kept.mul_(decay).add_(student.detach(), alpha=1 - decay)
            torch.testing.assert_close(teacher.double(), kept, rtol=1e-5, atol=1e-6)

    made._after_batch = after_batch
    fit(made, data)
    assert next(steps) == 9


def test_the_teachers_statistics_are_of_its_own_batches():
    data = run_data(clips())
    made = trainer(data=data, composition=ALL, training={"epochs": 1}, noise={"kind": "snr", "decibels": 0})
    student, teacher = copy.deepcopy(made.network).train(), copy.deepcopy(made.teacher).train()
    clean, noisy = heard(made.network), heard(made.teacher)
    fit(made, data)
    with torch.no_grad():
        student(clean[0])
        teacher(noisy[0])
    assert same(dict(made.network.named_buffers()), dict(student.named_buffers()))
    assert same(dict(made.teacher.named_buffers()), dict(teacher.named_buffers()))
    assert not same(dict(made.teacher.named_buffers()), dict(student.named_buffers()))


def test_no_gradient_reaches_the_teacher():
    data = run_data(clips())
    made = trainer(data=data, teacher_start="independent")
    fit(made, data)
    assert all(p.grad is None and not p.requires_grad for p in made.teacher.parameters())
    assert all(p.grad is not None and p.requires_grad for p in made.network.parameters())
    trained = {id(p) for group in made.optimizer.param_groups for p in group["params"]}
    assert trained == {id(p) for p in made.network.parameters()}


def test_the_teacher_starts_as_the_student_or_as_another():
    alike, other = trainer(teacher_start="student"), trainer(teacher_start="independent")
    assert same(alike.teacher.state_dict(), alike.network.state_dict())
    assert not {p.data_ptr() for p in alike.teacher.parameters()} & {p.data_ptr() for p in alike.network.parameters()}
    assert same(other.teacher.state_dict(), crnn(seed=5).state_dict())
    assert not same(other.teacher.state_dict(), other.network.state_dict())


def test_the_student_is_what_is_kept_and_evaluated():
    data = run_data(clips())
    made = trainer(data=data)
    progress = fit(made, data)
    assert same(progress.best_weights, made.network.state_dict())
    with torch.no_grad():
        expected = copy.deepcopy(made.network).eval()(data.train.features).clip.numpy()
    np.testing.assert_allclose(made.scores(data.train).clip, expected, rtol=1e-5)
    assert not same(made.network.state_dict(), made.teacher.state_dict())


@pytest.mark.parametrize("monitor", ["none", "macro_f1"])
def test_the_teacher_is_kept_and_evaluated_where_the_settings_say_so(monitor):
    data = run_data(clips())
    made, student = (trainer(data=data, kept=kept, training={"monitor": monitor}) for kept in ("teacher", "student"))
    progress, other = fit(made, data), fit(student, data)
    assert same(progress.best_weights, made.teacher.state_dict())
    assert [row["loss"] for row in progress.history] == [row["loss"] for row in other.history]  # it trains no otherwise
    with torch.no_grad():
        expected = copy.deepcopy(made.teacher).eval()(data.train.features).clip.numpy()
    np.testing.assert_allclose(made.scores(data.train).clip, expected, rtol=1e-5)
    assert not same(progress.best_weights, other.best_weights)


def test_statistics_of_the_teacher_are_averaged_where_the_settings_say_so():
    data = run_data(clips())
    made = trainer(data=data, teacher_norm="averaged", average=0.6, noise={"kind": "snr", "decibels": 0})
    own, student, teacher = [], [], []
    done = made._after_batch

    def after_batch():
        own.append(made.teacher.blocks[0][1].running_mean.clone())
        student.append(made.network.blocks[0][1].running_mean.clone())
        done()
        teacher.append(made.teacher.blocks[0][1].running_mean.clone())

    made._after_batch = after_batch
    fit(made, data)
    decays = [min(1 - 1 / (step + 1), 0.6) for step in range(1, len(own) + 1)]
    for decay, before, of_student, after in zip(decays, own, student, teacher, strict=True):
        torch.testing.assert_close(after, decay * before + (1 - decay) * of_student)


# --- noise and shifts


def both_heard(**changes) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    data = run_data(clips())
    made = trainer(data=data, **changes)
    student, teacher = heard(made.network), heard(made.teacher)
    fit(made, data)
    return student, teacher


def test_noise_is_for_the_teacher_or_for_both():
    noise = {"kind": "snr", "decibels": 20}
    clean, same_clean = both_heard()
    assert torch.equal(torch.cat(clean), torch.cat(same_clean))
    student, teacher = both_heard(noise=noise)
    assert torch.equal(torch.cat(student), torch.cat(clean))
    assert not torch.equal(torch.cat(teacher), torch.cat(clean))
    first, second = both_heard(noise=noise, noise_on="both")
    added = [torch.cat(each) - torch.cat(clean) for each in (first, second)]
    for each in added:
        assert float(each.std() / torch.cat(clean).std()) == pytest.approx(0.1, rel=0.2)
    assert abs(float((added[0] * added[1]).mean())) < 0.1 * float(added[0].var())


def test_amplitude_noise_knows_the_standardisation_and_needs_a_magnitude_spectrum():
    noise = {"kind": "amplitude", "deviation": 0.25, "rectified": True}
    data = replace(run_data(clips()), mean=np.full(8, -3, np.float32), deviation=np.full(8, 2, np.float32))
    made = trainer(data=data, noise=noise)
    assert (made.noise.mean.tolist(), made.noise.deviation.tolist()) == ([-3] * 8, [2] * 8)
    assert (made.noise.amplitude, made.noise.rectified) == (0.25, True)
    front_end = made.run.front_end.model_copy(update={"spectrum": "power"})
    with pytest.raises(SettingsError, match="the features are of a power spectrum; use snr") as caught:
        mean_teacher.make_noise(made.run.training.method.noise, data, front_end, small.CPU)
    assert "\n" not in str(caught.value)


def test_student_and_teacher_hear_the_same_shift():
    shifted, again = both_heard(shift_frames=4)
    plain, _ = both_heard()
    assert torch.equal(torch.cat(shifted), torch.cat(again))
    moved = 0
    for one, original in zip(torch.cat(shifted), torch.cat(plain), strict=True):
        found = [k for k in range(small.FRAMES) if torch.equal(original.roll(k, dims=0), one)]
        assert len(found) == 1
        moved += found[0] > 0
    assert moved > 20


def test_every_batch_has_shifts_and_noise_of_its_own(monkeypatch):
    shifts, noises, draw = [], [], mean_teacher.time_shifts

    def shift(*arguments):
        shifts.append(draw(*arguments))
        return shifts[-1]

    def distort(features, generator):
        noises.append(torch.randn(5, generator=generator))
        return features

    monkeypatch.setattr(mean_teacher, "time_shifts", shift)
    data = run_data(clips())
    made = trainer(data=data, noise_on="both", shift_frames=50)
    made.noise = distort
    fit(made, data)
    assert len({tuple(each.tolist()) for each in shifts}) == len(shifts) == 8
    assert len({tuple(each.tolist()) for each in noises}) == len(noises) == 16


@pytest.mark.parametrize("reduction", [1, 4])
def test_features_and_labels_are_shifted_together(monkeypatch, reduction):
    # The shifts are whole frames of scores, and none is left over: then scores shift like features.
    draw = mean_teacher.time_shifts
    monkeypatch.setattr(mean_teacher, "time_shifts", lambda *arguments: reduction * draw(*arguments))
    train, networks = clips(frames=16), [FrameWise(reduction, seed=3) for _ in range(2)]
    plain, shifted = (first_row(train, each, shift_frames=s) for each, s in zip(networks, (0, 4), strict=True))
    assert plain == pytest.approx(shifted, rel=1e-5, abs=1e-7)
    labels = train.frame_targets
    unshifted = replace(train, frame_targets=labels.roll(2 * reduction, dims=1))
    assert first_row(unshifted, FrameWise(reduction, seed=3))["frame"] != pytest.approx(plain["frame"], rel=1e-3)


def test_labels_pooled_as_last_are_those_of_the_release():
    classes, rate = [f"class {number}" for number in range(CLASSES)], 7.3
    random = np.random.default_rng(0)
    events = [
        [Event(onset, onset + length, classes[k]) for k in range(CLASSES)]
        for onset, length in zip(random.uniform(0, 1.5, 30), random.uniform(0.1, 1, 30), strict=True)
    ]
    train = clips(weak=6, unlabelled=8, strong=30)
    strong = train.rows(STRONG)
    train.frame_targets[strong] = torch.from_numpy(
        event_frames(events, classes, small.FRAMES, rate, "rounded_down")
    ).to(torch.uint8)
    made = trainer(data=run_data(train), label_pooling="last")
    labels = made._strong_labels(train, torch.from_numpy(strong), torch.zeros(30, dtype=torch.int64))
    expected = np.zeros((30, small.FRAMES // REDUCTION, CLASSES))
    for clip, of_clip in enumerate(events):
        for k, event in enumerate(of_clip):
            start, stop = (int(int(seconds * rate) / REDUCTION) for seconds in (event.onset, event.offset))
            expected[clip, start:stop, k] = 1
    np.testing.assert_array_equal(labels, expected)
    assert 0 < expected.mean() < 1


# --- randomness, kills, precision


def test_seeds_decide_the_course_of_training():
    data = run_data(clips())
    runs = [trainer(crnn(dropout=0.3), data, seed=seed, **small.RANDOM) for seed in (1, 1, 2)]
    histories = [fit(made, data).history for made in runs]
    assert histories[0] == histories[1] != histories[2]


@pytest.mark.parametrize(
    "stop",
    [kill_after_epoch(1), kill_after_epoch(3), kill_after_epoch(4), kill_after_batch(3), kill_after_batch(6)],
    ids=["epoch 1", "epoch 3", "epoch 4", "batch 3", "batch 6"],
)
@pytest.mark.parametrize("start", ["student", "independent"])
def test_a_killed_run_ends_like_an_undisturbed_one(tmp_path, stop, start):
    data = run_data(clips())

    def make(**arguments):
        training = {"monitor": "macro_f1"}
        return trainer(crnn(dropout=0.3), data, teacher_start=start, training=training, **small.RANDOM, **arguments)

    require_equal_after_a_kill(make, data, tmp_path / "run.pt", stop)


@pytest.mark.parametrize(
    "passed_over",
    [
        {"identity": "another"},
        {"damage": truncate},
        {"damage": lambda path: path.write_bytes(b"no torch file")},
        {"damage": lambda path: _forget_the_teacher(path)},
    ],
    ids=["of other settings", "truncated", "text", "without the teacher"],
)
def test_a_resume_file_of_no_use_is_passed_over(tmp_path, passed_over):
    data = run_data(clips())
    make = lambda **arguments: trainer(crnn(dropout=0.3), data, **small.RANDOM, **arguments)  # noqa: E731
    require_equal_after_a_kill(make, data, tmp_path / "run.pt", kill_after_epoch(2), resumes=False, **passed_over)


def test_a_full_disk_is_told_with_the_resume_file(tmp_path, largest_file):
    data = run_data(clips())
    trained = trainer(crnn(), data, **small.RANDOM, resume=tmp_path / "run.pt", identity="one")
    with largest_file(1000), pytest.raises(DataError, match=r"run\.pt: cannot be written \(.*; free space"):
        fit(trained, data)
    assert list(tmp_path.iterdir()) == []


def _forget_the_teacher(path):
    state = torch.load(path, weights_only=True)
    del state["modules"]["teacher"]
    torch.save(state, path)


@pytest.mark.parametrize("network", [crnn, lambda: FrameWise(REDUCTION)], ids=["crnn", "scores in bfloat16"])
def test_bfloat16_trains_with_finite_values(network):
    data = run_data(clips())
    made = trainer(network(), data, another=network, precision="bfloat16", training={"epochs": 2}, **small.RANDOM)
    require_finite_in_bfloat16(made, data)


def test_features_that_are_no_numbers_stop_training():
    data = run_data(clips())
    data.train.features[data.train.rows(STRONG)[0], 4, 5] = math.nan
    with pytest.raises(SedreproError, match="epoch 1: scores or losses are not finite") as caught:
        fit(trainer(FrameWise(REDUCTION), data, another=FrameWise), data)
    assert "\n" not in str(caught.value)


def test_too_few_clips_of_a_kind_are_named():
    data = run_data(clips(strong=2))
    with pytest.raises(SedreproError, match=r"composition\.strong = 3: there are 2 such clips"):
        fit(trainer(data=data), data)


def test_the_state_of_teacher_and_student_is_kept(tmp_path):
    data = run_data(clips())
    made = trainer(data=data, resume=tmp_path / "run.pt", identity="one")
    fit(made, data)
    state = torch.load(tmp_path / "run.pt", weights_only=True)
    assert same(state["modules"]["teacher"], copied(made.teacher))
    assert same(state["modules"]["network"], copied(made.network))
