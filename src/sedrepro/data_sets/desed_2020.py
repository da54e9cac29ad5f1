"""DESED as of DCASE 2020 Task 4: its weakly labelled clips and its validation set, whose lists are those of 2019.

Layout: that of `dcase2019_task4`. The synthetic clips of 2020 are not here: no paper of the suite trains on them.
"""

from collections.abc import Collection
from pathlib import Path

from sedrepro.annotations.clips import Clip
from sedrepro.data_sets import dcase2019_task4

ARCHIVE = "dcase2019_task4"
SPLITS = ("weak", "validation")
CLIPS = {split: dcase2019_task4.CLIPS[split] for split in SPLITS}
ONLY_ON_YOUTUBE = SPLITS
LABELS = tuple(dcase2019_task4.TABLES[split] for split in SPLITS)
CLIP_SECONDS = dcase2019_task4.CLIP_SECONDS
USES_SILENT_CLIPS = True
TAKES_SPLITS = True
CLASSES = dcase2019_task4.CLASSES


def clips(data_root: Path, splits: Collection[str] = SPLITS) -> list[Clip]:
    """Every clip of the two splits, or one of them, in the order of the tables.

    Raises:
        DataError: a table is missing or has a bad row (names file and row).
    """
    return dcase2019_task4.clips(data_root, set(SPLITS) & set(splits))
