import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from sedrepro.base.errors import SedreproError, SettingsError
from sedrepro.base.typed import load
from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.papers import load_paper
from sedrepro.nn.masking import MaskNetwork
from sedrepro.papers.joint_at_aed.network import build
from sedrepro.training.data import STRONG, UNLABELLED, WEAK, Clips, RunData
from sedrepro.training.guidance import guidance_weight
from sedrepro.training.guided import GuidedTrainer
from sedrepro.training.seeds import RunSeeds
from sedrepro.training.settings import RunSettings, Training

CPU = torch.device("cpu")
CLASSES, FRAMES, MELS, LONG = 3, 12, 8, 6
NETWORK = {
    "teacher": {
        "filters": [6, 8],
        "convolutions": [2, 1],
        "kernels": [3, 1],
        "poolings": [[2, 2], [3, 2]],
        "dropout": 0.0,
    },
    "student": {
        "filters": [8],
        "convolutions": [1],
        "kernels": [3],
        "poolings": [[1, 4]],
        "dropout": 0.0,
    },
}
JOINT = NETWORK | {"hidden": 8, "recurrent": 4, "distilled": 5}
PTS = [
    "pts",
    "pts_unlabelled",
    "pts_tfd_both",
    "pts_dfd_mse",
    "pts_dfd_d",
    "pts_tfd",
    "pts_tfd_dfd_d_wu",
    "pts_tfd_afl",
    "pts_tfd_afl_cited",
]


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def settings(system="pts", method=None, **training) -> RunSettings:
    """Those of a system, with quick training; s is 2, lambda as published, and the teacher's input is clean."""
    given = {"scale": "miniature", "folds": [1], "seeds": [1]}
    run = load_paper("joint_at_aed", make_config(given, "test")).run(system, "dcase2019")
    quick = {"epochs": 4, "batch_size": 9, "learning_rate": 0.01, "schedule": {"kind": "constant"}} | training
    values = run.training.model_dump() | quick
    values["method"] |= {"start": 2, "base": 0.996, "noise": {"kind": "none"}} | (method or {})
    return run.model_copy(update={"training": load(Training, values, "test")})


def network(name="joint", seed=0) -> nn.Module:
    torch.manual_seed(seed)
    return build(name, JOINT if name == "joint" else NETWORK, {}, CLASSES, FRAMES, MELS)


