"""A file arrives as it is, whatever the server and the line do to it, or one line says why it does not."""

import errno
import hashlib
import random
import socket
import ssl
import tempfile
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from web_server import GOOD, Turn, WebServer, broken

from sedrepro import __version__
from sedrepro.base.errors import DataError
from sedrepro.obtaining import download as module
from sedrepro.obtaining.checksums import Expected
from sedrepro.obtaining.download import Downloaded, download
from sedrepro.obtaining.web import AddressError, Web

CONTENT = random.Random(1).randbytes(300_000)
OTHER = random.Random(2).randbytes(300_000)
PATH = "/files/audio.zip"
PAGE = b"<!DOCTYPE html>\n<html><head><title>Google Drive -\n Quota &amp; more</title></head>" + b"<p>No.</p>" * 1000
NOBODY = Expected()


def expect(content: bytes) -> Expected:
    return Expected(len(content), f"md5:{hashlib.md5(content).hexdigest()}", "manifest")


KNOWN = expect(CONTENT)
ONLY_CHECKSUM = Expected(None, KNOWN.checksum, "manifest")
ONLY_BYTES = Expected(len(CONTENT), "", "manifest")


@pytest.fixture
def sleeps() -> list[float]:
    """Seconds that the downloader wanted to sleep."""
    return []


@pytest.fixture
def said() -> list[str]:
    """Lines that it had to say."""
    return []


@pytest.fixture
def web(sleeps: list[float], said: list[str]) -> Web:
    return Web(attempts=3, timeout=(2.0, 0.3), sleep=sleeps.append, say=said.append)


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "archives" / "audio.zip"


def names(target: Path) -> list[str]:
    return sorted(path.name for path in target.parent.iterdir())


def part_of(target: Path) -> Path:
    return target.with_name(f"{target.name}.part")


def assert_arrived(target: Path, content: bytes = CONTENT) -> None:
    assert target.read_bytes() == content
    assert names(target) == [target.name]


# What the server does, and the first bytes that it is then asked for.
RECOVERABLE: dict[str, tuple[list[Turn], list[int]]] = {
    "all is well": ([], [0]),
    "breaks thrice": (broken(1000, 70_000, 1), [0, 1000, 71_000, 71_001]),
    "breaks at once": (broken(0, 0), [0, 0, 0]),
    "breaks before the last byte": (broken(len(CONTENT) - 1), [0, len(CONTENT) - 1]),
    "breaks, chunked": ([*broken(1000, 1000, framing="chunked"), Turn(framing="chunked")], [0, 1000, 2000]),
    "breaks, no length": ([*broken(1000, 1000, framing="close"), Turn(framing="close")], [0, 1000, 2000]),
    "chunked": ([Turn(framing="chunked")], [0]),
    "no length": ([Turn(framing="close")], [0]),
    "compressed": ([Turn(compressed=True)], [0]),
    "goes on compressed": ([Turn(cut=1000), Turn(compressed=True)], [0, 1000, 0]),
    "falls silent": ([Turn(cut=150_000, stall=True)], [0, 150_000]),
    "falls silent at once": ([Turn(cut=0, stall=True)], [0, 0]),
    "slow": ([Turn(chunk=30_000, pause=0.02)], [0]),
    "knows no ranges": ([Turn(cut=1000), Turn(ranges=False)], [0, 1000]),
    "knows no ranges, breaks further": ([Turn(cut=900), Turn(cut=8000, ranges=False), GOOD], [0, 900, 8000]),
    "knows no ranges, breaks earlier": ([Turn(cut=9000), Turn(cut=800, ranges=False), GOOD], [0, 9000, 800]),
    "sends a later part": ([Turn(cut=1000), Turn(shift=5)], [0, 1000, 0]),
    "sends an earlier part": ([Turn(cut=1000), Turn(shift=-5)], [0, 1000, 0]),
    "does not say which part": ([Turn(cut=1000), Turn(headers={"Content-Range": None})], [0, 1000, 0]),
    "says nonsense of the part": ([Turn(cut=1000), Turn(headers={"Content-Range": "bytes */9"})], [0, 1000, 0]),
    "says nothing of the size": (
        [Turn(cut=1000), Turn(headers={"Content-Range": f"bytes 1000-{len(CONTENT) - 1}/*"})],
        [0, 1000],
    ),
    "has no such part": ([Turn(cut=1000), Turn(status=416)], [0, 1000, 0]),
    "a wrong byte": ([Turn(flip=77)], [0, 0]),
    "a wrong byte, then breaks": ([Turn(flip=77), Turn(cut=1000)], [0, 0, 1000]),
    "a wrong byte before it breaks": ([Turn(flip=77, cut=1000)], [0, 1000, 0]),
    "busy between breaks": ([Turn(cut=1000), Turn(status=503), Turn(cut=1)], [0, 1000, 1000, 1001]),
} | {f"answers {status} first": ([Turn(status=status)], [0, 0]) for status in (403, 408, 425, 429, 500, 502, 503, 504)}


