import numpy as np
import pytest
import semi_supervised as small
import torch
from semi_supervised import (
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
from torch.nn.functional import binary_cross_entropy, mse_loss

from sedrepro.base.errors import SedreproError, SettingsError
from sedrepro.nn.output import Output
from sedrepro.training.data import STRONG, WEAK
from sedrepro.training.loop import Base

#: All strong clips of `clips()` in one batch.
STRONG_ALL = {"weak": 3, "unlabelled": 4, "strong": 6}


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def stage_one() -> torch.nn.Module:
    """A network that has learnt something, with statistics of its batches."""
    network, data = crnn(pooling="power", dropout=0.5), run_data(clips())
    fit(small.trainer(network, method("mean_teacher"), data, training={"epochs": 15, "learning_rate": 0.02}), data)
    return network


@pytest.fixture(scope="module")
def base() -> Base:
    return Base(copied(stage_one()))


def trainer(base, data=None, network=None, training=None, seed=1, **changes):
    arguments = {name: changes.pop(name) for name in ("precision", "resume", "identity") if name in changes}
    network = network or crnn(seed=3, pooling="power", dropout=0.5, confidence=True)
    how = method("confidence", **changes)
    return small.trainer(network, how, data or run_data(clips()), base, training=training, seed=seed, **arguments)


def rest(state: dict) -> dict:
    """What is not the branch."""
    return {name: value for name, value in state.items() if not name.startswith("confidence.")}


# --- what changes


def test_only_the_branch_changes(base):
    data, made = run_data(clips()), trainer(base)
    before = copied(made.network)
    assert same(rest(before), base.weights)
    fit(made, data)
    after = copied(made.network)
    assert same(rest(after), base.weights)
    for name in ("confidence.weight", "confidence.bias"):
        assert not torch.equal(before[name], after[name])


def test_a_new_branch_is_learnt_whatever_stage_one_has(base):
    with_branch = Base(copied(crnn(seed=8, pooling="power", confidence=True)))
    made = trainer(with_branch)
    assert same(rest(copied(made.network)), rest(with_branch.weights))
    fresh = crnn(seed=3, pooling="power", dropout=0.5, confidence=True)
    assert torch.equal(made.network.confidence.weight, fresh.confidence.weight)


def test_scores_stay_bit_for_bit(base):
    data, made, plain = run_data(clips()), trainer(base), crnn(pooling="power", dropout=0.5)
    before = made.scores(data.train, with_frames=True)
    fit(made, data)
    after = made.scores(data.train, with_frames=True)
    np.testing.assert_array_equal(after.clip, before.clip)
    np.testing.assert_array_equal(after.frame, before.frame)
    assert (after.confidence != before.confidence).any()
    assert after.confidence.shape == after.frame.shape
    assert after.confidence.dtype == np.float16
    plain.load_state_dict(base.weights)
    of_base = small.trainer(plain, method("mean_teacher"), data).scores(data.train, with_frames=True)
    np.testing.assert_allclose(after.clip, of_base.clip, rtol=1e-6)  # torch rounds a layer that is fixed otherwise
    np.testing.assert_allclose(after.frame.astype(float), of_base.frame.astype(float), atol=1e-3)
    assert of_base.confidence is None


def test_only_the_branch_is_in_the_optimiser_and_has_gradients(base):
    made = trainer(base)
    trained = {id(p) for group in made.optimizer.param_groups for p in group["params"]}
    assert trained == {id(p) for p in made.network.confidence.parameters()}
    fit(made, run_data(clips()))
    with_gradient = {name for name, p in made.network.named_parameters() if p.grad is not None}
    assert with_gradient == {"confidence.weight", "confidence.bias"}


# --- the loss


def test_the_loss_is_that_of_the_formulas(base):
    train = clips()
    made = trainer(base, run_data(train), composition=STRONG_ALL, training={"epochs": 1}, penalty=0.3)
    strong = train.rows(STRONG)
    with torch.no_grad():
        said = made.network.eval()(train.features[strong])
    y, c = said.frame.double().numpy(), said.confidence.double().numpy()
    t = (at_scores(train.frame_targets[strong]).mean(axis=2) >= 0.5).astype(float)
    expected = {"frame": cross_entropy((1 - c) * t + c * y, t).mean(), "confidence": -np.log(c).mean()}
    row = fit(made, run_data(train)).history[0]
    for name, value in expected.items():
        assert row[name] == pytest.approx(value, rel=1e-4)
    assert row["loss"] == pytest.approx(expected["frame"] + 0.3 * expected["confidence"], rel=1e-4)


def test_only_strongly_labelled_clips_count(base):
    train, other = clips(), clips()
    others = np.flatnonzero(other.roles != STRONG)
    other.targets[:] = 1
    other.frame_targets[others] = 1
    other.features[others] = 7
    histories = [fit(trainer(base), run_data(each)).history for each in (train, other)]
    assert histories[0] == histories[1]
    other.frame_targets[other.rows(STRONG)] = 1
    assert fit(trainer(base), run_data(other)).history != histories[0]


def test_the_penalty_of_all_clips_is_a_mean_over_the_frames_of_composed_batches(base):
    train = clips()
    composition = {"weak": 6, "unlabelled": 8, "strong": 6}
    made = trainer(base, run_data(train), composition=composition, training={"epochs": 1}, penalty_on="all")
    with torch.no_grad():
        said = made.network.eval()(train.features)
    row = fit(made, run_data(train)).history[0]
    only = fit(trainer(base, run_data(train), composition=composition, training={"epochs": 1}), run_data(train))
    assert row["confidence"] == pytest.approx(-said.confidence.double().log().mean().item(), rel=1e-4)
    assert row["frame"] == pytest.approx(only.history[0]["frame"], rel=1e-4)
    assert row["confidence"] != pytest.approx(only.history[0]["confidence"], rel=1e-3)


def heard(made, data) -> torch.Tensor:
    """What the network is given, batch after batch."""
    inputs = []
    made.network.register_forward_pre_hook(lambda m, given: inputs.append(given[0].clone()))
    fit(made, data)
    return torch.cat(inputs)


def test_clips_are_shifted_and_noisy_where_the_settings_say_so(base):
    data, noise = run_data(clips()), {"noise": {"kind": "snr", "decibels": 20}, "noise_on": "both"}
    plain = heard(trainer(base, shift_frames=3, **noise), data)
    assert torch.equal(plain, heard(trainer(base), data))
    moved = heard(trainer(base, shift_frames=3, augmented=True), data)
    torch.testing.assert_close(moved.sum(dim=1), plain.sum(dim=1))
    assert not torch.equal(moved, plain)
    noisy = heard(trainer(base, augmented=True, **noise), data)
    assert 0 < float((noisy - plain).std()) < 0.2 * float(plain.std())
    assert torch.equal(heard(trainer(base, augmented=True, **noise | {"noise_on": "teacher"}), data), plain)


def test_labels_are_shifted_with_the_clips(base):
    # Every frame stands for itself, so the loss of what is shifted together stays.
    class Judged(FrameWise):
        def __init__(self):
            super().__init__(seed=3)
            self.confidence = torch.nn.Linear(small.MELS, small.CLASSES)

        def forward(self, logmel):
            said = super().forward(logmel)
            return Output(said.clip, said.frame, confidence=torch.sigmoid(self.confidence(logmel)))

    weights = Base(copied(Judged()))
    given = {"composition": STRONG_ALL, "training": {"epochs": 1}, "network": Judged(), "shift_frames": 3}
    rows = []
    for augmented in (False, True):
        given["network"] = Judged()
        rows.append(fit(trainer(weights, augmented=augmented, **given), run_data(clips())).history[0])
    assert rows[0] == pytest.approx(rows[1], rel=1e-5)


def test_the_fixed_network_drops_out_where_the_settings_say_so(base):
    made = trainer(base, drops_out=True)
    before = copied(made.network)
    rows = [fit(each, run_data(clips())).history[0] for each in (made, trainer(base))]
    assert rows[0]["frame"] != rows[1]["frame"]
    assert same(rest(copied(made.network)), rest(before))


def test_clip_loss_and_consistency_have_no_gradient_in_the_branch(base):
    made, train = trainer(base), clips()
    made.network.requires_grad_(True)
    said = made.network.train()(train.features)
    clip = binary_cross_entropy(said.clip[train.rows(WEAK)], train.targets[train.rows(WEAK)])
    teacher = torch.rand_like(said.frame)
    consistency = mse_loss(said.frame, teacher) + mse_loss(said.clip, teacher.mean(dim=1))
    branch = list(made.network.confidence.parameters())
    gradients = torch.autograd.grad(clip + consistency, branch, allow_unused=True)
    assert gradients == (None, None)
    assert all(g is not None for g in torch.autograd.grad(said.confidence.log().mean(), branch))


def confidence_after(base, penalty: float) -> float:
    data = run_data(clips())
    made = trainer(base, penalty=penalty, training={"epochs": 40, "learning_rate": 0.1})
    fit(made, data)
    return float(made.scores(data.train, with_frames=True).confidence.astype(float).mean())


def test_a_tiny_penalty_gives_no_confidence_and_a_large_one_gives_all(base):
    small_one, middle, large = (confidence_after(base, penalty) for penalty in (1e-4, 0.1, 20))
    assert small_one < 0.1
    assert small_one < middle < large
    assert large > 0.95


def test_fewer_strong_clips_than_a_batch_takes_are_one_batch(base):
    data = run_data(clips(strong=2))
    progress = fit(trainer(base, data, composition=STRONG_ALL), data)
    assert progress.epoch == 4


def test_every_strong_clip_comes_once_in_whole_batches(base):
    data, made, seen = run_data(clips()), trainer(base, composition=STRONG_ALL | {"strong": 3}), []
    losses = made._losses
    made._losses = lambda train, rows: (seen.append(rows.tolist()), losses(train, rows))[1]
    fit(made, data)
    assert len(seen) == 4 * 2
    for first, second in zip(seen[::2], seen[1::2], strict=True):
        assert sorted(first + second) == data.train.rows(STRONG).tolist()
    assert seen[0] != seen[2]


# --- what goes wrong


def refused(call) -> str:
    with pytest.raises(SedreproError) as caught:
        call()
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("network", [lambda: crnn(pooling="power"), FrameWise], ids=["no branch", "no such part"])
def test_a_network_without_a_branch_is_refused(base, network):
    assert "the network has no confidence branch" in refused(lambda: trainer(base, network=network()))


def test_weights_of_another_network_are_refused():
    other = Base(copied(crnn(pooling="power", filters=[5, 5])))
    with pytest.raises(SettingsError):
        trainer(other)
    assert refused(lambda: trainer(other)).startswith("based_on: the weights are of another network (")


def test_no_strong_clip_is_an_error(base):
    data = run_data(clips(strong=0))
    assert "strong" in refused(lambda: fit(trainer(base, data), data))


# --- randomness, kills, precision


def test_seeds_decide_the_course_of_training(base):
    histories = [fit(trainer(base, seed=seed), run_data(clips())).history for seed in (1, 1, 2)]
    assert histories[0] == histories[1] != histories[2]


@pytest.mark.parametrize(
    "stop",
    [kill_after_epoch(1), kill_after_epoch(3), kill_after_epoch(4), kill_after_batch(3)],
    ids=["epoch 1", "epoch 3", "epoch 4", "batch 3"],
)
def test_a_killed_run_ends_like_an_undisturbed_one(base, tmp_path, stop):
    require_equal_after_a_kill(lambda **given: trainer(base, **given), run_data(clips()), tmp_path / "run.pt", stop)


@pytest.mark.parametrize("passed_over", [{"identity": "another"}, {"damage": truncate}], ids=["other", "truncated"])
def test_a_resume_file_of_no_use_is_passed_over(base, tmp_path, passed_over):
    make, data = (lambda **given: trainer(base, **given)), run_data(clips())
    require_equal_after_a_kill(make, data, tmp_path / "run.pt", kill_after_epoch(2), resumes=False, **passed_over)


def test_bfloat16_trains_with_finite_values(base):
    made = trainer(base, precision="bfloat16")
    require_finite_in_bfloat16(made, run_data(clips()))
    assert same(rest(made.network.state_dict()), base.weights)
