"""One file from one address: resumed where it stopped, retried with back-off, checked before it gets its name.

`requests` does the transfer. Resuming is our own: pooch, which would be the library for files with known checksums,
starts every file anew, and the files here have up to 44 GB; aria2 is a program that pip cannot bring along.
The unfinished file and what is known of it lie beside the target as `<name>.part` and `<name>.part.json`.
"""

import contextlib
import hashlib
import html
import itertools
import random
import re
import shutil
import ssl
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import requests
from requests import exceptions
from tqdm import tqdm
from urllib3.exceptions import HTTPError, ReadTimeoutError

from sedrepro import __version__
from sedrepro.errors import DataError
from sedrepro.files import read_json, write_json
from sedrepro.obtaining.checksums import Expected
from sedrepro.obtaining.manifest import in_words

CHUNK = 2**20
USER_AGENT = f"sedrepro/{__version__} (reproduction suite for sound event detection; python-requests)"
# Zenodo answers 403 as well as 429 to a client that asks too often.
RETRIED = {403, 408, 425, 429, 500, 502, 503, 504}
LONGEST_WAIT = 120.0
NO_ADDRESS = (exceptions.InvalidURL, exceptions.InvalidSchema, exceptions.MissingSchema)
PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*(<!doctype html|<html)", re.IGNORECASE)
PAGE_BEGINNING = 512
TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
KEPT_FREE = 2**28
LINE_SECONDS = 15.0


class AddressError(DataError):
    """An address does not deliver the file; another one may."""


