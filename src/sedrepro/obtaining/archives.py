"""Unpacking a downloaded archive: checked as a whole before anything is written, and resumable."""

import gzip
import lzma
import re
import shutil
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

import inflate64
from stream_unzip import UnzipError, stream_unzip
from tqdm import tqdm

from sedrepro.errors import DataError
from sedrepro.files import atomic_path

# Of a whole archive. Audio packs about 10:1 at best and label tables 20:1; Deflate reaches 1032:1, and entries that
# share their data far more. A small archive above it (some minutes of digital silence) does no harm.
LARGEST_RATIO = 200
UNSUSPICIOUS_BYTES = 2**30
MOST_MEMBERS = 10_000_000
CHUNK = 2**20
# Packed bytes may grow a thousandfold, and all that one piece gives is in memory at once.
SMALL_PIECE = 2**14
# The long name or the attributes of a tar's member are shorter, and tarfile would hold all of them in memory.
LARGEST_READ = CHUNK
SHOWN = 20

STORED, DEFLATED, DEFLATE64, BZIP2, LZMA, AES = 0, 8, 9, 12, 14, 99
AES_FIELD = 0x9901
ENCRYPTED, DESCRIPTOR, PATCHED, STRONG_ENCRYPTION, MASKED = 0x1, 0x8, 0x20, 0x40, 0x2000
LOCAL_HEADER = struct.Struct("<4s5H3L2H")

# What the readers of zip, tar and gzip raise on damaged bytes.
DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    UnzipError,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    EOFError,
    OSError,
    ValueError,
    ArithmeticError,
    LookupError,
    NotImplementedError,
    RecursionError,
)
DOWNLOAD_AGAIN = "delete the archive and download it again"


@dataclass(frozen=True)
class Unpacked:
    """What of an archive stands in the target, and what of it was not wanted there."""

    files: int
    bytes: int
    written: int  # files that this run wrote; the others stood there already
    left_out: int  # files outside the kept folders
    first_left_out: tuple[str, ...]
    ignored: int  # files that macOS adds


@dataclass(frozen=True, slots=True)
class Member:
    """A file or folder in an archive, as its header announces it."""

    name: str
    size: int
    is_folder: bool
    content: zipfile.ZipInfo | int  # the entry of a zip; the offset in an unpacked tar
    crc: int | None = None
    problem: str | None = None  # why it must not be unpacked


