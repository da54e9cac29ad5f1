"""What every kind of corpus has: settings in common, and which of its clips do what in a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, model_validator

from sedrepro.base.errors import SettingsError, did_you_mean
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


#: An official data set has no folds: its runs bear this number.
NO_FOLD = 0


class Subset(Typed):
    """Clips of a held-out split that another data set lists as well; they are scored by themselves too."""

    split: str
    data_set: str


class Official(CorpusSettings):
    """Settings of one corpus of official clips."""

    kind: Literal["official"]
    data_set: str
    training: tuple[str, ...] = Field(min_length=1, description="splits that train on their weak labels")
    strong: tuple[str, ...] = Field(default=(), description="splits that train on their strong labels")
    unlabelled: tuple[str, ...] = Field(default=(), description="splits that train without labels")
    held_out: tuple[str, ...] = Field(min_length=1, description="splits that are scored, each by itself")
    subsets: dict[str, Subset] = Field(default_factory=dict, description="parts of held-out splits, scored as well")

    @model_validator(mode="after")
    def _apart(self) -> "Official":
        for split in self.splits:
            if self.splits.count(split) > 1:
                raise ValueError(
                    f"split '{split}' is listed twice; it can train on weak labels, strong ones or none, or be held out"
                )
        for name, subset in self.subsets.items():
            if subset.split not in self.held_out:
                hint = did_you_mean(subset.split, self.held_out)
                raise ValueError(f"subsets.{name}.split = {subset.split!r} is not held out; {hint}")
            if name in self.splits:
                raise ValueError(f"subsets.{name} has the name of a split; call it something else")
        return self

    @property
    def data_sets(self) -> tuple[str, ...]:
        """The data set that it is, and those that list its subsets."""
        return tuple(dict.fromkeys([self.data_set, *(subset.data_set for subset in self.subsets.values())]))

    @property
    def splits(self) -> tuple[str, ...]:
        """Every split that is used."""
        return (*self.training, *self.strong, *self.unlabelled, *self.held_out)

    def variants(self, name: str) -> dict[str, None]:
        """Its only corpus variant, named like it."""
        return {name: None}

    def folds(self, configured: Sequence[int]) -> tuple[int, ...]:
        """The held-out folds of its runs: the official splits are the only ones, whatever is configured."""
        return (NO_FOLD,)

    def parts(self, splits: np.ndarray, folds: np.ndarray, fold: int) -> Parts:
        """Which clips do what, by their splits.

        Raises:
            SettingsError: another fold than `NO_FOLD` is asked for.
        """
        if fold != NO_FOLD:
            raise SettingsError(f"{self.data_set} has official splits, no folds: fold {fold} must be {NO_FOLD}")
        chosen = (self.training, self.strong, self.unlabelled, self.held_out)
        return Parts(*(np.isin(splits, names) for names in chosen))


#: All mixtures belong to one split; what is held out is a fold.
SPLIT = "development"


class Remix(CorpusSettings):
    """Settings of one remix corpus."""

    kind: Literal["remix"]
    events: str = Field(description="data set of the event clips")
    scenes: str = Field(description="data set of the scenes")
    snr_db: tuple[int, ...] = Field(min_length=1)
    mixtures_per_fold: int = Field(gt=0)
    draw: Literal["reshuffled", "tiled"] = Field(description="new order per repetition, or one order tiled as released")
    level: Literal["whole_file", "active"] = Field(description="what the event level is measured on")
    label_span: Literal["as_heard", "whole_slot"] = Field(
        default="as_heard", description="what an event's label lasts: what is left of it within its 2 s, or all 2 s"
    )
    quantise: Literal["none", "pcm16"] = Field(
        default="none", description="both tracks of a mixture, once scaled: as they are, or as a 16-bit WAV holds them"
    )
    seed: int = Field(ge=0)

    @property
    def data_sets(self) -> tuple[str, ...]:
        """The data sets that it is made of."""
        return self.events, self.scenes

    @property
    def held_out(self) -> tuple[str, ...]:
        """Splits that are scored: its only one."""
        return (SPLIT,)

    @property
    def subsets(self) -> dict[str, None]:
        """It has none."""
        return {}

    @property
    def strong(self) -> tuple[str, ...]:
        """Splits that train on their strong labels: none."""
        return ()

    def variants(self, name: str) -> dict[str, int]:
        """Names of the corpus variants and their SNR in dB."""
        return {f"{name}_{snr}db": snr for snr in self.snr_db}

    def folds(self, configured: Sequence[int]) -> tuple[int, ...]:
        """The held-out folds of its runs: those of the configuration."""
        return tuple(configured)

    def parts(self, splits: np.ndarray, folds: np.ndarray, fold: int) -> Parts:
        """The clips of the held-out fold, and all others, which train on their weak labels."""
        none = np.zeros(len(folds), dtype=bool)
        return Parts(weak=folds != fold, strong=none, unlabelled=none, held_out=folds == fold)


Corpus = Annotated[Remix | Official, Field(discriminator="kind")]