@pytest.mark.parametrize("case", RECOVERABLE)
def test_arrives_in_the_end(server: WebServer, target: Path, web: Web, sleeps: list[float], case: str):
    turns, starts = RECOVERABLE[case]
    address = server.serve(PATH, CONTENT, turns)
    assert download(address, target, KNOWN, web) == Downloaded(len(CONTENT), KNOWN.checksum)
    assert_arrived(target)
    assert server.starts(PATH) == starts
    assert all("Range" in request.headers for request in server.requests if request.start)
    wrong_bytes = any(turn.flip is not None for turn in turns)  # then it starts again without a rest
    assert len(sleeps) == len(starts) - 1 - wrong_bytes


@pytest.mark.parametrize("case", ["breaks thrice", "slow", "sends a later part", "knows no ranges", "has no such part"])
def test_arrives_where_nobody_knows_what_to_expect(server: WebServer, target: Path, web: Web, case: str):
    turns, starts = RECOVERABLE[case]
    assert download(server.serve(PATH, CONTENT, turns), target, NOBODY, web) == Downloaded(len(CONTENT), KNOWN.checksum)
    assert_arrived(target)
    assert server.starts(PATH) == starts


def test_a_connection_that_is_reset_is_resumed(server: WebServer, target: Path, web: Web):
    address = server.serve(PATH, CONTENT, broken(200_000, 50_000, reset=True))
    download(address, target, KNOWN, web)
    assert_arrived(target)
    starts = server.starts(PATH)
    assert starts == sorted(starts)
    assert starts[0] == 0 < starts[-1] <= 250_000


def test_silence_is_not_waited_for(server: WebServer, target: Path, web: Web, said: list[str]):
    started = time.monotonic()
    download(server.serve(PATH, CONTENT, [Turn(cut=150_000, stall=True)]), target, KNOWN, web)
    assert_arrived(target)
    assert time.monotonic() - started < 10
    assert said == ["audio.zip: no answer in time; 150kB are here, trying again in 1 s"]


def test_compressed_transfer_that_breaks_starts_again(server: WebServer, target: Path, web: Web):
    address = server.serve(PATH, CONTENT, [Turn(cut=100_000, compressed=True), Turn(compressed=True)])
    download(address, target, KNOWN, web)
    assert_arrived(target)
    first, resumed, again = server.starts(PATH)
    assert first == again == 0 < resumed <= 100_000


@pytest.mark.parametrize("excess", [50, -50])
def test_wrong_length_shows_in_the_checksum(server: WebServer, target: Path, web: Web, excess: int):
    download(server.serve(PATH, CONTENT, [Turn(excess=excess)]), target, ONLY_CHECKSUM, web)
    assert_arrived(target)


@pytest.mark.parametrize("excess", [50, -50])
def test_length_other_than_expected_is_refused_at_once(server: WebServer, target: Path, web: Web, excess: int):
    address = server.serve(PATH, CONTENT, always=Turn(excess=excess))
    with pytest.raises(AddressError, match=f"^announces {300_000 + excess} bytes, not 300000 as manifest says$"):
        download(address, target, KNOWN, web)
    assert names(target) == []
    assert len(server.requests) == 1


