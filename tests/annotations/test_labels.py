"""Official label tables: what they may look like, and how errors in them are named."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sedrepro.annotations.clips import Clip, Event
from sedrepro.annotations.labels import (
    merged,
    read_file_list,
    read_headerless_strong,
    read_headerless_weak,
    read_scenes,
    read_strong,
    read_weak,
    youtube_id,
)
from sedrepro.base.errors import DataError

CLASSES = ("Cat", "Dog", "Fire engine, fire truck (siren)")
SIREN = CLASSES[2]
STRONG = "filename\tonset\toffset\tevent_label\n"
WEAK = "filename\tevent_labels\n"
LIST = "filename\n"
SCENES = "filename\tscene_label\tidentifier\tsource_label\n"
Reader = Callable[[Path], object]
READERS: dict[str, Reader] = {
    "strong": lambda path: read_strong(path, CLASSES),
    "weak": lambda path: read_weak(path, CLASSES),
    "list": read_file_list,
    "headerless strong": lambda path: read_headerless_strong(path, CLASSES, listed={"a.wav", "b.wav"}),
    "headerless weak": lambda path: read_headerless_weak(path, CLASSES),
    "scenes": lambda path: read_scenes(path.parent.parent, path.parent.name),
}
SMALL_TABLES = {
    "strong": STRONG + "a.wav\t0.5\t11.0\tDog\nb.wav\t\t\t\n",
    "weak": WEAK + f"a.wav\tDog,{SIREN}\nb.wav\tCat\n",
    "list": LIST + "a.wav\nb.wav\n",
    "headerless strong": f"a.wav\t0.5\t2\t{SIREN}\na.wav\t0\t0\tDog\nb.wav\t0\t1\tDog\n",
    "headerless weak": f"a.wav\t30.000\t40.000\t{SIREN}\na.wav\t30.000\t40.000\tDog\nb.wav\t0\t9.5\tCat\n",
    "scenes": SCENES + "audio/a.wav\tbus\tparis-1\ta\naudio/b.wav\ttram\tlyon-2\ta\n",
}


def table(folder: Path, content: str | bytes) -> Path:
    path = folder / "meta.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def event(onset: float, offset: float, label: str = "Dog") -> Event:
    return Event(onset, offset, label)


def test_strong_rows_are_kept_row_for_row(tmp_path: Path):
    rows = "b.wav\t3\t11.0\tDog\na.wav\t\t\t\nb.wav\t0.25\t10.115\tCat\nb.wav\t4\t5\tDog\n"
    assert read_strong(table(tmp_path, STRONG + rows), CLASSES) == {
        "b.wav": (event(3, 11), event(0.25, 10.115, "Cat"), event(4, 5)),
        "a.wav": (),
    }


def test_headerless_strong_rows_keep_what_was_not_heard_and_what_is_repeated(tmp_path: Path):
    rows = f"a.wav\t0\t0\t{SIREN}\nb.wav\t1e-1\t.5\tDog\na.wav\t0.000\t2.\tCat\na.wav\t0.000\t2.\tCat\n"
    assert READERS["headerless strong"](table(tmp_path, rows)) == {
        "a.wav": (event(0, 0, SIREN), event(0, 2, "Cat"), event(0, 2, "Cat")),
        "b.wav": (event(0.1, 0.5),),
    }


def test_weak_labels_are_sorted_and_count_once(tmp_path: Path):
    path = table(tmp_path, WEAK + f"b.wav\tDog,Cat,Dog\na.wav\t{SIREN},Dog\n")
    assert read_weak(path, CLASSES) == {"b.wav": ("Cat", "Dog"), "a.wav": ("Dog", SIREN)}


def test_headerless_weak_rows_of_a_clip_may_lie_apart(tmp_path: Path):
    path = table(tmp_path, f"b.wav\t30\t40\t{SIREN}\na.wav\t0\t10\tDog\nb.wav\t30\t40\tCat\n")
    assert read_headerless_weak(path, CLASSES) == {"b.wav": ("Cat", SIREN), "a.wav": ("Dog",)}


def test_a_list_keeps_its_order(tmp_path: Path):
    assert read_file_list(table(tmp_path, LIST + "b.wav\na.wav")) == ["b.wav", "a.wav"]


def test_columns_are_found_by_name(tmp_path: Path):
    path = table(tmp_path, "license\tevent_label\tfilename\toffset\tonset\nCC0\tDog\ta.wav\t2\t1\n")
    assert read_strong(path, CLASSES) == {"a.wav": (event(1, 2),)}


def test_quotes_mean_nothing(tmp_path: Path):
    rows = '"a.wav\t0\t10\tDog\nb".wav\t0\t10\t"Bus"\n'
    assert read_headerless_weak(table(tmp_path, rows), ("Dog", '"Bus"')) == {'"a.wav': ("Dog",), 'b".wav': ('"Bus"',)}


@pytest.mark.parametrize("kind", SMALL_TABLES)
@pytest.mark.parametrize(
    "published",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: "\ufeff" + text,
        lambda text: "\ufeff" + text.replace("\n", "\r\n") + "\r\n\r\n",
        lambda text: text + "\n\n",
        lambda text: text.removesuffix("\n"),
    ],
    ids=["CRLF", "BOM", "all", "blank lines", "no last newline"],
)
def test_forms_in_which_tables_are_published(tmp_path: Path, kind: str, published: Callable[[str], str]):
    plain = READERS[kind](table(tmp_path, SMALL_TABLES[kind]))
    assert len(plain) == 2
    assert READERS[kind](table(tmp_path, published(SMALL_TABLES[kind]))) == plain


TIMES = [
    ("a.wav\tabc\t2\tDog", "onset 'abc' is not a finite number; give seconds"),
    ("a.wav\t1\t\tDog", "offset '' is not a finite number"),
    ("a.wav\t1\tnan\tDog", "offset 'nan' is not a finite number"),
    ("a.wav\t1\tinf\tDog", "offset 'inf' is not a finite number"),
    ("a.wav\t1\t1e999\tDog", "offset '1e999' is not a finite number"),
    ("a.wav\t1_0\t20\tDog", "onset '1_0' is not a finite number"),
    ("a.wav\t٣\t20\tDog", "onset '٣' is not a finite number"),
    ("a.wav\t1,5\t2\tDog", "onset '1,5' is not a finite number"),
    ("a.wav\t-0.5\t2\tDog", "onset -0.5 is negative; give seconds from the clip's start"),
]
EVENTS = [
    ("a.wav\t1\t2\tDogg", "class 'Dogg' is unknown; did you mean 'Dog'?"),
    ("a.wav\t1\t2\tdog", "class 'dog' is unknown; did you mean 'Dog'?"),
    ("a.wav\t1\t2\t", f"class '' is unknown; known: Cat, Dog, {SIREN}"),
    ("a.wav\t2.5\t1.5\tDog", "offset 1.5 is not after onset 2.5; correct the times"),
    ("a.wav\t2.5\t2.50\tDog", "offset 2.50 is not after onset 2.5"),
]
FIELDS = [
    ("a.wav\t1\t2", "the number of fields is 3, not 4; separate them by tabs"),
    ("a.wav\t1\t2\tDog\t", "the number of fields is 5, not 4"),
    ("a.wav,1,2,Dog", "the number of fields is 1, not 4"),
]
NAMES = [
    ("{}a.mp3", "'{}a.mp3' does not end in .wav; give '{}<name>.wav'"),
    ("{}.wav", "'{}.wav' does not end in .wav"),
    ("{}", "'{}' does not end in .wav"),
    ("{}../a.wav", "'{}../a.wav' is not a file name; give '{}<name>.wav', no other folder"),
    ("{}weak\\a.wav", "'{}weak\\\\a.wav' is not a file name"),
    ("{}a\x00.wav", "'{}a\\x00.wav' is not a file name"),
]
BAD_ROWS = {
    "strong": [
        *TIMES,
        *EVENTS,
        *FIELDS,
        *((name + "\t1\t2\tDog", message) for name, message in NAMES),
        ("a.wav\t0\t0\tDog", "offset 0 is not after onset 0"),
        ("b.wav\t\t\tDog", "onset '' is not a finite number"),
        ("first.wav\t\t\t", "first.wav has an empty row and another row; keep either its events or none"),
        ("none.wav\t1\t2\tDog", "none.wav has an empty row and another row"),
        ("none.wav\t\t\t", "none.wav has an empty row and another row"),
    ],
    "headerless strong": [
        *TIMES,
        *EVENTS,
        *FIELDS,
        ("c.wav\t0\t0\tDog", "'c.wav' is not in the weak table of its split; correct the name"),
        ("../a.wav\t1\t2\tDog", "'../a.wav' is not in the weak table of its split"),
    ],
    "headerless weak": [
        *TIMES,
        *EVENTS[:3],
        *FIELDS,
        *((name + "\t1\t2\tDog", message) for name, message in NAMES),
        ("first.wav\t30\t40\tDog", "first.wav has the label 'Dog' twice; remove one row"),
    ],
    "weak": [
        ("a.wav", "the number of fields is 1, not 2"),
        ("a.wav\tDog\tCat", "the number of fields is 3, not 2"),
        ("a.wav\t", "a.wav has no label; name its classes or remove the row"),
        ("a.wav\tDog,Catt", "class 'Catt' is unknown; did you mean 'Cat'?"),
        ("a.wav\tDog,", "class '' is unknown"),
        ("first.wav\tCat", "first.wav is listed twice; remove one row"),
        *((name + "\tDog", message) for name, message in NAMES),
    ],
    "list": [
        ("a.wav\tDog", "the number of fields is 2, not 1"),
        ("first.wav", "first.wav is listed twice; remove one row"),
        *(row for row in NAMES if row[0] != "{}"),
    ],
    "scenes": [
        ("audio/a.wav\tbus", "has too few fields"),
        ("audio/first.wav\tbus\tparis-1\ta", "audio/first.wav is listed twice; remove one row"),
        ("audio/a.wav\t\tparis-1\ta", "audio/a.wav has no scene_label or no identifier; fill both in"),
        ("audio/a.wav\tbus\t\ta", "audio/a.wav has no scene_label or no identifier"),
        ("a.wav\tbus\tparis-1\ta", "'a.wav' is not a file name; give 'audio/<name>.wav', no other folder"),
        *((name + "\tbus\tparis-1\ta", message) for name, message in NAMES),
    ],
}
GOOD_ROWS = {
    "strong": STRONG + "first.wav\t1\t2\tDog\nnone.wav\t\t\t\n",
    "headerless strong": "a.wav\t1\t2\tDog\nb.wav\t0\t0\tDog\n",
    "headerless weak": "first.wav\t30\t40\tDog\nfirst.wav\t30\t40\tCat\n",
    "weak": WEAK + "first.wav\tDog\nsecond.wav\tCat\n",
    "list": LIST + "first.wav\nsecond.wav\n",
    "scenes": SCENES + "audio/first.wav\tbus\tparis-1\ta\naudio/second.wav\tbus\tparis-1\ta\n",
}


@pytest.mark.parametrize(
    ("kind", "row", "message"), [(kind, row, message) for kind, rows in BAD_ROWS.items() for row, message in rows]
)
def test_a_bad_row_is_named(tmp_path: Path, kind: str, row: str, message: str):
    below = "audio/" if kind == "scenes" else ""
    path = table(tmp_path, GOOD_ROWS[kind] + row.format(below) + "\n")
    number = GOOD_ROWS[kind].count("\n") + 1
    with pytest.raises(DataError) as caught:
        READERS[kind](path)
    separator = " " if message == "has too few fields" else ": "
    assert str(caught.value).startswith(f"{path}: row {number}{separator}{message.format(below, below)}")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["strong", "weak", "headerless strong", "headerless weak"])
def test_rows_are_counted_in_lines_of_the_file(tmp_path: Path, kind: str):
    path = table(tmp_path, GOOD_ROWS[kind].replace("\n", "\n\n") + "none of it\n")
    number = 2 * GOOD_ROWS[kind].count("\n") + 1
    with pytest.raises(DataError, match=rf"row {number}: the number of fields is 1"):
        READERS[kind](path)


@pytest.mark.parametrize("kind", READERS)
def test_a_file_that_is_no_table_is_named(tmp_path: Path, kind: str):
    path = tmp_path / "meta.csv"
    with pytest.raises(DataError, match=r"meta\.csv: no such file"):
        READERS[kind](path)
    with pytest.raises(DataError, match=r"meta\.csv: is not UTF-8 text"):
        READERS[kind](table(tmp_path, SMALL_TABLES[kind].encode("utf-16")))


@pytest.mark.parametrize("kind", [kind for kind in READERS if kind != "scenes"])
def test_a_folder_is_no_table(tmp_path: Path, kind: str):
    (tmp_path / "meta.csv").mkdir()
    with pytest.raises(DataError, match=r"meta\.csv: cannot be read \(Is a directory\)"):
        READERS[kind](tmp_path / "meta.csv")


@pytest.mark.parametrize("content", ["", "\n\r\n", "\ufeff"])
@pytest.mark.parametrize("kind", [kind for kind in READERS if kind != "scenes"])
def test_an_empty_file_is_named(tmp_path: Path, kind: str, content: str):
    with pytest.raises(DataError, match=r"meta\.csv: (lists no clip; obtain|column 'filename' is missing .*an empty)"):
        READERS[kind](table(tmp_path, content))


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        ("strong", STRONG, "lists no clip; obtain the table again"),
        ("weak", WEAK, "lists no clip"),
        ("list", LIST, "lists no clip"),
        ("scenes", SCENES, "lists no clip"),
        (
            "weak",
            SMALL_TABLES["strong"],
            "column 'event_labels' is missing (found: filename, onset, offset, event_label)",
        ),
        ("strong", SMALL_TABLES["headerless strong"], "column 'filename' is missing (found: a.wav, 0.5, 2, Fire"),
        (
            "strong",
            STRONG.replace("\t", ","),
            "column 'filename' is missing (found: filename,onset,offset,event_label)",
        ),
        ("headerless weak", SMALL_TABLES["strong"], "row 1: 'filename' does not end in .wav"),
        ("scenes", "filename\tscene_label\naudio/a.wav\tbus\n", "column 'identifier' is missing"),
    ],
)
def test_another_table_is_told(tmp_path: Path, kind: str, text: str, message: str):
    with pytest.raises(DataError) as caught:
        READERS[kind](table(tmp_path, text))
    assert str(caught.value).startswith(f"{tmp_path / 'meta.csv'}: {message}")


def test_scenes_keep_the_order_of_the_table(tmp_path: Path):
    (tmp_path / "set").mkdir()
    table(tmp_path / "set", SMALL_TABLES["scenes"])
    assert read_scenes(tmp_path, "set") == [
        Clip("set/audio/a.wav", "development", group="paris-1", labels=("bus",)),
        Clip("set/audio/b.wav", "development", group="lyon-2", labels=("tram",)),
    ]


@pytest.mark.parametrize(
    ("filename", "group"),
    [
        ("Y-5QrBL6MzLg_60.000_70.000.wav", "-5QrBL6MzLg"),
        ("-5QrBL6MzLg_60.000_70.000.wav", "-5QrBL6MzLg"),
        ("1Ro0FgMWTUE_120_130.wav", "1Ro0FgMWTUE"),
        ("YYabcdefghij_0.000_10.000.wav", "Yabcdefghij"),
        ("Yabcdefghij_0.000_10.000.wav", "Yabcdefghij"),
        ("Y_b_d_f_h_j__0.000_10.000.wav", "_b_d_f_h_j_"),
        ("Yshort_60.000_70.000.wav", "Yshort_60.000_70.000"),
        ("Y-5QrBL6MzLg_60.000.wav", "Y-5QrBL6MzLg_60.000"),
        ("soundscape.12.wav", "soundscape.12"),
    ],
)
def test_the_video_of_a_clip(filename: str, group: str):
    assert youtube_id(filename) == group


@given(
    video=st.from_regex(r"[A-Za-z0-9_-]{11}", fullmatch=True),
    place=st.sampled_from(["_0.000_10.000", "_120_130", "_628.000_638.000"]),
)
def test_the_same_video_with_and_without_the_leading_letter(video: str, place: str):
    assert youtube_id(f"{video}{place}.wav") == youtube_id(f"Y{video}{place}.wav") == video


# --- what is written is read back ---

filenames = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="/\\"), min_size=1).map(
    lambda name: f"{name}.wav"
)
times = st.floats(0, 1e6, allow_subnormal=False)
events_ = st.builds(
    lambda a, b, label: Event(min(a, b), max(a, b), label), times, times, st.sampled_from(CLASSES)
).filter(lambda e: e.onset < e.offset)
unheard = st.builds(lambda label: Event(0.0, 0.0, label), st.sampled_from(CLASSES))
forms = st.tuples(st.sampled_from(["", "\ufeff"]), st.sampled_from(["\n", "\r\n"]), st.integers(0, 3))


def written(rows: list[tuple], form: tuple[str, str, int]) -> str:
    mark, newline, blank_lines = form
    return mark + newline.join("\t".join(str(field) for field in row) for row in rows) + newline * blank_lines


def interleaved(draw: Callable, per_clip: dict[str, list]) -> list[tuple]:
    """Rows of all clips in any order that keeps each clip's own."""
    order = draw(st.permutations([name for name, of_clip in per_clip.items() for _ in of_clip]))
    rest = {name: iter(of_clip) for name, of_clip in per_clip.items()}
    return [(name, next(rest[name])) for name in order]


