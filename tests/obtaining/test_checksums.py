"""What an address should deliver is asked once and then pinned; what changes afterwards is noticed."""

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from web_server import Turn, WebServer

from sedrepro.base.errors import DataError
from sedrepro.base.files import read_table, write_table
from sedrepro.obtaining.checksums import COLUMNS, ChecksumLock, Expected, expected_of
from sedrepro.obtaining.download import download
from sedrepro.obtaining.manifest import SourceFile
from sedrepro.obtaining.web import LONGEST_WAIT, AddressError, Web

CONTENT = b"filename\tevent_label\nbark.wav\tDog\n"
MD5 = f"md5:{hashlib.md5(CONTENT).hexdigest()}"
ENTRY = {"key": "audio.zip", "size": len(CONTENT), "checksum": MD5}
FILE = SourceFile("barks", "audio.zip", (), None, True, "", "needed", ".", (), (), "CC0", "audio", "high")


@pytest.fixture
def lock(tmp_path: Path) -> ChecksumLock:
    return ChecksumLock(tmp_path / "config" / "checksums.tsv")


@pytest.fixture
def waits() -> list[float]:
    """The waits between attempts, in seconds."""
    return []


@pytest.fixture
def web(waits: list[float]) -> Web:
    return Web(attempts=3, timeout=(2.0, 0.3), sleep=waits.append, say=lambda _: None)


def source(**changes: object) -> SourceFile:
    return SourceFile(**{name: changes.get(name, getattr(FILE, name)) for name in SourceFile.__dataclass_fields__})


def test_the_record_is_asked_once(server: WebServer, lock: ChecksumLock, web: Web):
    others = [{"key": "audio.zip.md5", "size": 1, "checksum": "md5:" + 32 * "0"}]
    address = server.serve_record(12, "audio.zip", CONTENT, [*others, ENTRY])
    api = f"{server.url}/api/records/12"
    asked = expected_of(FILE, address, lock, web)
    assert asked == Expected(len(CONTENT), MD5, f"record's API {api}")
    again = expected_of(FILE, address, lock, web)
    assert again == Expected(len(CONTENT), MD5, str(lock.path))
    assert [request.path for request in server.requests] == ["/api/records/12"]
    (row,) = read_table(lock.path, COLUMNS)
    assert row | {"date": ""} == {
        "address": address,
        "bytes": str(len(CONTENT)),
        "checksum": MD5,
        "origin": f"record's API {api}",
        "date": "",
    }


@pytest.mark.parametrize(
    ("path", "asks"),
    [
        ("/records/12/files/audio.zip", True),
        ("/record/12/files/audio.zip", True),
        ("/records/12/files/audio.zip?download=1", True),
        ("/records/12/files/my%20audio.zip", True),
        ("/api/records/12/files-archive", False),
        ("/records/12", False),
        ("/records/twelve/files/audio.zip", False),
        ("/some/audio.zip", False),
    ],
)
def test_which_addresses_are_of_a_record(server: WebServer, lock: ChecksumLock, web: Web, path: str, asks: bool):
    server.serve_record(12, "audio.zip", CONTENT, [ENTRY, ENTRY | {"key": "my audio.zip"}])
    found = expected_of(FILE, server.url + path, lock, web)
    assert found.checksum == (MD5 if asks else "")
    assert [request.path for request in server.requests] == asks * ["/api/records/12"]


@pytest.mark.parametrize(
    "api",
    [
        [],
        [ENTRY | {"key": "other.zip"}],
        [ENTRY | {"checksum": "none"}],
        [ENTRY | {"checksum": None}],
        [ENTRY | {"size": "large"}],
        [ENTRY | {"size": None}],
        [{"key": "audio.zip"}],
        [12, None],
        None,
        {"entries": 1},
        b"",
        b"<html>Busy</html>",
        b"[1]",
        b"null",
        b'{"files": ',
        b"\xff\xfe",
    ],
)
def test_a_record_that_answers_nonsense(server: WebServer, lock: ChecksumLock, web: Web, api: object):
    """What nobody can check is not downloaded."""
    address = server.serve_record(12, "audio.zip", CONTENT, api)
    with pytest.raises(AddressError, match=rf"^the record's API {server.url}/api/records/12 \w+ ") as caught:
        expected_of(FILE, address, lock, web)
    assert "\n" not in str(caught.value)
    assert not lock.path.exists()


