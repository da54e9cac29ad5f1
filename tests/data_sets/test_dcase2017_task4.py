"""DCASE 2017 Task 4: the official tables with their traps, in both places where they may lie."""

from collections import Counter
from pathlib import Path

import pytest

from sedrepro.annotations.clips import Clip, Event
from sedrepro.base.errors import DataError
from sedrepro.data_sets import dcase2017_task4
from sedrepro.data_sets.dcase2017_task4 import AUDIO, CLASSES, FOLDER, LABELS, SPLITS, clips, label_tables

OFFICIAL = Path(__file__).parents[2].parent / "shared" / "metadata" / "dcase2017_task4"
TABLES = {
    "weak_label_training": "aaaaaaaaaaa_30.000_40.000.wav\t30.000\t40.000\tTrain\n",
    "weak_label_testing": (
        "-5QrBL6MzLg_60.000_70.000.wav\t60.000\t70.000\tFire engine, fire truck (siren)\n"
        "short_0.000_10.000.wav\t0.000\t10.000\tCar\n"
        "-5QrBL6MzLg_60.000_70.000.wav\t60.000\t70.000\tAir horn, truck horn\n"
    ),
    "weak_label_evaluation": "Yccccccccc__0.000_7.000.wav\t0.000\t7.000\tBus\r\n",
    "strong_label_testing": (
        "short_0.000_10.000.wav\t0\t0\tCar\n"
        "-5QrBL6MzLg_60.000_70.000.wav\t2.705\t8.895\tAir horn, truck horn\n"
        "-5QrBL6MzLg_60.000_70.000.wav\t0\t0\tFire engine, fire truck (siren)\n"
        "-5QrBL6MzLg_60.000_70.000.wav\t0\t3\tAir horn, truck horn\n"
        "-5QrBL6MzLg_60.000_70.000.wav\t0\t3\tAir horn, truck horn\n"
    ),
    "strong_label_evaluation": "Yccccccccc__0.000_7.000.wav\t0\t0.5\tBus\r\n",
}


def laid_out(root: Path, below: str = "", **changes: str) -> Path:
    folder = root / FOLDER / below
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in {**TABLES, **changes}.items():
        (folder / f"groundtruth_{name}_set.csv").write_bytes(text.encode())
    return root


@pytest.mark.parametrize("below", ["", "groundtruth_release"])
def test_a_small_layout(tmp_path: Path, below: str):
    horn, siren = "Air horn, truck horn", "Fire engine, fire truck (siren)"
    assert clips(laid_out(tmp_path, below)) == [
        Clip(f"{AUDIO['training']}/Yaaaaaaaaaaa_30.000_40.000.wav", "training", "aaaaaaaaaaa", labels=("Train",)),
        Clip(
            f"{AUDIO['testing']}/Y-5QrBL6MzLg_60.000_70.000.wav",
            "testing",
            "-5QrBL6MzLg",
            labels=(horn, siren),
            events=(Event(0, 3, horn), Event(2.705, 8.895, horn)),
            events_as_released=(
                Event(2.705, 8.895, horn),
                Event(0, 0, siren),
                Event(0, 3, horn),
                Event(0, 3, horn),
            ),
        ),
        Clip(
            f"{AUDIO['testing']}/Yshort_0.000_10.000.wav",
            "testing",
            "short_0.000_10.000",
            labels=("Car",),
            events=(),
            events_as_released=(Event(0, 0, "Car"),),
        ),
        Clip(
            f"{AUDIO['evaluation']}/YYccccccccc__0.000_7.000.wav",
            "evaluation",
            "Yccccccccc_",
            labels=("Bus",),
            events=(Event(0, 0.5, "Bus"),),
            events_as_released=(Event(0, 0.5, "Bus"),),
        ),
    ]


def test_a_clip_without_strong_rows_has_no_events(tmp_path: Path):
    weak, strong = "a.wav\t0\t10\tBus\nb.wav\t0\t10\tCar\n", "b.wav\t1\t2\tCar\n"
    root = laid_out(tmp_path, weak_label_evaluation=weak, strong_label_evaluation=strong)
    silent, heard = clips(root)[-2:]
    assert (silent.labels, silent.events, silent.events_as_released) == (("Bus",), (), ())
    assert heard.events == (Event(1, 2, "Car"),)


def test_tables_beside_the_audio_go_before_those_of_the_clone(tmp_path: Path):
    laid_out(tmp_path)
    laid_out(tmp_path, "groundtruth_release", weak_label_training="another.wav\t0\t10\tBus\n")
    assert label_tables(tmp_path) == LABELS
    assert clips(tmp_path)[0].group == "aaaaaaaaaaa"
    (tmp_path / LABELS[0]).unlink()
    assert label_tables(tmp_path)[0] == f"{FOLDER}/groundtruth_release/groundtruth_weak_label_training_set.csv"
    assert label_tables(tmp_path)[1:] == LABELS[1:]
    assert clips(tmp_path)[0].labels == ("Bus",)


