"""The loop that every training method shares: epochs, the best of them, its resume state. Read from top to bottom."""

import copy
import io
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from sedrepro.base.errors import DataError, SedreproError, SettingsError
from sedrepro.base.files import atomic_path
from sedrepro.evaluation.clip_metrics import macro_f1, micro_average_precision
from sedrepro.nn.output import Network, Output
from sedrepro.training.data import STRONG, Clips, RunData
from sedrepro.training.frame_labels import pool_labels
from sedrepro.training.schedules import Schedule
from sedrepro.training.seeds import RunSeeds
from sedrepro.training.settings import RunSettings, TrainingMethod

MACRO_F1_THRESHOLD = 0.5
#: What every method of training minimises its losses by.
OPTIMISER = torch.optim.Adam
PRECISIONS = {"off": None, "bfloat16": torch.bfloat16, "float16": torch.float16}

#: The settings of a kind of method.
Kind = TypeVar("Kind", bound=TrainingMethod)


@dataclass(frozen=True)
class Monitor:
    """A quantity of the selection clips by which epochs are compared."""

    column: str
    """In the history."""
    mode: Literal["max", "min"]
    """What is better."""

    def better(self, value: float, than: float | None) -> bool:
        """Whether a value is better than the best so far."""
        return than is None or (value > than if self.mode == "max" else value < than)


MONITORS = {
    "micro_ap": Monitor("micro_ap", "max"),
    "loss": Monitor("selection_loss", "min"),
    "macro_f1": Monitor("macro_f1", "max"),
    "none": Monitor("epoch", "max"),  # the last epoch is the best
}


@dataclass
class Progress:
    """Everything that a run needs to go on after a kill."""

    epoch: int = 0
    best_score: float | None = None
    best_epoch: int = 0
    best_weights: dict[str, Tensor] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)


@dataclass(frozen=True)
class Base:
    """What a run takes over from the run that it is based on."""

    weights: dict[str, Tensor]
    pseudo_labels: dict[str, np.ndarray] = field(default_factory=dict)
    """Arrays of its pseudo_labels.npz, where the method needs them."""


def started_from(base: Base | None) -> Base:
    """What a method takes over that starts from another run.

    Raises:
        ValueError: there is nothing.
    """
    if base is None:
        raise ValueError("the method starts from another run, and none is given")
    return base


@dataclass(frozen=True)
class Scored:
    """What a network says of some clips."""

    clip: np.ndarray
    """(clip, class), float32."""
    frame: np.ndarray | None = None
    """(clip, frame, class), float16."""
    confidence: np.ndarray | None = None
    """(clip, frame, class), float16, of a network that tells it."""
    segments: np.ndarray | None = None
    """(clip, segment, class), float32, by the network's own pooling."""