def unpack(
    archive: Path,
    target: Path,
    kept: tuple[str, ...] = (),
    passwords: tuple[str, ...] = (),
    title: str | None = None,
    disable: bool | None = None,
) -> Unpacked:
    """Unpack `archive`, a zip, tar or gzipped tar, below the folder `target`.

    With `kept`, each path is cut so that it starts with its first part that is one of these names; members without
    one are left out. A file that stands there with the announced size is not written again, so a killed run resumes.
    Checksums of zip and gzip are verified; a plain tar has none. `disable` hides the progress bar, None does so where
    there is no terminal.

    Raises:
        DataError: the archive is missing, corrupt, neither zip nor tar, or encrypted with another password; a member
            would leave `target`, is no plain file, or is there twice; it unpacks to suspiciously much or to nothing
            that is kept; the disk is full. Only corrupt content and failed writes are found after other files
            have been written.
    """
    archive, target = Path(archive), Path(target)
    title = title or archive.name
    with _open(archive) as file:
        source = _source(archive, file)
        with _bar(f"{title}: checking", archive.stat().st_size, 0, disable) as bar:
            choice = _choose(archive, _checked(archive, source.members(bar)), kept)
        wanted = {target / path: member for path, member in choice.files.items()}
        missing = {path: member for path, member in wanted.items() if not _stands(path, member.size)}
        total, needed = _bytes(wanted.values()), _bytes(missing.values())
        _check_space(archive, target, needed)
        source.unlock(missing.values(), passwords)
        _remove_leftovers(wanted)
        with _bar(title, total, total - needed, disable) as bar:
            for path, member in missing.items():
                _write(archive, path, member, source.chunks(member), bar)
    return Unpacked(
        files=len(wanted),
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


def _source(archive: Path, file: BinaryIO) -> "_Tar | _Zip":
    """The reader of this kind of archive, by content: a failed download is often a web page with the archive's name.

    A tar is looked for first, because a tar that ends with a zip is taken for one by `zipfile.is_zipfile`.
    """
    start = file.read(len(b"PK\x03\x04"))
    file.seek(0)
    try:
        return _Tar(archive, file)
    except tarfile.ReadError:
        file.seek(0)
    except DAMAGE as error:
        raise DataError(f"{archive}: is corrupt ({error}); {DOWNLOAD_AGAIN}") from error
    if zipfile.is_zipfile(file):
        return _Zip(archive, file)
    if start == b"PK\x03\x04":
        raise DataError(f"{archive}: is a zip archive without its end; {DOWNLOAD_AGAIN}")
    raise DataError(f"{archive}: is neither a zip nor a tar archive; {DOWNLOAD_AGAIN}")


def _bar(title: str, total: int, initial: int, disable: bool | None) -> tqdm:
    return tqdm(desc=title, total=total, initial=initial, unit="B", unit_scale=True, disable=disable, leave=False)


def _bytes(members: Iterable[Member]) -> int:
    return sum(member.size for member in members)


# Before anything is written


def _checked(archive: Path, members: Iterable[Member]) -> Iterator[Member]:
    """The members; the archive is refused at the first one that must not be unpacked."""
    most_bytes = max(UNSUSPICIOUS_BYTES, LARGEST_RATIO * archive.stat().st_size)
    total = 0
    for number, member in enumerate(members, start=1):
        total += member.size
        problem = member.problem or _name_problem(member.name, member.is_folder)
        if member.size < 0:
            problem = "announces a negative size"
        elif total > most_bytes:
            problem = f"brings the content to {_readable(total)}, suspiciously much for the archive's size"
        elif number > MOST_MEMBERS:
            problem = f"is one of more than {MOST_MEMBERS} members"
        if problem:
            raise _refused(archive, member.name, problem)
        yield member


def _refused(archive: Path, name: str, problem: str) -> DataError:
    # Shown as a Python string: a name may hold line breaks, or bytes that a terminal cannot show.
    return DataError(f"{archive}: nothing was unpacked, because the member {name!r} {problem}")


def _name_problem(name: str, is_folder: bool) -> str | None:
    """Why a member of this name could leave the target, on any system."""
    if "\0" in name:
        return "has a NUL in its name"
    if "\\" in name:
        return "has a backslash in its name"
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        return "has an absolute path"
    if ".." in name.split("/"):
        return "leads out of its folder"
    if not is_folder and not _parts(name):
        return "has no name"
    return None


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part for part in name.split("/") if part not in ("", "."))


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
        parts = _parts(member.name)
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
    free = _free_bytes(target)
    if needed > free:
        raise DataError(
            f"{archive}: unpacking needs {_readable(needed)} and {target} has {_readable(free)} free; "
            "free space or choose another folder"
        )


def _free_bytes(folder: Path) -> int:
    """Bytes that can be written below `folder`, which need not exist yet."""
    return shutil.disk_usage(next(place for place in (folder, *folder.absolute().parents) if place.exists())).free


def _readable(size: int) -> str:
    return tqdm.format_sizeof(size, "B")


# Writing


def _remove_leftovers(wanted: Iterable[Path]) -> None:
    """Delete the temporary file (`files.atomic_path`) that a killed run has left beside a wanted one."""
    names: dict[Path, set[str]] = {}
    for path in wanted:
        names.setdefault(path.parent, set()).add(path.name)
    for folder, files in names.items():
        for path in folder.glob(".*"):
            if path.name not in files and _final_name(path) in files and path.is_file():
                path.unlink(missing_ok=True)


def _final_name(temporary: Path) -> str | None:
    """The name that a temporary file of `files.atomic_path` would have got."""
    for suffix in (temporary.suffix, ""):
        parts = re.fullmatch(rf"\.(.+)\.[a-z0-9_]{{8}}{re.escape(suffix)}", temporary.name, re.DOTALL)
        if parts and Path(parts[1]).suffix == suffix:
            return parts[1]
    return None


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
            raise _corrupt(archive, member.name, "its size is not the announced one")


def _corrupt(archive: Path, name: str, reason: object) -> DataError:
    return DataError(f"{archive}: the member {name!r} is corrupt ({reason}); {DOWNLOAD_AGAIN}")


# Reading a tar


