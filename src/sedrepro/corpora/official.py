"""A corpus that is an official data set as it was released: some of its splits train, others are held out.

Splits train on weak labels, on strong labels, or without any; what a training method makes of them is its affair.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from sedrepro.annotations.clips import STRONG_COLUMNS, WEAK_COLUMNS, split_labels
from sedrepro.base.errors import DataError, SettingsError, did_you_mean
from sedrepro.base.files import read_table
from sedrepro.base.typed import Typed
from sedrepro.corpora.settings import CorpusSettings, Parts
from sedrepro.corpora.survey import CLIP_COLUMNS
from sedrepro.corpora.tables import CORPUS_CLIP_COLUMNS, write_tables

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
                    f"split '{split}' stands twice; it can train on weak labels, strong ones or none, or be held out"
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


def write_official_tables(
    folder: Path,
    survey: Path,
    settings: Official,
    classes: Sequence[str],
    subsets: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> None:
    """Write the tables of the chosen splits to `folder`, from the survey of the data set.

    `subsets` has the usable clips of the data set that each subset is named after.

    Raises:
        DataError: a split or a subset has no usable clip, a clip that trains lacks its labels, or a class is unknown
            (names it).
    """
    rows = [row for row in read_table(survey / "clips.tsv", CLIP_COLUMNS) if row["split"] in settings.splits]
    chosen = {row["filename"]: row["split"] for row in rows}
    for split in settings.splits:
        if split not in chosen.values():
            raise DataError(f"{survey}/clips.tsv: no usable clip of split '{split}'; see rejected.tsv beside it")
    weak = [row for row in read_table(survey / "weak.tsv", WEAK_COLUMNS) if row["filename"] in chosen]
    strong = [row for row in read_table(survey / "strong.tsv", STRONG_COLUMNS) if row["filename"] in chosen]
    _check_classes(survey / "weak.tsv", "event_labels", weak, classes)
    _check_classes(survey / "strong.tsv", "event_label", strong, classes)
    labelled = {row["filename"] for row in weak}
    for name, split in chosen.items():
        if split in settings.training and name not in labelled:
            raise DataError(f"{survey}/weak.tsv: {name} trains (split '{split}') but has no weak label")
    heard = {row["filename"] for row in strong}
    for name, split in chosen.items():
        if split in settings.strong and name not in heard:
            raise DataError(f"{survey}/strong.tsv: {name} trains (split '{split}') but has no strong label")
    write_tables(
        folder,
        clips=[tuple(row[column] for column in CORPUS_CLIP_COLUMNS) for row in rows],
        weak=[tuple(row[column] for column in WEAK_COLUMNS) for row in weak],
        strong=[tuple(row[column] for column in STRONG_COLUMNS) for row in strong],
        subsets=[
            row for name, listed in subsets.items() for row in _subset_rows(survey, settings, name, listed, chosen)
        ],
    )


def _subset_rows(
    survey: Path, settings: Official, name: str, listed: Sequence[str], chosen: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Rows of subsets.tsv: the clips of a subset that are usable clips of its split."""
    subset = settings.subsets[name]
    rows = [(name, filename) for filename in listed if chosen.get(filename) == subset.split]
    if not rows:
        raise DataError(
            f"{survey}/clips.tsv: no usable clip of split '{subset.split}' is one of {subset.data_set}, "
            f"so subset '{name}' is empty; drop it from the settings, or bring its clips"
        )
    return rows


def _check_classes(path: Path, column: str, rows: Sequence[dict[str, str]], classes: Sequence[str]) -> None:
    for row in rows:
        for label in split_labels(row[column]):
            if label not in classes:
                raise DataError(f"{path}: {row['filename']}: unknown class '{label}'; {did_you_mean(label, classes)}")
