"""The evaluation set of DCASE 2018 Task 4 is the larger part of the validation set of 2019."""

from pathlib import Path

import pytest

from sedrepro.annotations.clips import Clip, Event
from sedrepro.annotations.labels import read_strong
from sedrepro.base.errors import DataError
from sedrepro.data_sets import dcase2019_task4
from sedrepro.data_sets.dcase2018_task4 import CLASSES, LABELS, SPLITS, clips

METADATA = Path(__file__).parents[2].parent / "shared" / "metadata" / "dcase2019_task4" / "metadata"
VALIDATION = dcase2019_task4.AUDIO["validation"]


def laid_out(root: Path, rows: str) -> Path:
    (root / LABELS[0]).parent.mkdir(parents=True, exist_ok=True)
    (root / LABELS[0]).write_text("filename\tonset\toffset\tevent_label\n" + rows, encoding="utf-8")
    return root


def test_a_small_layout(tmp_path: Path):
    rows = "YSb0169-lqLs_0.000_9.000.wav\t0.5\t2\tDog\nYSb0169-lqLs_0.000_9.000.wav\t0\t1\tDog\nYb.wav\t\t\t\n"
    assert clips(laid_out(tmp_path, rows)) == [
        Clip(
            f"{VALIDATION}/YSb0169-lqLs_0.000_9.000.wav",
            "evaluation",
            "Sb0169-lqLs",
            labels=("Dog",),
            events=(Event(0, 2, "Dog"),),
            events_as_released=(Event(0.5, 2, "Dog"), Event(0, 1, "Dog")),
        ),
        Clip(f"{VALIDATION}/Yb.wav", "evaluation", "Yb", labels=(), events=(), events_as_released=()),
    ]


def test_bad_tables_are_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"eval_dcase2018\.tsv: no such file"):
        clips(tmp_path)
    with pytest.raises(DataError, match=r"eval_dcase2018\.tsv: row 2: class 'Dogs' is unknown; did you mean 'Dog'"):
        clips(laid_out(tmp_path, "Yb.wav\t0\t1\tDogs\n"))


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not METADATA.is_dir():
        pytest.skip(f"the official tables are not at {METADATA}")
    root = tmp_path_factory.mktemp("official")
    (root / dcase2019_task4.FOLDER).mkdir(parents=True)
    (root / dcase2019_task4.FOLDER / "metadata").symlink_to(METADATA)
    return root


def test_official_counts(official: Path):
    found = clips(official)
    assert len(found) == 880
    assert {clip.split for clip in found} == set(SPLITS)
    assert sum(len(clip.events_as_released) for clip in found) == 3343 - 15
    assert sum(len(clip.events) for clip in found) == 3343 - 15, "nothing of this part was left unmerged"
    assert {label for clip in found for label in clip.labels} == set(CLASSES)


def test_with_the_test_set_of_2018_it_is_the_validation_set_of_2019(official: Path):
    found = {clip.filename: clip for clip in clips(official)}
    rest = {f"{VALIDATION}/{name}" for name in read_strong(METADATA / "validation" / "test_dcase2018.tsv", CLASSES)}
    validation = {clip.filename: clip for clip in dcase2019_task4.validation_clips(official)}
    assert len(rest) == 288
    assert not rest & set(found)
    assert rest | set(found) == set(validation)
    assert all(clip.events == validation[name].events for name, clip in found.items())


def test_all_clips_without_events_are_in_it(official: Path):
    silent = {clip.filename for clip in clips(official) if clip.events == ()}
    assert len(silent) == 15
    assert silent == {clip.filename for clip in dcase2019_task4.validation_clips(official) if clip.events == ()}
