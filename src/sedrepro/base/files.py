"""Writing files so that a killed job never leaves half of one under its final name."""

import contextlib
import csv
import fcntl
import functools
import json
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any

from tqdm import tqdm

from sedrepro.base.errors import DataError, MissingFileError


@contextlib.contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """Yield a temporary path beside `path`; rename it to `path` only if the block succeeds.

    Whatever stands at `path` stays untouched until then; after an error nothing is left behind.

    Raises:
        DataError: the disk is full or the folder cannot be written (names `path`).
    """
    path = Path(path)
    with _beside(path, _empty_file, lambda temporary: temporary.unlink(missing_ok=True)) as temporary:
        yield temporary
        os.replace(temporary, path)


@contextlib.contextmanager
def atomic_folder(path: Path | str) -> Iterator[Path]:
    """Yield a temporary folder beside `path`; it replaces `path` only if the block succeeds.

    Raises:
        DataError: the disk is full or the folder cannot be written (names `path`).
    """
    path = Path(path)
    with _beside(path, _empty_folder, lambda temporary: shutil.rmtree(temporary, ignore_errors=True)) as temporary:
        yield temporary
        # Renamed before it is deleted: a job killed meanwhile never leaves part of the old folder under its name.
        old = temporary.with_name(f"{temporary.name}.old")
        if path.is_dir():
            os.replace(path, old)
        os.replace(temporary, path)
        shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def _beside(path: Path, make: Callable[[Path], Path], discard: Callable[[Path], object]) -> Iterator[Path]:
    """A temporary that `make` makes beside `path`; discarded at the end, errors of the system about it name `path`."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = make(path)
        with _in_work(temporary):
            _discard_abandoned(path)
            yield temporary
    except OSError as error:
        if temporary is None or error.filename is None or str(error.filename).startswith(str(temporary)):
            raise DataError(
                f"{path}: cannot be written ({error.strerror or error}); free space or choose another folder"
            ) from error
        raise
    finally:
        if temporary is not None:
            discard(temporary)


@contextlib.contextmanager
def _in_work(temporary: Path) -> Iterator[None]:
    """Lock a temporary file or folder, so that others see that somebody works on it; the lock goes with its owner."""
    handle = os.open(temporary, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def _discard_abandoned(path: Path) -> None:
    """Delete what killed jobs have left of this very file or folder beside it."""
    for temporary in _leftovers(path.parent, os.getpid()).pop(path.name, []):
        with contextlib.suppress(OSError):
            handle = os.open(temporary, os.O_RDONLY)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(temporary) if temporary.is_dir() else temporary.unlink()
            finally:
                os.close(handle)


@functools.lru_cache(maxsize=64)
def _leftovers(folder: Path, process: int) -> dict[str, list[Path]]:
    """Temporary files and folders by the name that they would have got, as they were when this process looked first.

    One that is a few seconds old may not have been locked yet.
    """
    found: dict[str, list[Path]] = {}
    for temporary in folder.glob(".*"):
        name = _final_name(temporary.with_name(temporary.name.removesuffix(".old")))
        with contextlib.suppress(OSError):
            if name is not None and time.time() - temporary.stat().st_ctime > YOUNG:
                found.setdefault(name, []).append(temporary)
    return found


#: Seconds in which a temporary file is surely locked.
YOUNG = 2
#: Bytes that the name of a file may have on the file systems of Linux.
LONGEST_NAME = 255


def _prefix(path: Path, behind: str) -> str:
    """The beginning of a temporary name, shorter than the final one where eight characters and `behind` need room."""
    room = LONGEST_NAME - len(os.fsencode(f"..{behind}")) - 8
    return f".{os.fsdecode(os.fsencode(path.name)[:room])}."


def _empty_file(path: Path) -> Path:
    handle, name = tempfile.mkstemp(prefix=_prefix(path, path.suffix), suffix=path.suffix, dir=path.parent)
    os.close(handle)
    os.chmod(name, 0o666 & ~_umask())
    return Path(name)


def _empty_folder(path: Path) -> Path:
    name = tempfile.mkdtemp(prefix=_prefix(path, ".old"), dir=path.parent)
    os.chmod(name, 0o777 & ~_umask())
    return Path(name)


def remove_leftovers(wanted: Iterable[Path]) -> None:
    """Delete the temporary files of `atomic_path` that killed jobs have left beside the wanted files."""
    names: dict[Path, set[str]] = {}
    for path in wanted:
        names.setdefault(path.parent, set()).add(path.name)
    for folder, files in names.items():
        for path in folder.glob(".*"):
            if path.name not in files and _final_name(path) in files and path.is_file():
                path.unlink(missing_ok=True)


def _final_name(temporary: Path) -> str | None:
    """The name that a temporary file of `atomic_path` would have got."""
    for suffix in (temporary.suffix, ""):
        parts = re.fullmatch(rf"\.(.+)\.[a-z0-9_]{{8}}{re.escape(suffix)}", temporary.name, re.DOTALL)
        if parts and Path(parts[1]).suffix == suffix:
            return parts[1]
    return None


def write_text(path: Path | str, text: str) -> None:
    """Write `text` (UTF-8) to `path` atomically."""
    with atomic_path(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def lies_in(path: Path, folder: Path) -> bool:
    """Whether a path, which need not be there, is a folder or below it, wherever links lead."""
    return path.resolve().is_relative_to(folder.resolve())


def write_json(path: Path | str, value: Any) -> None:
    """Write `value` as indented JSON to `path` atomically; NaN is refused."""
    write_text(path, json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n")


def read_json(path: Path | str, remedy: str = "delete it and run the step again") -> Any:
    """The value in a JSON file; `remedy` says what to do about a damaged one.

    Raises:
        DataError: the file is missing or is no JSON (names it).
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MissingFileError(path) from error
    except ValueError as error:
        raise DataError(f"{path}: is not valid JSON ({error}); {remedy}") from error