class Trainer:
    """Trains one network on resident clips; the epoch that does best on the selection clips is kept, or the last one.

    A method of training says which batches an epoch has and what the losses of a batch are. What is best is told by
    `training.monitor`; where that stalls, the learning rate may fall by a factor and training may end. `resume` is a
    file that survives a kill: the continued run gives, on the CPU, the same weights bit for bit as an undisturbed one.
    """

    def __init__(
        self,
        network: Network,
        run: RunSettings,
        seeds: RunSeeds,
        device: torch.device,
        precision: str = "off",
        resume: Path | None = None,
        identity: str = "",
    ) -> None:
        self.network, self.run, self.seeds, self.device = network.to(device), run, seeds, device
        self.resume, self.identity = resume, identity
        self.optimizer = make_optimiser(self._parameters(), run.training.learning_rate)
        self.monitor = MONITORS[run.training.monitor]
        self.schedule = Schedule(self.optimizer, run.training.schedule, self.monitor.mode)
        self.precision = PRECISIONS[precision]
        self.scaler = torch.amp.GradScaler(device.type, enabled=precision == "float16")
        self.progress = Progress()
        self.step = 0  # batches before this one, over all epochs
        self._finite = torch.ones((), dtype=torch.bool, device=device)

    def _settings(self, kind: type[Kind]) -> Kind:
        """The settings of the method, which are of a certain kind."""
        method = self.run.training.method
        if not isinstance(method, kind):
            raise TypeError(f"{type(self).__name__} does not train by method {method.kind}")
        return method

    # What a method decides.

    def prepare(self, data: RunData, base: Base | None, another: Callable[[], Network]) -> None:
        """Take up what the method needs beside the training clips; called once, before `fit`.

        `base` is what the run is based on; `another` makes a second network of the same kind, with weights of its own.
        """

    def _parameters(self) -> list[nn.Parameter]:
        """What is trained."""
        return list(self.network.parameters())

    def _modules(self) -> dict[str, nn.Module]:
        """Everything that changes while it trains."""
        return {"network": self.network}

    def _kept(self) -> Network:
        """The network whose scores tell the better epoch, and whose weights are kept."""
        return self.network

    def _train_mode(self) -> None:
        for module in self._modules().values():
            module.train()

    def _batches(self, train: Clips, epoch: int) -> Sequence[Tensor]:
        """Rows of the training clips, batch by batch, on the device."""
        raise NotImplementedError

    def _losses(self, train: Clips, rows: Tensor) -> dict[str, Tensor]:
        """Losses of a batch; `loss` is what is minimised, the others are logged."""
        raise NotImplementedError

    def _after_batch(self) -> None:
        """The optimiser has made a step."""

    # The loop.

    def fit(self, train: Clips, selection: Clips, log: Callable[[str], None] = print) -> Progress:
        """Train to the last epoch, from the resume file where there is one; what is kept ends at its best weights.

        Raises:
            SedreproError: scores or losses are no longer finite.
            DataError: the selection clips hold no event, so that no epoch can be the best.
            SettingsError: a loss has a weight that the network does not compute (names the nearest).
        """
        if self.run.training.monitor != "none" and not selection.targets.any():
            raise DataError(f"the {len(selection)} clips that pick the best epoch hold no event; give more clips")
        self._load()
        if self.progress.epoch:
            log(f"resuming after epoch {self.progress.epoch}")
        while not self._finished():
            epoch = self.progress.epoch + 1
            row = {"epoch": epoch, "learning_rate": self.optimizer.param_groups[0]["lr"]}
            row |= self._train_epoch(train, epoch)
            if self.run.training.monitor != "none":
                row |= self._examine(selection, epoch)
            kept = self._kept()
            if isinstance(kept, Network):
                row |= kept.reported()
            self.schedule.after_epoch(row[self.monitor.column])
            self._keep(row)
            self._save()
            log(" ".join(f"{key} {value:.6g}" for key, value in row.items()))
        self._kept().load_state_dict(self.progress.best_weights)
        return self.progress

    def rehearse(self, train: Clips, steps: int, every: int = 1) -> Progress:
        """Make the first few steps of the first epoch, as `fit` makes them; what is kept is where they end.

        Of each batch only every so many-th clip is taken, where the whole would not fit.
        """
        row = {"epoch": 1.0} | self._train_epoch(train, 1, steps, every)
        kept = self._kept()
        if isinstance(kept, Network):
            row |= kept.reported()
        weights = {name: value.detach().cpu().clone() for name, value in kept.state_dict().items()}
        self.progress = Progress(epoch=1, best_epoch=1, best_weights=weights, history=[row])
        return self.progress

    def _finished(self) -> bool:
        """Whether the last epoch is done, or none has been better for so many that training ends early."""
        patience = self.run.training.stop_patience
        stalled = patience is not None and self.progress.epoch - self.progress.best_epoch >= patience
        return stalled or self.progress.epoch >= self.run.training.epochs

    def _examine(self, selection: Clips, epoch: int) -> dict[str, float]:
        """Loss, micro-AP and, where it is asked for, macro F1 of the selection clips."""
        with_frames = self.run.training.monitor == "macro_f1"
        scored = self.scores(selection, with_frames)
        _require_finite(epoch, scored.clip)
        targets = selection.targets.cpu()
        loss = nn.functional.binary_cross_entropy(torch.from_numpy(scored.clip), targets)
        found = {"selection_loss": float(loss), "micro_ap": micro_average_precision(targets.numpy(), scored.clip)}
        return found | ({"macro_f1": self._macro_f1(selection, scored)} if with_frames else {})

    def _macro_f1(self, selection: Clips, scored: Scored) -> float:
        """Macro F1 of clips at 0.5, and its mean with that of the frames where strong labels have an active one."""
        clips = macro_f1(selection.targets.cpu().numpy() > 0, scored.clip >= MACRO_F1_THRESHOLD)
        rows = selection.rows(STRONG)
        if scored.frame is None or selection.frame_targets is None or not len(rows):
            return clips
        reference = pool_labels(selection.frame_targets[rows], self.network.time_reduction, "majority").cpu().numpy()
        active = scored.frame[rows] >= MACRO_F1_THRESHOLD
        classes = reference.shape[2]
        frames = macro_f1(reference.reshape(-1, classes) > 0, active.reshape(-1, classes))
        return (clips + frames) / 2 if reference.any() else clips

    def _train_epoch(self, train: Clips, epoch: int, most: int | None = None, every: int = 1) -> dict[str, float]:
        """Mean losses of an epoch, or of its first batches or parts of these."""
        self._train_mode()
        torch.manual_seed(self.seeds.number("training", epoch))  # dropout; nothing of it is left to be resumed
        sums: dict[str, Tensor] = {}
        self._finite = torch.ones((), dtype=torch.bool, device=self.device)
        batches = [rows[::every] for rows in self._batches(train, epoch)[:most]]
        for self.step, rows in enumerate(batches, start=(epoch - 1) * len(batches)):
            losses = self._losses(train, rows)
            self.optimizer.zero_grad(set_to_none=True)
            self.scaler.scale(losses["loss"]).backward()
            self.scaler.step(self.optimizer)
            self.scaler.update()
            self.schedule.after_batch()
            self._after_batch()
            for name, loss in losses.items():
                sums[name] = sums.get(name, 0) + loss.detach()
        means = {name: float(value) / len(batches) for name, value in sums.items()}
        _require_finite(epoch, [*means.values(), 0 if self._finite else np.nan])
        return means

    def _ask(self, network: Network, *features: Tensor) -> Output:
        """Output of a network, its scores in single precision; what is not finite is noted, and replaced for losses."""
        with self._autocast():
            output = network(*features)
        for each in filter(None, (output, output.teacher)):
            for name in ("clip", "frame", "confidence"):
                scores = getattr(each, name)
                if scores is not None:
                    self._finite &= torch.isfinite(scores).all()
                    setattr(each, name, torch.nan_to_num(scores.float(), 0.5))
        return output

    @torch.no_grad()
    def scores(self, clips: Clips, with_frames: bool = False, segments: Sequence[slice] = ()) -> Scored:
        """Scores of clips by the kept network; of their frames, and the confidence in these, where asked for.

        `segments` are frames of scores that the network pools by themselves.

        Raises:
            SettingsError: the network cannot pool parts of a clip.
        """
        network = self._kept().eval()
        explained = {"explain": True} if segments else {}
        parts: dict[str, list[Tensor]] = {"clip": [], "frame": [], "confidence": [], "segments": []}
        for batch in clips.features.split(self.run.training.batch_size):
            with self._autocast():
                output = network(batch, **explained)
            parts["clip"].append(output.clip.float())
            if segments:
                parts["segments"].append(torch.stack([network.pooled(output, each) for each in segments], dim=1))
            for name in ("frame", "confidence") if with_frames else ():
                if getattr(output, name) is not None:
                    parts[name].append(getattr(output, name).to(torch.float16))
        return Scored(**{name: torch.cat(each).cpu().numpy() for name, each in parts.items() if each})

    def _autocast(self) -> Any:
        if self.precision is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.precision)

    def _keep(self, row: dict[str, float]) -> None:
        self.progress.epoch = int(row["epoch"])
        self.progress.history.append(row)
        if self.monitor.better(row[self.monitor.column], self.progress.best_score):
            self.progress.best_score, self.progress.best_epoch = row[self.monitor.column], int(row["epoch"])
            self.progress.best_weights = {k: v.detach().cpu().clone() for k, v in self._kept().state_dict().items()}

    def _save(self) -> None:
        if self.resume is None:
            return
        state = io.BytesIO()
        torch.save(self._state(), state)
        with atomic_path(self.resume) as temporary:  # written by Python, which says why a file cannot be
            temporary.write_bytes(state.getbuffer())

    def _state(self) -> dict[str, Any]:
        return {
            "identity": self.identity,
            "progress": vars(self.progress),
            "modules": {name: module.state_dict() for name, module in self._modules().items()},
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": self.scaler.state_dict(),
        }

    def _load(self) -> None:
        """Take up the state in the resume file; one of other settings, or a damaged one, is passed over."""
        if self.resume is None or not self.resume.exists():
            return
        fresh = copy.deepcopy(self._state())
        try:
            state = torch.load(self.resume, map_location=self.device, weights_only=True)
            if isinstance(state, dict) and state["identity"] == self.identity:
                self._restore(state)
        except Exception:  # torch raises many kinds for a damaged file; training anew is always right
            self._restore(fresh)

    def _restore(self, state: dict[str, Any]) -> None:
        self.progress = Progress(**state["progress"])
        for name, module in self._modules().items():
            module.load_state_dict(state["modules"][name])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.scaler.load_state_dict(state["scaler"])


def make_optimiser(parameters: Iterable[nn.Parameter], learning_rate: float) -> torch.optim.Optimizer:
    """What minimises the losses, in its fused form: one pass over all weights instead of a dozen for each tensor."""
    return OPTIMISER(parameters, lr=learning_rate, fused=True)


def take_over(network: nn.Module, weights: dict[str, Tensor]) -> None:
    """Give a network the weights of the run that it is based on.

    Raises:
        SettingsError: they are of another network.
    """
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        problem = " ".join(str(error).split())
        raise SettingsError(f"based_on: the weights are of another network ({problem})") from error


def _require_finite(epoch: int, values: Any) -> None:
    if not np.isfinite(values).all():
        raise SedreproError(
            f"epoch {epoch}: scores or losses are not finite; "
            "lower training.learning_rate or switch mixed_precision off"
        )