class _Tar:
    """A tar, gzipped or plain. It is read twice, since its members are only known at its end."""

    def __init__(self, archive: Path, file: BinaryIO):
        self._archive, self._file = archive, file
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        self._stream = _Stream(gzip.GzipFile(fileobj=file) if zipped else file)
        self._tar = tarfile.TarFile(fileobj=self._stream)

    def members(self, bar: tqdm) -> Iterator[Member]:
        """Members in their order; the whole archive has been read and its checksum verified at the end."""
        try:
            while (entry := self._tar.next()) is not None:
                self._tar.members.clear()
                yield Member(entry.name, entry.size, entry.isdir(), entry.offset_data, problem=_tar_problem(entry))
                bar.update(self._file.tell() - bar.n)
            # tarfile takes any block that is no header for the end, for instance in an archive that was cut.
            if self._stream.last_read != bytes(tarfile.BLOCKSIZE):
                raise tarfile.ReadError("its end is missing")
            while self._stream.read(LARGEST_READ):
                bar.update(self._file.tell() - bar.n)
        except DAMAGE as error:
            raise DataError(f"{self._archive}: is corrupt ({error}); {DOWNLOAD_AGAIN}") from error

    def unlock(self, members: Iterable[Member], passwords: tuple[str, ...]) -> None:
        """Nothing: a tar is never encrypted."""

    def chunks(self, member: Member) -> Iterator[bytes]:
        """The content of a member."""
        try:
            self._stream.seek(member.content)
            left = member.size
            while left and (chunk := self._stream.read(min(left, CHUNK))):
                left -= len(chunk)
                yield chunk
        except DAMAGE as error:
            raise _corrupt(self._archive, member.name, error) from error


def _tar_problem(entry: tarfile.TarInfo) -> str | None:
    if entry.issym():
        return "is a symbolic link"
    if entry.islnk():
        return "is a hard link"
    if entry.issparse() or not (entry.isreg() or entry.isdir()):
        return "is neither a plain file nor a folder"
    return None


class _Stream:
    """The unpacked bytes of a tar: no giant reads for a forged header, and the bytes last read are known."""

    def __init__(self, stream: BinaryIO):
        self._stream = stream
        self.last_read = b""
        self.tell = stream.tell

    def read(self, size: int) -> bytes:
        """The next `size` bytes, fewer at the end."""
        if not 0 <= size <= LARGEST_READ:
            raise tarfile.ReadError(f"a header announces {size} bytes")
        self.last_read = self._stream.read(size)
        return self.last_read

    def seek(self, offset: int) -> int:
        """Go to an offset; forwards by reading, in larger pieces than gzip's own."""
        if isinstance(self._stream, gzip.GzipFile):
            ahead = offset - self._stream.tell()
            while ahead > 0 and (skipped := self._stream.read(min(ahead, CHUNK))):
                ahead -= len(skipped)
        return self._stream.seek(offset)


# Reading a zip


