"""FSDKaggle2018 (DCASE 2018 Task 2, Zenodo 2552860): the event clips of the remix.

Layout: `FSDKaggle2018/FSDKaggle2018.audio_train/*.wav` and
`FSDKaggle2018/FSDKaggle2018.meta/train_post_competition.csv`.
"""

from pathlib import Path

import numpy as np

from sedrepro.annotations.clips import Clip
from sedrepro.annotations.labels import check_new
from sedrepro.base.errors import DataError
from sedrepro.base.files import read_table

ARCHIVE = "fsdkaggle2018"
LABELS = ("FSDKaggle2018/FSDKaggle2018.meta/train_post_competition.csv",)
AUDIO = "FSDKaggle2018/FSDKaggle2018.audio_train"
SPLITS = ("train",)
CLIPS = {"train": 3710}
# Of the remix: longer clips are cut there.
CLIP_SECONDS = 2.0
FOLDS = 4
FOLD_SEED = 1234


def clips(data_root: Path) -> list[Clip]:
    """The manually verified training clips with their event folds, 1 to 4.

    Folds are those of Kong et al. 2019: all rows of the official table, verified or not, are shuffled with
    NumPy's RandomState(1234) and the row at shuffled position n goes to fold n mod 4 + 1.

    Raises:
        DataError: the table is missing, lacks a column, or has a bad row (names it).
    """
    path = data_root / LABELS[0]
    rows = read_table(path, ("fname", "label", "manually_verified"), delimiter=",")
    if not rows:
        raise DataError(f"{path}: lists no clip; get the table again")
    seen: set[str] = set()
    for number, row in enumerate(rows, start=2):
        where = f"{path}: row {number}"
        check_new(where, row["fname"], seen)
        seen.add(row["fname"])
        if not row["label"]:
            raise DataError(f"{where}: {row['fname']} has no label; fill it in")
        if row["manually_verified"] not in ("0", "1"):
            raise DataError(f"{where}: manually_verified is '{row['manually_verified']}', not 0 or 1")
    return [
        Clip(f"{AUDIO}/{row['fname']}", "train", group=row["fname"], fold=int(fold), labels=(row["label"],))
        for row, fold in zip(rows, shuffled_folds(len(rows)), strict=True)
        if row["manually_verified"] == "1"
    ]


def shuffled_folds(count: int) -> np.ndarray:
    """Fold (1 to 4) of each of `count` rows."""
    order = np.arange(count)
    np.random.RandomState(FOLD_SEED).shuffle(order)
    folds = np.empty(count, dtype=int)
    folds[order] = np.arange(count) % FOLDS + 1
    return folds