@pytest.mark.parametrize(
    ("name", "row", "message"),
    [
        ("strong_label_evaluation", "other.wav\t0\t0\tBus\r\n", r"row 2: 'other\.wav' is not in the weak table"),
        ("strong_label_testing", "short_0.000_10.000.wav\t4\t4\tCar\n", "row 6: offset 4 is not after onset 4"),
        ("strong_label_testing", "short_0.000_10.000.wav\t4\t5\tcar\n", "row 6: class 'car' .* did you mean 'Car'"),
        ("weak_label_testing", "b.wav\tx\t10\tCar\n", "row 4: onset 'x' is not a finite number"),
        ("weak_label_training", "b.wav\t0\t10\tFire engine\n", "row 2: .* did you mean 'Fire engine, fire truck"),
        ("weak_label_training", "b.wav\t0\t10\tFire engine\tfire truck\n", "row 2: the number of fields is 5"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, name: str, row: str, message: str):
    with pytest.raises(DataError, match=rf"groundtruth_{name}_set\.csv: {message}"):
        clips(laid_out(tmp_path, **{name: TABLES[name] + row}))


def test_a_missing_table_is_named(tmp_path: Path):
    assert label_tables(tmp_path) == LABELS
    with pytest.raises(DataError, match=rf"{FOLDER}/groundtruth_weak_label_training_set\.csv: no such file"):
        clips(tmp_path)
    (laid_out(tmp_path) / LABELS[-1]).unlink()
    with pytest.raises(DataError, match=rf"{FOLDER}/groundtruth_strong_label_evaluation_set\.csv: no such file"):
        clips(tmp_path)


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory) -> list[Clip]:
    if not OFFICIAL.is_dir():
        pytest.skip(f"the official tables are not at {OFFICIAL}")
    root = tmp_path_factory.mktemp("official")
    (root / FOLDER).mkdir()
    for path in (OFFICIAL / "groundtruth_release").iterdir():
        (root / FOLDER / path.name).symlink_to(path)
    return clips(root)


def of_split(found: list[Clip], split: str) -> list[Clip]:
    return [clip for clip in found if clip.split == split]


@pytest.mark.parametrize(
    ("split", "count", "labels", "released", "events", "without"),
    [
        ("training", 51172, 56131, 0, 0, 0),
        ("testing", 488, 606, 688, 688 - 36, 11),
        ("evaluation", 1103, 1350, 1706, 1706 - 150 - 1, 94),
    ],
)
def test_official_counts(
    official: list[Clip], split: str, count: int, labels: int, released: int, events: int, without: int
):
    found = of_split(official, split)
    assert len(found) == count
    assert sum(len(clip.labels) for clip in found) == labels
    assert sum(len(clip.events_as_released or ()) for clip in found) == released
    assert sum(len(clip.events or ()) for clip in found) == events
    assert sum(clip.events == () for clip in found) == without
    assert all((clip.events is None) == (split == "training") for clip in found)


def test_official_clips(official: list[Clip]):
    names = [clip.filename.rpartition("/")[2] for clip in official]
    assert len(set(names)) == len(names) == 52763
    for name, clip in zip(names, official, strict=True):
        assert len(clip.group) == 11
        assert name.startswith(f"Y{clip.group}_")
    assert names[0] == "Y2ceUOv8A3FE_20.000_30.000.wav"
    assert tuple(dict.fromkeys(clip.split for clip in official)) == SPLITS
    for split in SPLITS:
        assert {label for clip in of_split(official, split) for label in clip.labels} == set(CLASSES)


def test_no_video_is_in_two_splits(official: list[Clip]):
    splits = Counter(group for split in SPLITS for group in {clip.group for clip in of_split(official, split)})
    assert set(splits.values()) == {1}


def test_official_strong_labels_are_those_of_the_weak_table(official: list[Clip]):
    for clip in official:
        if clip.events_as_released is not None:
            assert {event.event_label for event in clip.events_as_released} == set(clip.labels)
            assert all(event.offset <= dcase2017_task4.CLIP_SECONDS for event in clip.events)


def test_the_official_list_of_classes():
    path = OFFICIAL / "sound_event_list_17_classes.txt"
    if not path.is_file():
        pytest.skip(f"the official list is not at {path}")
    rows = path.read_text(encoding="utf-8").splitlines()[1:]
    assert tuple(row.split("\t")[2] for row in rows) == CLASSES
