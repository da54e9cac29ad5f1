"""What an address should deliver: from the manifest, the lock file, or the record's own API, and then pinned.

The lock file `config/checksums.tsv` keeps what the manifest does not know, so that a file that changes later is
noticed; commit it. An address that belongs to no record is pinned at its first complete download.
"""

import datetime
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from sedrepro.base.errors import DataError
from sedrepro.base.files import alone, read_table, write_table
from sedrepro.obtaining.manifest import CHECKSUM, SourceFile
from sedrepro.obtaining.web import AddressError, TryAgainError, Web, back_off, check_status, transport_errors

COLUMNS = ("address", "bytes", "checksum", "origin", "date")
# https://zenodo.org/records/<id>/files/<name>, also with the older /record/; the API lies beside it.
RECORD = re.compile(r"(?P<host>https?://[^/]+)/records?/(?P<record>\d+)/files/(?P<name>[^?#]+)")


@dataclass(frozen=True)
class Expected:
    """Size and checksum that a download must have; None and "" where nobody says."""

    bytes: int | None = None
    checksum: str = ""
    origin: str = "nobody"


class ChecksumLock:
    """The lock file, safe for several processes."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def find(self, address: str) -> Expected | None:
        """What is pinned for an address.

        Raises:
            DataError: the lock file is damaged, by a merge perhaps (names the row).
        """
        row = self._rows().get(address)
        return Expected(int(row["bytes"]), row["checksum"], f"{self.path}") if row else None

    def pin(self, address: str, expected: Expected) -> None:
        """Add an address; one that is pinned already stays as it is."""
        with alone(self.path.with_name(f".{self.path.name}.lock")):
            rows = self._rows()
            if address in rows:
                return
            today = datetime.datetime.now(datetime.UTC).date().isoformat()
            values = (address, str(expected.bytes), expected.checksum, expected.origin, today)
            rows[address] = dict(zip(COLUMNS, values, strict=True))
            write_table(self.path, COLUMNS, [[row[c] for c in COLUMNS] for _, row in sorted(rows.items())])

    def _rows(self) -> dict[str, dict[str, str]]:
        rows: dict[str, dict[str, str]] = {}
        for number, row in enumerate(read_table(self.path, COLUMNS) if self.path.is_file() else (), start=2):
            address, count, checksum = row["address"], row["bytes"], row["checksum"]
            if address in rows:
                raise DataError(f"{self.path}: row {number}: {address} is listed twice; delete one of the rows")
            if not count.isdecimal() or not CHECKSUM.fullmatch(checksum):
                raise DataError(
                    f"{self.path}: row {number}: bytes '{count}' or checksum '{checksum}' is none; delete the row"
                )
            rows[address] = row
        return rows


def expected_of(file: SourceFile, address: str, lock: ChecksumLock, web: Web) -> Expected:
    """What `address` should deliver for `file`; asks the record's API where neither manifest nor lock file knows.

    Raises:
        AddressError: the record does not list the file, or its API does not answer.
    """
    if file.checksum:
        return _as_listed(file)
    if known := lock.find(address):
        return known
    if match := RECORD.match(address):
        found = ask_record(match, web)
        lock.pin(address, found)
        return found
    # Addresses of no record are copies of one file: what was pinned for one of them holds for all.
    pinned = [lock.find(other) for other in file.addresses if not RECORD.match(other)]
    return next((one for one in pinned if one), _as_listed(file))


def expected_of_mirror(file: SourceFile, lock: ChecksumLock) -> Expected:
    """A mirror must deliver what the official addresses do, as far as that is known here."""
    if file.checksum:
        return _as_listed(file)
    known = [lock.find(official) for official in file.addresses]
    return next((expected for expected in known if expected), Expected())


def _as_listed(file: SourceFile) -> Expected:
    return Expected(file.bytes if file.exact else None, file.checksum, "manifest")


def ask_record(match: re.Match[str], web: Web) -> Expected:
    """Size and checksum that a Zenodo record's API gives for the file at an address that matched RECORD.

    Raises:
        AddressError: the record does not list the file, or its API does not answer.
    """
    api = f"{match['host']}/api/records/{match['record']}"
    try:
        entries = {entry["key"]: entry for entry in _answer(api, web)["files"]}
        entry = entries[unquote(match["name"])]
        found = Expected(int(entry["size"]), str(entry["checksum"]), f"record's API {api}")
    except (ValueError, KeyError, TypeError) as error:
        raise AddressError(f"the record's API {api} does not tell the size and checksum of the file") from error
    if not CHECKSUM.fullmatch(found.checksum):
        raise AddressError(f"the record's API {api} gives the checksum '{found.checksum}', which is none")
    return found


def _answer(api: str, web: Web) -> Any:
    """The API's answer as JSON, asked for as patiently as a file."""
    attempt = 0
    while True:
        attempt += 1
        try:
            with transport_errors():
                answer = web.session.get(api, timeout=web.timeout)
            check_status(answer)
            return answer.json()
        except TryAgainError as error:
            if attempt == web.attempts or error.no_network:
                raise AddressError(f"the record's API {api}: {error} ({attempt} attempts)") from None
            web.sleep(error.wait if error.wait is not None else back_off(attempt))
