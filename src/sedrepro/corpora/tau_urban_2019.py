"""TAU Urban Acoustic Scenes 2019 development (DCASE 2019 Task 1, Zenodo 2589280): the scenes of the remix.

Layout: `TAU-urban-acoustic-scenes-2019-development/meta.csv` (tab-separated) and `audio/*.wav`.
"""

from pathlib import Path

from sedrepro.corpora.survey import Recording
from sedrepro.files import read_table

FOLDER = "TAU-urban-acoustic-scenes-2019-development"
LABELS = f"{FOLDER}/meta.csv"


def recordings(data_root: Path) -> list[Recording]:
    """All scenes in the order of the official table; `group` is the place (city-location).

    Raises:
        DataError: the table is missing or lacks a column.
    """
    rows = read_table(data_root / LABELS, ("filename", "scene_label", "identifier"))
    return [Recording(f"{FOLDER}/{row['filename']}", row["scene_label"], row["identifier"]) for row in rows]
