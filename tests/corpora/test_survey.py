"""A survey counts every clip that cannot be used, with the right reason, raises for none, and keeps all labels."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from sedrepro.annotations.clips import STRONG_COLUMNS, WEAK_COLUMNS, Clip, Event
from sedrepro.base.errors import DataError
from sedrepro.base.files import read_table, write_json
from sedrepro.corpora.survey import (
    CLIP_COLUMNS,
    COVERAGE_COLUMNS,
    REASONS,
    REJECTED_COLUMNS,
    TABLES,
    Surveyed,
    coverage,
    read_survey_facts,
    survey,
    write_survey,
)

NOISE = np.random.default_rng(0).uniform(-0.5, 0.5, 64000)


def listed(name: str, label: str = "Bark", **other) -> Clip:
    return Clip(name, **({"split": "train", "group": name, "labels": (label,)} | other))


@pytest.fixture
def damaged(tmp_path: Path, recorded: Callable[..., str]) -> list[Clip]:
    """One usable clip and one of each kind that is not."""
    recorded("good.wav", NOISE, 32000)
    recorded("truncated.wav", NOISE, subtype="PCM_16")
    (tmp_path / "truncated.wav").write_bytes((tmp_path / "truncated.wav").read_bytes()[:1000])
    (tmp_path / "text.wav").write_text("404 not found")
    (tmp_path / "random.wav").write_bytes(np.random.default_rng(1).bytes(5000))
    recorded("empty.wav", NOISE[:0])
    recorded("silent.wav", np.zeros((500, 2)))
    recorded("nan.wav", np.where(np.arange(500) == 250, np.nan, NOISE[:500]))
    names = ["good", "truncated", "text", "random", "empty", "silent", "nan", "absent"]
    return [listed(f"{name}.wav", "Bark" if i % 2 else "Meow", fold=i) for i, name in enumerate(names)]


def test_every_kind_of_damage_is_counted_and_none_raised(tmp_path: Path, damaged: list[Clip]):
    found = survey(tmp_path, damaged, "events")
    assert [s.clip for s in found] == damaged
    assert {s.clip.filename.removesuffix(".wav"): s.problem for s in found} == {
        "good": "",
        "truncated": "corrupt",
        "text": "not readable",
        "random": "corrupt",
        "empty": "empty",
        "silent": "silent",
        "nan": "not finite",
        "absent": "missing",
    }
    details = {s.clip.filename: s.detail for s in found}
    assert details["truncated.wav"] == "corrupt (shorter than its header says)"
    assert details["nan.wav"] == "holds NaN or infinite samples"
    assert all(bool(s.detail) == bool(s.problem) for s in found)


def test_durations_rates_and_channels_are_measured(tmp_path: Path, recorded: Callable[..., str]):
    clips = []
    for rate, frames, channels in [(8000, 1, 1), (44100, 44100, 2), (48000, 31415, 6)]:
        values = np.tile(NOISE[:frames, None], channels)
        clips.append(listed(recorded(f"{rate}.wav", values, rate, "PCM_24")))
    found = survey(tmp_path, clips, "events")
    assert [s.sample_rate for s in found] == [8000, 44100, 48000]
    assert [s.duration for s in found] == [0.000125, 1.0, 0.654479]
    assert [s.channels for s in found] == [1, 2, 6]


def test_one_sample_that_is_not_zero_is_not_silent(tmp_path: Path, recorded: Callable[..., str]):
    quiet = np.zeros(32000)
    quiet[-1] = 2**-15
    found = survey(tmp_path, [listed(recorded("quiet.wav", quiet, subtype="PCM_16"))], "events")
    assert found[0].problem == ""


def test_silent_clips_may_be_used_and_are_counted(tmp_path: Path, recorded: Callable[..., str]):
    found = survey(tmp_path, [listed(recorded("silent.wav", np.zeros(500)))], "clips", use_silent=True)
    assert (found[0].problem, found[0].duration) == ("", 500 / 32000)
    facts = write_survey(tmp_path / "survey", "some_set", 10.0, found)
    assert (facts.usable, facts.silent_and_used, facts.rejected) == (1, 1, {})


def test_what_a_downloader_kept_beyond_the_segment_is_counted_and_left_out(
    tmp_path: Path, recorded: Callable[..., str]
):
    video = "Yabcdefghijk_31.000_41.000.wav"
    clips = []
    for folder, seconds in (("whole", 180), ("exact", 10), ("rounded", 10.9), ("shorter", 4)):
        clips.append(listed(recorded(f"{folder}/{video}", np.resize(NOISE, round(seconds * 1000)), 1000)))
    clips.append(listed(recorded("no_segment.wav", np.resize(NOISE, 180000), 1000)))
    found = survey(tmp_path, clips, "clips")
    assert [s.problem for s in found] == ["too long", "", "", "", ""]
    assert "180 s" in found[0].detail
    assert write_survey(tmp_path / "survey", "some_set", 10.0, found).rejected == {"too long": 1}


@pytest.mark.parametrize("error", [ValueError("array is too big"), MemoryError(), RuntimeError("seek")])
def test_no_exception_at_all_ends_a_survey(
    tmp_path: Path, recorded: Callable[..., str], monkeypatch: pytest.MonkeyPatch, error: Exception
):
    def fail(*arguments, **options):
        raise error

    clips = [listed(recorded("a.wav", NOISE))]
    monkeypatch.setattr(soundfile.SoundFile, "read", fail)
    assert [s.problem for s in survey(tmp_path, clips, "clips")] == ["corrupt"]


def test_the_tables_tell_usable_from_rejected(tmp_path: Path, damaged: list[Clip]):
    folder = tmp_path / "survey"
    facts = write_survey(folder, "some_set", 2.0, survey(tmp_path, damaged, "events"))
    assert sorted(path.name for path in folder.iterdir()) == sorted(TABLES)
    good = {"filename": "good.wav", "split": "train", "fold": "0", "duration": "2.0", "sample_rate": "32000"}
    assert read_table(folder / "clips.tsv", CLIP_COLUMNS) == [good | {"channels": "1", "group": "good.wav"}]
    rejected = read_table(folder / "rejected.tsv", REJECTED_COLUMNS)
    assert [row["filename"] for row in rejected] == [clip.filename for clip in damaged[1:]]
    assert [row["event_labels"] for row in rejected] == [clip.labels[0] for clip in damaged[1:]]
    counts = {row["label"]: row for row in read_table(folder / "coverage.tsv", COVERAGE_COLUMNS)}
    assert list(counts) == ["Bark", "Meow", "(all)"]
    assert counts["(all)"] == {
        "split": "train",
        "label": "(all)",
        "expected": "8",
        "present": "7",
        "usable": "1",
        "missing": "1",
        "corrupt": "2",
        "not readable": "1",
        "empty": "1",
        "silent": "1",
        "not finite": "1",
        "too long": "0",
        "shorter": "0",
        "sample_rates": "32000 Hz: 1",
        "channels": "1 ch: 1",
    }
    assert (counts["Bark"]["usable"], counts["Bark"]["expected"]) == ("0", "4")
    assert (counts["Meow"]["usable"], counts["Meow"]["expected"]) == ("1", "4")
    assert read_survey_facts(folder) == facts
    assert (facts.data_set, facts.expected, facts.usable, facts.clip_seconds) == ("some_set", 8, 1, 2.0)
    assert facts.rejected == {"missing": 1, "corrupt": 2, "not readable": 1, "empty": 1, "silent": 1, "not finite": 1}


CAT, FIRE = Event(0.5, 1.25, "Cat"), Event(1.0, 9.0, "Fire engine, fire truck (siren)")
LATE = Event(9.0, 10.115, "Cat")


def surveyed(clip: Clip, duration: float = 10.0) -> Surveyed:
    return Surveyed(clip, duration, 44100, 1)


def test_unlabelled_empty_and_labelled_clips_stay_apart(tmp_path: Path):
    found = [
        surveyed(listed("unlabelled.wav", labels=None)),
        surveyed(listed("nothing.wav", labels=(), events=(), events_as_released=())),
        surveyed(listed("weak.wav", labels=("Cat", FIRE.event_label))),
        surveyed(listed("strong.wav", labels=("Cat",), events=(CAT,), events_as_released=(CAT, CAT))),
    ]
    facts = write_survey(tmp_path, "some_set", 10.0, found)
    weak = [(row["filename"], row["event_labels"]) for row in read_table(tmp_path / "weak.tsv", WEAK_COLUMNS)]
    assert weak == [
        ("nothing.wav", ""),
        ("weak.wav", "Cat,Fire engine, fire truck (siren)"),
        ("strong.wav", "Cat"),
    ]
    event = {"filename": "strong.wav", "onset": "0.5", "offset": "1.25", "event_label": "Cat"}
    empty = {"filename": "nothing.wav", "onset": "", "offset": "", "event_label": ""}
    assert read_table(tmp_path / "strong.tsv", STRONG_COLUMNS) == [empty, event]
    assert read_table(tmp_path / "strong_as_released.tsv", STRONG_COLUMNS) == [empty, event, event]
    assert (facts.events, facts.events_as_released) == (1, 2)


def test_events_behind_their_clip_are_kept_and_counted(tmp_path: Path):
    clip = listed("late.wav", events=(CAT, LATE), events_as_released=(CAT, LATE))
    facts = write_survey(tmp_path, "some_set", 10.0, [surveyed(clip, 10.0), surveyed(clip, 10.02)])
    assert (facts.events, facts.events_past_the_end) == (4, 1)
    assert read_table(tmp_path / "strong.tsv", STRONG_COLUMNS)[1]["offset"] == "10.115"


def test_shorter_clips_are_usable_and_counted_per_split(tmp_path: Path):
    clips = [listed(f"{i}.wav", split="weak" if i % 2 else "public") for i in range(4)]
    found = [surveyed(clip, duration) for clip, duration in zip(clips, (10.0, 9.95, 9.85, 3.0), strict=True)]
    rows = [dict(zip(COVERAGE_COLUMNS, row, strict=True)) for row in coverage(found, 10.0)]
    assert [(row["split"], row["label"], row["usable"], row["shorter"]) for row in rows] == [
        ("public", "Bark", 2, 1),
        ("public", "(all)", 2, 1),
        ("weak", "Bark", 2, 1),
        ("weak", "(all)", 2, 1),
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"filename": "other.wav"},
        {"labels": ("Dog",)},
        {"events": (CAT,)},
        {"events_as_released": (CAT,)},
        {"fold": 2},
        {"split": "test"},
    ],
)
def test_the_fingerprint_tells_what_is_usable_apart(tmp_path: Path, change: dict):
    clips = [listed("a.wav"), listed("b.wav")]
    first = write_survey(tmp_path, "s", 10.0, [surveyed(clip) for clip in clips]).fingerprint
    assert write_survey(tmp_path, "s", 10.0, [surveyed(clip) for clip in clips]).fingerprint == first
    rejected = [*map(surveyed, clips), Surveyed(listed("c.wav"), problem="missing", detail="missing")]
    assert write_survey(tmp_path, "s", 10.0, rejected).fingerprint == first
    changed = [surveyed(clips[0]), surveyed(replace(clips[1], **change))]
    assert write_survey(tmp_path, "s", 10.0, changed).fingerprint != first
    assert write_survey(tmp_path, "s", 10.0, [surveyed(clips[0]), surveyed(clips[1], 9.0)]).fingerprint != first


def test_a_damaged_survey_is_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"survey\.json: no such file"):
        read_survey_facts(tmp_path)
    write_json(tmp_path / "survey.json", {"data_set": "some_set"})
    with pytest.raises(Exception, match=r"survey\.json: key 'expected' is missing"):
        read_survey_facts(tmp_path)


surveyed_clips = st.builds(
    Surveyed,
    clip=st.builds(
        Clip,
        filename=st.text("abc", max_size=4),
        split=st.sampled_from(["train", "test"]),
        group=st.just("g"),
        labels=st.none() | st.lists(st.sampled_from(["Bark", "Cowbell", "Meow"]), unique=True).map(tuple),
    ),
    duration=st.floats(0.01, 30),
    sample_rate=st.sampled_from([32000, 44100, 48000]),
    channels=st.sampled_from([1, 2, 6]),
    problem=st.sampled_from(["", "", *REASONS]),
)


@given(found=st.lists(surveyed_clips, max_size=40))
def test_coverage_sums_up(found: list[Surveyed]):
    rows = [dict(zip(COVERAGE_COLUMNS, row, strict=True)) for row in coverage(found, 2.0)]
    totals = {row["split"]: row for row in rows if row["label"] == "(all)"}
    assert sum(row["expected"] for row in totals.values()) == len(found)
    assert list(totals) == list(dict.fromkeys(s.clip.split for s in found))
    for row in rows:
        assert row["expected"] == row["usable"] + sum(row[reason] for reason in REASONS)
        assert row["present"] == row["expected"] - row["missing"]
        assert 0 <= row["shorter"] <= row["usable"]
        for column in ("sample_rates", "channels"):
            counted = [part.split(": ") for part in row[column].split(", ") if part]
            assert sum(int(count) for _, count in counted) == row["usable"]
        if row["label"] != "(all)":
            of_class = [s for s in found if s.clip.split == row["split"] and row["label"] in (s.clip.labels or ())]
            usable = [s for s in of_class if not s.problem]
            assert (row["expected"], row["usable"]) == (len(of_class), len(usable))
            assert row["shorter"] == len([s for s in usable if s.duration < 1.9])
