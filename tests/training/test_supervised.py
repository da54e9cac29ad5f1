import math
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score
from torch import nn

from sedrepro.base.errors import SedreproError, SettingsError
from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.papers import load_paper
from sedrepro.nn.masking import AtrousAttention, MaskNetwork
from sedrepro.nn.output import Output
from sedrepro.papers.two_step_attention.network import TwoStepNetwork
from sedrepro.training import loop
from sedrepro.training.data import Clips
from sedrepro.training.seeds import RunSeeds
from sedrepro.training.settings import Constant, Decay, Plateau
from sedrepro.training.supervised import SupervisedTrainer

ROOT = Path(__file__).parents[2]
CPU = torch.device("cpu")
CLASSES, FRAMES, MELS = 4, 12, 8


@pytest.fixture(autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def settings(loss_weights=None, **training):
    given = {"scale": "miniature", "folds": [1], "seeds": [1]}
    run = load_paper("two_step_attention", make_config(given, "test")).run("2ap_alpha_0", "remix_0db")
    quick = {"epochs": 4, "batch_size": 3, "learning_rate": 0.01} | training
    return run.model_copy(
        update={"training": run.training.model_copy(update=quick), "loss_weights": loss_weights or {}}
    )


def plateau(factor: float, patience: int) -> Plateau:
    return Plateau(kind="plateau", factor=factor, patience=patience)


def clips(count=8, seed=0) -> Clips:
    """Clips in which each class raises a mel band of its own for a part of the time."""
    random = torch.Generator().manual_seed(seed)
    targets = (torch.rand(count, CLASSES, generator=random) < 0.4).float()
    targets[torch.arange(count), torch.arange(count) % CLASSES] = 1
    features = 0.3 * torch.randn(count, FRAMES, MELS, generator=random)
    features[:, 2:9, ::2] += 3 * targets[:, None, :]
    return Clips(features, targets, tuple(f"{i}.wav" for i in range(count)))


def masks(pooling="gwrp", **arguments) -> nn.Module:
    torch.manual_seed(0)
    return MaskNetwork(CLASSES, (6, 6), pooling, **({"r": 0.95} if pooling == "gwrp" else {}), **arguments)


def two_steps(reconstruct=True) -> nn.Module:
    torch.manual_seed(0)
    readings = {"inner_sigmoid": False, "classification_sigmoid": True, "decode_from": "encoder"}
    return TwoStepNetwork(CLASSES, FRAMES, MELS, (4, 4), **readings, reconstruct=reconstruct)


def trainer(network=None, run=None, seed=1, **arguments) -> SupervisedTrainer:
    return SupervisedTrainer(network or masks(), run or settings(), RunSeeds(1, seed), CPU, **arguments)


def fit(made: SupervisedTrainer, train=None, selection=None, log=lambda line: None):
    return made.fit(train or clips(), selection or clips(seed=1), log)


def same(first: dict, second: dict) -> bool:
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


class Fixed(nn.Module):
    """A network whose scores are given, whatever it learns."""

    def __init__(self, scores) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(()))
        self.scores = torch.as_tensor(scores, dtype=torch.float32)

    def forward(self, logmel):
        return Output(self.scores[: len(logmel)] + 0 * self.weight)


# --- learning


@pytest.mark.parametrize("network", [masks, two_steps], ids=["gwrp", "two-step"])
def test_eight_clips_are_learnt_by_heart(network):
    made = trainer(network(), settings(epochs=60, learning_rate=0.02, schedule=plateau(0.1, 60), batch_size=8))
    progress = fit(made, clips(), clips())
    scores = made.scores(clips()).clip
    assert progress.best_score == pytest.approx(1)
    assert progress.history[-1]["clip"] < 0.5 * progress.history[0]["clip"]
    assert average_precision_score(clips().targets.numpy().ravel(), scores.ravel()) == pytest.approx(1)