def clips(count=9, seed=0, kinds=3) -> Clips:
    """Clips in which a class raises mel bands of its own in some frames; weak, strong and unlabelled ones in turn."""
    random = torch.Generator().manual_seed(seed)
    roles = np.arange(count) % kinds
    targets = (torch.rand(count, CLASSES, generator=random) < 0.4).float()
    targets[torch.arange(count), torch.arange(count) // 3 % CLASSES] = 1
    frames = torch.zeros(count, FRAMES, CLASSES)
    frames[:, 4:10] = targets[:, None]
    features = 0.3 * torch.randn(count, FRAMES, MELS, generator=random)
    for label in range(CLASSES):
        features[:, :, 2 * label : 2 * label + 2] += 3 * frames[:, :, label, None]
    targets[roles == UNLABELLED] = 0
    frames[roles != STRONG] = 0
    return Clips(features, targets, tuple(f"{i}.wav" for i in range(count)), roles, frames.to(torch.uint8))


def trainer(run=None, made=None, train=None, seed=1, **arguments) -> GuidedTrainer:
    train, deviation = train or clips(), np.full(MELS, 0.5, dtype=np.float32)
    trainer = GuidedTrainer(made or network(), run or settings(), RunSeeds(1, seed), CPU, **arguments)
    data = RunData(train, train, train, np.arange(len(train)), np.zeros(MELS, dtype=np.float32), deviation)
    trainer.prepare(data, None, network)
    return trainer


def fit(made: GuidedTrainer, train=None, log=lambda line: None):
    return made.fit(train or clips(), clips(seed=1), log)


def losses(run: RunSettings, epoch: int, made=None, rows=None, train=None) -> dict[str, float]:
    """The losses of one batch in an epoch."""
    train = train or clips()
    ready = trainer(run, made, train)
    ready._train_mode()
    ready._batches(train, epoch)
    found = ready._losses(train, torch.arange(len(train)) if rows is None else torch.tensor(rows))
    return {name: float(loss.detach()) for name, loss in found.items()}


def outputs(name="joint", train=None) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """What student and teacher of a new network say of all clips, in training mode."""
    with torch.no_grad():
        student = network(name).train()((train or clips()).features)
    return tuple(
        {"clip": each.clip.double().numpy(), "frame": each.frame.double().numpy()}
        | {key: value.double().numpy() for key, value in each.maps.items()}
        for each in (student, student.teacher)
    )


def entropy(p, t):
    return -(t * np.log(p) + (1 - t) * np.log(1 - p))


def focal(form):
    def weighted(p, t):
        true = np.where(t > 0.5, p, 1 - p)
        return -((1 - true**2) if form == "printed" else (1 - true) ** 2) * np.log(true)

    return weighted


def same(first: dict, second: dict) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def beta(epoch, start=2):
    return math.exp(-5 * (1 - min(epoch / start, 1)) ** 2)


# --- losses by hand


def by_hand(system: str, epoch: int) -> dict[str, float]:
    """Eq. 3, 5 and 6 of a batch of all clips, for s = 2."""
    data, (student, teacher) = clips(), outputs("guided" if system == "gl_eq3" else "joint")
    weak_or_strong, strong = data.roles != UNLABELLED, data.roles == STRONG
    targets, frames = data.targets.numpy(), data.frame_targets.numpy().astype(float)
    loss = entropy
    if epoch > 2 and "afl" in system:
        loss = focal("cited" if "cited" in system else "printed")
    alpha = max(0, 1 - 0.996 ** (epoch - 2))
    guided = data.roles == UNLABELLED if system == "pts_unlabelled" else slice(None)
    long_frames = frames.reshape(len(frames), -1, LONG, CLASSES).max(axis=2)
    expected = {
        "student_clip": loss(student["clip"], targets)[weak_or_strong].mean(),
        "teacher_clip": loss(teacher["clip"], targets)[weak_or_strong].mean(),
        "student_frame": loss(student["frame"], frames)[strong].mean(),
        "teacher_frame": loss(teacher["frame"], long_frames)[strong].mean(),
        "student_guided": entropy(student["clip"], teacher["clip"] > 0.5)[guided].mean(),
        "teacher_guided": alpha * entropy(teacher["clip"], student["clip"] > 0.5)[guided].mean(),
    }
    total = sum(expected.values())
    if "fd" in system:
        apart = np.repeat(teacher["features"], LONG, axis=1) - student["features"]
        distance, active = np.sqrt((apart**2).sum(axis=2)), frames.max(axis=2)
        of_system = {
            "tfd": (distance * active)[strong].mean(),
            "dfd_mse": (apart**2).mean(),
            "dfd_d": distance.mean(),
            "dfd_d_wu": distance[~strong].mean(),
        }
        parts = {"pts_tfd_dfd_d_wu": ["tfd", "dfd_d_wu"], "pts_dfd_mse": ["dfd_mse"], "pts_dfd_d": ["dfd_d"]}
        distilled = {name: of_system[name] for name in parts.get(system, ["tfd"])}
        total += beta(epoch) * sum(distilled.values())
        expected |= distilled
    return expected | {"loss": total}


@pytest.mark.parametrize("epoch", [1, 2, 3, 7])
@pytest.mark.parametrize("system", ["gl_eq3", *PTS])
def test_every_system_has_the_losses_of_its_equation(system, epoch):
    found = losses(settings(system), epoch, network("guided" if system == "gl_eq3" else "joint"))
    assert found == pytest.approx(by_hand(system, epoch), rel=1e-4)


def test_focal_losses_come_in_after_epoch_s_only():
    at_s, after = (losses(settings("pts_tfd_afl"), epoch) for epoch in (2, 3))
    plain = losses(settings("pts_tfd"), 3)
    labels = ["student_clip", "student_frame", "teacher_clip", "teacher_frame"]
    assert [at_s[name] for name in labels] == [plain[name] for name in labels]
    assert all(after[name] < plain[name] for name in labels)
    assert [after[n] for n in ("student_guided", "teacher_guided", "tfd")] == [
        plain[n] for n in ("student_guided", "teacher_guided", "tfd")
    ]


@pytest.mark.parametrize("epoch", [3, 5, 30])
def test_the_student_guides_the_teacher_after_epoch_s_and_more_and_more(epoch):
    whole = losses(settings(method={"base": 1e-9}), 3)["teacher_guided"]
    assert losses(settings(), 2)["teacher_guided"] == 0
    assert losses(settings(), epoch)["teacher_guided"] == pytest.approx((1 - 0.996 ** (epoch - 2)) * whole, rel=1e-4)


def test_gl_as_released_has_means_over_whole_batches_and_no_loss_of_frames():
    data, (student, teacher) = clips(), outputs("guided")
    labelled, targets = (data.roles != UNLABELLED)[:, None], data.targets.numpy()
    run = settings("gl", {"start": 2})
    alpha, without = 1 - 0.996**3, ~labelled
    expected = {
        "student_clip": (labelled * entropy(student["clip"], targets)).mean(),
        "teacher_clip": (labelled * entropy(teacher["clip"], targets)).mean(),
        "student_guided": (without * entropy(student["clip"], teacher["clip"] > 0.5)).mean(),
        "teacher_guided": (without * entropy(alpha * teacher["clip"], alpha * (student["clip"] > 0.5))).mean(),
    }
    found = losses(run, 5, network("guided"))
    assert found == pytest.approx(expected | {"loss": sum(expected.values())}, rel=1e-4)


@pytest.mark.parametrize(
    ("role", "silent"),
    [
        (UNLABELLED, {"student_clip", "teacher_clip", "student_frame", "teacher_frame", "tfd"}),
        (WEAK, {"student_frame", "teacher_frame", "tfd"}),
        (STRONG, {"dfd_d_wu"}),
    ],
)
def test_a_batch_of_one_kind_of_clips_has_the_losses_of_its_labels(role, silent):
    rows = np.flatnonzero(clips().roles == role).tolist()
    found = losses(settings("pts_tfd_dfd_d_wu"), 3, rows=rows)
    assert {name for name, value in found.items() if value == 0} == silent
    assert math.isfinite(found["loss"])


def test_labels_of_unlabelled_clips_do_not_matter():
    changed = clips()
    changed.targets[changed.roles == UNLABELLED] = 1
    changed.frame_targets[changed.roles != STRONG] = 1
    run = settings("pts_tfd_dfd_d_wu")
    assert losses(run, 3, train=changed) == losses(run, 3)


def test_pooling_the_students_features_is_another_loss():
    runs = [settings("pts_dfd_d", {"align": align}) for align in ("upsampled", "pooled")]
    upsampled, pooled = (losses(run, 3)["dfd_d"] for run in runs)
    assert pooled < upsampled  # the mean of frames is no farther than they are on average


# --- distillation


def distance_alone(pulled: str, train: Clips, steps: int = 200) -> tuple[float, float, GuidedTrainer]:
    """TFD before and after training on it alone, the transformations included; the rest as it starts."""
    made = trainer(settings("pts_tfd", {"pulled": pulled}), train=train)
    made._train_mode()
    made._batches(train, 1)
    rows = torch.arange(len(train))
    transforms = [made.network.teacher.transform.weight, made.network.student.transform.weight]
    optimizer, values = torch.optim.Adam(transforms, lr=0.04), []
    for _ in range(steps):
        loss = made._losses(train, rows)["tfd"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(float(loss.detach()))
    return values[0], values[-1], made


def test_the_distance_cannot_vanish_by_shrinking_the_transformations():
    train, start = clips(18), network()
    first, fixed, made = distance_alone("student", train)
    _, both, shrunk = distance_alone("both", train)
    assert both < 0.05 * first  # both W shrink, and with them the distance to nearly nothing
    assert fixed > 4 * both
    assert shrunk.network.student.transform.weight.norm() < 0.3 * start.student.transform.weight.norm()
    assert shrunk.network.teacher.transform.weight.norm() < 0.6 * start.teacher.transform.weight.norm()
    assert torch.equal(made.network.teacher.transform.weight, start.teacher.transform.weight)
    assert made.network.student.transform.weight.norm() > start.student.transform.weight.norm()  # it reaches for them


@pytest.mark.parametrize(("pulled", "moves"), [("student", False), ("both", True)])
@pytest.mark.parametrize("system", ["pts_tfd", "pts_dfd_d", "pts_dfd_mse"])
def test_the_teachers_features_are_a_fixed_target_unless_both_are_pulled(system, pulled, moves):
    made = trainer(settings(system, {"pulled": pulled}))
    made._train_mode()
    made._batches(clips(), 1)
    distilled = made._losses(clips(), torch.arange(9))
    distilled[system.removeprefix("pts_")].backward()
    gradients = {
        name: parameter.grad is not None and bool(parameter.grad.any())
        for name, parameter in made.network.named_parameters()
        if "encoder" in name or "transform" in name
    }
    assert all(moved for name, moved in gradients.items() if name.startswith("student"))
    assert {moved for name, moved in gradients.items() if name.startswith("teacher")} == {moves}


# --- the published schedule


@pytest.mark.parametrize(("epoch", "weight"), [(1, 0), (6, 0), (7, 0.004), (8, 1 - 0.996**2), (100, 1 - 0.996**94)])
def test_gls_student_guides_from_the_seventh_epoch_on(epoch, weight):
    given = {"scale": "full", "folds": [1], "seeds": [1], "data_root": "."}
    full = load_paper("joint_at_aed", make_config(given, "test")).run("gl", "dcase2019")
    method = full.training.method
    assert guidance_weight(epoch, method.start, method.base) == pytest.approx(weight, abs=1e-12)


# --- noise


def heard(method: dict, epochs=2) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Inputs of student and teacher in every batch of a training."""
    made, seen = network(), []
    made.register_forward_pre_hook(lambda module, inputs: seen.append(inputs) if module.training else None)
    fit(trainer(settings(method=method, epochs=epochs), made))
    return seen


def test_only_the_teacher_hears_noise_of_the_given_deviation():
    batches = heard({"noise": {"kind": "log_mel", "deviation": 0.15}})
    noise = torch.cat([teacher - student for student, teacher in batches])
    # Features are standardised by 0.5; 2 epochs x 9 clips x 12 frames x 8 bands.
    assert float(noise.std()) == pytest.approx(0.15 / 0.5, rel=0.06)
    assert float(noise.mean()) == pytest.approx(0, abs=0.03)
    assert not torch.equal(noise[:9], noise[9:])
    order = [int((clips().features == one).flatten(1).all(dim=1).nonzero()) for one in batches[0][0]]
    assert sorted(order) == list(range(9))


def test_without_noise_both_hear_the_same():
    assert all(torch.equal(student, teacher) for student, teacher in heard({}))


# --- the loop


def test_an_epoch_has_every_clip_once_in_a_new_order_whatever_is_known_of_it():
    made = trainer(settings(batch_size=4))
    epochs = [torch.cat(list(made._batches(clips(), epoch))) for epoch in (1, 2)]
    assert [sorted(rows.tolist()) for rows in epochs] == 2 * [list(range(9))]
    assert not torch.equal(*epochs)
    assert [len(rows) for rows in made._batches(clips(), 1)] == [4, 4, 1]


@pytest.mark.parametrize("system", ["gl", "gl_eq3", "pts_tfd_afl"])
def test_events_are_learnt(system):
    data = clips(24, kinds=2)
    made = trainer(
        settings(system, {"start": 6}, epochs=40, batch_size=8, learning_rate=0.01, monitor="none"),
        network("joint" if system.startswith("pts") else "guided"),
        data,
    )
    history = fit(made, data).history
    assert history[-1]["student_clip"] < 0.3 * history[0]["student_clip"]
    assert history[-1]["teacher_clip"] < 0.5 * history[0]["teacher_clip"]
    scored = made.scores(data, with_frames=True)
    assert ((scored.clip > 0.5) == (data.targets.numpy() > 0.5)).mean() > 0.95
    if system == "pts_tfd_afl":
        strong = data.rows(STRONG)
        assert ((scored.frame[strong] > 0.5) == data.frame_targets[strong].numpy()).mean() > 0.95


def test_unlabelled_clips_change_what_is_learnt():
    data = clips()
    alone = np.flatnonzero(data.roles != UNLABELLED)
    fewer = Clips(
        data.features[alone],
        data.targets[alone],
        tuple(data.filenames[row] for row in alone),
        data.roles[alone],
        data.frame_targets[alone],
    )
    first, second = (trainer(settings(), network("joint"), train) for train in (data, fewer))
    fit(first, data)
    fit(second, fewer)
    assert not same(first.network.state_dict(), second.network.state_dict())


@pytest.mark.parametrize("system", ["gl", "pts_tfd_afl"])
def test_a_killed_run_goes_on_bit_for_bit(tmp_path, system):
    def made(resume):
        noisy = {"noise": {"kind": "log_mel", "deviation": 0.15}, "start": 2}
        run = settings(system, noisy, epochs=5, batch_size=4, schedule={"kind": "steps", "factor": 0.5, "epochs": 2})
        return trainer(run, network("joint" if system.startswith("pts") else "guided"), resume=resume)

    class KilledError(Exception):
        pass

    def kill(line):
        if line.startswith("epoch 3 "):
            raise KilledError

    undisturbed, killed = made(None), made(Path(tmp_path, "run.pt"))
    history = fit(undisturbed).history
    with pytest.raises(KilledError):
        fit(killed, log=kill)
    again = made(Path(tmp_path, "run.pt"))
    assert fit(again).history == history
    assert same(again.network.state_dict(), undisturbed.network.state_dict())
    assert [row["learning_rate"] for row in history] == pytest.approx([0.01, 0.01, 0.005, 0.005, 0.0025])


def test_the_student_is_kept_where_the_selection_clips_are_tagged_best():
    progress = fit(trainer(settings(epochs=6)))
    assert progress.best_score == max(row["macro_f1"] for row in progress.history)


def test_scores_that_are_not_finite_end_the_training():
    made = network()
    with torch.no_grad():
        made.teacher.head.tags.weight.fill_(math.nan)
    with pytest.raises(SedreproError, match="epoch 1: scores or losses are not finite"):
        fit(trainer(made=made))


# --- wrong settings


def test_other_networks_are_refused():
    with pytest.raises(SettingsError, match="has no teacher and student"):
        GuidedTrainer(MaskNetwork(CLASSES, (6, 6), "gmp"), settings(), RunSeeds(1, 1), CPU)


def test_distillation_needs_transformed_features():
    with pytest.raises(SettingsError, match="set distilled"):
        trainer(settings("pts_tfd"), network("guided"))


@pytest.mark.parametrize(
    ("method", "words"),
    [
        ({"distillation": ["tdf"]}, "tfd"),
        ({"distillation": ["tfd", "tfd"]}, "a loss is listed twice"),
        ({"guidance": "unlabeled"}, "as_released"),
        ({"pulled": "teacher"}, "student"),
        ({"focal": {"gamma": 2}}, "form"),
        ({"start": 0}, "start"),
        ({"frame_losses": True}, "frame_loss"),
        ({"noise": {"kind": "logmel", "deviation": 0.15}}, "log_mel"),
    ],
)
def test_wrong_settings_are_refused(method, words):
    with pytest.raises(SettingsError, match=words):
        settings(method=method)


def test_balance_is_for_weak_labels_only():
    with pytest.raises(SettingsError, match=r"balance is for clips .* not for method guided"):
        settings(balance=2)
