"""DESED of 2020 has the weak and validation clips of 2019."""

from pathlib import Path

import pytest

from sedrepro.annotations.clips import Clip, Event
from sedrepro.base.errors import DataError
from sedrepro.data_sets import dcase2019_task4
from sedrepro.data_sets.desed_2020 import LABELS, SPLITS, clips

METADATA = Path(__file__).parents[2].parent / "shared" / "metadata" / "dcase2019_task4" / "metadata"


def laid_out(root: Path) -> Path:
    weak, validation = (root / table for table in LABELS)
    weak.parent.mkdir(parents=True)
    weak.write_text("filename\tevent_labels\nYa.wav\tDog,Cat\n", encoding="utf-8")
    validation.parent.mkdir(parents=True)
    validation.write_text("filename\tonset\toffset\tevent_label\nYb.wav\t1\t3\tDog\nYb.wav\t2\t4\tDog\n", "utf-8")
    return root


def test_only_its_own_tables_are_read(tmp_path: Path):
    assert clips(laid_out(tmp_path)) == [
        Clip(f"{dcase2019_task4.FOLDER}/audio/train/weak/Ya.wav", "weak", "Ya", labels=("Cat", "Dog")),
        Clip(
            f"{dcase2019_task4.FOLDER}/audio/validation/Yb.wav",
            "validation",
            "Yb",
            labels=("Dog",),
            events=(Event(1, 4, "Dog"),),
            events_as_released=(Event(1, 3, "Dog"), Event(2, 4, "Dog")),
        ),
    ]


@pytest.mark.parametrize("table", LABELS)
def test_a_missing_table_is_named(tmp_path: Path, table: str):
    (laid_out(tmp_path) / table).unlink()
    with pytest.raises(DataError, match=rf"{table}: no such file"):
        clips(tmp_path)


@pytest.mark.skipif(not METADATA.is_dir(), reason=f"the official tables are not at {METADATA}")
def test_official_clips_are_those_of_2019(tmp_path: Path):
    (tmp_path / dcase2019_task4.FOLDER).mkdir(parents=True)
    (tmp_path / dcase2019_task4.FOLDER / "metadata").symlink_to(METADATA)
    found = clips(tmp_path)
    assert found == [clip for clip in dcase2019_task4.clips(tmp_path) if clip.split in SPLITS]
    assert [sum(clip.split == split for clip in found) for split in SPLITS] == [1578, 1168]
    assert sum(len(clip.events or ()) for clip in found) == 4239 - 15