@pytest.mark.parametrize("framing", ["chunked", "close"])
def test_too_many_bytes_are_refused(server: WebServer, target: Path, web: Web, framing: str):
    address = server.serve(PATH, CONTENT + b"!", always=Turn(framing=framing))
    with pytest.raises(AddressError, match=r"^has 300001 bytes, not 300000 as manifest says$"):
        download(address, target, ONLY_BYTES, web)
    assert names(target) == []


@pytest.mark.parametrize("expected", [NOBODY, expect(b"")])
@pytest.mark.parametrize("framing", ["length", "chunked", "close"])
def test_empty_file(server: WebServer, target: Path, web: Web, expected: Expected, framing: str):
    download(server.serve(PATH, b"", always=Turn(framing=framing)), target, expected, web)
    assert_arrived(target, b"")
    assert len(server.requests) == 1


def test_who_asks(server: WebServer, target: Path, web: Web):
    download(server.serve(PATH, CONTENT), target, KNOWN, web)
    headers = server.requests[0].headers
    assert headers["User-Agent"].startswith(f"sedrepro/{__version__} ")
    assert headers["Accept-Encoding"] == "identity"
    assert "Range" not in headers


# Redirects and addresses


def test_redirects_are_followed_with_the_range(server: WebServer, target: Path, web: Web):
    server.serve("/elsewhere", CONTENT, broken(1000))
    away = Turn(status=302, headers={"Location": "/elsewhere"})
    download(server.serve(PATH, b"", always=away), target, KNOWN, web)
    assert_arrived(target)
    assert server.starts(PATH) == server.starts("/elsewhere") == [0, 1000]


def test_redirects_in_a_circle(server: WebServer, target: Path, web: Web):
    address = server.serve(PATH, b"", always=Turn(status=302, headers={"Location": PATH}))
    with pytest.raises(AddressError, match="30 redirects"):
        download(address, target, KNOWN, web)


@pytest.mark.parametrize("address", ["records/1/files/a.zip", "ftp://127.0.0.1/a.zip", "http://", "http:///a.zip"])
def test_what_is_no_address_is_not_tried_again(target: Path, web: Web, sleeps: list[float], address: str):
    with pytest.raises(AddressError, match=r"^is no address"):
        download(address, target, KNOWN, web)
    assert sleeps == []


def test_no_server_there(target: Path, web: Web, sleeps: list[float]):
    with WebServer() as gone:
        address = gone.url + PATH
    with pytest.raises(AddressError, match=r"^the connection failed \(.*refused.*\) \(3 attempts\)$"):
        download(address, target, KNOWN, web)
    assert len(sleeps) == 2


NO_NETWORK = [
    socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution"),
    socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
    OSError(errno.ENETUNREACH, "Network is unreachable"),
]


