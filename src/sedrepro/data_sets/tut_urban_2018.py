"""TUT Urban Acoustic Scenes 2018 development (DCASE 2018 Task 1, Zenodo 1228142): scenes of six cities.

Layout: `TUT-urban-acoustic-scenes-2018-development/meta.csv` (tab-separated) and `audio/*.wav`. Where that folder is
not there, the 2019 set takes its place: it holds the same recordings under the same names, and more.
"""

from pathlib import Path

from sedrepro.annotations.clips import Clip
from sedrepro.annotations.labels import read_scenes
from sedrepro.base.errors import DataError
from sedrepro.data_sets.tau_urban_2019 import FOLDER as FOLDER_OF_2019

ARCHIVE = "tut_urban_2018"
SERVED_FROM = "tau_urban_2019"
FOLDER = "TUT-urban-acoustic-scenes-2018-development"
LABELS = (f"{FOLDER}/meta.csv",)
SPLITS = ("development",)
CLIPS = {"development": 8640}
CLIP_SECONDS = 10.0
# Scenes of the other six, or of places that are in neither official set, stay.
CITIES_ADDED_IN_2019 = ("lisbon", "lyon", "milan", "prague")


def label_tables(data_root: Path) -> tuple[str, ...]:
    """The label table that is read in this data root: the official one, or that of 2019."""
    return (f"{_folder(data_root)}/meta.csv",)


def clips(data_root: Path) -> list[Clip]:
    """Scenes in the order of the table, without cities that came in 2019; the group is the place, `paris-148`.

    Raises:
        DataError: no table is there, or it lacks a column, has a bad row (names it), or only scenes of those cities.
    """
    folder = _folder(data_root)
    if not (data_root / folder).is_dir():
        raise DataError(f"{data_root / FOLDER}: no such folder, nor {FOLDER_OF_2019}; obtain one of the two")
    listed = read_scenes(data_root, folder)
    scenes = [scene for scene in listed if scene.group.partition("-")[0] not in CITIES_ADDED_IN_2019]
    if not scenes:
        raise DataError(f"{data_root / folder / 'meta.csv'}: has only scenes of {', '.join(CITIES_ADDED_IN_2019)}")
    return scenes


def _folder(data_root: Path) -> str:
    return FOLDER if (data_root / FOLDER).is_dir() else FOLDER_OF_2019
