"""Miniature DCASE 2017 Task 4: official layout and tables, the official oddities, equal seeds give equal bytes."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
import soundfile

from sedrepro.base.errors import SettingsError
from sedrepro.miniature.dcase2017_task4 import AUDIO, CLASSES, TrafficSize, plan_clip, write_dcase2017_task4
from sedrepro.miniature.label_statistics import TRAFFIC, TRAFFIC_TRAINING_CLIPS

SIZE = TrafficSize(training=6, testing=5, evaluation=6)
TINY = TrafficSize(1, 1, 1)
STRONG_SPLITS = ("testing", "evaluation")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("dcase2017")
    write_dcase2017_task4(root, seed=0, size=SIZE)
    return root / "DCASE2017_task4"


def rows(folder: Path, kind: str, split: str) -> list[list[str]]:
    text = (folder / f"groundtruth_{kind}_label_{split}_set.csv").read_bytes().decode()
    return [line.split("\t") for line in text.splitlines()]


def default_plans(split: str) -> list:
    return [plan_clip(split, number, 0) for number in range(getattr(TrafficSize(), split))]


def test_files_and_line_ends(folder: Path):
    tables = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    weak = {f"groundtruth_weak_label_{split}_set.csv" for split in AUDIO}
    assert set(tables) == weak | {f"groundtruth_strong_label_{split}_set.csv" for split in STRONG_SPLITS}
    for name, content in tables.items():
        assert content.endswith(b"\n")
        assert content.count(b"\r\n") == (content.count(b"\n") if "evaluation" in name else 0)


@pytest.mark.parametrize("split", AUDIO)
def test_weak_rows_name_every_clip_without_its_y_and_give_times_in_the_video(folder: Path, split: str):
    listed = rows(folder, "weak", split)
    assert {f"Y{name}" for name, *_ in listed} == {path.name for path in (folder / AUDIO[split]).iterdir()}
    for name, start, end, label in listed:
        assert re.fullmatch(rf"mini[\w-]{{7}}_{re.escape(start)}_{re.escape(end)}\.wav", name)
        assert re.fullmatch(r"\d+\.000", start)
        assert label in CLASSES
    assert len(set(map(tuple, listed))) == len(listed)
    assert listed == sorted(listed, key=lambda row: (CLASSES.index(row[3]), row[0]))


@pytest.mark.parametrize("split", STRONG_SPLITS)
def test_strong_and_weak_tables_have_the_same_labels(folder: Path, split: str):
    strong = {(name, label) for name, *_, label in rows(folder, "strong", split)}
    assert strong == {(name, label) for name, *_, label in rows(folder, "weak", split)}


@pytest.mark.parametrize("split", STRONG_SPLITS)
def test_strong_rows_lie_in_their_clip_or_say_that_nothing_was_heard(folder: Path, split: str):
    listed = rows(folder, "strong", split)
    for name, onset, offset, _ in listed:
        seconds = soundfile.info(folder / AUDIO[split] / f"Y{name}").duration
        assert (onset, offset) == ("0", "0") or 0 <= float(onset) < float(offset) <= seconds + 1e-3
    assert [row[1:3] for row in listed].count(["0", "0"]) == 1


def test_one_row_of_the_evaluation_set_is_there_twice(folder: Path):
    doubled = {split: Counter(map(tuple, rows(folder, "strong", split))) for split in STRONG_SPLITS}
    assert max(doubled["testing"].values()) == 1
    assert sorted(doubled["evaluation"].values())[-2:] == [1, 2]


def test_labels_that_were_not_heard_do_not_sound():
    for split in AUDIO:
        silent = [plan for plan in default_plans(split) if {e.event_label for e in plan.sounding} != set(plan.labels)]
        assert 0.05 < len(silent) / len(default_plans(split)) < 0.15


def test_audio_is_mono_and_some_clips_are_shorter(folder: Path):
    for path in folder.rglob("*.wav"):
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.subtype) == (44100, 1, "PCM_16")
        start, end = (float(part) for part in path.stem.split("_")[-2:])
        assert info.duration <= end - start
    lengths = [plan.seconds for plan in default_plans("training")]
    assert 0.1 < sum(seconds < 10 for seconds in lengths) / len(lengths) < 0.35
    assert 1 <= min(lengths) < 9 <= max(lengths) == 10


@pytest.mark.parametrize("split", AUDIO)
def test_every_class_is_there_a_few_times_and_car_most_often(split: str):
    clips = Counter(label for plan in default_plans(split) for label in plan.labels)
    assert set(clips) == set(CLASSES)
    assert min(clips.values()) >= 3
    assert clips.most_common(1)[0][0] == max(TRAFFIC_TRAINING_CLIPS, key=TRAFFIC_TRAINING_CLIPS.get) == "Car"


@pytest.mark.parametrize("split", AUDIO)
def test_durations_are_within_the_official_range(split: str):
    for plan in default_plans(split):
        for event in plan.sounding:
            shortest, longest = TRAFFIC[event.event_label].durations[0], TRAFFIC[event.event_label].durations[-1]
            assert min(max(shortest, 0.25), plan.seconds) - 1e-3 <= event.offset - event.onset <= longest + 1e-3


def test_equal_seeds_give_equal_bytes_and_other_seeds_do_not(tmp_path: Path, digests: Callable):
    for folder, seed in (("first", 3), ("again", 3), ("other", 4)):
        write_dcase2017_task4(tmp_path / folder, seed, TINY)
    first, again, other = (digests(tmp_path / folder) for folder in ("first", "again", "other"))
    assert first == again
    assert not set(first.values()) & {digest for name, digest in other.items() if name.endswith(".wav")}


def test_a_clip_does_not_depend_on_the_size_of_the_data_set(tmp_path: Path, folder: Path, digests: Callable):
    write_dcase2017_task4(tmp_path, 0, TINY)
    small, large = digests(tmp_path / "DCASE2017_task4"), digests(folder)
    recordings = {name: digest for name, digest in small.items() if name.endswith(".wav")}
    assert len(recordings) == 3
    assert recordings.items() < large.items()


@pytest.mark.parametrize(("size", "seed", "named"), [(TrafficSize(testing=0), 0, "testing: 0"), (TINY, -1, "seed: -1")])
def test_impossible_requests_are_named(tmp_path: Path, size: TrafficSize, seed: int, named: str):
    with pytest.raises(SettingsError, match=named) as error:
        write_dcase2017_task4(tmp_path, seed, size)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())
