"""Files appear whole or not at all; tables and JSON come back as they were written, or the error names the culprit."""

import errno
import fcntl
import math
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sedrepro.base import files
from sedrepro.base.errors import DataError
from sedrepro.base.files import (
    alone,
    atomic_folder,
    atomic_path,
    existing,
    free_space,
    in_words,
    read_json,
    read_table,
    shown_name,
    write_json,
    write_table,
    write_text,
)

SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
COLUMNS = ("filename", "label", "value")


def disk_full() -> OSError:
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def write_half(kind: Callable, target: Path, failure: BaseException) -> None:
    """Write something under the temporary name, then fail."""
    with kind(target) as temporary:
        (temporary / "part" if kind is atomic_folder else temporary).write_text("half")
        raise failure


def make_old(kind: Callable, target: Path) -> Path:
    """Something whole under the final name; returns the file that holds it."""
    if kind is atomic_folder:
        target.mkdir()
        target = target / "part"
    target.write_text("old")
    return target


both = pytest.mark.parametrize("kind", [atomic_path, atomic_folder])


@both
@pytest.mark.parametrize(
    ("failure", "shown"),
    [(ValueError("wrong"), ValueError), (KeyboardInterrupt(), KeyboardInterrupt), (disk_full(), DataError)],
)
@pytest.mark.parametrize("old_exists", [False, True])
def test_nothing_half_written_remains(
    tmp_path: Path, kind: Callable, failure: BaseException, shown: type[BaseException], old_exists: bool
):
    target = tmp_path / "results.csv"
    old = make_old(kind, target) if old_exists else None
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(shown):
        write_half(kind, target, failure)
    assert sorted(tmp_path.rglob("*")) == before
    assert old is None or old.read_text() == "old"


@both
def test_full_disk_names_the_file_and_the_reason(tmp_path: Path, kind: Callable):
    with pytest.raises(DataError, match=r"results\.csv: cannot be written \(No space left on device\); free space"):
        write_half(kind, tmp_path / "results.csv", disk_full())


@both
def test_parent_folders_are_made_and_permissions_follow_the_umask(tmp_path: Path, kind: Callable):
    target = tmp_path / "a" / "b" / "results"
    before = os.umask(0o027)
    try:
        with kind(target) as temporary:
            assert temporary.parent == target.parent
            assert not target.exists()
            if kind is atomic_path:
                temporary.write_text("new")
    finally:
        os.umask(before)
    assert target.stat().st_mode & 0o777 == (0o640 if kind is atomic_path else 0o750)
    assert list(target.parent.iterdir()) == [target]


@both
def test_an_error_about_another_file_is_not_blamed_on_the_target(tmp_path: Path, kind: Callable):
    with pytest.raises(FileNotFoundError, match="elsewhere"), kind(tmp_path / "target"):
        (tmp_path / "elsewhere").read_text()
    assert not list(tmp_path.iterdir())


@both
def test_a_parent_that_is_a_file_is_a_data_error(tmp_path: Path, kind: Callable):
    (tmp_path / "results").write_text("a file")
    with pytest.raises(DataError, match=r"table1: cannot be written"), kind(tmp_path / "results" / "table1"):
        pass
    assert (tmp_path / "results").read_text() == "a file"


@both
def test_a_temporary_name_that_cannot_be_made_is_a_data_error(
    tmp_path: Path, kind: Callable, monkeypatch: pytest.MonkeyPatch
):
    def refuse(*_arguments, **_settings):
        raise PermissionError(errno.EACCES, "Permission denied", str(tmp_path / ".target.x1"))

    monkeypatch.setattr(files.tempfile, "mkstemp", refuse)
    monkeypatch.setattr(files.tempfile, "mkdtemp", refuse)
    with pytest.raises(DataError, match=r"target: cannot be written \(Permission denied\)"), kind(tmp_path / "target"):
        pass