@pytest.mark.parametrize("error", NO_NETWORK, ids=str)
def test_without_a_network_nothing_is_waited_for(
    target: Path, web: Web, sleeps: list[float], monkeypatch: pytest.MonkeyPatch, error: OSError
):
    def unknown(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(AddressError, match="is there a network"):
        download("http://records.example/audio.zip", target, KNOWN, web)
    assert sleeps == []


def test_a_network_that_goes_in_the_midst_is_waited_for(
    server: WebServer, target: Path, web: Web, sleeps: list[float], monkeypatch: pytest.MonkeyPatch
):
    address = server.serve(PATH, CONTENT, [Turn(cut=100_000), GOOD])
    known, asked = socket.getaddrinfo, []

    def once_unknown(*arguments: object, **options: object) -> object:
        asked.append(1)
        if len(asked) == 2:
            raise NO_NETWORK[0]
        return known(*arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", once_unknown)
    download(address, target, KNOWN, web)
    assert_arrived(target)
    assert len(asked) == 3
    assert sleeps


def test_broken_handshake_is_tried_again(server: WebServer, target: Path, web: Web, sleeps: list[float]):
    with pytest.raises(AddressError, match=r"^the connection failed \(.*\) \(3 attempts\)$"):
        download(server.url.replace("http", "https") + PATH, target, KNOWN, web)
    assert len(sleeps) == 2


def test_wrong_certificate_is_not_tried_again(target: Path, web: Web, sleeps: list[float]):
    def refuse(*_: object, **__: object) -> None:
        try:
            raise ssl.SSLCertVerificationError(1, "certificate verify failed: certificate has expired")
        except ssl.SSLError as error:
            raise requests.exceptions.SSLError(error) from error

    web.session.get = refuse
    with pytest.raises(AddressError, match=r"^no safe connection .*expired"):
        download("https://127.0.0.1/a.zip", target, KNOWN, web)
    assert sleeps == []


# Patience


@pytest.mark.parametrize("status", [400, 401, 404, 410, 451])
def test_final_answers_are_not_tried_again(server: WebServer, target: Path, web: Web, sleeps: list[float], status: int):
    address = server.serve(PATH, CONTENT, always=Turn(status=status))
    with pytest.raises(AddressError, match=f"^the server answers {status} "):
        download(address, target, KNOWN, web)
    assert names(target) == []
    assert (len(server.requests), sleeps) == (1, [])


def test_back_off_grows_and_then_the_address_is_given_up(
    server: WebServer, target: Path, web: Web, sleeps: list[float], said: list[str]
):
    web.attempts = 10
    address = server.serve(PATH, CONTENT, always=Turn(status=503))
    with pytest.raises(AddressError, match=r"^the server answers 503 Service Unavailable \(10 attempts\)$"):
        download(address, target, KNOWN, web)
    assert names(target) == []
    assert len(server.requests) == 10
    expected = (1, 2, 4, 8, 16, 32, 60, 60, 60)
    assert len(sleeps) == len(expected)
    assert all(least <= wait <= 1.25 * least for least, wait in zip(expected, sleeps, strict=True))
    assert said[0] == "audio.zip: the server answers 503 Service Unavailable; trying again in 1 s"


def test_clients_part(server: WebServer, tmp_path: Path, web: Web, sleeps: list[float]):
    for number in range(4):
        address = server.serve(f"/{number}", CONTENT, [Turn(status=503)])
        download(address, tmp_path / str(number), KNOWN, web)
    assert len(set(sleeps)) == 4


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [("7", 7, 7), ("0", 0, 0), ("100000", 120, 120), ("Wed, 21 Oct 2015 07:28:00 GMT", 1, 1.25), ("-3", 1, 1.25)],
)
def test_what_the_server_asks_for_is_heeded(
    server: WebServer, target: Path, web: Web, sleeps: list[float], asked: str, least: float, most: float
):
    address = server.serve(PATH, CONTENT, [Turn(status=429, headers={"Retry-After": asked})])
    download(address, target, KNOWN, web)
    assert_arrived(target)
    (wait,) = sleeps
    assert least <= wait <= most


def test_progress_counts(server: WebServer, target: Path, web: Web, sleeps: list[float], said: list[str]):
    content = random.Random(3).randbytes(3 * 2**20)
    address = server.serve(PATH, content, always=Turn(cut=2**16))
    download(address, target, expect(content), web)
    assert_arrived(target, content)
    assert server.starts(PATH) == list(range(0, len(content), 2**16))
    assert len(sleeps) == len(content) // 2**16 - 1
    assert max(sleeps) <= 1.25
    assert "; 65.5kB are here, trying again in 1 s" in said[0]


def test_progress_does_not_count_forever(server: WebServer, target: Path, web: Web):
    """A server without ranges that breaks now here, now there, never gets further than it was once."""
    address = server.serve(PATH, CONTENT, broken(*(2000, 1000) * 20, ranges=False))
    with pytest.raises(AddressError, match=r"\(3 attempts\)$"):
        download(address, target, KNOWN, web)
    assert server.starts(PATH) == [0, 2000, 1000]


def test_the_last_attempt_is_not_waited_for(server: WebServer, target: Path, web: Web, sleeps: list[float]):
    web.attempts = 1
    with pytest.raises(AddressError, match=r"\(1 attempts\)$"):
        download(server.serve(PATH, CONTENT, always=Turn(status=500)), target, KNOWN, web)
    assert sleeps == []


# What is refused


@pytest.mark.parametrize("expected", [KNOWN, ONLY_CHECKSUM, NOBODY])
@pytest.mark.parametrize("kind", ["text/html; charset=utf-8", "Text/HTML", None, "application/zip"])
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_a_web_page_is_no_file(
    server: WebServer, target: Path, web: Web, expected: Expected, kind: str | None, framing: str
):
    turn = Turn(page=PAGE, headers={"Content-Type": kind}, framing=framing, chunk=200)
    address = server.serve(PATH, CONTENT, always=turn)
    with pytest.raises(AddressError) as caught:
        download(address, target, expected, web)
    assert str(caught.value) == "sends a web page titled 'Google Drive - Quota & more' instead of the file"
    assert names(target) == []
    assert len(server.requests) == 1


@pytest.mark.parametrize("page", [b"\xef\xbb\xbf <HTML>", b"\r\n\t<!doctype HTML><p>", b"<html"])
def test_a_web_page_is_known_by_its_beginning(server: WebServer, target: Path, web: Web, page: bytes):
    with pytest.raises(AddressError, match=r"^sends a web page instead of the file$"):
        download(server.serve(PATH, page), target, NOBODY, web)


def test_a_web_page_that_comes_in_bits(server: WebServer, target: Path, web: Web):
    address = server.serve(PATH, b"<html><title>Quota</title>", always=Turn(chunk=5, pause=0.01))
    with pytest.raises(AddressError, match="titled 'Quota'"):
        download(address, target, NOBODY, web)


def test_a_web_page_is_known_by_its_kind(server: WebServer, target: Path, web: Web):
    address = server.serve(PATH, b"Please log in", always=Turn(headers={"Content-Type": "text/html"}))
    with pytest.raises(AddressError, match="sends a web page instead"):
        download(address, target, NOBODY, web)


def test_a_file_that_goes_on_like_a_page_is_none(server: WebServer, target: Path, web: Web):
    content = CONTENT[:1000] + PAGE
    download(server.serve(PATH, content, broken(1000)), target, expect(content), web)
    assert_arrived(target, content)
    assert server.starts(PATH) == [0, 1000]


def test_a_file_that_speaks_of_pages_is_none(server: WebServer, target: Path, web: Web):
    content = b"filename\tlabel\n<html>.wav\tdog\n"
    download(server.serve(PATH, content), target, NOBODY, web)
    assert_arrived(target, content)


def test_a_web_page_in_between_costs_nothing(server: WebServer, target: Path, web: Web):
    page = Turn(page=PAGE, ranges=False, headers={"Content-Type": "text/html"})
    address = server.serve(PATH, CONTENT, [Turn(cut=1000), page])
    with pytest.raises(AddressError, match="web page"):
        download(address, target, KNOWN, web)
    assert part_of(target).read_bytes() == CONTENT[:1000]
    download(address, target, KNOWN, web)
    assert_arrived(target)
    assert server.starts(PATH) == [0, 1000, 1000]


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_wrong_bytes_are_refused_at_the_second_time(
    server: WebServer, target: Path, web: Web, sleeps: list[float], said: list[str], kind: str
):
    wrong = CONTENT[:77] + bytes([CONTENT[77] ^ 1]) + CONTENT[78:]
    there, here = (f"{kind}:{hashlib.new(kind, content).hexdigest()}" for content in (CONTENT, wrong))
    address = server.serve(PATH, CONTENT, always=Turn(flip=77))
    with pytest.raises(AddressError, match=f"^has the checksum {here}, not {there} as manifest says$"):
        download(address, target, Expected(len(CONTENT), there, "manifest"), web)
    assert names(target) == []
    assert server.starts(PATH) == [0, 0]
    assert (len(said), sleeps) == (1, [])


# What an earlier call left


def interrupted(server: WebServer, target: Path, expected: Expected, path: str = PATH, **more: object) -> str:
    """An address whose first 1000 bytes are here."""
    address = server.serve(path, CONTENT, [Turn(cut=1000), Turn(status=404)], **more)
    with pytest.raises(AddressError, match="404"):
        download(address, target, expected, Web(sleep=lambda _: None, say=lambda _: None))
    assert not target.exists()
    assert part_of(target).read_bytes() == CONTENT[:1000]
    server.requests.clear()
    return address


MARKS = {
    "strong": ('"version 1"', "Wed, 21 Oct 2015 07:28:01 GMT"),
    "strong, no date": ('"version 1"', None),
    "weak": ('W/"version 1"', "Wed, 21 Oct 2015 07:28:01 GMT"),
    "date": (None, "Wed, 21 Oct 2015 07:28:01 GMT"),
    "weak, no date": ('W/"version 1"', None),
    "none": (None, None),
}
SENT_BACK = {"strong": 0, "strong, no date": 0, "weak": 1, "date": 1}


@pytest.mark.parametrize("expected", [KNOWN, NOBODY])
@pytest.mark.parametrize("marks", MARKS)
def test_goes_on_where_an_earlier_call_stopped(
    server: WebServer, target: Path, web: Web, expected: Expected, marks: str
):
    etag, modified = MARKS[marks]
    address = interrupted(server, target, expected, etag=etag, modified=modified)
    download(address, target, expected, web)
    assert_arrived(target)
    (request,) = server.requests
    resumable = expected is KNOWN or marks in SENT_BACK
    assert request.start == (1000 if resumable else 0)
    assert request.headers.get("If-Range") == (MARKS[marks][SENT_BACK[marks]] if marks in SENT_BACK else None)


@pytest.mark.parametrize("marks", SENT_BACK)
@pytest.mark.parametrize("if_range", [True, False])
@pytest.mark.parametrize("at_once", [True, False])
def test_versions_are_not_mixed(server: WebServer, target: Path, web: Web, marks: str, if_range: bool, at_once: bool):
    etag, modified = MARKS[marks]
    changed = Turn(new=OTHER, if_range=if_range)
    if at_once:
        address = server.serve(PATH, CONTENT, [Turn(cut=1000), changed], etag=etag, modified=modified)
    else:
        address = interrupted(server, target, NOBODY, etag=etag, modified=modified)
        server.files[PATH].turns = [changed]
    download(address, target, NOBODY, web)
    assert_arrived(target, OTHER)
    assert server.starts(PATH) == [0] * at_once + [1000] + [0] * (not if_range)


def test_versions_of_another_size_are_not_mixed(server: WebServer, target: Path, web: Web):
    turns = [Turn(cut=1000), Turn(new=OTHER[:-1])]
    download(server.serve(PATH, CONTENT, turns, etag=None, modified=None), target, NOBODY, web)
    assert_arrived(target, OTHER[:-1])
    assert server.starts(PATH) == [0, 1000, 0]


def test_a_206_need_not_repeat_the_version(server: WebServer, target: Path, web: Web):
    address = interrupted(server, target, NOBODY)
    silent = Turn(cut=500, headers={"ETag": None, "Last-Modified": None})
    server.files[PATH].turns = [silent, Turn(status=404)]
    with pytest.raises(AddressError, match="404"):
        download(address, target, NOBODY, web)
    download(address, target, NOBODY, web)
    assert_arrived(target)
    assert server.starts(PATH) == [1000, 1500, 1500]
    assert {request.headers["If-Range"] for request in server.requests} == {'"version 1"'}


def test_killed_when_another_version_began(server: WebServer, target: Path, web: Web, monkeypatch: pytest.MonkeyPatch):
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    address = interrupted(server, target, NOBODY)
    server.files[PATH].turns = [Turn(new=OTHER)]
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module, "_append", killed)
        download(address, target, NOBODY, web)
    download(address, target, NOBODY, web)
    assert_arrived(target, OTHER)


