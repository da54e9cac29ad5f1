"""What an address should deliver: from the manifest, the lock file, or the record's own API, and then pinned.

The lock file `config/checksums.tsv` keeps what the manifest does not know, so that a file that changes later is
noticed; commit it. An address without any published checksum is pinned at its first complete download.
"""

import datetime
import fcntl
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

import requests

from sedrepro.errors import DataError
from sedrepro.files import read_table, write_table
from sedrepro.obtaining.manifest import CHECKSUM, SourceFile

LOCK_FILE = Path("config", "checksums.tsv")
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

    def __init__(self, path: Path = LOCK_FILE) -> None:
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
        with self._locked():
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

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.path.with_name(f".{self.path.name}.lock"), "w", encoding="utf-8") as guard:
            fcntl.flock(guard, fcntl.LOCK_EX)
            yield


def expected_of(file: SourceFile, address: str, lock: ChecksumLock, session: requests.Session) -> Expected:
    """What `address` should deliver for `file`; asks the record's API where neither manifest nor lock file knows."""
    if file.checksum:
        return Expected(file.bytes if file.exact else None, file.checksum, "manifest")
    known = lock.find(address)
    if known is None and (known := ask_record(address, session)):
        lock.pin(address, known)
    return known or Expected(file.bytes if file.exact else None, "", "manifest")


def ask_record(address: str, session: requests.Session) -> Expected | None:
    """Size and checksum that a Zenodo record's API gives for a file address; None where there is no such answer."""
    if not (match := RECORD.match(address)):
        return None
    api = f"{match['host']}/api/records/{match['record']}"
    try:
        answer = session.get(api, timeout=(20, 60))
        answer.raise_for_status()
        entry = next(entry for entry in answer.json()["files"] if entry["key"] == unquote(match["name"]))
        found = Expected(int(entry["size"]), str(entry["checksum"]), f"record's API {api}")
    except (requests.RequestException, ValueError, KeyError, TypeError, StopIteration):
        return None
    return found if CHECKSUM.fullmatch(found.checksum) else None