@pytest.mark.parametrize(
    "turn", [Turn(status=403), Turn(status=429), Turn(status=503), Turn(cut=5), Turn(cut=0, reset=True)]
)
def test_a_record_that_fails_is_asked_again(
    server: WebServer, lock: ChecksumLock, web: Web, waits: list[float], turn: Turn
):
    address = server.serve_record(12, "audio.zip", CONTENT, [ENTRY], turns=[turn, turn])
    assert expected_of(FILE, address, lock, web).checksum == MD5
    assert len(server.requests) == 3
    first, second = waits
    assert 1 <= first <= 1.25
    assert 2 <= second <= 2.5


@pytest.mark.parametrize(("asked", "wait"), [("7", 7.0), ("100000", LONGEST_WAIT)])
def test_a_busy_record_says_how_long_to_wait(
    server: WebServer, lock: ChecksumLock, web: Web, waits: list[float], asked: str, wait: float
):
    busy = Turn(status=429, headers={"Retry-After": asked})
    expected_of(FILE, server.serve_record(12, "audio.zip", CONTENT, [ENTRY], turns=[busy]), lock, web)
    assert waits == [wait]


def test_a_record_that_never_answers(server: WebServer, lock: ChecksumLock, web: Web, waits: list[float]):
    address = server.serve_record(12, "audio.zip", CONTENT, [ENTRY])
    server.files["/api/records/12"].always = Turn(status=503)
    with pytest.raises(AddressError) as caught:
        expected_of(FILE, address, lock, web)
    api = f"{server.url}/api/records/12"
    assert str(caught.value) == f"the record's API {api}: the server answers 503 Service Unavailable (3 attempts)"
    assert (len(server.requests), len(waits)) == (3, 2)
    assert not lock.path.exists()
    server.files["/api/records/12"].always = Turn()
    assert expected_of(FILE, address, lock, web).checksum == MD5


def test_a_record_that_is_gone_is_asked_once(server: WebServer, lock: ChecksumLock, web: Web):
    with pytest.raises(AddressError, match="the server answers 404 Not Found"):
        expected_of(FILE, f"{server.url}/records/12/files/audio.zip", lock, web)
    assert len(server.requests) == 1
    assert not lock.path.exists()


def test_copies_of_a_file_are_pinned_together(server: WebServer, lock: ChecksumLock, web: Web):
    """What one address without a record delivered, the others must deliver too; a record speaks for itself."""
    drive, copy = f"{server.url}/drive/audio.zip", f"{server.url}/copy/audio.zip"
    record = server.serve_record(12, "audio.zip", CONTENT, [ENTRY])
    file = source(addresses=(record, drive, copy))
    expected_of(file, record, lock, web)
    assert expected_of(file, drive, lock, web).checksum == ""
    other = "md5:" + 32 * "1"
    lock.pin(drive, Expected(890, other, "first download"))
    for address in (drive, copy):
        assert expected_of(file, address, lock, web) == Expected(890, other, str(lock.path))
    assert expected_of(file, record, lock, web).checksum == MD5
    assert lock.find(copy) is None


def test_the_manifest_knows_best(server: WebServer, lock: ChecksumLock, web: Web):
    address = server.serve_record(12, "audio.zip", CONTENT, [ENTRY])
    lock.pin(address, Expected(1, "md5:" + 32 * "0", "first download"))
    theirs = "md5:" + 32 * "f"
    exact, rough = source(checksum=theirs, bytes=890), source(checksum=theirs, bytes=900, exact=False)
    assert expected_of(exact, address, lock, web) == Expected(890, theirs, "manifest")
    assert expected_of(rough, address, lock, web) == Expected(None, theirs, "manifest")
    assert server.requests == []