def test_another_address_without_a_checksum_starts_anew(server: WebServer, target: Path, web: Web):
    interrupted(server, target, ONLY_BYTES)
    download(server.serve("/b", OTHER), target, ONLY_BYTES, web)
    assert_arrived(target, OTHER)
    assert server.starts("/b") == [0]


def test_another_address_of_the_same_content_goes_on(server: WebServer, target: Path, web: Web):
    interrupted(server, target, KNOWN)
    download(server.serve("/b", CONTENT, etag='"other server"', modified=None), target, KNOWN, web)
    assert_arrived(target)
    assert server.starts("/b") == [1000]
    assert "If-Range" not in server.asked("/b")[0].headers


def test_another_address_of_other_content_is_found_out(server: WebServer, target: Path, web: Web):
    interrupted(server, target, KNOWN)
    with pytest.raises(AddressError, match="checksum"):
        download(server.serve("/b", OTHER), target, KNOWN, web)
    assert names(target) == []


def test_another_expected_checksum_starts_anew(server: WebServer, target: Path, web: Web):
    interrupted(server, target, KNOWN)
    download(server.serve("/b", OTHER), target, expect(OTHER), web)
    assert_arrived(target, OTHER)
    assert server.starts("/b") == [0]


@pytest.mark.parametrize("facts", [None, "", "{", "{}"])
def test_bytes_of_unknown_origin_are_dropped(server: WebServer, target: Path, web: Web, facts: str | None):
    address = interrupted(server, target, KNOWN)
    note = target.with_name(f"{target.name}.part.json")
    note.unlink() if facts is None else note.write_text(facts)
    download(address, target, KNOWN, web)
    assert_arrived(target)
    assert server.starts(PATH) == [0]