def test_the_loss_is_binary_cross_entropy_plus_weighted_losses():
    run = settings({"reconstruction": 0.25}, epochs=1, batch_size=8)
    network = two_steps().train()
    data = clips()
    with torch.no_grad():
        output = network(data.features)
        p, t = output.clip.double().numpy(), data.targets.numpy()
    expected = -(t * np.log(p) + (1 - t) * np.log(1 - p)).mean()
    row = fit(trainer(two_steps(), run), data).history[0]
    reconstruction = float(output.losses["reconstruction"])
    assert row["clip"] == pytest.approx(expected, rel=1e-5)
    assert row["reconstruction"] == pytest.approx(reconstruction, rel=1e-5)
    assert row["loss"] == pytest.approx(expected + 0.25 * reconstruction, rel=1e-5)


def test_one_epoch_shows_every_clip_once():
    seen = []
    network = masks()
    network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]) if module.training else None)
    data = clips(count=8)
    fit(trainer(network, settings(epochs=2, batch_size=3)), data)
    assert [len(batch) for batch in seen] == 2 * [3, 3, 2]
    for epoch in (seen[:3], seen[3:]):
        shown = torch.cat(epoch)
        rows = [int((data.features == one).flatten(1).all(dim=1).nonzero()) for one in shown]
        assert sorted(rows) == list(range(8))
    assert not torch.equal(torch.cat(seen[:3]), torch.cat(seen[3:]))


def test_history_has_a_row_per_epoch_with_the_selection_score():
    made, selection = trainer(run=settings(epochs=3)), clips(seed=1)
    progress = fit(made, selection=selection)
    assert [row["epoch"] for row in progress.history] == [1, 2, 3]
    assert set(progress.history[0]) == {"epoch", "learning_rate", "loss", "clip", "selection_loss", "micro_ap"}
    score = average_precision_score(selection.targets.numpy().ravel(), made.scores(selection).clip.ravel())
    assert score == progress.best_score == max(row["micro_ap"] for row in progress.history)


def test_equal_seeds_give_equal_weights_and_others_do_not():
    runs = [trainer(seed=seed) for seed in (1, 1, 2)]
    histories = [fit(made).history for made in runs]
    first, again, other = (made.network.state_dict() for made in runs)
    assert same(first, again)
    assert histories[0] == histories[1]
    assert not same(first, other)


def test_the_order_of_clips_does_not_depend_on_other_randomness():
    first = trainer()
    fit(first)
    second = trainer()
    torch.manual_seed(12345)
    fit(second)
    assert same(first.network.state_dict(), second.network.state_dict())


def test_systems_share_the_order_of_clips_whatever_randomness_they_use():
    orders = []
    for drawn in (0, 7):
        seen = []

        def watch(module, inputs, drawn=drawn, seen=seen):
            torch.rand(drawn)
            if module.training:
                seen.append(inputs[0])

        network = masks()
        network.register_forward_pre_hook(watch)
        fit(trainer(network, settings(epochs=2)))
        orders.append(torch.cat(seen))
    assert torch.equal(*orders)


# --- schedule and selection


def test_the_rate_falls_when_the_score_stalls():
    run = settings(epochs=8, schedule=plateau(0.1, 2), learning_rate=0.5)
    rates = [row["learning_rate"] for row in fit(trainer(Fixed(torch.full((8, CLASSES), 0.5)), run)).history]
    # Epoch 1 sets the best score; epochs 2 to 4 do not better it, three being more than the patience of two.
    assert rates == pytest.approx([0.5] * 4 + [0.05] * 3 + [0.005])


def test_the_rate_stays_while_the_score_rises(monkeypatch):
    scores = iter(np.linspace(0.1, 0.9, 8))
    monkeypatch.setattr(loop, "micro_average_precision", lambda targets, scored: float(next(scores)))
    history = fit(trainer(run=settings(epochs=8, schedule=plateau(0.1, 0)))).history
    assert {row["learning_rate"] for row in history} == {0.01}


