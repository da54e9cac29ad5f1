"""Miniature DCASE 2019 Task 4: official layout and tables, the official oddities, equal seeds give equal bytes."""

import csv
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from sedrepro.annotations.clips import Event
from sedrepro.base.errors import DataError, SettingsError
from sedrepro.miniature.dcase2019_task4 import CLASSES, MERGED, DomesticSize, plan_clip, write_dcase2019_task4

SIZE = DomesticSize(synthetic=4, weak=8, unlabel_in_domain=2, test_dcase2018=3, eval_dcase2018=8, public=3)
TINY = DomesticSize(1, 1, 1, 1, 1, 1)
STRONG = ("train/synthetic", "validation/validation", "validation/test_dcase2018", "validation/eval_dcase2018")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("dcase2019")
    write_dcase2019_task4(root, seed=0, size=SIZE)
    return root / "DCASE2019_task4/dataset"


def table(dataset: Path, name: str) -> list[dict[str, str]]:
    with open(dataset / f"metadata/{name}.tsv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def names(dataset: Path, name: str) -> list[str]:
    return list(dict.fromkeys(row["filename"] for row in table(dataset, name)))


def default_plans(part: str) -> list:
    return [plan_clip(part, number, 0) for number in range(getattr(DomesticSize(), part))]


def test_tables_have_the_official_headers(dataset: Path):
    headers = {
        str(path.relative_to(dataset / "metadata")): path.read_text(encoding="utf-8").split("\n")[0]
        for path in (dataset / "metadata").rglob("*")
        if path.is_file()
    }
    strong = "filename\tonset\toffset\tevent_label"
    assert headers == {f"{name}.tsv": strong for name in (*STRONG, "eval/public")} | {
        "train/weak.tsv": "filename\tevent_labels",
        "train/unlabel_in_domain.tsv": "filename",
    }


@pytest.mark.parametrize(
    ("tables", "folder", "pattern"),
    [
        (["train/synthetic"], "train/synthetic", r"\d+\.wav"),
        (["train/weak"], "train/weak", r"Ymini[\w-]{7}_\d+\.000_\d+\.000\.wav"),
        (["train/unlabel_in_domain"], "train/unlabel_in_domain", r"Ymini[\w-]{7}_\d+\.000_\d+\.000\.wav"),
        (
            ["validation/test_dcase2018", "validation/eval_dcase2018"],
            "validation",
            r"Ymini[\w-]{7}_\d+\.000_\d+\.000\.wav",
        ),
        (["eval/public"], "eval/public", r"mini[\w-]{7}_\d+_\d+\.wav"),
    ],
)
def test_every_listed_clip_is_there_and_no_other(dataset: Path, tables: list[str], folder: str, pattern: str):
    listed = [name for one in tables for name in names(dataset, one)]
    assert {path.name for path in (dataset / "audio" / folder).iterdir()} == set(listed)
    assert len(set(listed)) == len(listed)
    assert all(re.fullmatch(pattern, name) for name in listed)


def test_validation_is_the_union_of_both_tables_of_2018(dataset: Path):
    both = table(dataset, "validation/test_dcase2018") + table(dataset, "validation/eval_dcase2018")
    assert table(dataset, "validation/validation") == both


def test_audio_is_as_long_as_its_name_says(dataset: Path):
    lengths = Counter()
    for path in (dataset / "audio").rglob("*.wav"):
        info = soundfile.info(path)
        assert (info.samplerate, info.subtype) == (44100, "PCM_16")
        times = re.search(r"_(\d+)(?:\.000)?_(\d+)(?:\.000)?\.wav", path.name)
        assert info.duration == (int(times[2]) - int(times[1]) if times else 10)
        lengths[info.duration] += 1
    assert len(lengths) > 1
    assert lengths[10.0] > 0.8 * sum(lengths.values())


def test_only_public_clips_have_several_channels(dataset: Path):
    channels = {path: soundfile.info(path).channels for path in (dataset / "audio").rglob("*.wav")}
    assert Counter(count for path, count in channels.items() if path.parent.name == "public") == {1: 1, 2: 1, 6: 1}
    assert {count for path, count in channels.items() if path.parent.name != "public"} == {1}
    assert sum(plan.channels == 2 for plan in default_plans("public")) > 5


def test_weak_labels_are_sorted_classes(dataset: Path):
    for row in table(dataset, "train/weak"):
        labels = row["event_labels"].split(",")
        assert labels == sorted(set(labels))
        assert set(labels) <= set(CLASSES)


def test_clips_without_any_event_have_a_row_with_their_name_alone(dataset: Path):
    empty = [row for row in table(dataset, "validation/eval_dcase2018") if not row["event_label"]]
    assert len(empty) == 1
    assert (empty[0]["onset"], empty[0]["offset"]) == ("", "")
    assert empty[0] in table(dataset, "validation/validation")
    assert names(dataset, "validation/eval_dcase2018").count(empty[0]["filename"]) == 1
    assert 2 <= sum(not plan.sounding for plan in default_plans("eval_dcase2018")) <= 4


def test_two_rows_lie_inside_a_merged_event():
    inside = []
    for plan in default_plans("test_dcase2018"):
        for event in plan.listed:
            inside += [
                other
                for other in plan.listed
                if other != event
                and other.event_label == event.event_label
                and event.onset <= other.onset
                and other.offset <= event.offset
            ]
    assert inside == [Event(3.797, 4.103, "Dishes"), Event(4.192, 4.492, "Dishes")]
    assert MERGED not in plan_clip("test_dcase2018", 1, 0).sounding


def test_one_offset_lies_past_the_end_of_its_clip(dataset: Path):
    late = [row for row in table(dataset, "validation/validation") if row["offset"] and float(row["offset"]) > 10]
    assert [(row["onset"], row["offset"]) for row in late] == [("9.865", "10.115")]


@pytest.mark.parametrize("part", ["synthetic", "test_dcase2018", "eval_dcase2018", "public"])
def test_strong_labels_are_possible(part: str):
    for plan in default_plans(part):
        for event in plan.listed:
            assert 0 <= event.onset < event.offset <= max(plan.seconds, 10.115 if event.offset == 10.115 else 0)
            assert event.offset - event.onset >= 0.25 - 1e-9
            assert event.event_label in plan.labels
        assert plan.listed == tuple(sorted(plan.listed))


@pytest.mark.parametrize(
    "parts",
    [["synthetic"], ["weak"], ["unlabel_in_domain"], ["test_dcase2018", "eval_dcase2018"], ["public"]],
)
def test_the_default_size_has_every_class_in_every_split(parts: list[str]):
    plans = [plan for part in parts for plan in default_plans(part)]
    clips = Counter(label for plan in plans for label in plan.labels)
    assert set(clips) == set(CLASSES)
    assert min(clips.values()) >= 3
    assert clips.most_common(1)[0][0] == "Speech"
    assert max(len(plan.labels) for plan in plans) >= 3


def test_audio_agrees_with_the_labels_of_a_synthetic_clip(dataset: Path):
    """Above 200 Hz, where the background is quiet, frames with an event are louder than those without."""
    inside, outside = [], []
    for number in range(SIZE.synthetic):
        plan = plan_clip("synthetic", number, 0)
        samples, _ = soundfile.read(dataset / "audio/train/synthetic" / plan.filename)
        power = np.square(np.diff(samples, append=0)).reshape(-1, 4410).mean(axis=1)
        middles = np.arange(len(power)) / 10 + 0.05
        active = np.any([(e.onset <= middles) & (middles < e.offset) for e in plan.sounding], axis=0)
        inside.append(np.median(power[active]))
        outside.append(np.median(power[~active]))
    assert np.all(10 * np.log10(np.divide(inside, outside)) > 3)


def test_equal_seeds_give_equal_bytes_and_other_seeds_do_not(tmp_path: Path, digests: Callable):
    for folder, seed in (("first", 3), ("again", 3), ("other", 4)):
        write_dcase2019_task4(tmp_path / folder, seed, TINY)
    first, again, other = (digests(tmp_path / folder) for folder in ("first", "again", "other"))
    assert first == again
    assert not set(first.values()) & {digest for name, digest in other.items() if name.endswith(".wav")}


def test_a_clip_does_not_depend_on_the_size_of_the_data_set(tmp_path: Path, dataset: Path, digests: Callable):
    write_dcase2019_task4(tmp_path, 0, TINY)
    small, large = digests(tmp_path / "DCASE2019_task4/dataset/audio"), digests(dataset / "audio")
    assert len(small) == 6
    assert small.items() < large.items()


@pytest.mark.parametrize(("size", "seed", "named"), [(DomesticSize(weak=0), 0, "weak: 0"), (TINY, -1, "seed: -1")])
def test_impossible_requests_are_named(tmp_path: Path, size: DomesticSize, seed: int, named: str):
    with pytest.raises(SettingsError, match=named) as error:
        write_dcase2019_task4(tmp_path, seed, size)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_an_interrupted_write_leaves_no_data_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def full(*arguments, **settings) -> None:
        raise soundfile.SoundFileRuntimeError("disk full")

    monkeypatch.setattr(soundfile, "write", full)
    with pytest.raises(DataError, match="DCASE2019_task4"):
        write_dcase2019_task4(tmp_path, 0, TINY)
    assert not list(tmp_path.iterdir())
