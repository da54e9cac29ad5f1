"""What every kind of corpus has: settings in common, and which of its clips do what in a run."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import Field

from sedrepro.base.typed import Typed


class CorpusSettings(Typed):
    """Settings that every corpus has; a kind adds its own."""

    classes: tuple[str, ...] = Field(default=(), description="in the order of scores; none: those of the paper")
    front_end: dict[str, Any] = Field(default_factory=dict, description="what differs from the paper's `front_end`")


@dataclass(frozen=True)
class Parts:
    """Which clips do what in a run, bool (clip,) each."""

    weak: np.ndarray
    """They train, and their classes are known."""
    strong: np.ndarray
    """They train, and their events are known."""
    unlabelled: np.ndarray
    """They train, and nothing is known of them."""
    held_out: np.ndarray

    @property
    def training(self) -> np.ndarray:
        """All that train."""
        return self.weak | self.strong | self.unlabelled