@pytest.mark.parametrize(
    ("scores", "best"), [((0.2, 0.9, 0.3, 0.8), 2), ((0.5, 0.5, 0.5, 0.5), 1), ((0.1, 0.2, 0.3, 0.4), 4)]
)
def test_the_best_epochs_weights_are_kept(monkeypatch, scores, best):
    given = iter(scores)
    monkeypatch.setattr(loop, "micro_average_precision", lambda targets, scored: next(given))
    made, seen = trainer(), []
    progress = fit(made, log=lambda line: seen.append({k: v.clone() for k, v in made.network.state_dict().items()}))
    assert progress.best_epoch == best
    assert same(made.network.state_dict(), seen[best - 1])
    assert same(progress.best_weights, seen[best - 1])
    assert not same(seen[0], seen[1])


LOSS = {"monitor": "loss", "schedule": Constant(kind="constant")}


def given_losses(monkeypatch, losses):
    """Let the selection clips have these losses, epoch by epoch."""
    given = iter(losses)
    monkeypatch.setattr(SupervisedTrainer, "_examine", lambda self, selection, epoch: {"selection_loss": next(given)})


def test_the_selection_loss_is_the_binary_cross_entropy_of_the_selection_clips():
    made, selection = trainer(run=settings(epochs=1)), clips(seed=1)
    row = fit(made, selection=selection).history[0]
    p, t = made.scores(selection).clip.astype(float), selection.targets.numpy()
    assert row["selection_loss"] == pytest.approx(-(t * np.log(p) + (1 - t) * np.log(1 - p)).mean(), rel=1e-5)


def test_the_lowest_selection_loss_is_the_best_where_the_loss_is_monitored(monkeypatch):
    given_losses(monkeypatch, (0.7, 0.2, 0.3, 0.2))
    progress = fit(trainer(run=settings(**LOSS)))
    assert (progress.best_epoch, progress.best_score) == (2, 0.2)


@pytest.mark.parametrize(
    ("losses", "patience", "last"),
    [
        ((0.5, 0.4, 0.6, 0.6, 0.6, 0.1), 3, 5),  # epochs 3 to 5 do not better epoch 2
        ((0.5, 0.4, 0.6, 0.3, 0.6, 0.2), 3, 6),
        ((0.5, 0.5, 0.5, 0.5, 0.5, 0.5), 1, 2),
        ((0.6, 0.5, 0.4, 0.3, 0.2, 0.1), 1, 6),
    ],
)
def test_training_ends_when_the_loss_has_not_improved_for_as_long_as_the_patience(monkeypatch, losses, patience, last):
    given_losses(monkeypatch, losses)
    progress = fit(trainer(run=settings(epochs=6, stop_patience=patience, **LOSS)))
    assert progress.epoch == last


def test_the_rate_falls_when_the_monitored_loss_stalls(monkeypatch):
    given_losses(monkeypatch, (0.5, 0.4, 0.6, 0.6, 0.3, 0.2))
    run = settings(epochs=6, monitor="loss", schedule=plateau(0.1, 1), learning_rate=0.5)
    rates = [row["learning_rate"] for row in fit(trainer(run=run)).history]
    assert rates == pytest.approx([0.5] * 4 + [0.05] * 2)


WITHOUT_MONITOR = {"monitor": "none", "schedule": Constant(kind="constant")}


def test_without_a_monitor_the_last_epoch_is_kept_and_no_clip_is_looked_at_for_it(monkeypatch):
    made, seen = trainer(run=settings(**WITHOUT_MONITOR)), []
    monkeypatch.setattr(made, "scores", lambda clips: pytest.fail("selection clips were scored"))
    silent = clips(seed=1)
    silent.targets[:] = 0
    progress = fit(
        made, None, silent, lambda line: seen.append({k: v.clone() for k, v in made.network.state_dict().items()})
    )
    assert (progress.best_epoch, progress.epoch) == (4, 4)
    assert same(made.network.state_dict(), seen[-1])
    assert same(progress.best_weights, seen[-1])
    assert not same(seen[-1], seen[-2])
    assert set(progress.history[0]) == {"epoch", "learning_rate", "loss", "clip"}


