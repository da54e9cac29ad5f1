"""The three tables of a corpus: what is written is read again, and a bad row is named."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sedrepro.annotations.clips import STRONG_COLUMNS, WEAK_COLUMNS, Event, join_labels, split_labels
from sedrepro.base.errors import DataError
from sedrepro.base.files import write_table
from sedrepro.corpora.tables import CORPUS_CLIP_COLUMNS, CORPUS_TABLES, read_clips, read_strong, write_tables

CLASSES = (
    "Car",
    "Air horn, truck horn",
    "Fire engine, fire truck (siren)",
    "Bass_drum",
    'a "quoted" one',
    "Zug, ähnlich",
)
times = st.floats(0, 1e4)
events = st.tuples(times, times, st.sampled_from(CLASSES)).map(lambda e: Event(min(e[:2]), max(e[:2]), e[2]))
# Strong labels of a clip, or none; its weak labels, or none.
clips = st.dictionaries(
    st.text("abc/äY_-. 0", min_size=1, max_size=8).map(lambda name: f"{name}.wav"),
    st.tuples(st.none() | st.lists(events, max_size=3), st.none() | st.lists(st.sampled_from(CLASSES), unique=True)),
    max_size=6,
)


def write(folder: Path, of_clips: dict) -> None:
    """Tables of clips as a survey and a remix write them: an empty row where a strongly labelled clip has no event."""
    strong = [
        row
        for name, (labelled, _) in of_clips.items()
        if labelled is not None
        for row in ([(name, e.onset, e.offset, e.event_label) for e in labelled] or [(name, "", "", "")])
    ]
    write_tables(
        folder,
        clips=[(name, "testing", 0, 9.5, f"group of {name}") for name in of_clips],
        weak=[(name, join_labels(labels)) for name, (_, labels) in of_clips.items() if labels is not None],
        strong=strong,
    )


@given(of_clips=clips)
def test_what_is_written_is_read_again(of_clips: dict):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, of_clips)
        assert {path.name for path in folder.iterdir()} == set(CORPUS_TABLES)
        rows, strong = read_clips(folder), read_strong(folder)
    assert [row["filename"] for row in rows] == list(of_clips)
    assert {row["filename"]: split_labels(row["event_labels"]) for row in rows} == {
        name: labels or [] for name, (_, labels) in of_clips.items()
    }
    assert {row["group"] for row in rows} == {f"group of {name}" for name in of_clips}
    assert strong == {name: labelled for name, (labelled, _) in of_clips.items() if labelled is not None}


def strong_of(folder: Path, *rows: tuple) -> dict[str, list[Event]]:
    write_table(folder / "strong.tsv", STRONG_COLUMNS, rows)
    return read_strong(folder)


def test_a_clip_without_events_is_listed_and_an_unlabelled_one_is_not(tmp_path: Path):
    found = strong_of(tmp_path, ("a.wav", "", "", ""), ("b.wav", "0.5", "1", "Car"), ("b.wav", 2, 3, "Car"))
    assert found == {"a.wav": [], "b.wav": [Event(0.5, 1, "Car"), Event(2, 3, "Car")]}
    assert strong_of(tmp_path) == {}


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (("one", "2", "Car"), "could not convert string to float: 'one'"),
        (("1", "", "Car"), "could not convert string to float: ''"),
        (("", "", "Car"), "could not convert string to float: ''"),
        (("1", "2,5", "Car"), "could not convert string to float: '2,5'"),
        (("nan", "2", "Car"), "an event from nan s to 2 s; correct its times"),
        (("1", "inf", "Car"), "an event from 1 s to inf s; correct its times"),
        (("-1", "2", "Car"), "an event from -1 s to 2 s; correct its times"),
        (("2", "1", "Car"), "an event from 2 s to 1 s; correct its times"),
        (("1", "2", ""), "an event from 1 s to 2 s of no class; name its class"),
    ],
)
def test_a_bad_event_names_its_row(tmp_path: Path, row: tuple, problem: str):
    with pytest.raises(DataError) as caught:
        strong_of(tmp_path, ("a.wav", "0", "1", "Car"), ("b.wav", "", "", ""), ("c.wav", *row))
    assert str(caught.value) == f"{tmp_path}/strong.tsv: row 4: {problem}"


def test_missing_tables_and_columns_are_named(tmp_path: Path):
    with pytest.raises(DataError, match=r"strong\.tsv: no such file"):
        read_strong(tmp_path)
    with pytest.raises(DataError, match=r"weak\.tsv: no such file"):
        read_clips(tmp_path)
    write_table(tmp_path / "weak.tsv", WEAK_COLUMNS, [])
    with pytest.raises(DataError, match=r"clips\.tsv: no such file"):
        read_clips(tmp_path)
    write_table(tmp_path / "clips.tsv", CORPUS_CLIP_COLUMNS[:-1], [])
    with pytest.raises(DataError, match=r"clips\.tsv: column 'group' is missing"):
        read_clips(tmp_path)