class _TryAgainError(Exception):
    """The transfer broke; `wait` is what the server asks for, in seconds."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


def new_session() -> requests.Session:
    """A session that says who asks."""
    session = requests.Session()
    session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
    return session


@dataclass
class Web:
    """How to transfer: the session, patience, and what tests replace."""

    session: requests.Session = field(default_factory=new_session)
    attempts: int = 8
    """Attempts in a row that get no further before an address is given up."""
    timeout: tuple[float, float] = (20.0, 60.0)
    """Seconds without a connection, and without a byte, before an attempt is given up."""
    sleep: Callable[[float], None] = time.sleep
    free_space: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free
    say: Callable[[str], None] = lambda line: print(line, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Downloaded:
    """What arrived."""

    bytes: int
    checksum: str


def download(address: str, target: Path, expected: Expected, web: Web) -> Downloaded:
    """Bring the file at `address` to `target`; goes on with what an earlier call left.

    Raises:
        AddressError: the address does not deliver what is expected; nothing stands at `target`.
        DataError: the disk is too small.
    """
    part = _Part(target, address)
    part.forget_if_unfit(expected)
    for last in (False, True):  # a file with a wrong checksum is fetched a second time, whole
        _transfer(part, expected, web)
        found = Downloaded(part.size, checksum_of(part.path, expected.checksum))
        problem = _mismatch(found, expected)
        if not problem:
            part.finish()
            return found
        part.forget()
        if last:
            raise AddressError(problem)
        web.say(f"{target.name}: {problem}; trying once more")
    raise AssertionError("unreachable")


def checksum_of(path: Path, like: str = "") -> str:
    """Checksum of a file, of the kind of `like` (md5 by default), as `md5:...`."""
    kind = like.partition(":")[0] or "md5"
    with open(path, "rb") as file:
        return f"{kind}:{hashlib.file_digest(file, kind).hexdigest()}"


def _mismatch(found: Downloaded, expected: Expected) -> str:
    if expected.bytes is not None and found.bytes != expected.bytes:
        return f"has {found.bytes} bytes, not {expected.bytes} as {expected.origin} says"
    if expected.checksum and found.checksum != expected.checksum:
        return f"has the checksum {found.checksum}, not {expected.checksum} as {expected.origin} says"
    return ""


class _Part:
    """The unfinished file and what is known of it."""

    def __init__(self, target: Path, address: str) -> None:
        self.target, self.address = target, address
        self.path = target.with_name(f"{target.name}.part")
        self.facts = target.with_name(f"{target.name}.part.json")
        target.parent.mkdir(parents=True, exist_ok=True)

    @property
    def size(self) -> int:
        """Bytes that are here."""
        return self.path.stat().st_size if self.path.is_file() else 0

    def known(self) -> dict:
        """What the server said of the file when these bytes came; empty if that is lost."""
        try:
            return read_json(self.facts)
        except DataError:
            return {}

    @property
    def validator(self) -> str:
        """What tells the server of this address which version of the file these bytes are of; empty if unknown."""
        known = self.known()
        return known.get("validator", "") if known.get("address") == self.address else ""

    def forget_if_unfit(self, expected: Expected) -> None:
        """Drop bytes that may not belong to this file, or that are too many."""
        known = self.known()
        same_content = bool(expected.checksum) and known.get("checksum") == expected.checksum
        too_many = expected.bytes is not None and self.size > expected.bytes
        if too_many or not (same_content or self.validator):
            self.forget()

    def is_outdated(self, response: requests.Response, total: int | None) -> bool:
        """Whether a server that knows no `If-Range` goes on with a file that has changed meanwhile."""
        pairs = ((self.validator, _validator(response)), (self.known().get("total"), total))
        return any(before and now and before != now for before, now in pairs)

    def remember(self, expected: Expected, response: requests.Response, total: int | None) -> None:
        """Note what tells later whether the file at the address is still the same; a 206 need not repeat it."""
        validator = _validator(response) or (self.validator if response.status_code == 206 else "")
        write_json(
            self.facts,
            {"address": self.address, "checksum": expected.checksum, "validator": validator, "total": total},
        )

    def forget(self) -> None:
        """Start anew."""
        self.path.unlink(missing_ok=True)
        self.facts.unlink(missing_ok=True)

    def finish(self) -> None:
        """Give the whole file its name."""
        self.path.replace(self.target)
        self.facts.unlink(missing_ok=True)


def _transfer(part: _Part, expected: Expected, web: Web) -> None:
    """Receive until the file is whole; an attempt that came further than all before it counts as the first."""
    fruitless, furthest = 0, part.size
    while not _is_whole(part, expected):
        try:
            _receive(part, expected, web)
            return
        except _TryAgainError as error:
            fruitless = 1 if part.size > furthest else fruitless + 1
            furthest = max(furthest, part.size)
            if fruitless >= web.attempts:
                raise AddressError(f"{error} ({web.attempts} attempts)") from None
            wait = error.wait if error.wait is not None else _back_off(fruitless)
            have = f"{in_words(part.size)} are here, " if part.size else ""
            web.say(f"{part.target.name}: {error}; {have}trying again in {wait:.0f} s")
            web.sleep(wait)


def _back_off(attempt: int) -> float:
    """1, 2, 4 ... 60 seconds, with up to a quarter more so that several clients part."""
    return min(2.0 ** (attempt - 1), 60.0) * random.uniform(1.0, 1.25)


def _is_whole(part: _Part, expected: Expected) -> bool:
    total = expected.bytes if expected.bytes is not None else part.known().get("total")
    return total is not None and part.size == total and part.path.is_file()


def _receive(part: _Part, expected: Expected, web: Web) -> None:
    """One request, from where the file stops to its end."""
    have = part.size
    headers = {"Range": f"bytes={have}-"} if have else {}
    if have and part.validator:
        headers["If-Range"] = part.validator
    request = {"stream": True, "headers": headers, "timeout": web.timeout}
    with _transport_errors(), web.session.get(part.address, **request) as response:
        _check_status(part, response)
        start, total = _extent(part, response)
        chunks = _arriving(response)
        first = _beginning(chunks) if start == 0 else b""
        _check_no_page(response, first)
        _check_announced(total, expected)
        size = total if total is not None else expected.bytes
        _check_space(part, start, size, web)
        if start == 0:  # a job killed from here on must not leave bytes of one version beside the facts of another
            part.forget()
        part.remember(expected, response, total)
        _append(part, start, size, first, chunks)
    if size is not None and part.size < size:
        raise _TryAgainError(f"the transfer ended after {part.size} of {size} bytes")


def _arriving(response: requests.Response) -> Iterator[bytes]:
    """The body as it arrives: `iter_content` gathers whole chunks and loses the one begun when the transfer breaks."""
    while chunk := response.raw.read1(CHUNK, decode_content=True):
        yield chunk


def _beginning(chunks: Iterator[bytes]) -> bytes:
    """Enough of the body to see whether it is a web page."""
    first = b""
    while len(first) < PAGE_BEGINNING and (chunk := next(chunks, b"")):
        first += chunk
    return first


@contextlib.contextmanager
def _transport_errors() -> Iterator[None]:
    """Broken transfers are tried again; an address that is none is not."""
    try:
        yield
    except NO_ADDRESS as error:
        raise AddressError(f"is no address ({error})") from None
    except (exceptions.Timeout, ReadTimeoutError):
        raise _TryAgainError("no answer in time") from None
    except (requests.RequestException, HTTPError) as error:
        cause = _innermost(error)
        reason = " ".join(str(cause).split())[:120] or type(cause).__name__
        if isinstance(cause, ssl.SSLCertVerificationError):
            raise AddressError(f"no safe connection ({reason})") from None
        raise _TryAgainError(f"the connection failed ({reason})") from None


def _innermost(error: BaseException) -> BaseException:
    while error.__context__ is not None or (error.args and isinstance(error.args[0], BaseException)):
        error = error.args[0] if error.args and isinstance(error.args[0], BaseException) else error.__context__
    return error


def _check_status(part: _Part, response: requests.Response) -> None:
    status = response.status_code
    if status == 416:  # what is here is no beginning of what is there
        part.forget()
        raise _TryAgainError("the server has no bytes after those that are here")
    if status in RETRIED:
        raise _TryAgainError(f"the server answers {status} {response.reason}", _asked_wait(response))
    if status not in (200, 206):
        raise AddressError(f"the server answers {status} {response.reason}")


def _asked_wait(response: requests.Response) -> float | None:
    asked = response.headers.get("Retry-After", "")
    return min(float(asked), LONGEST_WAIT) if asked.isdecimal() else None


def _extent(part: _Part, response: requests.Response) -> tuple[int, int | None]:
    """First byte that comes, and size of the whole file where it is said."""
    encoded = response.headers.get("Content-Encoding", "identity") != "identity"
    if response.status_code == 200:  # also from a server that knows no ranges: it sends everything again
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdecimal() and not encoded else None
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers.get("Content-Range", ""))
    if match is None or int(match[1]) != part.size or encoded:
        part.forget()
        raise _TryAgainError("the server sends another part than asked for")
    total = None if match[3] == "*" else int(match[3])
    if part.is_outdated(response, total):
        part.forget()
        raise _TryAgainError("the file has changed on the server")
    return int(match[1]), total


def _validator(response: requests.Response) -> str:
    """What `If-Range` may hold: a strong ETag, else the date."""
    etag = response.headers.get("ETag", "")
    return etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")


def _check_announced(total: int | None, expected: Expected) -> None:
    if total is not None and expected.bytes is not None and total != expected.bytes:
        raise AddressError(f"announces {total} bytes, not {expected.bytes} as {expected.origin} says")


def _check_no_page(response: requests.Response, first: bytes) -> None:
    if PAGE.match(first) or response.headers.get("Content-Type", "").lower().startswith("text/html"):
        title = TITLE.search(first[:20000].decode("utf-8", "replace"))
        named = f" titled '{html.unescape(' '.join(title[1].split()))}'" if title else ""
        raise AddressError(f"sends a web page{named} instead of the file")


def _check_space(part: _Part, start: int, size: int | None, web: Web) -> None:
    need = (size or start) - start
    free = web.free_space(part.path.parent)
    if need + KEPT_FREE > free:
        raise DataError(
            f"{part.target}: needs {in_words(need)} more, {in_words(free)} are free; "
            "free space, or set `archives` to a folder on a larger disk"
        )


def _append(part: _Part, start: int, size: int | None, first: bytes, chunks: Iterator[bytes]) -> None:
    """Write what arrives behind the `start` bytes that are here, with a progress line."""
    with _disk_errors(part), open(part.path, "ab") as file, _bar(part.target.name, start, size) as bar:
        for chunk in itertools.chain([first], chunks):
            file.write(chunk)
            file.flush()
            bar.update(len(chunk))


def _bar(name: str, start: int, size: int | None) -> tqdm:
    """Share, speed and remaining time: a bar on a terminal, now and then a line elsewhere."""
    if sys.stderr.isatty():
        return tqdm(total=size, initial=start, unit="B", unit_scale=True, desc=name, leave=False)
    share = "{percentage:.0f} % of {total_fmt}B, {rate_fmt}, {remaining} left" if size else "{n_fmt}B, {rate_fmt}"
    line = {"bar_format": f"{{desc}}: {share}", "delay": LINE_SECONDS, "mininterval": LINE_SECONDS}
    return tqdm(total=size, initial=start, unit="B", unit_scale=True, desc=name, leave=False, maxinterval=60, **line)


@contextlib.contextmanager
def _disk_errors(part: _Part) -> Iterator[None]:
    """Errors of the disk end the command; those of the transfer, which `requests` counts as OSError too, do not."""
    try:
        yield
    except requests.RequestException:
        raise
    except OSError as error:
        raise DataError(f"{part.target}: cannot be written ({error.strerror or error}); free space") from error
