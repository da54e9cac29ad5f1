"""FSDKaggle2018 (DCASE 2018 Task 2, Zenodo 2552860): the event clips of the remix.

Layout: `FSDKaggle2018/FSDKaggle2018.audio_train/*.wav` and
`FSDKaggle2018/FSDKaggle2018.meta/train_post_competition.csv`.
"""

from pathlib import Path

import numpy as np

from sedrepro.corpora.survey import Recording
from sedrepro.errors import DataError
from sedrepro.files import read_table

FOLDER = "FSDKaggle2018"
LABELS = f"{FOLDER}/FSDKaggle2018.meta/train_post_competition.csv"
AUDIO = f"{FOLDER}/FSDKaggle2018.audio_train"
FOLDS = 4
FOLD_SEED = 1234


def recordings(data_root: Path) -> list[Recording]:
    """The manually verified training clips; `group` is the event fold, 1 to 4.

    Folds are those of Kong et al. 2019: all rows of the official table, verified or not, are shuffled with
    NumPy's RandomState(1234) and the row at shuffled position n goes to fold n mod 4 + 1.

    Raises:
        DataError: the table is missing, lacks a column, or has a bad row (names it).
    """
    path = data_root / LABELS
    rows = read_table(path, ("fname", "label", "manually_verified"), delimiter=",")
    seen: set[str] = set()
    for number, row in enumerate(rows, start=2):
        if row["manually_verified"] not in ("0", "1"):
            raise DataError(f"{path}: row {number}: manually_verified is '{row['manually_verified']}', not 0 or 1")
        if row["fname"] in seen:
            raise DataError(f"{path}: row {number}: {row['fname']} is listed twice; remove one row")
        seen.add(row["fname"])
    folds = shuffled_folds(len(rows))
    return [
        Recording(f"{AUDIO}/{row['fname']}", row["label"], str(fold))
        for row, fold in zip(rows, folds, strict=True)
        if row["manually_verified"] == "1"
    ]


def shuffled_folds(count: int) -> np.ndarray:
    """Fold (1 to 4) of each of `count` rows."""
    order = np.arange(count)
    np.random.RandomState(FOLD_SEED).shuffle(order)
    folds = np.empty(count, dtype=int)
    folds[order] = np.arange(count) % FOLDS + 1
    return folds
