"""DCASE 2018 Task 4, its evaluation set: 880 of the 1168 clips that were the validation set of 2019.

Layout: that of `dcase2019_task4`, with `metadata/validation/eval_dcase2018.tsv` over `audio/validation/`.
"""

from pathlib import Path

from sedrepro.annotations.clips import Clip
from sedrepro.data_sets import dcase2019_task4

ARCHIVE = "dcase2019_task4"
LABELS = (f"{dcase2019_task4.FOLDER}/metadata/validation/eval_dcase2018.tsv",)
SPLITS = ("evaluation",)
CLIPS = {SPLITS[0]: 880}
ONLY_ON_YOUTUBE = SPLITS
CLIP_SECONDS = dcase2019_task4.CLIP_SECONDS
USES_SILENT_CLIPS = True
CLASSES = dcase2019_task4.CLASSES


def clips(data_root: Path) -> list[Clip]:
    """Every clip of the evaluation set in the order of the table.

    Raises:
        DataError: the table is missing or has a bad row (names file and row).
    """
    return dcase2019_task4.validation_clips(data_root, LABELS[0], SPLITS[0])