@given(data=st.data(), form=forms)
def test_strong_round_trip(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, form: tuple):
    path = tmp_path_factory.getbasetemp() / "strong.tsv"
    clips = data.draw(st.dictionaries(filenames, st.lists(events_, max_size=4), min_size=1, max_size=5))
    rows = interleaved(data.draw, {name: of_clip or [None] for name, of_clip in clips.items()})
    lines = [(name, e.onset, e.offset, e.event_label) if e else (name, "", "", "") for name, e in rows]
    path.write_bytes(written([tuple(STRONG.split()), *lines], form).encode())
    assert read_strong(path, CLASSES) == {name: tuple(of_clip) for name, of_clip in clips.items()}


@given(data=st.data(), form=forms)
def test_headerless_strong_round_trip(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, form: tuple):
    path = tmp_path_factory.getbasetemp() / "strong.csv"
    clips = data.draw(st.dictionaries(filenames, st.lists(events_ | unheard, min_size=1, max_size=4), min_size=1))
    rows = interleaved(data.draw, clips)
    path.write_bytes(written([(name, e.onset, e.offset, e.event_label) for name, e in rows], form).encode())
    assert read_headerless_strong(path, CLASSES, clips) == {name: tuple(of_clip) for name, of_clip in clips.items()}


labels_of_clips = st.dictionaries(filenames, st.lists(st.sampled_from(CLASSES), min_size=1, unique=True), min_size=1)


