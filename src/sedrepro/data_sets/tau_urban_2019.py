"""TAU Urban Acoustic Scenes 2019 development (DCASE 2019 Task 1, Zenodo 2589280): the scenes of the remix.

Layout: `TAU-urban-acoustic-scenes-2019-development/meta.csv` (tab-separated) and `audio/*.wav`.
"""

from pathlib import Path

from sedrepro.annotations.clips import Clip
from sedrepro.annotations.labels import read_scenes

ARCHIVE = "tau_urban_2019"
FOLDER = "TAU-urban-acoustic-scenes-2019-development"
LABELS = (f"{FOLDER}/meta.csv",)
SPLITS = ("development",)
CLIPS = {"development": 14400}
CLIP_SECONDS = 10.0


def clips(data_root: Path) -> list[Clip]:
    """All scenes in the order of the official table; the group is the place (city-location).

    Raises:
        DataError: the table is missing, lacks a column, or has a bad row (names it).
    """
    return read_scenes(data_root, FOLDER)