class _Zip:
    """A zip; encrypted members are read by stream_unzip, Deflate64 (zips of more than 2 GB from Windows) by inflate64.

    Python's own zipfile has neither Deflate64 nor AES, and decrypts some MB per second.
    """

    def __init__(self, archive: Path, file: BinaryIO):
        self._archive, self._file, self._password = archive, file, None
        try:
            self._zip = zipfile.ZipFile(file)
        except DAMAGE as error:
            raise DataError(f"{archive}: is corrupt ({error}); {DOWNLOAD_AGAIN}") from error

    def members(self, bar: tqdm) -> Iterator[Member]:
        """Members in their order."""
        for entry in self._zip.infolist():
            is_folder = entry.filename.endswith("/") or stat.S_ISDIR(entry.external_attr >> 16)
            # In AES archives the field is often zero.
            crc = None if entry.compress_type == AES else entry.CRC
            yield Member(entry.filename, entry.file_size, is_folder, entry, crc, _zip_problem(entry, is_folder))

    def unlock(self, members: Iterable[Member], passwords: tuple[str, ...]) -> None:
        """Find the password, unless no member needs one.

        Raises:
            DataError: none of `passwords` is right.
        """
        encrypted = sorted((member for member in members if _is_encrypted(member)), key=lambda member: member.size)
        if not encrypted:
            return
        if not passwords:
            raise DataError(f"{self._archive}: is encrypted, and no password is given; see the page of the data set")
        # A wrong password goes unnoticed in an empty member; several, because one may be corrupt.
        telling = [member for member in encrypted if member.size >= 16][:3] or encrypted[-1:]
        for member in telling:
            for password in passwords:
                self._password = password.encode()
                if self._opens(member):
                    return
        raise DataError(
            f"{self._archive}: none of the {len(passwords)} known passwords opens it; see the page of the data set for "
            "another one, or the archive is corrupt: delete it and download it again"
        )

    def _opens(self, member: Member) -> bool:
        # Read to its checksum: one wrong password in 256 passes the check that ZipCrypto has.
        try:
            return sum(map(len, self.chunks(member))) == member.size
        except DataError:
            return False

    def chunks(self, member: Member) -> Iterator[bytes]:
        """The content of a member; its checksum is verified after the last chunk."""
        try:
            if _is_encrypted(member):
                for _, _, chunks in stream_unzip(self._alone(member.content), password=self._password):
                    yield from chunks
            elif member.content.compress_type == DEFLATE64:
                yield from self._inflated(member.content)
            else:
                with self._zip.open(member.content) as content:
                    while chunk := content.read(CHUNK):
                        yield chunk
        except DAMAGE as error:
            raise _corrupt(self._archive, member.name, str(error) or type(error).__name__) from error

    def _inflated(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        """The content of a Deflate64 member; stream_unzip would do it too, fifty times slower."""
        inflater, checksum = inflate64.Inflater(), 0
        for packed in self._packed(entry):
            for start in range(0, len(packed), SMALL_PIECE):
                chunk = inflater.inflate(packed[start : start + SMALL_PIECE])
                checksum = zlib.crc32(chunk, checksum)
                yield chunk
        if not inflater.eof or checksum != entry.CRC:
            raise zipfile.BadZipFile("its checksum is not the announced one")

    def _alone(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        """A zip of only this member, as stream_unzip reads one: with all that the central directory knows in front.

        So members are read in any order, are checked against the central directory, and stored ones have their size.
        """
        name = b"member"
        hour, minute, second = entry.date_time[3:]
        extra = struct.pack("<2H2Q", 1, 16, entry.file_size, entry.compress_size) + _aes_field(entry.extra)
        head = (entry.extract_version, entry.flag_bits, entry.compress_type, hour << 11 | minute << 5 | second // 2, 0)
        sizes = (2**32 - 1, 2**32 - 1)  # those in the Zip64 field count
        yield LOCAL_HEADER.pack(b"PK\x03\x04", *head, entry.CRC, *sizes, len(name), len(extra)) + name + extra
        yield from self._packed(entry)
        if entry.flag_bits & DESCRIPTOR:
            yield struct.pack("<4sL2Q", b"PK\x07\x08", entry.CRC, entry.compress_size, entry.file_size)
        yield b"PK\x01\x02"

    def _packed(self, entry: zipfile.ZipInfo) -> Iterator[bytes]:
        """The bytes of a member as they stand in the archive."""
        self._file.seek(entry.header_offset)
        signature, *_, name_length, extra_length = LOCAL_HEADER.unpack(self._file.read(LOCAL_HEADER.size))
        if signature != b"PK\x03\x04":
            raise zipfile.BadZipFile("its header is missing")
        self._file.seek(name_length + extra_length, 1)
        left = entry.compress_size
        while left and (chunk := self._file.read(min(left, CHUNK))):
            left -= len(chunk)
            yield chunk


def _is_encrypted(member: Member) -> bool:
    return bool(member.content.flag_bits & ENCRYPTED)


def _zip_problem(entry: zipfile.ZipInfo, is_folder: bool) -> str | None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if stat.S_ISLNK(kind):
        return "is a symbolic link"
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        return "is neither a plain file nor a folder"
    if is_folder and entry.file_size:
        return "is a folder with content of its own"
    readable = {STORED, DEFLATED, DEFLATE64, BZIP2} | ({AES} if entry.flag_bits & ENCRYPTED else {LZMA})
    if entry.compress_type not in readable or entry.flag_bits & (PATCHED | STRONG_ENCRYPTION | MASKED):
        return f"is packed in a way that cannot be read (method {entry.compress_type}); unpack it by hand"
    # zipfile cuts its names at a NUL.
    return _name_problem(entry.orig_filename, is_folder=True)


def _aes_field(extra: bytes) -> bytes:
    """The extra field that says how a member is encrypted with AES, as it stands there; empty where there is none."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == AES_FIELD:
            return extra[: 4 + length]
        extra = extra[4 + length :]
    return b""