@given(clips=labels_of_clips, form=forms)
def test_weak_round_trip(tmp_path_factory: pytest.TempPathFactory, clips: dict[str, list[str]], form: tuple):
    path = tmp_path_factory.getbasetemp() / "weak.tsv"
    rows = [(name, ",".join(labels)) for name, labels in clips.items()]
    path.write_bytes(written([tuple(WEAK.split()), *rows], form).encode())
    found = read_weak(path, CLASSES)
    assert list(found.items()) == [(name, tuple(sorted(labels))) for name, labels in clips.items()]


@given(data=st.data(), clips=labels_of_clips, form=forms)
def test_headerless_weak_round_trip(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, clips: dict[str, list[str]], form: tuple
):
    path = tmp_path_factory.getbasetemp() / "weak.csv"
    rows = interleaved(data.draw, clips)
    path.write_bytes(written([(name, "30.000", "40.000", label) for name, label in rows], form).encode())
    found = read_headerless_weak(path, CLASSES)
    assert found == {name: tuple(sorted(labels)) for name, labels in clips.items()}
    assert list(found) == list(dict.fromkeys(name for name, _ in rows))


@given(names=st.lists(filenames, min_size=1, unique=True), form=forms)
def test_list_round_trip(tmp_path_factory: pytest.TempPathFactory, names: list[str], form: tuple):
    path = tmp_path_factory.getbasetemp() / "list.tsv"
    path.write_bytes(written([("filename",), *((name,) for name in names)], form).encode())
    assert read_file_list(path) == names


