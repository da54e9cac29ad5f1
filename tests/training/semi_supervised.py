"""Small semi-supervised problems, networks and settings that tests of several training methods share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.papers import load_paper
from sedrepro.nn.crnn import Crnn
from sedrepro.nn.output import Network, Output
from sedrepro.training.data import STRONG, UNLABELLED, WEAK, Clips, RunData
from sedrepro.training.loop import Base, Progress, Trainer
from sedrepro.training.methods import trainer_class
from sedrepro.training.seeds import RunSeeds
from sedrepro.training.settings import METHODS as KINDS
from sedrepro.training.settings import Constant, Method, RunSettings

CPU = torch.device("cpu")
#: Four frames of features make one of scores, and two are left over.
CLASSES, FRAMES, MELS, REDUCTION = 3, 18, 8, 4
MEAN_TEACHER = {
    "composition": {"weak": 3, "unlabelled": 4, "strong": 3},
    "average": 0.9,
    "teacher_start": "student",
    "consistency": 2.0,
    "ramp_up": 0.5,
    "noise": {"kind": "none"},
    "noise_on": "teacher",
    "shift_frames": 0,
    "label_pooling": "majority",
    "clip_loss": "weak",
    "kept": "student",
    "teacher_norm": "own",
}
CONFIDENCE = MEAN_TEACHER | {"penalty": 0.1, "penalty_on": "strong", "augmented": False, "drops_out": False}
RETRAINING = MEAN_TEACHER | {
    "weights": "confidence",
    "alpha": 0.3,
    "threshold": None,
    "below": "dropped",
    "labels": "soft",
    "normalised": "jointly",
    "start": "anew",
}
DEFAULTS = {"mean_teacher": MEAN_TEACHER, "confidence": CONFIDENCE, "retraining": RETRAINING}
#: With all that draws random numbers.
RANDOM = {"noise": {"kind": "snr", "decibels": 10}, "noise_on": "both", "shift_frames": 3}


def clips(weak=6, unlabelled=8, strong=6, seed=0, frames=FRAMES) -> Clips:
    """Clips of each kind, mixed; each class raises two mel bands of its own for a third of the time."""
    count, random = weak + unlabelled + strong, torch.Generator().manual_seed(seed)
    active = torch.rand(count, CLASSES, generator=random) < 0.4
    active[torch.arange(count), torch.arange(count) % CLASSES] = True
    starts = torch.randint(0, frames - 6, (count, 1, CLASSES), generator=random)
    places = torch.arange(frames)[None, :, None]
    sounding = (starts <= places) & (places < starts + 6) & active[:, None]
    features = 0.3 * torch.randn(count, frames, MELS, generator=random)
    features[:, :, : 2 * CLASSES] += 3 * sounding.repeat_interleave(2, dim=2)
    roles = np.repeat([WEAK, UNLABELLED, STRONG], [weak, unlabelled, strong])
    roles = roles[torch.randperm(count, generator=random).numpy()]
    targets = active.float() * torch.from_numpy(roles != UNLABELLED)[:, None]
    strongly = (sounding & torch.from_numpy(roles == STRONG)[:, None, None]).to(torch.uint8)
    return Clips(features, targets, tuple(f"{seed}_{i}.wav" for i in range(count)), roles, strongly)


def run_data(train: Clips, selection: Clips | None = None) -> RunData:
    """The data of a run that trains on these clips; already standardised."""
    selection = selection or clips(seed=1)
    mels = np.zeros(MELS, dtype=np.float32), np.ones(MELS, dtype=np.float32)
    return RunData(train, selection, selection, np.arange(len(selection)), *mels)


def crnn(seed=0, frames=FRAMES, **arguments) -> Crnn:
    """A small network, made with one seed."""
    torch.manual_seed(seed)
    small = {"filters": [6, 6], "poolings": [[2, 2], [2, 2]], "recurrent": 6, "recurrent_layers": 1}
    return Crnn(CLASSES, frames, MELS, **small | {"dropout": 0.0, "pooling": "linear"} | arguments)


class FrameWise(Network):
    """Every frame of scores sees its own frames of features, so a shift of the input shifts the scores."""

    def __init__(self, time_reduction=1, seed=0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.time_reduction = time_reduction
        self.classes = nn.Linear(MELS, CLASSES)

    def forward(self, logmel: Tensor) -> Output:
        frames = logmel.shape[1] // self.time_reduction * self.time_reduction
        means = logmel[:, :frames].unflatten(1, (-1, self.time_reduction)).mean(dim=2)
        scores = torch.sigmoid(self.classes(means))
        return Output(scores.mean(dim=1), scores)


def method(kind: str, **changes: Any) -> Method:
    """Settings of a method of training, with changes; the tests' defaults draw nothing at random."""
    return KINDS[kind].model_validate(DEFAULTS[kind] | {"kind": kind} | changes)


