"""The journal of clips that were asked for one by one, safe against kills."""

import contextlib
import datetime
import errno
import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from sedrepro.base.errors import DataError
from sedrepro.base.files import try_lock

JOURNAL_COLUMNS = ("filename", "video_id", "outcome", "reason", "detail", "date")


class Journal:
    """What became of every clip: a line per try, safe on the disk before the next; the latest of a clip counts."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.path = path
        self.file = file
        self.lock = threading.Lock()
        self.outcomes = self._read()

    @classmethod
    @contextlib.contextmanager
    def opened(cls, path: Path) -> "Iterator[Journal]":
        """Open a journal, or begin it; no other process can open it meanwhile.

        Raises:
            DataError: it cannot be opened, another process has it open, or a line of it is broken.
        """
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = open(path, "a+b", buffering=0)  # noqa: SIM115
        except OSError as error:
            raise DataError(f"{path}: cannot be opened ({error.strerror}); choose another file") from error
        with file:
            if not try_lock(file):
                raise DataError(f"{path}: another process fetches clips with it; wait until it has ended")
            yield cls(path, file)

    def add(self, filename: str, video_id: str, outcome: str, reason: str = "", detail: str = "") -> None:
        """Append a line and wait until it is on the disk.

        Raises:
            DataError: it cannot be written.
        """
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self._append((filename, video_id, outcome, reason, " ".join(detail.split()).replace('"', "'"), now))

    def _read(self) -> dict[str, dict[str, str]]:
        self.file.seek(0)
        content, header = self.file.read(), "\t".join(JOURNAL_COLUMNS).encode() + b"\n"
        if not content.startswith(header) and not header.startswith(content):
            raise DataError(f"{self.path}: is no journal of fetched clips; choose another file")
        lines = content.split(b"\n")
        # What follows the last line end was torn by a kill; its clip is tried again.
        self.file.truncate(len(content) - len(lines.pop()))
        if not lines:
            self._append(JOURNAL_COLUMNS)
        outcomes = {}
        for number, line in enumerate(lines[1:], start=2):
            fields = line.decode("utf-8", errors="replace").split("\t")
            if len(fields) != len(JOURNAL_COLUMNS):
                raise DataError(f"{self.path}: row {number} has {len(fields)} fields; delete the row")
            outcomes[fields[0]] = dict(zip(JOURNAL_COLUMNS, fields, strict=True))
        return outcomes

    def _append(self, fields: Sequence[str]) -> None:
        line = "\t".join(fields).encode() + b"\n"
        try:
            with self.lock:
                if self.file.write(line) < len(line):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
                os.fsync(self.file.fileno())
        except OSError as error:
            raise DataError(f"{self.path}: cannot be written ({error.strerror}); free space") from error
