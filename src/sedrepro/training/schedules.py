"""How the learning rate of a run changes."""

from typing import Any, Literal

import torch

from sedrepro.training.settings import Constant, Decay, Plateau, Steps


class Schedule:
    """The learning rate of an optimiser, told of every batch and every epoch."""

    def __init__(
        self,
        optimizer: torch.optim.Optimizer,
        settings: Constant | Plateau | Decay | Steps,
        mode: Literal["min", "max"],
    ) -> None:
        """`mode` says which value after an epoch is better, `max` or `min`; only a plateau asks."""
        self._per_batch: torch.optim.lr_scheduler.StepLR | None = None
        self._per_epoch: torch.optim.lr_scheduler.ReduceLROnPlateau | torch.optim.lr_scheduler.LambdaLR | None = None
        if isinstance(settings, Plateau):
            plateau = torch.optim.lr_scheduler.ReduceLROnPlateau
            self._per_epoch = plateau(optimizer, mode, factor=settings.factor, patience=settings.patience)
        elif isinstance(settings, Decay):
            self._per_batch = torch.optim.lr_scheduler.StepLR(optimizer, settings.iterations, settings.factor)
        elif isinstance(settings, Steps):
            self._per_epoch = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epochs: _share(settings, epochs))
        self._optimizer, self._anew = optimizer, isinstance(settings, Steps) and settings.anew

    def after_batch(self) -> None:
        """The optimiser has made a step."""
        if self._per_batch is not None:
            self._per_batch.step()

    def after_epoch(self, value: float) -> None:
        """An epoch has ended with this monitored value."""
        if isinstance(self._per_epoch, torch.optim.lr_scheduler.ReduceLROnPlateau):
            self._per_epoch.step(value)
        elif self._per_epoch is not None:
            before = self._per_epoch.get_last_lr()
            self._per_epoch.step()
            if self._anew and self._per_epoch.get_last_lr() != before:
                self._optimizer.state.clear()

    def state_dict(self) -> dict[str, Any]:
        """What it needs to go on after a kill."""
        return {"batch": _state(self._per_batch), "epoch": _state(self._per_epoch)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was taken."""
        for schedule, kept in ((self._per_batch, state["batch"]), (self._per_epoch, state["epoch"])):
            if schedule is not None:
                schedule.load_state_dict(kept)


def _share(settings: Steps, epochs: int) -> float:
    """Of the first learning rate, what is left after so many epochs."""
    falls = (epochs - (settings.first or settings.epochs)) // settings.epochs + 1
    return settings.factor ** max(0, falls)


def _state(schedule: Any) -> dict[str, Any]:
    return {} if schedule is None else schedule.state_dict()