def settings(how: Method, **training: Any) -> RunSettings:
    """Settings of a run with a method; batches are composed as it says, and the last epoch is kept."""
    given = {"scale": "miniature", "folds": [1], "seeds": [1], "data_root": Path("data")}
    run = load_paper("c_ssed", make_config(given, "test")).run("power")
    quick = {"epochs": 4, "learning_rate": 0.01, "monitor": "none", "schedule": Constant(kind="constant")}
    quick |= {"method": how, "batch_size": how.composition.total} | training
    return run.model_copy(
        update={
            "training": run.training.model_copy(update=quick),
            "front_end": run.front_end.model_copy(update={"n_mels": MELS}),
        }
    )


def trainer(
    network: nn.Module,
    how: Method,
    data: RunData,
    base: Base | None = None,
    another: Callable[[], nn.Module] = crnn,
    seed=1,
    training: dict | None = None,
    **arguments: Any,
) -> Trainer:
    """The trainer of a method, prepared."""
    made = trainer_class(how.kind)(network, settings(how, **training or {}), RunSeeds(1, seed), CPU, **arguments)
    made.prepare(data, base, another)
    return made


def fit(made: Trainer, data: RunData, log: Callable[[str], None] = lambda line: None) -> Progress:
    """Train on the data of a run."""
    return made.fit(data.train, data.validation, log)


def same(first: dict, second: dict) -> bool:
    """Whether two states are equal bit by bit."""
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def copied(module: nn.Module) -> dict[str, Tensor]:
    """The state of a module as it is now."""
    return {name: value.detach().clone() for name, value in module.state_dict().items()}


def cross_entropy(p: np.ndarray, t: np.ndarray) -> np.ndarray:
    """Binary cross-entropy of each score, in double precision."""
    p, t = np.asarray(p, dtype=np.float64), np.asarray(t, dtype=np.float64)
    return -(t * np.log(p) + (1 - t) * np.log(1 - p))


def at_scores(values: np.ndarray) -> np.ndarray:
    """Values (clip, frame, class) of feature frames grouped by frames of scores (clip, frame, feature frame, class)."""
    values = np.asarray(values, dtype=np.float64)
    count = values.shape[1] // REDUCTION
    return values[:, : count * REDUCTION].reshape(len(values), count, REDUCTION, -1)


class Killed(BaseException):
    """Stands for a SIGKILL."""


def kill_after_epoch(epoch: int) -> Callable[[Trainer], Callable[[str], None]]:
    """A kill when an epoch is stored."""

    def log(line: str) -> None:
        if line.startswith(f"epoch {epoch} "):
            raise Killed

    return lambda made: log


def kill_after_batch(batch: int) -> Callable[[Trainer], Callable[[str], None]]:
    """A kill within an epoch."""

    def stop(made: Trainer) -> Callable[[str], None]:
        counted, done = iter(range(1, 1000)), made._after_batch

        def kill() -> None:
            done()
            if next(counted) == batch:
                raise Killed

        made._after_batch = kill
        return lambda line: None

    return stop


def require_equal_after_a_kill(
    make: Callable[..., Trainer],
    data: RunData,
    path: Path,
    stop: Callable[[Trainer], Callable[[str], None]],
    resumes: bool = True,
    identity: str = "one",
    damage: Callable[[Path], None] = lambda path: None,
) -> None:
    """A run that is killed and started again ends like an undisturbed one; `make` makes a fresh trainer."""
    expected = make()
    progress = fit(expected, data)
    first = make(resume=path, identity="one")
    with pytest.raises(Killed):
        fit(first, data, stop(first))
    damage(path)
    second, lines = make(resume=path, identity=identity), []
    again = fit(second, data, lines.append)
    assert lines[0].startswith("resuming") == resumes
    assert again.history == progress.history
    assert (again.best_epoch, again.best_score) == (progress.best_epoch, progress.best_score)
    assert second._modules().keys() == expected._modules().keys()
    for name, module in expected._modules().items():
        assert same(second._modules()[name].state_dict(), module.state_dict())


def truncate(path: Path) -> None:
    """Half a file is left."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def require_finite_in_bfloat16(made: Trainer, data: RunData) -> None:
    """Training gives finite numbers, and weights of single precision."""
    progress = fit(made, data)
    assert all(np.isfinite(list(row.values())).all() for row in progress.history)
    for module in made._modules().values():
        for weight in module.state_dict().values():
            assert weight.dtype != torch.bfloat16
            assert torch.isfinite(weight.float()).all()
    scored = made.scores(data.train, with_frames=True)
    assert np.isfinite(scored.clip).all()
    assert np.isfinite(scored.frame).all()
