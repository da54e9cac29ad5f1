"""A corpus that is an official data set as it was released: some of its splits train, others are held out."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, model_validator

from sedrepro.clips import STRONG_COLUMNS, WEAK_COLUMNS, split_labels
from sedrepro.corpora.survey import CLIP_COLUMNS
from sedrepro.corpora.tables import CORPUS_CLIP_COLUMNS, write_tables
from sedrepro.errors import DataError, SettingsError, did_you_mean
from sedrepro.files import read_table
from sedrepro.typed import Typed

#: An official data set has no folds: its runs bear this number.
NO_FOLD = 0


class Official(Typed):
    """Settings of one corpus of official clips."""

    kind: Literal["official"]
    data_set: str
    training: tuple[str, ...] = Field(min_length=1, description="splits that train; their clips have weak labels")
    held_out: tuple[str, ...] = Field(min_length=1, description="splits that are scored, each by itself")

    @model_validator(mode="after")
    def _apart(self) -> "Official":
        both = set(self.training) & set(self.held_out)
        if both:
            raise ValueError(f"split '{min(both)}' cannot both train and be held out")
        return self

    @property
    def data_sets(self) -> tuple[str, ...]:
        """The data set that it is."""
        return (self.data_set,)

    @property
    def splits(self) -> tuple[str, ...]:
        """Every split that is used."""
        return (*self.training, *self.held_out)

    def variants(self, name: str) -> dict[str, None]:
        """Its only corpus variant, named like it."""
        return {name: None}

    def folds(self, configured: Sequence[int]) -> tuple[int, ...]:
        """The held-out folds of its runs: the official splits are the only ones, whatever is configured."""
        return (NO_FOLD,)

    def parts(self, splits: np.ndarray, folds: np.ndarray, fold: int) -> tuple[np.ndarray, np.ndarray]:
        """Which clips train and which are held out, bool (clip,) each.

        Raises:
            SettingsError: another fold than `NO_FOLD` is asked for.
        """
        if fold != NO_FOLD:
            raise SettingsError(f"{self.data_set} has official splits, no folds: fold {fold} must be {NO_FOLD}")
        return np.isin(splits, self.training), np.isin(splits, self.held_out)


def write_official_tables(folder: Path, survey: Path, settings: Official, classes: Sequence[str]) -> None:
    """Write clips.tsv, weak.tsv and strong.tsv of the chosen splits to `folder`, from the survey of the data set.

    Raises:
        DataError: a split has no usable clip, a clip that trains has no weak label, or a class is unknown (names it).
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
    write_tables(
        folder,
        clips=[tuple(row[column] for column in CORPUS_CLIP_COLUMNS) for row in rows],
        weak=[tuple(row[column] for column in WEAK_COLUMNS) for row in weak],
        strong=[tuple(row[column] for column in STRONG_COLUMNS) for row in strong],
    )


def _check_classes(path: Path, column: str, rows: Sequence[dict[str, str]], classes: Sequence[str]) -> None:
    for row in rows:
        for label in split_labels(row[column]):
            if label not in classes:
                raise DataError(f"{path}: {row['filename']}: unknown class '{label}'; {did_you_mean(label, classes)}")