# --- garbage ---

pieces = st.sampled_from(
    [
        *("\t", "\n", "\r", "\ufeff", '"', ",", "0", "-1", "1e999", "nan"),
        *("a.wav", "audio/b.wav", "../", "\x00", "\u2028"),
        *(*CLASSES, STRONG, WEAK, LIST, SCENES, *SMALL_TABLES.values()),
    ]
)
garbage = st.one_of(
    st.binary(max_size=200),
    st.text(max_size=100).map(str.encode),
    st.lists(pieces, max_size=12).map(lambda found: "".join(found).encode()),
)


def damaged(kind: str, position: float, content: bytes, overwrite: bool) -> bytes:
    whole = SMALL_TABLES[kind].encode()
    start = round(position * len(whole))
    return whole[:start] + content + whole[start + (len(content) if overwrite else 0) :]


@pytest.mark.parametrize("kind", READERS)
@given(content=garbage, position=st.none() | st.floats(0, 1), overwrite=st.booleans())
def test_garbage_is_a_data_error_of_one_line(
    tmp_path_factory: pytest.TempPathFactory, kind: str, content: bytes, position: float | None, overwrite: bool
):
    path = tmp_path_factory.getbasetemp() / "meta.csv"
    path.write_bytes(content if position is None else damaged(kind, position, content, overwrite))
    try:
        assert READERS[kind](path)
    except DataError as error:
        assert str(error).startswith(f"{path}: ")
        if kind != "scenes":
            assert "\n" not in str(error)