@pytest.mark.parametrize(("kind", "in_the_way"), [(atomic_path, "folder"), (atomic_folder, "file")])
def test_what_is_of_another_kind_is_not_replaced(tmp_path: Path, kind: Callable, in_the_way: str):
    target = tmp_path / "target"
    old = make_old(atomic_folder if in_the_way == "folder" else atomic_path, target)
    with pytest.raises(DataError, match="cannot be written"), kind(target):
        pass
    assert old.read_text() == "old"
    assert list(tmp_path.iterdir()) == [target]


def test_a_folder_is_replaced_not_merged(tmp_path: Path):
    target = tmp_path / "store"
    make_old(atomic_folder, target)
    with atomic_folder(target) as temporary:
        (temporary / "other").write_text("new")
    assert [path.name for path in target.iterdir()] == ["other"]
    assert list(tmp_path.iterdir()) == [target]


def test_a_kill_while_the_old_folder_is_deleted_leaves_a_whole_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    target = tmp_path / "store"
    make_old(atomic_folder, target)
    (target / "second").write_text("old")
    really_delete = shutil.rmtree

    def delete_one_file_and_die(path: Path, **settings) -> None:
        monkeypatch.setattr(files.shutil, "rmtree", really_delete)
        next(Path(path).iterdir()).unlink()
        raise KeyboardInterrupt

    monkeypatch.setattr(files.shutil, "rmtree", delete_one_file_and_die)
    with pytest.raises(KeyboardInterrupt), atomic_folder(target) as temporary:
        for name in ("part", "second"):
            (temporary / name).write_text("new")
    assert {path.name: path.read_text() for path in target.iterdir()} == {"part": "new", "second": "new"}


def test_a_disk_that_really_fills_up(tmp_path: Path):
    """The kernel refuses the bytes beyond a limit: the old table stays, no temporary file does."""
    table = tmp_path / "clips.tsv"
    write_table(table, COLUMNS, [("old.wav", "Bark", 1)])
    before = table.read_bytes()
    program = (
        "import resource, sys\n"
        "from sedrepro.base.errors import DataError\n"
        "from sedrepro.base.files import write_table\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "try:\n"
        "    write_table(sys.argv[1], ('filename',), ((f'{i}.wav',) for i in range(100_000)))\n"
        "except DataError as error:\n"
        "    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, table], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"{table}: cannot be written (File too large)")
    assert table.read_bytes() == before
    assert list(tmp_path.iterdir()) == [table]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@SAME_FOLDER
@given(value=json_values)
def test_json_comes_back_as_written(tmp_path: Path, value: object):
    write_json(tmp_path / "value.json", value)
    assert read_json(tmp_path / "value.json") == value


@pytest.mark.parametrize("value", [math.nan, math.inf, {"a": [1.0, -math.inf]}])
def test_json_refuses_what_is_not_finite_and_keeps_the_old_file(tmp_path: Path, value: object):
    write_json(tmp_path / "metrics.json", {"micro_ap": 0.5})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "metrics.json", value)
    assert read_json(tmp_path / "metrics.json") == {"micro_ap": 0.5}
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1', b"\xff\xfe{}", b"no json"])
def test_damaged_json_is_named(tmp_path: Path, content: bytes):
    (tmp_path / "metrics.json").write_bytes(content)
    with pytest.raises(DataError, match=r"metrics\.json: is not valid JSON"):
        read_json(tmp_path / "metrics.json")


def test_missing_files_are_named(tmp_path: Path):
    for read in (read_json, lambda path: read_table(path, COLUMNS)):
        with pytest.raises(DataError, match=r"absent\.tsv: no such file"):
            read(tmp_path / "absent.tsv")


cells = st.text(
    st.characters(exclude_categories=["Cc", "Cs"]) | st.sampled_from(["\t", "\n", '"', ",", "'"]), max_size=12
)


