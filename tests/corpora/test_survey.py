"""A survey counts every recording that cannot be used, with the right reason, and raises for none."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sedrepro.corpora.survey import (
    CLIP_COLUMNS,
    COVERAGE_COLUMNS,
    REASONS,
    Recording,
    coverage,
    survey,
    write_survey,
)
from sedrepro.files import read_table

NOISE = np.random.default_rng(0).uniform(-0.5, 0.5, 64000)


@pytest.fixture
def damaged(tmp_path: Path, recorded: Callable[..., str]) -> list[Recording]:
    """One usable recording and one of each kind that is not."""
    recorded("good.wav", NOISE, 32000)
    recorded("truncated.wav", NOISE, subtype="PCM_16")
    (tmp_path / "truncated.wav").write_bytes((tmp_path / "truncated.wav").read_bytes()[:1000])
    (tmp_path / "text.wav").write_text("404 not found")
    (tmp_path / "random.wav").write_bytes(np.random.default_rng(1).bytes(5000))
    recorded("empty.wav", NOISE[:0])
    recorded("silent.wav", np.zeros((500, 2)))
    recorded("nan.wav", np.where(np.arange(500) == 250, np.nan, NOISE[:500]))
    names = ["good", "truncated", "text", "random", "empty", "silent", "nan", "absent"]
    return [Recording(f"{name}.wav", "Bark" if i % 2 else "Meow", str(i)) for i, name in enumerate(names)]


def test_every_kind_of_damage_is_counted_and_none_raised(tmp_path: Path, damaged: list[Recording]):
    found = survey(tmp_path, damaged, "events")
    assert [(r.filename, r.label, r.group) for r in found] == [(r.filename, r.label, r.group) for r in damaged]
    assert {r.filename.removesuffix(".wav"): r.problem for r in found} == {
        "good": "",
        "truncated": "corrupt",
        "text": "corrupt",
        "random": "corrupt",
        "empty": "empty",
        "silent": "silent",
        "nan": "not finite",
        "absent": "missing",
    }
    details = {r.filename: r.detail for r in found}
    assert details["truncated.wav"] == "corrupt (shorter than its header says)"
    assert details["nan.wav"] == "holds NaN or infinite samples"
    assert all(bool(r.detail) == bool(r.problem) for r in found)


def test_durations_and_rates_are_measured(tmp_path: Path, recorded: Callable[..., str]):
    listed = []
    for rate, frames, channels in [(8000, 1, 1), (44100, 44100, 2), (48000, 31415, 6)]:
        values = np.tile(NOISE[:frames, None], channels)
        name = recorded(f"{rate}.wav", values, rate, "PCM_24")
        listed.append(Recording(name, "Bark", "1"))
    found = survey(tmp_path, listed, "events")
    assert [r.sample_rate for r in found] == [8000, 44100, 48000]
    assert [r.duration for r in found] == [0.000125, 1.0, 0.654479]


def test_one_sample_that_is_not_zero_is_not_silent(tmp_path: Path, recorded: Callable[..., str]):
    quiet = np.zeros(32000)
    quiet[-1] = 2**-15
    found = survey(tmp_path, [Recording(recorded("quiet.wav", quiet, subtype="PCM_16"), "Bark", "1")], "events")
    assert found[0].problem == ""


def test_the_tables_tell_usable_from_rejected(tmp_path: Path, damaged: list[Recording]):
    write_survey(tmp_path / "survey", survey(tmp_path, damaged, "events"))
    clips = read_table(tmp_path / "survey" / "clips.tsv", CLIP_COLUMNS)
    rejected = read_table(tmp_path / "survey" / "rejected.tsv", ("filename", "label", "problem", "detail"))
    assert clips == [{"filename": "good.wav", "label": "Meow", "group": "0", "duration": "2.0", "sample_rate": "32000"}]
    assert [row["filename"] for row in rejected] == [r.filename for r in damaged[1:]]
    counts = {row["label"]: row for row in read_table(tmp_path / "survey" / "coverage.tsv", COVERAGE_COLUMNS)}
    assert list(counts) == ["Bark", "Meow", "(all)"]
    assert counts["(all)"] == {
        "label": "(all)",
        "expected": "8",
        "usable": "1",
        "missing": "1",
        "corrupt": "3",
        "empty": "1",
        "silent": "1",
        "not finite": "1",
        "shorter_than_2s": "0",
        "sample_rates": "32000 Hz: 1",
    }
    assert (counts["Bark"]["usable"], counts["Bark"]["expected"]) == ("0", "4")
    assert (counts["Meow"]["usable"], counts["Meow"]["expected"]) == ("1", "4")


recordings = st.builds(
    Recording,
    filename=st.text("abc", max_size=4),
    label=st.sampled_from(["Bark", "Cowbell", "Meow"]),
    group=st.sampled_from("1234"),
    duration=st.floats(0.01, 30),
    sample_rate=st.sampled_from([32000, 44100, 48000]),
    problem=st.sampled_from(["", "", *REASONS]),
)


@given(listed=st.lists(recordings, max_size=40))
def test_coverage_sums_up(listed: list[Recording]):
    rows = [dict(zip(COVERAGE_COLUMNS, row, strict=True)) for row in coverage(listed)]
    total, classes = rows[-1], rows[:-1]
    assert [row["label"] for row in classes] == sorted({r.label for r in listed})
    assert total["expected"] == len(listed)
    for row in rows:
        assert row["expected"] == row["usable"] + sum(row[reason] for reason in REASONS)
        assert 0 <= row["shorter_than_2s"] <= row["usable"]
        rates = [part.split(" Hz: ") for part in row["sample_rates"].split(", ") if part]
        assert sum(int(count) for _, count in rates) == row["usable"]
        assert [rate for rate, _ in rates] == sorted({rate for rate, _ in rates})
    for column in ("expected", "usable", *REASONS, "shorter_than_2s"):
        assert total[column] == sum(row[column] for row in classes)
    for row in classes:
        usable = [r for r in listed if r.label == row["label"] and not r.problem]
        assert row["usable"] == len(usable)
        assert row["shorter_than_2s"] == len([r for r in usable if r.duration < 2])