# --- merging ---

lists_of_events = st.lists(
    st.builds(
        lambda onset, length, label: Event(onset / 8, (onset + length) / 8, label),
        st.integers(0, 80),
        st.integers(1, 30),
        st.sampled_from(CLASSES),
    ),
    max_size=12,
)


def covered(events: tuple[Event, ...] | list[Event]) -> set[tuple[str, int]]:
    """The eighths of a second in which a class sounds."""
    return {(e.event_label, t) for e in events for t in range(round(8 * e.onset), round(8 * e.offset))}


@given(events=lists_of_events, data=st.data())
def test_merging(events: list[Event], data: st.DataObject):
    found = merged(events)
    assert merged(found) == found
    assert merged(data.draw(st.permutations(events))) == found
    assert list(found) == sorted(found)
    assert covered(found) == covered(events)
    assert sum(round(8 * (e.offset - e.onset)) for e in found) == len(covered(events)), "no overlap is left"


def test_what_overlaps_is_joined_and_what_touches_is_not():
    pieces_of_one = [event(3.797, 4.103), event(4.192, 4.492), event(3.797, 4.492)]
    assert merged(pieces_of_one) == (event(3.797, 4.492),)
    assert merged([event(1, 2), event(0, 1), event(0.5, 1.5, "Cat")]) == (
        *(event(0, 1), event(0.5, 1.5, "Cat")),
        event(1, 2),
    )
    assert merged([event(0, 1), event(0, 1)]) == (event(0, 1),)
    assert merged([]) == ()


