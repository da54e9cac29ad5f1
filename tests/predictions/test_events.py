"""Event lists in every form, and every kind of bad row: a line that names file and row, counted where wished."""

import pytest

from sedrepro.annotations.clips import Event
from sedrepro.base.errors import DataError
from sedrepro.predictions.events import read_event_list
from sedrepro.predictions.problems import Problems

CLASSES = ("Cat", "Dog", "Fire engine, fire truck (siren)")
HEADER = "filename\tonset\toffset\tevent_label"


def read(tmp_path, *lines, name="list.tsv", skip=False, **chosen):
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    problems = Problems(skip)
    return read_event_list(path, CLASSES, problems, **chosen), problems


def test_tabs_and_commas_are_read_whatever_the_file_is_called(tmp_path):
    expected = {"a.wav": [Event(0.5, 1.5, "Cat"), Event(2, 3, "Dog")]}
    tsv = (HEADER, "a.wav\t0.5\t1.5\tCat", "a.wav\t2\t3\tDog")
    assert read(tmp_path, *tsv)[0] == expected
    assert read(tmp_path, *(line.replace("\t", ",") for line in tsv))[0] == expected
    assert read(tmp_path, *tsv, name="list.csv")[0] == expected


def test_a_class_with_a_comma_is_quoted_between_commas(tmp_path):
    found, _ = read(tmp_path, "filename,onset,offset,event_label", 'a.wav,0,1,"Fire engine, fire truck (siren)"')
    assert found == {"a.wav": [Event(0, 1, CLASSES[2])]}


def test_columns_come_in_any_order_and_others_are_ignored(tmp_path):
    found, _ = read(tmp_path, "event_label\tonset\tscore\toffset\tfilename", "Cat\t0\t0.9\t1\ta.wav")
    assert found == {"a.wav": [Event(0, 1, "Cat")]}


def test_a_list_without_header_is_read_as_sed_eval_does(tmp_path):
    found, _ = read(tmp_path, "a.wav\t0\t1\tCat", "b.wav\t0\t1\tDog")
    assert found == {"a.wav": [Event(0, 1, "Cat")], "b.wav": [Event(0, 1, "Dog")]}


def test_a_column_that_is_not_read_may_stand_twice(tmp_path):
    found, _ = read(tmp_path, "filename\tonset\toffset\tevent_label\tnote\tnote", "a.wav\t0\t1\tCat\tx\ty")
    assert len(found["a.wav"]) == 1


def test_an_empty_row_is_a_clip_without_events(tmp_path):
    assert read(tmp_path, HEADER, "a.wav\t\t\t")[0] == {"a.wav": []}


def test_the_suites_own_list_is_chosen_from_by_way_and_split(tmp_path):
    lines = (
        f"detection\tsplit\t{HEADER}",
        "one\tvalidation\ta.wav\t0\t1\tCat",
        "two\tvalidation\ta.wav\t0\t2\tCat",
        "one\tpublic\tb.wav\t0\t1\tDog",
    )
    found, _ = read(tmp_path, *lines, detection="one", split="validation")
    assert found == {"a.wav": [Event(0, 1, "Cat")]}
    with pytest.raises(DataError, match="choose one with --detection: one, two"):
        read(tmp_path, *lines, split="validation")
    with pytest.raises(DataError, match="did you mean 'two'"):
        read(tmp_path, *lines, detection="twoo")
    with pytest.raises(DataError, match="no event of split 'testing'"):
        read(tmp_path, *lines, detection="one", split="testing")


BAD = [
    ("a.wav\t0\t1\tCta", "unknown class", "did you mean 'Cat'"),
    ("a.wav\t2\t1\tCat", "onset after offset", "onset 2 is after offset 1"),
    ("a.wav\t-1\t1\tCat", "negative time", "onset -1 is negative"),
    ("a.wav\tsoon\t1\tCat", "no time", "onset 'soon' is not a finite number"),
    ("a.wav\t0\tinf\tCat", "no time", "offset 'inf'"),
    ("\t0\t1\tCat", "no file name", "filename is empty"),
]


@pytest.mark.parametrize(("row", "kind", "words"), BAD)
def test_a_bad_row_is_named_or_left_out_and_counted(tmp_path, row, kind, words):
    lines = (HEADER, "a.wav\t0\t1\tDog", row)
    with pytest.raises(DataError, match=r"list\.tsv: row 3: ") as error:
        read(tmp_path, *lines)
    assert words in str(error.value)
    found, problems = read(tmp_path, *lines, skip=True)
    assert found["a.wav"] == [Event(0, 1, "Dog")]
    assert problems.counts() == {kind: 1}


def test_a_row_that_stands_twice_counts_twice_and_is_told(tmp_path):
    found, problems = read(tmp_path, HEADER, *["a.wav\t0\t1\tCat"] * 2)
    assert len(found["a.wav"]) == 2
    assert list(problems.counts().values()) == [1]
    assert "row 3" in problems.lines()[0]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (("",), "is empty"),
        (("filename;onset;offset;event_label", "a.wav;0;1;Cat"), "separated by semicolons"),
        (("filename onset offset event_label", "a.wav 0 1 Cat"), "separated by spaces"),
        ((HEADER, "a.wav\t0\t1"), "row 2: the number of fields is 3, not 4"),
        (("filename\tonset\tlabel", "a.wav\t0\tCat"), "column 'offset' is missing"),
        (("one,two",), "none of the columns"),
        (("filename\tonset\tonset\toffset\tevent_label", "a\t0\t1\t2\tCat"), "row 1: column 'onset' is there twice"),
    ],
)
def test_a_file_of_another_kind_ends_in_one_line(tmp_path, lines, words):
    with pytest.raises(DataError) as error:
        read(tmp_path, *lines)
    assert "list.tsv" in str(error.value)
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_file_and_binary_content_are_named(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_event_list(tmp_path / "none.tsv", CLASSES, Problems())
    (tmp_path / "binary.tsv").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(DataError, match="is not UTF-8"):
        read_event_list(tmp_path / "binary.tsv", CLASSES, Problems())