def test_too_many_bytes_are_dropped(server: WebServer, target: Path, web: Web):
    address = interrupted(server, target, KNOWN)
    part_of(target).write_bytes(CONTENT + b"!")
    download(address, target, KNOWN, web)
    assert_arrived(target)
    assert server.starts(PATH) == [0]


@pytest.mark.parametrize("expected", [KNOWN, ONLY_CHECKSUM, NOBODY])
def test_whole_but_without_its_name(server: WebServer, target: Path, web: Web, expected: Expected):
    address = interrupted(server, target, expected)
    part_of(target).write_bytes(CONTENT)
    download(address, target, expected, web)
    assert_arrived(target)
    assert server.requests == []


def test_whole_but_of_unknown_length(server: WebServer, target: Path, web: Web):
    address = server.serve(PATH, CONTENT, [Turn(cut=1000, framing="chunked"), Turn(status=404)])
    with pytest.raises(AddressError, match="404"):
        download(address, target, NOBODY, web)
    part_of(target).write_bytes(CONTENT)
    download(address, target, NOBODY, web)
    assert_arrived(target)
    assert server.starts(PATH) == [0, 1000, len(CONTENT), 0]


def test_a_part_that_is_gone(server: WebServer, target: Path, web: Web):
    address = interrupted(server, target, KNOWN)
    part_of(target).unlink()
    download(address, target, KNOWN, web)
    assert_arrived(target)
    assert server.starts(PATH) == [0]