@pytest.mark.parametrize(("onset", "offset"), [("0", "20.1"), ("3500", "4120"), ("44100", "88200"), ("1e3", "2e3")])
def test_times_that_cannot_be_seconds_of_the_clips_are_refused(tmp_path, onset, offset):
    """Milliseconds and samples, taken for seconds, would leave a clip without its events and say nothing."""
    path = table(tmp_path, STRONG + f"a.wav\t1\t2\tCat\nb.wav\t{onset}\t{offset}\tCat\n")
    with pytest.raises(DataError, match=rf"row 3: offset {re.escape(offset)} is too large for a clip of 10 s"):
        read_strong(path, CLASSES, 10)
    headerless = table(tmp_path, f"a.wav\t1\t2\tCat\nb.wav\t{onset}\t{offset}\tCat\n")
    with pytest.raises(DataError, match="row 2: offset"):
        read_headerless_strong(headerless, CLASSES, {"a.wav", "b.wav"}, 10)


def test_segments_that_cannot_be_seconds_of_a_video_are_refused(tmp_path):
    path = table(tmp_path, "a.wav\t30000\t40000\tCat\n")
    assert read_headerless_weak(path, CLASSES) == {"a.wav": ("Cat",)}
    with pytest.raises(DataError, match="row 1: offset 40000"):
        read_headerless_weak(path, CLASSES, 10)


def test_published_offsets_a_little_behind_the_end_stay(tmp_path):
    path = table(tmp_path, STRONG + "a.wav\t9\t11.0\tCat\n")
    assert read_strong(path, CLASSES, 10) == {"a.wav": (event(9, 11.0, "Cat"),)}