def test_decay_lowers_the_rate_by_batches():
    # Three batches an epoch: the rate falls after batches 4 and 8, in the second and the third epoch.
    run = settings(epochs=4, schedule=Decay(kind="decay", factor=0.5, iterations=4), learning_rate=0.4, monitor="none")
    made, rates = trainer(run=run), []
    made.optimizer.register_step_pre_hook(lambda optimizer, *_: rates.append(optimizer.param_groups[0]["lr"]))
    history = fit(made).history
    assert rates == pytest.approx([0.4] * 4 + [0.2] * 4 + [0.1] * 4)
    assert [row["learning_rate"] for row in history] == pytest.approx([0.4, 0.4, 0.2, 0.1])  # of its first batch


# --- balance


def watched(network: nn.Module, data: Clips) -> list[list[int]]:
    """Rows of the clips in each batch that a network is trained on, as they come."""
    batches = []

    def watch(module, inputs):
        if module.training:
            batches.append([int((data.features == one).flatten(1).all(dim=1).nonzero()) for one in inputs[0]])

    network.register_forward_pre_hook(watch)
    return batches


def shown(data: Clips, balance: float | None, epochs=30, seed=1) -> list[list[int]]:
    """Rows of the clips in each batch of a training."""
    network, run = masks(), settings(epochs=epochs, batch_size=5, balance=balance, **WITHOUT_MONITOR)
    batches = watched(network, data)
    fit(trainer(network, run, seed), data)
    return batches


def unbalanced() -> Clips:
    """Two clips of the first class, 18 of the second."""
    made = clips(count=20)
    made.targets[:] = 0
    made.targets[:2, 0] = made.targets[2:, 1] = 1
    return made


def test_balanced_batches_hold_a_frequent_class_so_many_times_as_often_as_a_rare_one():
    data = unbalanced()
    batches = torch.tensor(shown(data, 3))
    assert batches.shape == (30 * 4, 5)
    rare, frequent = data.targets[batches.flatten()].sum(dim=0)[:2].tolist()
    assert rare + frequent == 30 * 20
    assert frequent / rare == 3
    rare, frequent = data.targets[torch.tensor(shown(data, None)).flatten()].sum(dim=0)[:2].tolist()
    assert frequent / rare == 9


def test_the_targets_of_balanced_clips_are_theirs(monkeypatch):
    data, seen, network = unbalanced(), [], masks()
    batches = watched(network, data)
    losses = SupervisedTrainer._losses
    monkeypatch.setattr(
        SupervisedTrainer,
        "_losses",
        lambda self, train, rows: (seen.append(train.targets[rows]), losses(self, train, rows))[1],
    )
    fit(trainer(network, settings(epochs=2, balance=2, **WITHOUT_MONITOR)), data)
    assert torch.equal(torch.cat(seen), data.targets[[row for batch in batches for row in batch]])


def test_seeds_decide_the_order_of_balanced_clips():
    first, again, other = (shown(unbalanced(), 3, epochs=2, seed=seed) for seed in (1, 1, 2))
    assert first == again != other
    assert first[:4] != first[4:]


def test_selection_clips_are_not_trained_on():
    plain = trainer(run=settings(epochs=1))
    other = trainer(run=settings(epochs=1))
    fit(plain, selection=clips(seed=1))
    fit(other, selection=clips(seed=2))
    assert same(plain.network.state_dict(), other.network.state_dict())


def test_scoring_leaves_the_network_alone():
    made = trainer()
    before = {k: v.clone() for k, v in made.network.state_dict().items()}
    made.scores(clips())
    assert same(before, made.network.state_dict())


def test_scores_come_clip_by_clip_whatever_the_batches():
    network, data = masks(), clips(count=30)
    small = trainer(network, settings(batch_size=1)).scores(data, with_frames=True)
    large = trainer(network, settings(batch_size=50)).scores(data, with_frames=True)
    assert small.clip.dtype == np.float32
    assert small.frame.shape == (30, FRAMES, CLASSES)
    assert small.frame.dtype == np.float16
    np.testing.assert_allclose(small.clip, large.clip, rtol=1e-5)
    np.testing.assert_allclose(small.frame.astype(float), large.frame.astype(float), atol=1e-3)
    assert trainer(network).scores(data).frame is None


# --- what goes wrong


