"""Unpacking a downloaded archive: checked as a whole before anything is written, and resumable."""

import stat
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from tqdm import tqdm

from sedrepro.base.errors import DataError
from sedrepro.base.files import atomic_path, free_space, in_words, remove_leftovers
from sedrepro.base.parallel import progress_bar
from sedrepro.obtaining.archive_readers import (
    DAMAGE,
    DOWNLOAD_AGAIN,
    Member,
    TarReader,
    ZipReader,
    corrupt,
    name_problem,
    path_parts,
)

# Of a whole archive. Audio packs about 10:1 at best and label tables 20:1; Deflate reaches 1032:1, and entries that
# share their data far more. A small archive above it (some minutes of digital silence) does no harm.
LARGEST_RATIO = 200
UNSUSPICIOUS_BYTES = 2**30
MOST_MEMBERS = 10_000_000
SHOWN = 20


@dataclass(frozen=True)
class Unpacked:
    """What of an archive stands in the target, and what of it was not wanted there."""

    files: int
    example: str  # path of one of them below the target
    bytes: int
    written: int  # files that this run wrote; the others stood there already
    left_out: int  # files outside the kept folders
    first_left_out: tuple[str, ...]
    ignored: int  # files that macOS adds


def unpack(
    archive: Path,
    target: Path,
    kept: tuple[str, ...] = (),
    passwords: tuple[str, ...] = (),
    resume: bool = True,
) -> Unpacked:
    """Unpack `archive`, a zip, tar or gzipped tar, below the folder `target`.

    With `kept`, each path is cut so that it starts with its first part that is one of these names; members without
    one are left out. With `resume`, a file that stands there with the announced size is not written again.
    Checksums of zip and gzip are verified; a plain tar has none.

    Raises:
        DataError: the archive is missing, corrupt, neither zip nor tar, or encrypted with another password; a member
            would leave `target`, is no plain file, or is there twice; it unpacks to suspiciously much or to nothing
            that is kept; the disk is full. Only corrupt content and failed writes are found after other files
            have been written.
    """
    archive, target = Path(archive), Path(target)
    with _open(archive) as file:
        source = _source(archive, file)
        with progress_bar(f"{archive.name}: checking", 0, archive.stat().st_size) as bar:
            choice = _choose(archive, _checked(archive, source.members(bar)), kept)
        wanted = {target / path: member for path, member in choice.files.items()}
        missing = {path: member for path, member in wanted.items() if not (resume and _stands(path, member.size))}
        total, needed = _bytes(wanted.values()), _bytes(missing.values())
        _check_space(archive, target, needed)
        source.unlock(missing.values(), passwords)
        remove_leftovers(wanted)
        with progress_bar(f"{archive.name}: unpacking", total - needed, total) as bar:
            for path, member in missing.items():
                _write(archive, path, member, source.chunks(member), bar)
    return Unpacked(
        files=len(wanted),
        example=str(next(iter(choice.files))),
        bytes=total,
        written=len(missing),
        left_out=len(choice.left_out),
        first_left_out=tuple(choice.left_out[:SHOWN]),
        ignored=choice.ignored,
    )


def _open(archive: Path) -> BinaryIO:
    try:
        return open(archive, "rb")
    except OSError as error:
        raise DataError(f"{archive}: cannot be read ({error.strerror})") from error


def _source(archive: Path, file: BinaryIO) -> TarReader | ZipReader:
    """The reader of this kind of archive, by content: a failed download is often a web page with the archive's name.

    A tar is looked for first, because a tar that ends with a zip is taken for one by `zipfile.is_zipfile`.
    """
    start = file.read(len(b"PK\x03\x04"))
    file.seek(0)
    try:
        return TarReader(archive, file)
    except tarfile.ReadError:
        file.seek(0)
    except DAMAGE as error:
        raise DataError(f"{archive}: is corrupt ({error}); {DOWNLOAD_AGAIN}") from error
    if zipfile.is_zipfile(file):
        return ZipReader(archive, file)
    if start == b"PK\x03\x04":
        raise DataError(f"{archive}: is a zip archive without its end; {DOWNLOAD_AGAIN}")
    raise DataError(f"{archive}: is neither a zip nor a tar archive; {DOWNLOAD_AGAIN}")


def _bytes(members: Iterable[Member]) -> int:
    return sum(member.size for member in members)