@SAME_FOLDER
@given(rows=st.lists(st.tuples(cells, cells, cells), max_size=8))
def test_tables_come_back_as_written(tmp_path: Path, rows: list[tuple[str, str, str]]):
    write_table(tmp_path / "clips.tsv", COLUMNS, rows)
    assert read_table(tmp_path / "clips.tsv", COLUMNS) == [dict(zip(COLUMNS, row, strict=True)) for row in rows]


@SAME_FOLDER
@given(number=st.floats(allow_nan=False))
def test_numbers_in_tables_keep_every_digit(tmp_path: Path, number: float):
    write_table(tmp_path / "strong.tsv", ("onset",), [(number,)])
    assert float(read_table(tmp_path / "strong.tsv", ("onset",))[0]["onset"]) == number


def test_a_table_that_fails_midway_leaves_the_old_one(tmp_path: Path):
    def rows():
        yield ("a.wav", "Bark", 1)
        raise RuntimeError("midway")

    write_table(tmp_path / "clips.tsv", COLUMNS, [("old.wav", "Bark", 1)])
    with pytest.raises(RuntimeError, match="midway"):
        write_table(tmp_path / "clips.tsv", COLUMNS, rows())
    assert read_table(tmp_path / "clips.tsv", COLUMNS)[0]["filename"] == "old.wav"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("filename\tvalue\na.wav\t1\n", r"column 'label' is missing \(found: filename, value\)"),
        ("filename,label,value\na.wav,Bark,1\n", r"column 'filename' is missing \(found: filename,label,value\)"),
        ("", r"column 'filename' is missing \(found: an empty file\)"),
        ("filename\tlabel\tvalue\na.wav\tBark\t1\nb.wav\tBark\n", "row 3 has too few fields"),
        ("filename\tlabel\tvalue\na.wav\n", "row 2 has too few fields"),
        (
            'filename\tlabel\tvalue\na.wav\tBark\t1\nb.wav\t"Bark\t1\n' + "c.wav\tBark\t1\n" * 20_000,
            r"row 3 cannot be read \(field larger than field limit \(\d+\)\); look for an unmatched quote",
        ),
        ('filename\t"label\tvalue\n' + "c.wav\tBark\t1\n" * 20_000, "row 1 cannot be read"),
    ],
)
def test_bad_tables_are_named_with_their_row(tmp_path: Path, text: str, message: str):
    write_text(tmp_path / "clips.tsv", text)
    with pytest.raises(DataError, match=rf"^{tmp_path}/clips\.tsv: {message}"):
        read_table(tmp_path / "clips.tsv", COLUMNS)


def test_a_table_that_is_not_utf8_is_named(tmp_path: Path):
    (tmp_path / "clips.tsv").write_bytes("filename\tlabel\tvalue\nM\xfcnchen.wav\tBark\t1\n".encode("latin-1"))
    with pytest.raises(DataError, match=r"clips\.tsv: is not UTF-8 text \(invalid start byte at byte \d+\)"):
        read_table(tmp_path / "clips.tsv", COLUMNS)


def test_tables_of_other_programs_are_read(tmp_path: Path):
    """A byte order mark, Windows line ends, a comma as delimiter, columns beyond those asked for."""
    (tmp_path / "clips.csv").write_bytes(b'\xef\xbb\xbffilename,label,licence\r\na.wav,"Bark, loud",CC0\r\n')
    rows = read_table(tmp_path / "clips.csv", ("label", "filename"), delimiter=",")
    assert rows == [{"filename": "a.wav", "label": "Bark, loud", "licence": "CC0"}]


# One at a time


def test_alone_others_wait(tmp_path: Path):
    lock, events = tmp_path / "folder" / ".lock", []

    def second() -> None:
        with alone(lock):
            events.append("second")

    other = threading.Thread(target=second, daemon=True)
    with alone(lock):
        other.start()
        other.join(0.1)
        assert other.is_alive()
        events.append("first")
    other.join(5)
    assert events == ["first", "second"]