def failure(made: SupervisedTrainer, **arguments) -> str:
    with pytest.raises(SedreproError) as caught:
        fit(made, **arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_features_that_are_no_numbers_stop_training(value):
    data = clips()
    data.features[3, 4, 5] = value
    assert "epoch 1: scores or losses are not finite" in failure(trainer(), train=data)


@pytest.mark.parametrize("batch_size", [3, 8])
@pytest.mark.parametrize("network", [masks, two_steps], ids=["gwrp", "two-step"])
def test_a_huge_learning_rate_stops_training(network, batch_size):
    run = settings({"reconstruction": 1.0} if network is two_steps else None, learning_rate=1e36, batch_size=batch_size)
    assert "lower training.learning_rate" in failure(trainer(network(), run))


def test_selection_features_that_are_no_numbers_stop_training():
    data = clips(seed=1)
    data.features[0] = math.nan
    assert "not finite" in failure(trainer(), selection=data)


def test_selection_clips_without_any_event_stop_training():
    data = clips(seed=1)
    data.targets[:] = 0
    assert "no event" in failure(trainer(), selection=data)


def test_nothing_is_resumed_from_an_epoch_that_failed(tmp_path):
    data = clips()
    data.features[0] = math.nan
    failure(trainer(resume=tmp_path / "run.pt"), train=data)
    assert not (tmp_path / "run.pt").exists()


def test_a_loss_that_the_network_does_not_have_names_the_nearest():
    with pytest.raises(SettingsError, match=r"did you mean 'reconstruction'\?"):
        fit(trainer(two_steps(), settings({"reconstrution": 0.1})))
    with pytest.raises(SettingsError, match="loss 'reconstruction'"):
        fit(trainer(masks(), settings({"reconstruction": 0.1})))


# --- going on after a kill


class Killed(BaseException):
    """Stands for a SIGKILL."""


def stop_after(epoch: int):
    def log(line: str) -> None:
        if line.startswith(f"epoch {epoch} "):
            raise Killed

    return log


def resumed(path, stop, network=two_steps, run=None, identity="one", **arguments):
    """Train, be killed by `stop(trainer)`, and train again from the resume file, with a fresh network."""
    run = run or settings({"reconstruction": 0.1}, schedule=plateau(0.1, 0))
    first = trainer(network(), run, resume=path, identity="one", **arguments)
    with pytest.raises(Killed):
        fit(first, log=stop(first))
    second = trainer(network(), run, resume=path, identity=identity, **arguments)
    lines: list[str] = []
    return second, fit(second, log=lines.append), lines


def undisturbed(network=two_steps, run=None):
    made = trainer(network(), run or settings({"reconstruction": 0.1}, schedule=plateau(0.1, 0)))
    return made, fit(made)


@pytest.mark.parametrize("epoch", [1, 2, 3, 4])
def test_a_run_killed_after_any_epoch_ends_like_an_undisturbed_one(tmp_path, epoch):
    expected, progress = undisturbed()
    second, again, lines = resumed(tmp_path / "run.pt", lambda made: stop_after(epoch))
    assert lines[0] == f"resuming after epoch {epoch}"
    assert len(lines) == 1 + 4 - epoch
    assert same(second.network.state_dict(), expected.network.state_dict())
    assert again.history == progress.history
    assert (again.best_epoch, again.best_score) == (progress.best_epoch, progress.best_score)


@pytest.mark.parametrize("epoch", range(1, 8))
def test_the_schedule_goes_on_counting_after_a_kill(tmp_path, epoch):
    def stalled():
        return Fixed(torch.full((8, CLASSES), 0.5))

    run = settings(epochs=8, schedule=plateau(0.1, 2))
    _, again, _ = resumed(tmp_path / "run.pt", lambda made: stop_after(epoch), stalled, run)
    rates = [row["learning_rate"] for row in again.history]
    assert rates == [row["learning_rate"] for row in undisturbed(stalled, run)[1].history]
    assert len(set(rates)) == 3


DECAYING = {"schedule": Decay(kind="decay", factor=0.5, iterations=4), "monitor": "none", "balance": 2}


@pytest.mark.parametrize("epoch", [1, 2, 3, 4])
def test_decay_and_balance_go_on_bit_for_bit_after_a_kill(tmp_path, epoch):
    run = settings({"reconstruction": 0.1}, **DECAYING)
    expected, progress = undisturbed(run=run)
    second, again, lines = resumed(tmp_path / "run.pt", lambda made: stop_after(epoch), run=run)
    assert lines[0] == f"resuming after epoch {epoch}"
    assert same(second.network.state_dict(), expected.network.state_dict())
    assert again.history == progress.history
    assert len({row["learning_rate"] for row in again.history}) == 3
    assert again.best_epoch == 4


@pytest.mark.parametrize("batch", [2, 5, 9])
def test_decay_goes_on_bit_for_bit_after_a_kill_within_an_epoch(tmp_path, batch):
    def stop(made: SupervisedTrainer):
        counted, step = iter(range(1, 100)), made.schedule.after_batch

        def kill() -> None:
            step()
            if next(counted) == batch:
                raise Killed

        made.schedule.after_batch = kill
        return lambda line: None

    run = settings({"reconstruction": 0.1}, **DECAYING)
    expected, progress = undisturbed(run=run)
    second, again, _ = resumed(tmp_path / "run.pt", stop, run=run)
    assert same(second.network.state_dict(), expected.network.state_dict())
    assert again.history == progress.history


def dropping() -> nn.Module:
    """A network that draws random numbers while it is trained."""
    network = masks()
    network.blocks.append(nn.Dropout(0.5))
    return network


@pytest.mark.parametrize("epoch", [1, 3])
def test_dropout_is_the_same_after_a_kill(tmp_path, epoch):
    run = settings(**LOSS)
    expected, progress = undisturbed(dropping, run)
    second, again, _ = resumed(tmp_path / "run.pt", lambda made: stop_after(epoch), dropping, run)
    assert same(second.network.state_dict(), expected.network.state_dict())
    assert again.history == progress.history


def test_seeds_decide_what_is_dropped():
    # One batch per epoch: the order of the clips does not count, what differs between the seeds is the dropout.
    run = settings(batch_size=8, **LOSS)

    def weights(network, seed):
        made = trainer(network(), run, seed)
        fit(made)
        return made.network.state_dict()

    plain = [weights(masks, seed) for seed in (1, 2)]
    for name in plain[0]:
        torch.testing.assert_close(plain[0][name], plain[1][name], rtol=0.01, atol=1e-4)
    first, again, other = (weights(dropping, seed) for seed in (1, 1, 2))
    assert same(first, again)
    assert max(float((first[name] - other[name]).abs().max()) for name in first) > 0.01


def test_random_numbers_within_the_network_depend_on_seed_and_epoch_alone():
    def drawn(seed):
        numbers, network = [], masks()
        network.register_forward_pre_hook(lambda module, inputs: numbers.append(float(torch.rand(()))))
        fit(trainer(network, settings(epochs=3, batch_size=8), seed))
        return numbers

    first = drawn(1)
    torch.manual_seed(99)
    assert drawn(1) == first
    assert len(set(first)) == len(first) >= 3
    assert not set(first) & set(drawn(2))


def test_a_run_that_ended_early_is_not_trained_further(tmp_path, monkeypatch):
    given_losses(monkeypatch, (0.1, 0.2, 0.3, 0.0))
    run = settings(stop_patience=2, **LOSS)
    assert fit(trainer(run=run, resume=tmp_path / "run.pt", identity="one")).epoch == 3
    lines = []
    assert fit(trainer(run=run, resume=tmp_path / "run.pt", identity="one"), log=lines.append).epoch == 3
    assert lines == ["resuming after epoch 3"]


@pytest.mark.parametrize("batch", [1, 2, 5, 9])
def test_a_run_killed_within_an_epoch_ends_like_an_undisturbed_one(tmp_path, batch):
    def stop(made: SupervisedTrainer):
        counted = iter(range(1, 100))

        def kill(module, inputs) -> None:
            if module.training and next(counted) == batch:
                raise Killed

        made.network.register_forward_pre_hook(kill)
        return lambda line: None

    expected, progress = undisturbed()
    second, again, lines = resumed(tmp_path / "run.pt", stop)
    assert lines[0].startswith("resuming") == (batch > 3)
    assert same(second.network.state_dict(), expected.network.state_dict())
    assert again.history == progress.history


def test_a_kill_while_saving_leaves_the_state_before(tmp_path, monkeypatch):
    write, counted = Path.write_bytes, iter(range(1, 100))

    def half(path, state):
        if next(counted) == 3:
            write(path, state[:500])
            raise Killed
        write(path, state)

    monkeypatch.setattr(Path, "write_bytes", half)
    _, again, lines = resumed(tmp_path / "run.pt", lambda made: lambda line: None)
    assert lines[0] == "resuming after epoch 2"
    assert again.history == undisturbed()[1].history
    assert [path.name for path in tmp_path.iterdir()] == ["run.pt"]


def test_a_finished_run_is_not_trained_again(tmp_path):
    first = trainer(resume=tmp_path / "run.pt", identity="one")
    progress = fit(first)
    second = trainer(resume=tmp_path / "run.pt", identity="one")
    lines = []
    assert fit(second, log=lines.append).history == progress.history
    assert lines == ["resuming after epoch 4"]
    assert same(first.network.state_dict(), second.network.state_dict())


def test_the_state_of_other_settings_is_passed_over(tmp_path):
    _, again, lines = resumed(tmp_path / "run.pt", lambda made: stop_after(2), identity="other")
    assert not lines[0].startswith("resuming")
    assert again.history == undisturbed()[1].history


def _truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _drop_a_key(path):
    state = torch.load(path, weights_only=True)
    del state["optimizer"]
    torch.save(state, path)


def _other_network(path):
    state = torch.load(path, weights_only=True)
    del state["modules"]["network"]["classes.bias"]
    torch.save(state, path)


@pytest.mark.parametrize(
    "damage",
    [
        _truncate,
        _drop_a_key,
        _other_network,
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(b"no torch file"),
        lambda path: torch.save(torch.zeros(3), path),
        lambda path: torch.save([1, 2], path),
    ],
    ids=["truncated", "without the optimiser", "other network", "empty", "text", "a tensor", "a list"],
)
def test_a_damaged_state_is_passed_over(tmp_path, damage):
    def stop(made):
        def log(line):
            if line.startswith("epoch 2 "):
                damage(made.resume)
                raise Killed

        return log

    second, again, lines = resumed(tmp_path / "run.pt", stop)
    expected, progress = undisturbed()
    assert not lines[0].startswith("resuming")
    assert again.history == progress.history
    assert same(second.network.state_dict(), expected.network.state_dict())


# --- mixed precision


def atrous() -> nn.Module:
    torch.manual_seed(0)
    return AtrousAttention(CLASSES, (4, 4), (0.1, 0.9), "log_softmax")


@pytest.mark.parametrize("network", [lambda: masks("gap"), lambda: masks("gmp"), masks, atrous, two_steps])
def test_bfloat16_trains_on_the_cpu_with_finite_single_precision_results(network):
    made = trainer(network(), settings(epochs=2), precision="bfloat16")
    progress = fit(made)
    scored = made.scores(clips(), with_frames=True)
    clip = scored.clip
    assert clip.dtype == np.float32
    assert np.isfinite(clip).all()
    assert np.isfinite(scored.frame).all()
    assert all(weight.dtype != torch.bfloat16 for weight in made.network.state_dict().values())
    assert all(np.isfinite(list(row.values())).all() for row in progress.history)
    exact = trainer(made.network).scores(clips()).clip
    assert np.abs(clip - exact).max() < 0.05
    assert np.abs(clip - exact).max() > 0


def test_a_run_in_bfloat16_resumes_bit_for_bit(tmp_path):
    expected = trainer(two_steps(), settings(), precision="bfloat16")
    progress = fit(expected)
    second, again, _ = resumed(tmp_path / "run.pt", lambda made: stop_after(2), run=settings(), precision="bfloat16")
    assert again.history == progress.history
    assert same(second.network.state_dict(), expected.network.state_dict())