def test_an_old_file_is_replaced_in_the_end(server: WebServer, target: Path, web: Web):
    target.parent.mkdir()
    target.write_bytes(b"old")
    address = server.serve(PATH, CONTENT, [Turn(status=404)])
    with pytest.raises(AddressError):
        download(address, target, KNOWN, web)
    assert target.read_bytes() == b"old"
    download(address, target, KNOWN, web)
    assert_arrived(target)


# The disk


@pytest.mark.parametrize("framing", ["length", "close"])
def test_a_small_disk_is_refused_before_a_byte_is_written(server: WebServer, target: Path, web: Web, framing: str):
    asked = []
    web.free_space = lambda folder: asked.append(folder) or module.KEPT_FREE + len(CONTENT) - 1
    address = server.serve(PATH, CONTENT, always=Turn(framing=framing))
    with pytest.raises(DataError) as caught:
        download(address, target, KNOWN, web)
    assert not isinstance(caught.value, AddressError), "another address would not help"
    assert str(caught.value) == (
        f"{target}: needs 300kB more, 269MB are free; free space, or set `archives` to a folder on a larger disk"
    )
    assert names(target) == []
    assert asked == [target.parent]
    web.free_space = lambda _: module.KEPT_FREE + len(CONTENT)
    download(address, target, KNOWN, web)
    assert_arrived(target)


