"""Supervised training on weak labels: one loop, read from top to bottom."""

import copy
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from sedrepro.errors import DataError, SedreproError, SettingsError, did_you_mean
from sedrepro.evaluation.clip_metrics import micro_average_precision
from sedrepro.files import atomic_path
from sedrepro.nn.output import Output
from sedrepro.settings import RunSettings
from sedrepro.training.data import Clips
from sedrepro.training.order import epoch_order
from sedrepro.training.schedules import Schedule
from sedrepro.training.seeds import RunSeeds

PRECISIONS = {"off": None, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Monitor:
    """A quantity of the selection clips by which epochs are compared."""

    column: str
    """In the history."""
    mode: str
    """What is better: `max` or `min`."""

    def better(self, value: float, than: float | None) -> bool:
        """Whether a value is better than the best so far."""
        return than is None or (value > than if self.mode == "max" else value < than)


MONITORS = {
    "micro_ap": Monitor("micro_ap", "max"),
    "loss": Monitor("selection_loss", "min"),
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


class Trainer:
    """Trains one network on resident clips; the epoch that does best on the selection clips is kept, or the last one.

    Loss: mean binary cross-entropy of the clip scores plus the weighted auxiliary losses (Deshmukh et al. 2021,
    eq. 8). What is best is told by `training.monitor`; where that stalls, the learning rate may fall by a factor and
    training may end. `resume` is a file that survives a kill: the continued run gives,
    on the CPU, the same weights bit for bit as an undisturbed one.
    """

    def __init__(
        self,
        network: nn.Module,
        run: RunSettings,
        seeds: RunSeeds,
        device: torch.device,
        precision: str = "off",
        resume: Path | None = None,
        identity: str = "",
    ) -> None:
        self.network, self.run, self.seeds, self.device = network.to(device), run, seeds, device
        self.resume, self.identity = resume, identity
        self.optimizer = torch.optim.Adam(self.network.parameters(), lr=run.training.learning_rate)
        self.monitor = MONITORS[run.training.monitor]
        self.schedule = Schedule(self.optimizer, run.training.schedule, self.monitor.mode)
        self.precision = PRECISIONS[precision]
        self.scaler = torch.amp.GradScaler(device.type, enabled=precision == "float16")
        self.progress = Progress()

    def fit(self, train: Clips, selection: Clips, log: Callable[[str], None] = print) -> Progress:
        """Train to the last epoch, from the resume file where there is one; the network ends at its best weights.

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
            self.schedule.after_epoch(row[self.monitor.column])
            self._keep(row)
            self._save()
            log(" ".join(f"{key} {value:.6g}" for key, value in row.items()))
        self.network.load_state_dict(self.progress.best_weights)
        return self.progress

    def _finished(self) -> bool:
        """Whether the last epoch is done, or none has been better for so many that training ends early."""
        patience = self.run.training.stop_patience
        stalled = patience is not None and self.progress.epoch - self.progress.best_epoch >= patience
        return stalled or self.progress.epoch >= self.run.training.epochs

    def _examine(self, selection: Clips, epoch: int) -> dict[str, float]:
        """Loss and micro-AP of the selection clips."""
        scores = self.scores(selection)[0]
        _require_finite(epoch, scores)
        targets = selection.targets.cpu()
        loss = nn.functional.binary_cross_entropy(torch.from_numpy(scores), targets)
        return {"selection_loss": float(loss), "micro_ap": micro_average_precision(targets.numpy(), scores)}

    def _train_epoch(self, train: Clips, epoch: int) -> dict[str, float]:
        self.network.train()
        torch.manual_seed(self.seeds.number("training", epoch))  # dropout; nothing of it is left to be resumed
        order = epoch_order(train.targets, self.run.training.balance, self.seeds, epoch).to(self.device)
        sums: dict[str, Tensor] = {}
        finite = torch.ones((), dtype=torch.bool, device=self.device)
        batches = order.split(self.run.training.batch_size)
        for batch in batches:
            with self._autocast():
                output = self.network(train.features[batch])
            finite &= torch.isfinite(output.clip).all()
            losses = self._losses(output, train.targets[batch])
            self.optimizer.zero_grad(set_to_none=True)
            self.scaler.scale(losses["loss"]).backward()
            self.scaler.step(self.optimizer)
            self.scaler.update()
            self.schedule.after_batch()
            for name, loss in losses.items():
                sums[name] = sums.get(name, 0) + loss.detach()
        means = {name: float(value) / len(batches) for name, value in sums.items()}
        _require_finite(epoch, [*means.values(), 0 if finite else np.nan])
        return means

    def _losses(self, output: Output, targets: Tensor) -> dict[str, Tensor]:
        clip = torch.nan_to_num(output.clip.float(), 0.5)
        losses = {"clip": nn.functional.binary_cross_entropy(clip, targets), **output.losses}
        total = losses["clip"]
        for name, weight in self.run.loss_weights.items():
            if weight and name not in losses:
                raise SettingsError(f"loss_weights: loss '{name}' is unknown; {did_you_mean(name, output.losses)}")
            if weight:
                total = total + weight * losses[name]
        return {"loss": total, **losses}

    @torch.no_grad()
    def scores(self, clips: Clips, with_frames: bool = False) -> tuple[np.ndarray, np.ndarray | None]:
        """Clip scores (clip, class) float32, and frame scores (clip, frame, class) float16 where asked for."""
        self.network.eval()
        clip, frame = [], []
        for batch in clips.features.split(self.run.training.batch_size):
            with self._autocast():
                output = self.network(batch)
            clip.append(output.clip.float())
            if with_frames and output.frame is not None:
                frame.append(output.frame.to(torch.float16))
        frames = torch.cat(frame).cpu().numpy() if frame else None
        return torch.cat(clip).cpu().numpy(), frames

    def _autocast(self) -> Any:
        if self.precision is None:
            return nullcontext()
        return torch.autocast(self.device.type, dtype=self.precision)

    def _keep(self, row: dict[str, float]) -> None:
        self.progress.epoch = int(row["epoch"])
        self.progress.history.append(row)
        if self.monitor.better(row[self.monitor.column], self.progress.best_score):
            self.progress.best_score, self.progress.best_epoch = row[self.monitor.column], int(row["epoch"])
            self.progress.best_weights = {k: v.detach().cpu().clone() for k, v in self.network.state_dict().items()}

    def _save(self) -> None:
        if self.resume is None:
            return
        with atomic_path(self.resume) as temporary:
            torch.save(self._state(), temporary)

    def _state(self) -> dict[str, Any]:
        return {
            "identity": self.identity,
            "progress": vars(self.progress),
            "network": self.network.state_dict(),
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
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self.scaler.load_state_dict(state["scaler"])


def _require_finite(epoch: int, values: Any) -> None:
    if not np.isfinite(values).all():
        raise SedreproError(
            f"epoch {epoch}: scores or losses are not finite; "
            "lower training.learning_rate or switch mixed_precision off"
        )
