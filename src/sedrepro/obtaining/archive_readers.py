"""Reading the members of zip and tar archives, encrypted and damaged ones too."""

import gzip
import lzma
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO, cast

import inflate64
from stream_unzip import UnzipError, stream_unzip
from tqdm import tqdm

from sedrepro.base.errors import DataError

CHUNK = 2**20
# Packed bytes may grow a thousandfold, and all that one piece gives is in memory at once.
SMALL_PIECE = 2**14
# The long name or the attributes of a tar's member are shorter, and tarfile would hold all of them in memory.
LARGEST_READ = CHUNK

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


@dataclass(frozen=True, slots=True)
class Member:
    """A file or folder in an archive, as its header announces it."""

    name: str
    size: int
    is_folder: bool
    content: zipfile.ZipInfo | int  # the entry of a zip; the offset in an unpacked tar
    crc: int | None = None
    problem: str | None = None  # why it must not be unpacked


def corrupt(archive: Path, name: str, reason: object) -> DataError:
    """The error about a member whose content is not what it should be."""
    return DataError(f"{archive}: the member {name!r} is corrupt ({reason}); {DOWNLOAD_AGAIN}")


def path_parts(name: str) -> tuple[str, ...]:
    """Folders and file of a member's path."""
    return tuple(part for part in name.split("/") if part not in ("", "."))


def name_problem(name: str, is_folder: bool) -> str | None:
    """Why a member of this name could leave the target, on any system."""
    if "\0" in name:
        return "has a NUL in its name"
    if "\\" in name:
        return "has a backslash in its name"
    if name.startswith("/") or re.match("[A-Za-z]:", name):
        return "has an absolute path"
    if ".." in name.split("/"):
        return "leads out of its folder"
    if not is_folder and not path_parts(name):
        return "has no name"
    return None


# Reading a tar


class TarReader:
    """A tar, gzipped or plain. It is read twice, since its members are only known at its end."""

    def __init__(self, archive: Path, file: BinaryIO):
        self._archive, self._file = archive, file
        zipped = file.read(2) == b"\x1f\x8b"
        file.seek(0)
        self._stream = _Stream(gzip.GzipFile(fileobj=file) if zipped else file)
        # tarfile neither writes nor closes what it was given to read.
        self._tar = tarfile.TarFile(fileobj=cast(IO[bytes], self._stream))

    def members(self, bar: tqdm) -> Iterator[Member]:
        """Members in their order; the whole archive has been read and its checksum verified at the end."""
        try:
            while (entry := self._tar.next()) is not None:
                self._tar.members.clear()  # type: ignore[attr-defined]  # typeshed does not list it
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
            self._stream.seek(_offset(member))
            left = member.size
            while left and (chunk := self._stream.read(min(left, CHUNK))):
                left -= len(chunk)
                yield chunk
        except DAMAGE as error:
            raise corrupt(self._archive, member.name, error) from error


def _offset(member: Member) -> int:
    """Where the content of a tar's member begins."""
    if not isinstance(member.content, int):
        raise TypeError(f"{member.name} is not of a tar")
    return member.content


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

    def __init__(self, stream: BinaryIO | gzip.GzipFile):
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


class ZipReader:
    """A zip; encrypted members are read by stream_unzip, Deflate64 (zips of more than 2 GB from Windows) by inflate64.

    Python's own zipfile has neither Deflate64 nor AES, and decrypts some MB per second.
    """

    def __init__(self, archive: Path, file: BinaryIO):
        self._archive, self._file = archive, file
        self._password: bytes | None = None
        try:
            self._zip = zipfile.ZipFile(file)
        except DAMAGE as error:
            raise DataError(f"{archive}: is corrupt ({error}); {DOWNLOAD_AGAIN}") from error

    def members(self, bar: tqdm) -> Iterator[Member]:
        """Members in their order."""
        for entry in self._zip.infolist():
            name = _with_slashes(entry.filename)
            is_folder = name.endswith("/") or stat.S_ISDIR(entry.external_attr >> 16)
            # In AES archives the field is often zero.
            crc = None if entry.compress_type == AES else entry.CRC
            yield Member(name, entry.file_size, is_folder, entry, crc, _zip_problem(entry, is_folder))

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
                for _, _, chunks in stream_unzip(self._alone(_entry(member)), password=self._password):
                    yield from chunks
            elif _entry(member).compress_type == DEFLATE64:
                yield from self._inflated(_entry(member))
            else:
                with self._zip.open(_entry(member)) as content:
                    while chunk := content.read(CHUNK):
                        yield chunk
        except DAMAGE as error:
            raise corrupt(self._archive, member.name, str(error) or type(error).__name__) from error

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


def _entry(member: Member) -> zipfile.ZipInfo:
    """The entry of a zip's member."""
    if not isinstance(member.content, zipfile.ZipInfo):
        raise TypeError(f"{member.name} is not of a zip")
    return member.content


def _is_encrypted(member: Member) -> bool:
    return bool(_entry(member).flag_bits & ENCRYPTED)


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
    return name_problem(_with_slashes(entry.orig_filename), is_folder=True)


def _with_slashes(name: str) -> str:
    """The name of a zip's member as zip wants it; old tools of Windows part folders by backslashes."""
    return name.replace("\\", "/")


def _aes_field(extra: bytes) -> bytes:
    """The extra field that says how a member is encrypted with AES, as it stands there; empty where there is none."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == AES_FIELD:
            return extra[: 4 + length]
        extra = extra[4 + length :]
    return b""
