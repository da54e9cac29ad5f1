"""The methods of training: each kind that settings can name is a module of this folder, with its `METHOD_TRAINER`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sedrepro.training.loop import Trainer


def trainer_module(kind: str) -> str:
    """Name of the module of a kind of method."""
    return f"sedrepro.training.{kind}"


def trainer_class(kind: str) -> type[Trainer]:
    """What trains by a kind of method."""
    return importlib.import_module(trainer_module(kind)).METHOD_TRAINER