# Before anything is written


def _checked(archive: Path, members: Iterable[Member]) -> Iterator[Member]:
    """The members; the archive is refused at the first one that must not be unpacked."""
    most_bytes = max(UNSUSPICIOUS_BYTES, LARGEST_RATIO * archive.stat().st_size)
    total = 0
    for number, member in enumerate(members, start=1):
        total += member.size
        problem = member.problem or name_problem(member.name, member.is_folder)
        if member.size < 0:
            problem = "announces a negative size"
        elif total > most_bytes:
            problem = f"brings the content to {in_words(total)}, suspiciously much for the archive's size"
        elif number > MOST_MEMBERS:
            problem = f"is one of more than {MOST_MEMBERS} members"
        if problem:
            raise _refused(archive, member.name, problem)
        yield member


def _refused(archive: Path, name: str, problem: str) -> DataError:
    # Shown as a Python string: a name may hold line breaks, or bytes that a terminal cannot show.
    return DataError(f"{archive}: nothing was unpacked, because the member {name!r} {problem}")


@dataclass(frozen=True)
class _Choice:
    """The files that are wanted, by their path below the target, and what is not."""

    files: dict[PurePosixPath, Member]
    left_out: list[str]
    ignored: int


def _choose(archive: Path, members: Iterable[Member], kept: tuple[str, ...]) -> _Choice:
    """Which members go where.

    Raises:
        DataError: none is kept, or two members would stand at one place.
    """
    files: dict[PurePosixPath, Member] = {}
    left_out, ignored = [], 0
    for member in members:
        parts = path_parts(member.name)
        if member.is_folder:
            continue
        if "__MACOSX" in parts or parts[-1] == ".DS_Store" or parts[-1].startswith("._"):
            ignored += 1
        elif kept and not set(kept).intersection(parts):
            left_out.append(member.name)
        else:
            path = PurePosixPath(*_cut(parts, kept))
            if not _same(files.setdefault(path, member), member):
                raise _refused(archive, member.name, "is there twice, with different content")
    if not files:
        raise _nothing_kept(archive, kept, left_out)
    folders = {folder for parent in {path.parent for path in files} for folder in (parent, *parent.parents)}
    for path in folders.intersection(files):
        raise _refused(archive, files[path].name, "is a file and also a folder of other members")
    return _Choice(files, left_out, ignored)


def _cut(parts: tuple[str, ...], kept: tuple[str, ...]) -> tuple[str, ...]:
    """The path from its first part on that is one of `kept`."""
    return parts[next((index for index, part in enumerate(parts) if part in kept), 0) :]


def _same(one: Member, other: Member) -> bool:
    """Whether these are one member, or two that are known to have the same content."""
    return one is other or (one.crc is not None and (one.crc, one.size) == (other.crc, other.size))


def _nothing_kept(archive: Path, kept: tuple[str, ...], left_out: list[str]) -> DataError:
    if not left_out:
        return DataError(f"{archive}: holds no files; {DOWNLOAD_AGAIN}")
    found = list(dict.fromkeys(str(PurePosixPath(name).parent) for name in left_out))[:5]
    wanted = " or ".join(map(repr, kept))
    return DataError(f"{archive}: no member lies in {wanted} (found: {', '.join(map(repr, found))})")


def _stands(path: Path, size: int) -> bool:
    """Whether a whole file stands there: only whole ones get their name."""
    try:
        state = path.stat()
    except OSError:
        return False
    return stat.S_ISREG(state.st_mode) and state.st_size == size


def _check_space(archive: Path, target: Path, needed: int) -> None:
    free = free_space(target)
    if needed > free:
        raise DataError(
            f"{archive}: unpacking needs {in_words(needed)} and {target} has {in_words(free)} free; "
            "free space or choose another folder"
        )


# Writing


def _write(archive: Path, path: Path, member: Member, chunks: Iterator[bytes], bar: tqdm) -> None:
    """Write one member.

    Raises:
        DataError: its content is corrupt or has another size than announced; the file cannot be written.
    """
    written = 0
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        for chunk in chunks:
            written += len(chunk)
            if written > member.size:
                break
            file.write(chunk)
            bar.update(len(chunk))
        if written != member.size:
            raise corrupt(archive, member.name, "its size is not the announced one")