def test_the_manifest_may_know_the_size_only(server: WebServer, lock: ChecksumLock, web: Web):
    address = f"{server.url}/some/audio.zip"
    assert expected_of(source(bytes=890), address, lock, web) == Expected(890, "", "manifest")
    assert expected_of(source(bytes=890, exact=False), address, lock, web).bytes is None


def test_what_changed_since_it_was_pinned_is_refused(server: WebServer, lock: ChecksumLock, web: Web, tmp_path: Path):
    address = server.serve_record(12, "audio.zip", CONTENT, [ENTRY])
    expected_of(FILE, address, lock, web)
    changed = CONTENT.replace(b"Dog", b"Cat")
    server.serve("/records/12/files/audio.zip", changed)
    expected = expected_of(FILE, address, lock, web)
    with pytest.raises(AddressError) as caught:
        download(address, tmp_path / "audio.zip", expected, web)
    theirs = f"md5:{hashlib.md5(changed).hexdigest()}"
    assert str(caught.value) == f"has the checksum {theirs}, not {MD5} as {lock.path} says"


def test_pinned_is_pinned(lock: ChecksumLock):
    first, second = Expected(1, "md5:" + 32 * "1", "first download"), Expected(2, "md5:" + 32 * "2", "other")
    lock.pin("http://b/", first)
    lock.pin("http://a/", second)
    lock.pin("http://b/", second)
    assert lock.find("http://b/") == Expected(1, first.checksum, str(lock.path))
    assert lock.find("http://c/") is None
    assert [row["address"] for row in read_table(lock.path, COLUMNS)] == ["http://a/", "http://b/"]


PIN = """
import sys
from pathlib import Path
from sedrepro.obtaining.checksums import ChecksumLock, Expected
lock, me = ChecksumLock(Path(sys.argv[1])), int(sys.argv[2])
for n in range(20):
    lock.pin(f"http://own/{me}/{n}", Expected(n, f"md5:{n:032x}", "first download"))
    lock.pin(f"http://shared/{n}", Expected(me, f"md5:{me:032x}", "first download"))
"""


def test_several_processes_pin_at_once(lock: ChecksumLock):
    processes = [subprocess.Popen([sys.executable, "-c", PIN, str(lock.path), str(me)]) for me in range(4)]
    assert [process.wait() for process in processes] == [0, 0, 0, 0]
    rows = {row["address"]: row for row in read_table(lock.path, COLUMNS)}
    assert len(rows) == 4 * 20 + 20
    assert list(rows) == sorted(rows)
    assert all(rows[f"http://own/{me}/{n}"]["bytes"] == str(n) for me in range(4) for n in range(20))
    for n in range(20):
        row = rows[f"http://shared/{n}"]
        assert row["checksum"] == f"md5:{int(row['bytes']):032x}", "a row is of one process"
    assert sorted(path.name for path in lock.path.parent.iterdir()) == [".checksums.tsv.lock", "checksums.tsv"]


GOOD_ROW = ("http://a/", "1", "md5:" + 32 * "1", "first download", "2020-01-01")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (("http://b/", "large", GOOD_ROW[2], "", ""), "row 3: bytes 'large'"),
        (("http://b/", "", GOOD_ROW[2], "", ""), "row 3: bytes ''"),
        (("http://b/", "None", GOOD_ROW[2], "", ""), "row 3: bytes 'None'"),
        (("http://b/", "1", "md5:123", "", ""), "row 3: .*'md5:123'"),
        (("http://b/", "1", "", "", ""), "row 3: .*checksum ''"),
        (GOOD_ROW, "row 3: http://a/ is listed twice"),
        (("<<<<<<< HEAD",), "row 3 has too few fields"),
    ],
)
def test_a_damaged_lock_file_is_named(lock: ChecksumLock, row: tuple[str, ...], problem: str):
    lock.path.parent.mkdir()
    write_table(lock.path, COLUMNS, [GOOD_ROW, row])
    before = lock.path.read_bytes()
    for use in (lambda: lock.find("http://a/"), lambda: lock.pin("http://c/", Expected(1, GOOD_ROW[2]))):
        with pytest.raises(DataError, match=f"^{lock.path}: {problem}") as caught:
            use()
        assert "\n" not in str(caught.value)
    assert lock.path.read_bytes() == before
