"""One file from one address: resumed where it stopped, retried with back-off, checked before it gets its name.

`requests` does the transfer. Resuming is our own: pooch, which would be the library for files with known checksums,
starts every file anew, and the files here have up to 44 GB; aria2 is a program that pip cannot bring along.
The unfinished file and what is known of it lie beside the target as `<name>.part` and `<name>.part.json`.
"""

import contextlib
import hashlib
import html
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import requests

from sedrepro.base.errors import DataError
from sedrepro.base.files import in_words, read_json, write_json
from sedrepro.base.parallel import progress_bar
from sedrepro.obtaining.checksums import Expected
from sedrepro.obtaining.web import AddressError, TryAgainError, Web, back_off, check_status, transport_errors

CHUNK = 2**20
PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*(<!doctype html|<html)", re.IGNORECASE)
PAGE_BEGINNING = 512
TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
KEPT_FREE = 2**28


class _WrongContentError(AddressError):
    """The file arrived, and is not what it should be."""


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
    try:
        return _whole(part, expected, web)
    except _WrongContentError as error:
        web.say(f"{target.name}: {error}; trying once more")
    return _whole(part, expected, web)


def _whole(part: "_Part", expected: Expected, web: Web) -> Downloaded:
    """Transfer the file to its end and check it; it gets its name, or nothing of it stays."""
    _transfer(part, expected, web)
    found = Downloaded(part.size, checksum_of(part.path, expected.checksum))
    if problem := _mismatch(found, expected):
        part.forget()
        raise _WrongContentError(problem)
    part.finish()
    return found


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
    fruitless, furthest, began = 0, part.size, part.size
    while not _is_whole(part, expected):
        try:
            _receive(part, expected, web)
            return
        except TryAgainError as error:
            if error.no_network and part.size == began:
                raise AddressError(f"{error}; is there a network?") from None
            fruitless = 1 if part.size > furthest else fruitless + 1
            furthest = max(furthest, part.size)
            if fruitless >= web.attempts:
                raise AddressError(f"{error} ({web.attempts} attempts)") from None
            wait = error.wait if error.wait is not None else back_off(fruitless)
            have = f"{in_words(part.size)} are here, " if part.size else ""
            web.say(f"{part.target.name}: {error}; {have}trying again in {wait:.0f} s")
            web.sleep(wait)


def _is_whole(part: _Part, expected: Expected) -> bool:
    total = expected.bytes if expected.bytes is not None else part.known().get("total")
    return total is not None and part.size == total and part.path.is_file()


def _receive(part: _Part, expected: Expected, web: Web) -> None:
    """One request, from where the file stops to its end."""
    have = part.size
    headers = {"Range": f"bytes={have}-"} if have else {}
    if have and part.validator:
        headers["If-Range"] = part.validator
    with (
        transport_errors(),
        web.session.get(part.address, stream=True, headers=headers, timeout=web.timeout) as response,
    ):
        _check_part(part, response)
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
        raise TryAgainError(f"the transfer ended after {part.size} of {size} bytes")


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


def _check_part(part: _Part, response: requests.Response) -> None:
    if response.status_code == 416:  # what is here is no beginning of what is there
        part.forget()
        raise TryAgainError("the server has no bytes after those that are here")
    check_status(response)


def _extent(part: _Part, response: requests.Response) -> tuple[int, int | None]:
    """First byte that comes, and size of the whole file where it is said."""
    encoded = response.headers.get("Content-Encoding", "identity") != "identity"
    if response.status_code == 200:  # also from a server that knows no ranges: it sends everything again
        length = response.headers.get("Content-Length", "")
        return 0, int(length) if length.isdecimal() and not encoded else None
    match = re.fullmatch(r"bytes (\d+)-(\d+)/(\d+|\*)", response.headers.get("Content-Range", ""))
    if match is None or int(match[1]) != part.size or encoded:
        part.forget()
        raise TryAgainError("the server sends another part than asked for")
    total = None if match[3] == "*" else int(match[3])
    if part.is_outdated(response, total):
        part.forget()
        raise TryAgainError("the file has changed on the server")
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
    with _disk_errors(part), open(part.path, "ab") as file, progress_bar(part.target.name, start, size) as bar:
        for chunk in itertools.chain([first], chunks):
            file.write(chunk)
            file.flush()
            bar.update(len(chunk))


@contextlib.contextmanager
def _disk_errors(part: _Part) -> Iterator[None]:
    """Errors of the disk end the command; those of the transfer, which `requests` counts as OSError too, do not."""
    try:
        yield
    except requests.RequestException:
        raise
    except OSError as error:
        raise DataError(f"{part.target}: cannot be written ({error.strerror or error}); free space") from error
