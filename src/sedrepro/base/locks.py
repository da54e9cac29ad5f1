"""One process at a time on some work, across the machines that share a file system.

The owner holds a lock of the operating system on a small file and writes into it who it is and, every few seconds, a
sign of life. Where the file system carries locks from machine to machine, as NFS with its lock manager does, a second
process is refused at once and a dead owner has none. Others keep locks within a machine, or have none at all: there an
owner on another machine is watched, and is dead if it gives no sign of life for a while. Clocks are not compared.
"""

import contextlib
import json
import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sedrepro.base.errors import DataError
from sedrepro.base.files import lock_was_free

#: Seconds between signs of life, and for how many an owner on another machine is watched.
BEAT_SECONDS, WATCHED_SECONDS = 5.0, 30.0
POLL_SECONDS = 0.5


#: Bytes of the file, always written as one piece: a reader sees the old content or the new.
FILE_BYTES = 512


@contextlib.contextmanager
def only_worker(path: Path, work: str) -> Iterator[None]:
    """Keep other processes from the work that the file `path` stands for until the block ends.

    Raises:
        DataError: another process is at it (names file, process and machine).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    file, ended, me = _locked(path, work), threading.Event(), _myself()
    beating = threading.Thread(target=_beat, args=(file, me, ended), daemon=True)
    try:
        _write(file, me, 0)
        beating.start()
        yield
    finally:
        ended.set()
        if beating.ident is not None:
            beating.join()
        path.unlink(missing_ok=True)
        os.close(file)


def _locked(path: Path, work: str) -> int:
    """Descriptor of the file, locked and without a living owner."""
    while True:
        file = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            free = lock_was_free(file)
            if free is False or _is_same(file, path):
                _require_no_owner(path, work, free)
                return file
        except BaseException:
            os.close(file)
            raise
        os.close(file)  # its owner has ended and removed it meanwhile


def _require_no_owner(path: Path, work: str, free: bool | None) -> None:
    content = _content(path)
    owner = _owner(content)
    known_dead = not owner or (free is True and owner.get("boot") == _boot())
    if free is False or (not known_dead and _gives_a_sign(path, content)):
        raise DataError(f"{path}: {work} by {_described(owner)}; wait for it, or end it first")


def _is_same(file: int, path: Path) -> bool:
    with contextlib.suppress(FileNotFoundError):
        return os.path.samestat(os.fstat(file), path.stat())
    return False


def _gives_a_sign(path: Path, content: str) -> bool:
    """Whether the owner writes into the file while it is watched."""
    until = time.monotonic() + WATCHED_SECONDS
    while time.monotonic() < until:
        time.sleep(POLL_SECONDS)
        if _content(path) != content:
            return True
    return False


def _content(path: Path) -> str:
    """What the file holds; opened anew each time, upon which network file systems ask their server."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return ""


def _owner(content: str) -> dict[str, Any]:
    """Who wrote the file; nobody where it is empty, as that of a process that died at its very beginning is."""
    try:
        owner = json.loads(content)
    except ValueError:
        return {}
    return owner if isinstance(owner, dict) else {}


def _described(owner: dict[str, Any]) -> str:
    if not owner:
        return "another process, which has just begun"
    job = f" (Slurm job {owner['job']})" if owner.get("job") else ""
    return f"process {owner.get('pid')} on {owner.get('host')}{job} since {owner.get('since')}"


def _myself() -> dict[str, Any]:
    return {
        "host": socket.gethostname(),
        "boot": _boot(),
        "pid": os.getpid(),
        "job": os.environ.get("SLURM_JOB_ID", ""),
        "since": time.strftime("%Y-%m-%d %H:%M:%S"),
    }


def _beat(file: int, me: dict[str, Any], ended: threading.Event) -> None:
    beat = 0
    while not ended.wait(BEAT_SECONDS):
        beat += 1
        with contextlib.suppress(OSError):  # a full disk or a server that is away must not end hours of work
            _write(file, me, beat)


def _write(file: int, me: dict[str, Any], beat: int) -> None:
    os.pwrite(file, json.dumps(me | {"beat": beat}).encode().ljust(FILE_BYTES), 0)
    os.fsync(file)


def _boot() -> str:
    """What no other machine has, and no other start of this one."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip()
    except OSError:
        return socket.gethostname()