def test_only_what_is_missing_needs_space(server: WebServer, target: Path, web: Web):
    address = interrupted(server, target, KNOWN)
    web.free_space = lambda _: module.KEPT_FREE + len(CONTENT) - 1001
    with pytest.raises(DataError, match="needs 299kB more"):
        download(address, target, KNOWN, web)
    assert part_of(target).read_bytes() == CONTENT[:1000]
    web.free_space = lambda _: module.KEPT_FREE + len(CONTENT) - 1000
    download(address, target, KNOWN, web)
    assert_arrived(target)
    assert server.starts(PATH) == [1000, 1000]


@pytest.mark.parametrize("limit", [100_000, 262_144, 262_145])
def test_a_disk_that_runs_full(
    server: WebServer, target: Path, web: Web, largest_file: Callable[[int], AbstractContextManager[None]], limit: int
):
    address = server.serve(PATH, CONTENT)
    with (
        largest_file(limit),
        pytest.raises(DataError, match=f"^{target}: cannot be written .*; free space$") as caught,
    ):
        download(address, target, KNOWN, web)
    assert not isinstance(caught.value, AddressError)
    assert not target.exists()
    here = part_of(target).stat().st_size
    assert here <= limit
    download(address, target, KNOWN, web)
    assert_arrived(target)
    assert server.starts(PATH) == [0, here]


# Any order of mishaps

SIZES = st.integers(0, 200_000)
BREAKS = st.builds(Turn, cut=SIZES, reset=st.booleans(), ranges=st.booleans(), chunk=st.sampled_from([7_000, 2**16]))
ODD_BREAKS = st.builds(Turn, cut=SIZES, framing=st.sampled_from(["chunked", "close"]), ranges=st.booleans())
REFUSALS = st.builds(Turn, status=st.sampled_from([403, 416, 429, 500, 503]))
LIES = st.builds(Turn, shift=st.sampled_from([-1, 1]), cut=SIZES) | st.builds(Turn, compressed=st.just(True), cut=SIZES)
ANY = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)


def patient() -> Web:
    return Web(attempts=30, timeout=(2.0, 2.0), sleep=lambda _: None, say=lambda _: None)


@given(
    size=SIZES,
    seed=st.integers(0, 9),
    turns=st.lists(BREAKS | ODD_BREAKS | REFUSALS | LIES, max_size=8),
    flip=st.none() | st.tuples(st.integers(0, 8), SIZES),
    marks=st.sampled_from(list(MARKS.values())),
)
@ANY
def test_any_mishaps(
    server: WebServer,
    size: int,
    seed: int,
    turns: list[Turn],
    flip: tuple[int, int] | None,
    marks: tuple[str | None, str | None],
):
    content = random.Random(seed).randbytes(size)
    if flip and flip[1] < size:
        turns = [*turns[: flip[0]], Turn(flip=flip[1]), *turns[flip[0] :]]
    address = server.serve(PATH, content, turns, etag=marks[0], modified=marks[1])
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "audio.zip")
        download(address, target, expect(content), patient())
        assert_arrived(target, content)


@given(
    turns=st.lists(BREAKS | REFUSALS | st.just(Turn(status=404)), max_size=8),
    changes=st.dictionaries(st.integers(1, 7), st.tuples(SIZES, st.booleans()), max_size=3),
    marks=st.sampled_from([MARKS[name] for name in SENT_BACK]),
)
@ANY
def test_any_versions(
    server: WebServer,
    turns: list[Turn],
    changes: dict[int, tuple[int, bool]],
    marks: tuple[str | None, str | None],
):
    """Nobody knows the checksum, the file changes now and then, the command is repeated: it is never a mixture."""
    for number, (size, if_range) in changes.items():
        turns[number:number] = [Turn(new=random.Random(size).randbytes(size), if_range=if_range, cut=size // 2)]
    address = server.serve(PATH, CONTENT, turns, etag=marks[0], modified=marks[1])
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder, "audio.zip")
        while not target.exists():
            try:
                download(address, target, NOBODY, patient())
            except AddressError as error:
                assert "404" in str(error)
        assert_arrived(target, server.files[PATH].content)
