"""What each job of the workflow cost: one line per verb, appended when it ends, whoever ran it and wherever."""

import csv
import errno
import os
import resource
import shlex
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from sedrepro.base.errors import DataError

VARIABLE = "SEDREPRO_COSTS"
"""Names the file; where it is not set, nothing is written."""
COLUMNS = ("ended", "verb", "words", "seconds", "cpu_seconds", "peak_memory_mib")


class JobCost(NamedTuple):
    """What one verb cost."""

    ended: str
    """Date and time, UTC."""
    verb: str
    words: tuple[str, ...]
    """What followed the verb on the command line."""
    seconds: float
    cpu_seconds: float
    """Of user and system, with the processes that it has waited for."""
    peak_memory_mib: int
    """Largest resident memory of the process, MiB."""


@contextmanager
def recorded(words: Sequence[str]) -> Iterator[None]:
    """Append what the enclosed work cost to the file that the variable names; a verb that fails is told, too."""
    path = os.environ.get(VARIABLE)
    started = time.monotonic()
    try:
        yield
    finally:
        if path and words:
            _append(Path(path), words, time.monotonic() - started)


def _append(path: Path, words: Sequence[str], seconds: float) -> None:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    cpu = sum(usage.ru_utime + usage.ru_stime for usage in used)
    ended = datetime.now(UTC).isoformat(timespec="seconds")
    fields = (ended, words[0], shlex.join(words[1:]), f"{seconds:.2f}", f"{cpu:.2f}", str(used[0].ru_maxrss // 1024))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # One write to the end of the file: lines of jobs that end at the same time do not mix.
        line = ("\t".join(fields) + "\n").encode("utf-8", "surrogateescape")
        with path.open("ab", buffering=0) as file:
            written = file.write(line)
            if written < len(line):  # a disk that became full; half a line would be an error for who reads them
                file.truncate(file.tell() - written)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    except OSError as error:  # what a job cost is no reason for it to fail
        print(f"{path}: the cost of this job is not recorded ({error.strerror or error})", file=sys.stderr)


def read_job_costs(path: Path) -> list[JobCost]:
    """Every recorded cost, in the order of their ends; none where nothing has been recorded.

    Raises:
        DataError: a line is not one of this module's (names file and line).
    """
    if not path.is_file():
        return []
    with path.open(encoding="utf-8", errors="surrogateescape", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [_cost(path, number, row) for number, row in enumerate(rows, start=1)]


def _cost(path: Path, line: int, row: list[str]) -> JobCost:
    try:
        ended, verb, words, seconds, cpu, memory = row
        return JobCost(ended, verb, tuple(shlex.split(words)), float(seconds), float(cpu), int(memory))
    except ValueError as error:
        raise DataError(f"{path}: line {line}: does not hold {', '.join(COLUMNS)}; delete the line") from error