def test_processes_wait_for_each_other_too(tmp_path: Path):
    program = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from sedrepro.base.files import alone\n"
        "counter = Path(sys.argv[1])\n"
        "for _ in range(20):\n"
        "    with alone(counter.with_name('.lock')):\n"
        "        count = int(counter.read_text())\n"
        "        time.sleep(0.001)\n"
        "        counter.write_text(str(count + 1))\n"
    )
    counter = tmp_path / "counter"
    counter.write_text("0")
    processes = [subprocess.Popen([sys.executable, "-c", program, counter]) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert counter.read_text() == "60"


def test_an_error_lets_the_next_one_in(tmp_path: Path):
    for _ in range(2):
        with pytest.raises(RuntimeError, match="inside"), alone(tmp_path / ".lock"):
            raise RuntimeError("inside")


def test_a_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", refuse)
    with alone(tmp_path / ".lock"):
        (tmp_path / "done").touch()
    assert (tmp_path / "done").exists()


def test_an_error_of_the_system_inside_is_not_swallowed(tmp_path: Path):
    with pytest.raises(OSError, match="No space left"), alone(tmp_path / ".lock"):
        raise disk_full()


# Disks


def test_the_nearest_folder_that_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    assert existing(tmp_path) == tmp_path
    assert existing(tmp_path / "none" / "there") == tmp_path
    assert existing(tmp_path / "file") == tmp_path
    monkeypatch.chdir(tmp_path)
    assert existing(Path("none") / "there") == tmp_path
    assert existing(Path("/none/there")) == Path("/")


def test_free_space_where_the_folder_does_not_exist_yet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr(files.shutil, "disk_usage", lambda folder: asked.append(folder) or SimpleNamespace(free=890))
    assert free_space(tmp_path / "none" / "there") == 890
    assert asked == [tmp_path]


@pytest.mark.parametrize(("count", "words"), [(0, "0.00B"), (890, "890B"), (1657550587, "1.66GB"), (10**12, "1.00TB")])
def test_bytes_in_words(count: int, words: str):
    assert in_words(count) == words


@pytest.mark.parametrize("name", ["x" * 255, "ä" * 127 + "x", "x" * 251 + ".tsv"])
def test_names_as_long_as_the_file_system_takes_can_be_written(tmp_path, name):
    for _ in range(2):
        write_text(tmp_path / "files" / name, "text")
        with atomic_folder(tmp_path / "folders" / name) as folder:
            write_text(folder / "a", "text")
    assert [path.name for path in (tmp_path / "files").iterdir()] == [name]
    assert [path.name for path in (tmp_path / "folders").iterdir()] == [name]


def test_every_name_can_be_shown(tmp_path):
    assert shown_name("plain ü $.wav") == "plain ü $.wav"
    assert shown_name(os.fsdecode(b"caf\xe9\n.wav")) == "caf\ufffd\ufffd.wav"
    write_text(tmp_path / "a", shown_name(os.fsdecode(bytes(range(1, 256)))))


@pytest.mark.parametrize("kind", [atomic_path, atomic_folder])
@pytest.mark.parametrize("is_alive", [True, False])
def test_what_a_killed_job_left_goes_when_the_next_one_writes(tmp_path: Path, monkeypatch, kind, is_alive: bool):
    monkeypatch.setattr(files, "YOUNG", -1)
    program = (
        "import sys, time\n"
        "from sedrepro.base.files import atomic_folder, atomic_path\n"
        f"with {kind.__name__}(sys.argv[1]) as temporary:\n"
        "    print(flush=True)\n"
        "    time.sleep(60)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", program, tmp_path / "set"], stdout=subprocess.PIPE)
    writer.stdout.readline()
    if not is_alive:
        writer.kill()
        writer.wait()
    (tmp_path / ".other.abcdefgh").write_text("of another file")
    assert len(list(tmp_path.iterdir())) == 2
    with kind(tmp_path / "set"):
        pass
    names = {path.name for path in tmp_path.iterdir()}
    assert {"set", ".other.abcdefgh"} <= names and len(names) == (3 if is_alive else 2)
    writer.kill()
    writer.wait()