def write_table(path: Path | str, columns: Sequence[str], rows: Iterable[Sequence[Any]], delimiter: str = "\t") -> None:
    """Write a delimited table with a header row to `path` atomically."""
    with atomic_path(path) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def read_table(path: Path | str, columns: Sequence[str], delimiter: str = "\t") -> list[dict[str, str]]:
    """Rows of a delimited table as dicts; the header must hold at least `columns`.

    Raises:
        DataError: the file is missing, empty, lacks a column, or a row is short (names file and row).
    """
    rows, number = [], 0
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, delimiter=delimiter)
            header = reader.fieldnames or []
            missing = [column for column in columns if column not in header]
            if missing:
                raise DataError(
                    f"{path}: column '{missing[0]}' is missing (found: {', '.join(header) or 'an empty file'})"
                )
            number = 1
            for number, row in enumerate(reader, start=2):
                if any(row[column] is None for column in columns):
                    raise DataError(f"{path}: row {number} has too few fields")
                rows.append(row)
            return rows
    except FileNotFoundError as error:
        raise MissingFileError(path) from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8 text ({error.reason} at byte {error.start})") from error
    except csv.Error as error:
        raise DataError(f"{path}: row {number + 1} cannot be read ({error}); look for an unmatched quote") from error


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Wait until no other process works under the lock file `path`, and keep others waiting.

    Some file systems of clusters have no locks; there one process at a time works as well.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as guard:
        with contextlib.suppress(OSError):
            fcntl.flock(guard, fcntl.LOCK_EX)
        yield


def lock_was_free(file: IO | int) -> bool | None:
    """Lock an open file unless another process has; None on a file system that has no locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return None
    return True


def try_lock(file: IO) -> bool:
    """Lock an open file unless another process has; on a file system without locks nobody ever has."""
    return lock_was_free(file) is not False


def existing(folder: Path) -> Path:
    """The folder, or the nearest above it that is there."""
    folder = folder.absolute()
    return next(place for place in (folder, *folder.parents) if place.is_dir())


def free_space(folder: Path) -> int:
    """Free bytes where a folder lies or will lie."""
    return shutil.disk_usage(existing(folder)).free


def shown_name(path: Path | str) -> str:
    """A file's name or path as text that can be written and drawn anywhere.

    Bytes that are no UTF-8 and characters that cannot be printed become the replacement character.
    """
    text = os.fsencode(path).decode("utf-8", "replace")
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def in_words(count: int) -> str:
    """A number of bytes with a decimal prefix, `1.66GB`."""
    return tqdm.format_sizeof(count, "B")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
