"""Archives unpack whole, nowhere else, once; whatever is wrong with one is found before a file is written."""

import contextlib
import errno
import gzip
import io
import os
import random
import stat
import struct
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import inflate64
import pytest
from Crypto.Cipher import AES
from Crypto.Hash import HMAC, SHA1
from Crypto.Protocol.KDF import PBKDF2
from Crypto.Util import Counter
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from sedrepro.base import files
from sedrepro.base.errors import DataError
from sedrepro.obtaining import archive_readers, archives
from sedrepro.obtaining.archives import Unpacked, unpack

SAME_FOLDER = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
TREE = {
    "audio/train/a.wav": bytes(range(256)) * 40,
    "audio/eval/b.wav": b"RIFF" + bytes(5000),
    "metadata/train.csv": b"filename\tonset\n",
    "metadata/empty.csv": b"",
}
PACKED = ["zip", "tar", "tar.gz", "tgz"]

# Writing archives, hostile and encrypted ones too


@dataclass
class Entry:
    """A member of a hand-made zip; what is None follows from the data."""

    name: str | bytes
    data: bytes = b"some content of a file"
    method: int = zipfile.ZIP_DEFLATED
    password: bytes | None = None
    descriptor: bool = False
    attributes: int = 0
    packed: bytes | None = None
    size: int | None = None
    crc: int | None = None
    extra: bytes = b""
    flags: int = 0


TIME = 13 << 11 | 37 << 5 | 21


def make_zip(path: Path, entries: list[Entry]) -> Path:
    """Write a zip byte by byte, which zipfile would not: any name, size, attribute and encryption."""
    body, directory = b"", b""
    for entry in entries:
        name = entry.name.encode() if isinstance(entry.name, str) else entry.name
        crc = zlib.crc32(entry.data) if entry.crc is None else entry.crc
        size = len(entry.data) if entry.size is None else entry.size
        packed = deflate(entry.data) if entry.method == zipfile.ZIP_DEFLATED else entry.data
        packed = packed if entry.packed is None else entry.packed
        flags = entry.flags | 0x800 | (entry.password is not None) | entry.descriptor << 3
        if entry.password is not None and not entry.extra:
            packed = zip_crypto(packed, entry.password, TIME >> 8 if entry.descriptor else crc >> 24)
        common = (20, flags, entry.method, TIME, 0x21)
        facts = (crc, len(packed), size)
        local = (0, 0, 0) if entry.descriptor else facts
        header = struct.pack("<4s5H3L2H", b"PK\x03\x04", *common, *local, len(name), len(entry.extra))
        tail = (len(name), len(entry.extra), 0, 0, 0, entry.attributes, len(body))
        directory += struct.pack("<4sH5H3L5H2L", b"PK\x01\x02", 0x314, *common, *facts, *tail) + name + entry.extra
        body += header + name + entry.extra + packed
        body += struct.pack("<4s3L", b"PK\x07\x08", *facts) if entry.descriptor else b""
    counts = (0, 0, len(entries), len(entries), len(directory), len(body), 0)
    path.write_bytes(body + directory + struct.pack("<4s4H2LH", b"PK\x05\x06", *counts))
    return path


def deflate(data: bytes, strategy: int = zlib.Z_DEFAULT_STRATEGY) -> bytes:
    packer = zlib.compressobj(6, zlib.DEFLATED, -15, 8, strategy)
    return packer.compress(data) + packer.flush()


def crc_entry(value: int) -> int:
    for _ in range(8):
        value = value >> 1 ^ (0xEDB88320 if value & 1 else 0)
    return value


CRC_TABLE = [crc_entry(byte) for byte in range(256)]


class ZipCrypto:
    """PKWARE's traditional encryption (APPNOTE 6.1)."""

    def __init__(self, password: bytes):
        self.keys = [0x12345678, 0x23456789, 0x34567890]
        for byte in password:
            self.update(byte)

    def update(self, byte: int) -> None:
        one, two, three = self.keys
        one = one >> 8 ^ CRC_TABLE[(one ^ byte) & 0xFF]
        two = ((two + (one & 0xFF)) * 134775813 + 1) & 0xFFFFFFFF
        three = three >> 8 ^ CRC_TABLE[(three ^ two >> 24) & 0xFF]
        self.keys = [one, two, three]

    def stream_byte(self) -> int:
        word = (self.keys[2] | 2) & 0xFFFF
        return word * (word ^ 1) >> 8 & 0xFF

    def encrypt(self, data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            out.append(byte ^ self.stream_byte())
            self.update(byte)
        return bytes(out)

    def decrypt(self, data: bytes) -> bytes:
        out = bytearray()
        for byte in data:
            out.append(byte ^ self.stream_byte())
            self.update(out[-1])
        return bytes(out)


def zip_crypto(packed: bytes, password: bytes, check: int) -> bytes:
    return ZipCrypto(password).encrypt(b"eleven rand" + bytes([check & 0xFF]) + packed)


def aes(name: str, data: bytes, password: bytes) -> Entry:
    """A member that WinZip has encrypted with AES-256 (AE-2)."""
    salt = b"sixteen bytes :)"
    keys = PBKDF2(password, salt, 66, 1000, hmac_hash_module=SHA1)
    content = AES.new(keys[:32], AES.MODE_CTR, counter=Counter.new(128, little_endian=True)).encrypt(deflate(data))
    seal = HMAC.new(keys[32:64], content, SHA1).digest()[:10]
    extra = struct.pack("<2HH2sBH", 0x9901, 7, 2, b"AE", 3, zipfile.ZIP_DEFLATED)
    return Entry(name, data, 99, password, packed=salt + keys[64:] + content + seal, crc=0, extra=extra)


def pack(path: Path, tree: dict[str, bytes], kind: str) -> Path:
    """An ordinary archive of `tree`."""
    path = path.with_name(f"{path.name}.{kind}")
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in tree.items():
                archive.writestr(name, data)
    else:
        with tarfile.open(path, "w" if kind == "tar" else "w:gz") as archive:
            for name, data in tree.items():
                archive.addfile(tar_entry(name, data), io.BytesIO(data))
    return path


def tar_entry(name: str, data: bytes = b"", **facts) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.size = len(data)
    for key, value in facts.items():
        setattr(entry, key, value)
    return entry


def tree_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def states_of(folder: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in (folder, *folder.rglob("*"))}


@pytest.fixture
def target(tmp_path) -> Path:
    return tmp_path / "data"


def refused(archive: Path, target: Path, *parts: str, **arguments) -> None:
    """The archive is refused in one line that holds `parts`, and nothing is written."""
    with pytest.raises(DataError) as raised:
        unpack(archive, target, **arguments)
    message = str(raised.value)
    assert message.startswith(f"{archive}: ") and "\n" not in message
    for part in parts:
        assert part in message
    assert not target.exists()
    assert os.listdir(target.parent) == [archive.name]


# What an archive becomes


@pytest.mark.parametrize("kind", PACKED)
def test_a_tree_comes_out_as_it_went_in(tmp_path, target, kind):
    done = unpack(pack(tmp_path / "set", TREE, kind), target)
    assert tree_of(target) == TREE
    assert done == Unpacked(
        files=4, example=done.example, bytes=15259, written=4, left_out=0, first_left_out=(), ignored=0
    )
    assert done.example in TREE


@pytest.mark.parametrize("kind", [*PACKED, "encrypted"])
def test_contents_pass_in_pieces(tmp_path, target, monkeypatch, kind):
    archive = make_zip(tmp_path / "set", encrypted(TREE)) if kind == "encrypted" else pack(tmp_path / "set", TREE, kind)
    monkeypatch.setattr(archive_readers, "CHUNK", 13)
    unpack(archive, target, passwords=("secret",))
    assert tree_of(target) == TREE


@pytest.mark.parametrize("kind", PACKED)
def test_the_kind_is_told_by_the_content_not_by_the_name(tmp_path, target, kind):
    archive = pack(tmp_path / "set", TREE, kind).rename(tmp_path / "set.csv")
    unpack(archive, target)
    assert tree_of(target) == TREE


def test_a_tar_that_ends_with_a_zip_is_a_tar(tmp_path, target):
    inner = pack(tmp_path / "inner", TREE, "zip").read_bytes()
    archive = pack(tmp_path / "outer", {"inner.zip": inner}, "tar")
    assert zipfile.is_zipfile(archive)
    unpack(archive, target)
    assert tree_of(target) == {"inner.zip": inner}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_every_method_of_zipfile_is_read(tmp_path, target, method):
    with zipfile.ZipFile(tmp_path / "set.zip", "w", method) as archive:
        for name, data in TREE.items():
            archive.writestr(name, data)
    unpack(tmp_path / "set.zip", target)
    assert tree_of(target) == TREE


@pytest.mark.parametrize("kind", PACKED)
def test_paths_are_cut_to_the_kept_folders(tmp_path, target, kind):
    tree = {
        "dataset/audio/eval/public/x.wav": b"x",
        "audio/eval/public/y.wav": b"y",
        "./dataset//metadata/audio/z.csv": b"z",
        "dataset/soundbank/s.wav": b"s",
        "README.md": b"r",
    }
    done = unpack(pack(tmp_path / "set", tree, kind), target, kept=("audio", "metadata"))
    kept = {"audio/eval/public/x.wav": b"x", "audio/eval/public/y.wav": b"y", "metadata/audio/z.csv": b"z"}
    assert tree_of(target) == kept
    assert (done.files, done.left_out, done.first_left_out) == (3, 2, ("dataset/soundbank/s.wav", "README.md"))


def test_a_kept_name_may_be_a_file(tmp_path, target):
    unpack(pack(tmp_path / "set", {"doc/README.md": b"r", "doc/x": b""}, "zip"), target, kept=("README.md",))
    assert tree_of(target) == {"README.md": b"r"}


def test_all_that_is_left_out_is_counted_and_the_first_are_named(tmp_path, target):
    tree = {"audio/x.wav": b"x"} | {f"other/{number:03d}.wav": b"" for number in range(100)}
    done = unpack(pack(tmp_path / "set", tree, "zip"), target, kept=("audio",))
    assert done.left_out == 100
    assert done.first_left_out == tuple(f"other/{number:03d}.wav" for number in range(20))


@pytest.mark.parametrize("kind", PACKED)
def test_the_names_of_kept_and_found_folders_are_in_the_error(tmp_path, target, kind):
    archive = pack(tmp_path / "set", {"a/b/x": b"", "a/c/y": b"", "a/c/z": b""}, kind)
    refused(archive, target, "no member lies in 'audio' or 'meta' (found: 'a/b', 'a/c')", kept=("audio", "meta"))


@pytest.mark.parametrize("kind", PACKED)
def test_files_of_mac_os_are_ignored_and_counted(tmp_path, target, kind):
    tree = {"audio/x.wav": b"x", "__MACOSX/audio/._x.wav": b"", "audio/.DS_Store": b"", "audio/._x.wav": b""}
    done = unpack(pack(tmp_path / "set", tree, kind), target)
    assert tree_of(target) == {"audio/x.wav": b"x"}
    assert (done.files, done.ignored) == (1, 3)


@pytest.mark.parametrize("kind", PACKED)
def test_an_archive_without_files_is_refused(tmp_path, target, kind):
    refused(pack(tmp_path / "set", {}, kind), target, "holds no files")


def test_files_get_the_usual_permissions_and_the_present_time(tmp_path, target):
    with tarfile.open(tmp_path / "set.tar", "w") as archive:
        archive.addfile(tar_entry("folder", type=tarfile.DIRTYPE, mode=0o000))
        archive.addfile(tar_entry("folder/x", mode=0o6777, mtime=0))
    umask = os.umask(0o027)
    try:
        unpack(tmp_path / "set.tar", target)
    finally:
        os.umask(umask)
    state = (target / "folder/x").stat()
    assert stat.S_IMODE(state.st_mode) == 0o640
    assert time.time() - state.st_mtime < 60


# Refused before anything is written

ESCAPES = {
    "../x": "leads out",
    "audio/../../x": "leads out",
    "audio/..": "leads out",
    "/tmp/x": "absolute",
    "//x": "absolute",
    "C:/x": "absolute",
    "c:x": "absolute",
}
BACKSLASHES = {"C:\\x": "absolute", "audio\\..\\x": "leads out", "..\\x": "leads out", "\\x": "absolute"}


@pytest.mark.parametrize("kind", PACKED)
@pytest.mark.parametrize(("name", "shown"), ESCAPES.items())
def test_a_member_that_would_leave_the_target_is_refused(tmp_path, target, name, shown, kind):
    refused(pack(tmp_path / "set", {"audio/a.wav": b"good", name: b"bad"}, kind), target, repr(name), shown)


@pytest.mark.parametrize(("name", "shown"), BACKSLASHES.items())
def test_backslashes_in_a_zip_lead_no_farther_than_slashes(tmp_path, target, name, shown):
    refused(pack(tmp_path / "set", {name: b"bad"}, "zip"), target, repr(name.replace("\\", "/")), shown)


@pytest.mark.parametrize("name", BACKSLASHES)
def test_backslashes_in_a_tar_are_refused(tmp_path, target, name):
    refused(pack(tmp_path / "set", {name: b"bad"}, "tar"), target, repr(name), "backslash")


def test_zips_of_old_windows_tools_part_folders_by_backslashes(tmp_path, target):
    tree = {"set\\audio\\a.wav": b"good", "set\\audio\\more\\b.WAV": b"too", "set\\other\\c.txt": b"not wanted"}
    done = unpack(pack(tmp_path / "set", tree, "zip"), target, kept=("audio",))
    assert (done.files, done.left_out) == (2, 1)
    assert (target / "audio/a.wav").read_bytes() == b"good"
    assert (target / "audio/more/b.WAV").read_bytes() == b"too"


@pytest.mark.parametrize("name", ["../audio/x", "__MACOSX/../../._x", "elsewhere/../x", "../folder/"])
def test_members_that_are_not_wanted_are_checked_too(tmp_path, target, name):
    archive = make_zip(tmp_path / "set.zip", [Entry("audio/x"), Entry(name, b"")])
    refused(archive, target, "leads out", kept=("audio",))


def test_a_nul_in_a_name_is_refused(tmp_path, target):
    refused(make_zip(tmp_path / "set.zip", [Entry("audio/x"), Entry("audio/y\0.wav")]), target, "NUL")


def test_a_nul_in_the_long_name_of_a_tar_is_refused(tmp_path, target):
    with tarfile.open(tmp_path / "set.tar", "w", format=tarfile.PAX_FORMAT) as archive:
        archive.addfile(tar_entry("y", pax_headers={"path": "audio/y\0.wav"}))
    refused(tmp_path / "set.tar", target, "NUL")


@pytest.mark.parametrize("name", ["", ".", "./."])
def test_a_file_without_a_name_is_refused(tmp_path, target, name):
    refused(make_zip(tmp_path / "set.zip", [Entry("audio/x"), Entry(name)]), target, "no name")


def test_a_line_break_in_a_name_stays_out_of_the_message(tmp_path, target):
    refused(make_zip(tmp_path / "set.zip", [Entry("audio\n/../x")]), target, r"'audio\n/../x'")


@pytest.mark.parametrize("kind", ["tar", "tar.gz"])
@pytest.mark.parametrize(
    ("what", "shown"),
    [
        ({"type": tarfile.SYMTYPE, "linkname": "/etc"}, "symbolic link"),
        ({"type": tarfile.SYMTYPE, "linkname": "a.wav"}, "symbolic link"),
        ({"type": tarfile.LNKTYPE, "linkname": "audio/a.wav"}, "hard link"),
        ({"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 3}, "plain file"),
        ({"type": tarfile.BLKTYPE}, "plain file"),
        ({"type": tarfile.FIFOTYPE}, "plain file"),
        ({"type": tarfile.GNUTYPE_SPARSE}, "plain file"),
        ({"type": b"V"}, "plain file"),
    ],
)
def test_a_tar_with_more_than_plain_files_is_refused(tmp_path, target, what, shown, kind):
    path = tmp_path / f"set.{kind}"
    with tarfile.open(path, "w" if kind == "tar" else "w:gz") as archive:
        archive.addfile(tar_entry("audio/a.wav", b"good"), io.BytesIO(b"good"))
        archive.addfile(tar_entry("audio/odd", **what))
    refused(path, target, "'audio/odd'", shown)


@pytest.mark.parametrize(
    ("kind", "shown"),
    [(stat.S_IFLNK, "symbolic link"), (stat.S_IFIFO, "plain file"), (stat.S_IFCHR, "plain"), (stat.S_IFSOCK, "plain")],
)
def test_a_zip_with_more_than_plain_files_is_refused(tmp_path, target, kind, shown):
    entries = [Entry("audio/a.wav"), Entry("audio/odd", b"/etc", attributes=(kind | 0o777) << 16)]
    refused(make_zip(tmp_path / "set.zip", entries), target, "'audio/odd'", shown)


@pytest.mark.parametrize(("name", "attributes"), [("audio/", 0), ("audio", stat.S_IFDIR << 16)])
def test_a_folder_with_content_is_refused(tmp_path, target, name, attributes):
    folder = Entry(name, attributes=attributes)
    refused(make_zip(tmp_path / "set.zip", [Entry("audio/x"), folder]), target, "folder with content")
    folder.data = b""
    unpack(make_zip(tmp_path / "set.zip", [Entry("audio/x", b"x"), folder]), target)
    assert tree_of(target) == {"audio/x": b"x"}


@pytest.mark.parametrize("kind", ["tar", "tar.gz"])
def test_a_member_that_a_tar_holds_twice_is_refused(tmp_path, target, kind):
    with tarfile.open(tmp_path / f"set.{kind}", "w" if kind == "tar" else "w:gz") as archive:
        for name in ("x", "./x"):
            archive.addfile(tar_entry(name, b"same"), io.BytesIO(b"same"))
    refused(tmp_path / f"set.{kind}", target, "'./x'", "twice")


def test_a_member_that_a_zip_holds_twice_is_refused_unless_it_is_the_same(tmp_path, target):
    refused(make_zip(tmp_path / "set.zip", [Entry("x", b"one"), Entry("x", b"two")]), target, "'x'", "twice")
    done = unpack(make_zip(tmp_path / "set.zip", [Entry("x", b"one"), Entry("./x", b"one")]), target)
    assert done.files == 1 and tree_of(target) == {"x": b"one"}


def test_members_that_the_cut_brings_together_are_refused(tmp_path, target):
    archive = pack(tmp_path / "set", {"a/audio/x": b"1", "b/audio/x": b"2"}, "zip")
    refused(archive, target, "'b/audio/x'", "twice", kept=("audio",))


@pytest.mark.parametrize("names", [("audio", "audio/x/y"), ("audio/x/y", "audio/x")])
@pytest.mark.parametrize("kind", PACKED)
def test_a_file_that_is_also_a_folder_is_refused(tmp_path, target, names, kind):
    refused(pack(tmp_path / "set", dict.fromkeys(names, b"x"), kind), target, "also a folder")


# Bombs


@pytest.fixture
def small_limits(monkeypatch) -> None:
    monkeypatch.setattr(archives, "UNSUSPICIOUS_BYTES", 100_000)


@pytest.mark.usefixtures("small_limits")
@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_an_archive_that_unpacks_to_far_more_is_refused(tmp_path, target, kind):
    archive = pack(tmp_path / "set", {f"{number}.wav": bytes(500_000) for number in range(4)}, kind)
    refused(archive, target, "suspiciously much")


@pytest.mark.usefixtures("small_limits")
def test_entries_that_share_their_data_are_refused(tmp_path, target):
    """A zip whose entries all lie over one: small by each entry's ratio, large in sum."""
    make_zip(tmp_path / "set.zip", [Entry("x", os.urandom(60_000), zipfile.ZIP_STORED)])
    content = (tmp_path / "set.zip").read_bytes()
    start = content.index(b"PK\x01\x02")
    entry, end = content[start:-22], struct.unpack("<4s4H2LH", content[-22:])
    many = struct.pack("<4s4H2LH", *end[:3], 300, 300, 300 * len(entry), *end[6:])
    (tmp_path / "set.zip").write_bytes(content[:start] + entry * 300 + many)
    refused(tmp_path / "set.zip", target, "suspiciously much")


@pytest.mark.usefixtures("small_limits")
def test_ordinary_audio_and_small_silence_are_no_bombs(tmp_path, target):
    noise, silence = os.urandom(150_000), bytes(99_000)
    for name, data in (("noise", noise), ("silence", silence)):
        unpack(pack(tmp_path / name, {name: data}, "zip"), target)
    assert tree_of(target) == {"noise": noise, "silence": silence}


def test_a_tar_bomb_is_refused_before_it_is_unpacked(tmp_path, target):
    """The header announces 8 GiB: seen without decompressing them (there are none)."""
    header = tar_entry("bomb", size=2**33).tobuf(tarfile.GNU_FORMAT)
    (tmp_path / "set.tar.gz").write_bytes(gzip.compress(header + bytes(10_000)))
    refused(tmp_path / "set.tar.gz", target, "'bomb'", "8.59GB")


def test_a_zip_that_announces_too_much_is_refused(tmp_path, target):
    refused(make_zip(tmp_path / "set.zip", [Entry("bomb", size=2**32 - 2)]), target, "'bomb'", "4.29GB")


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_too_many_members_are_refused(tmp_path, target, monkeypatch, kind):
    monkeypatch.setattr(archives, "MOST_MEMBERS", 3)
    refused(pack(tmp_path / "set", TREE | {"fifth": b""}, kind), target, "more than 3 members")


@pytest.mark.parametrize("password", [None, b"secret"])
@pytest.mark.parametrize("descriptor", [False, True])
@pytest.mark.parametrize("size", [0, 100, 9_999, 10_001])
def test_a_member_of_another_size_than_announced_is_corrupt(tmp_path, target, password, descriptor, size):
    entry = Entry("x", bytes(10_000), password=password, descriptor=descriptor, size=size)
    archive = make_zip(tmp_path / "set.zip", [entry, Entry("good", password=password)])
    with pytest.raises(DataError, match=r"the member 'x' is corrupt .*; delete the archive and download it again"):
        unpack(archive, target, passwords=("secret",))
    assert tree_of(target) == {}


def test_a_negative_size_is_refused(tmp_path, target):
    header = bytearray(tar_entry("x").tobuf(tarfile.GNU_FORMAT))
    header[124:136] = (2**96 - 1024).to_bytes(12, "big")
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header)
    (tmp_path / "set.tar").write_bytes(bytes(header) + bytes(10_000))
    refused(tmp_path / "set.tar", target, "negative size")


def test_a_giant_name_is_not_read_into_memory(tmp_path, target):
    header = tar_entry("././@LongLink", size=2**33, type=tarfile.GNUTYPE_LONGNAME).tobuf(tarfile.GNU_FORMAT)
    good = tar_entry("x").tobuf()
    (tmp_path / "set.tar.gz").write_bytes(gzip.compress(good + header + bytes(10_000)))
    refused(tmp_path / "set.tar.gz", target, "a header announces 8589934592 bytes")


# Passwords


def encrypted(tree: dict[str, bytes], password: bytes = b"secret", **facts) -> list[Entry]:
    return [Entry(name, data, password=password, **facts) for name, data in tree.items()]


@pytest.mark.parametrize("descriptor", [False, True])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_encrypting_writer_is_right(tmp_path, method, descriptor):
    archive = make_zip(tmp_path / "set.zip", encrypted(TREE, method=method, descriptor=descriptor))
    with zipfile.ZipFile(archive) as file:
        assert {name: file.read(name, pwd=b"secret") for name in file.namelist()} == TREE


@pytest.mark.parametrize("descriptor", [False, True])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_encrypted_members_are_decrypted(tmp_path, target, method, descriptor):
    archive = make_zip(tmp_path / "set.zip", encrypted(TREE, method=method, descriptor=descriptor))
    done = unpack(archive, target, passwords=("wrong", "secret", "other"))
    assert tree_of(target) == TREE and done.written == 4


def test_plain_and_encrypted_members_stand_in_one_archive(tmp_path, target):
    entries = [Entry("plain", b"p"), *encrypted(TREE), Entry("last", b"l", zipfile.ZIP_STORED)]
    unpack(make_zip(tmp_path / "set.zip", entries), target, passwords=("secret",))
    assert tree_of(target) == TREE | {"plain": b"p", "last": b"l"}


@pytest.mark.filterwarnings("ignore:PBKDF2:DeprecationWarning")  # from within stream_unzip
def test_members_encrypted_with_aes_are_decrypted(tmp_path, target):
    entries = [aes(name, data, b"secret") for name, data in TREE.items()]
    archive = make_zip(tmp_path / "set.zip", entries)
    refused(archive, target, "none of the 1 known passwords opens it", passwords=("wrong",))
    unpack(archive, target, passwords=("wrong", "secret"))
    assert tree_of(target) == TREE


def test_wrong_passwords_are_counted(tmp_path, target):
    archive = make_zip(tmp_path / "set.zip", encrypted(TREE))
    refused(archive, target, "none of the 3 known passwords opens it", passwords=("a", "b", "c"))
    refused(archive, target, "is encrypted, and no password is given")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_wrong_password_that_passes_the_check_is_not_taken(tmp_path, target, method):
    archive = make_zip(tmp_path / "set.zip", encrypted(TREE | {"short": b"x" * 16}, method=method))
    with zipfile.ZipFile(archive) as file:
        smallest = file.getinfo("short")
        start = smallest.header_offset + 30 + len("short")
    header, check = archive.read_bytes()[start : start + 12], smallest.CRC >> 24
    passing = [str(n) for n in range(3000) if ZipCrypto(str(n).encode()).decrypt(header)[-1] == check]
    assert len(passing) >= 3
    with zipfile.ZipFile(archive) as file:
        file.open("short", pwd=passing[0].encode()).close()
    refused(archive, target, f"none of the {len(passing)} known", passwords=tuple(passing))
    unpack(archive, target, passwords=(*passing, "secret"))
    assert tree_of(target)["audio/train/a.wav"] == TREE["audio/train/a.wav"]


def test_a_corrupt_smallest_member_does_not_hide_the_right_password(tmp_path, target):
    tree = {"small": b"s" * 20, "large": b"l" * 500}
    archive = make_zip(tmp_path / "set.zip", encrypted(tree, method=zipfile.ZIP_STORED))
    flip(archive, 30 + len("small") + 12 + 3)
    with pytest.raises(DataError, match=r"the member 'small' is corrupt"):
        unpack(archive, target, passwords=("secret",))


def test_no_password_is_needed_for_what_stands_already(tmp_path, target):
    archive = make_zip(tmp_path / "set.zip", encrypted(TREE))
    unpack(archive, target, passwords=("secret",))
    assert unpack(archive, target).written == 0


# Deflate64, and what cannot be read


def deflate64_run(length: int) -> bytes:
    """`a` and then one copy of it over `length` bytes: only Deflate64 has lengths above 258."""
    bits = [1, 1, 0]  # last block, fixed codes
    for value, count in ((0x30 + ord("a"), 8), (0b11000101, 8)):
        bits += [value >> position & 1 for position in reversed(range(count))]
    bits += [length - 3 >> position & 1 for position in range(16)]
    bits += [0] * (5 + 7)  # distance 1, end
    bits += [0] * (-len(bits) % 8)
    return bytes(sum(bit << place for place, bit in enumerate(bits[at : at + 8])) for at in range(0, len(bits), 8))


@pytest.mark.parametrize("password", [None, b"secret"])
@pytest.mark.parametrize("descriptor", [False, True])
def test_deflate64_is_read(tmp_path, target, password, descriptor):
    common = {"method": 9, "password": password, "descriptor": descriptor}
    words = b"onset offset event_label " * 50
    literal = Entry("literal", words, packed=deflate(words, zlib.Z_HUFFMAN_ONLY), **common)
    long = Entry("long", b"a" * 60_001, packed=deflate64_run(60_000), **common)
    unpack(make_zip(tmp_path / "set.zip", [literal, long]), target, passwords=("secret",))
    assert tree_of(target) == {"literal": words, "long": b"a" * 60_001}


def deflate64(data: bytes) -> bytes:
    deflater = inflate64.Deflater()
    return deflater.deflate(data) + deflater.flush()


@SAME_FOLDER
@given(data=st.binary(max_size=300) | st.binary(min_size=1, max_size=40).map(lambda part: part * 9000))
def test_any_content_comes_back_from_deflate64(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("deflate64")
    unpack(make_zip(folder / "set.zip", [Entry("x", data, 9, packed=deflate64(data))]), folder / "target")
    assert tree_of(folder / "target") == {"x": data}


@SAME_FOLDER
@given(data=st.binary(min_size=50, max_size=3000), seed=st.integers(0, 2**32))
def test_damaged_deflate64_is_named_and_not_written(tmp_path_factory, data, seed):
    folder, dice = tmp_path_factory.mktemp("deflate64"), random.Random(seed)
    packed = bytearray(deflate64(data))
    packed[dice.randrange(len(packed) - 1)] ^= 1 << dice.randrange(8)
    archive = make_zip(folder / "set.zip", [Entry("x", data, 9, packed=bytes(packed))])
    with contextlib.suppress(DataError):
        unpack(archive, folder / "target")
        assert tree_of(folder / "target") == {"x": data}
    assert tree_of(folder / "target") in ({}, {"x": data})


@pytest.mark.parametrize("facts", [{"method": 98}, {"method": 99}, {"flags": 0x40}, {"flags": 0x20}])
def test_unreadable_methods_are_refused_at_once(tmp_path, target, facts):
    entries = [Entry("audio/x"), Entry("audio/y", **facts)]
    refused(make_zip(tmp_path / "set.zip", entries), target, "'audio/y'", "unpack it by hand")


# Damage


def flip(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 0x55
    path.write_bytes(content)


@pytest.mark.parametrize("password", [None, b"secret"])
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_corrupt_member_is_named_and_not_written(tmp_path, target, password, method):
    good, bad = Entry("good", b"good" * 9, method, password), Entry("bad", os.urandom(2000), method, password)
    archive = make_zip(tmp_path / "set.zip", [good, bad])
    flip(archive, archive.read_bytes().index(b"bad") + 1000)
    with pytest.raises(DataError, match=r"the member 'bad' is corrupt .*; delete the archive and download it again"):
        unpack(archive, target, passwords=("secret",))
    assert tree_of(target) == {"good": b"good" * 9}


def test_a_corrupt_gzip_is_found_before_anything_is_written(tmp_path, target):
    tree = {"first": b"x", "noise": os.urandom(100_000)}
    archive = pack(tmp_path / "set", tree, "tar.gz")
    flip(archive, 50_000)
    refused(archive, target, "is corrupt", "download it again")


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.9, 0.999])
@pytest.mark.parametrize("kind", PACKED)
def test_a_truncated_archive_is_refused(tmp_path, target, kind, share):
    archive = pack(tmp_path / "set", {f"{number}": os.urandom(3000) for number in range(40)}, kind)
    content = archive.read_bytes()
    # A tar's last 10 KiB may be padding, the end of which does not matter.
    archive.write_bytes(content[: int(share * (content.rstrip(b"\0").__len__() if kind == "tar" else len(content)))])
    refused(archive, target, "download it again")


@pytest.mark.parametrize("blocks", [2, 4, 5])
def test_a_tar_that_is_cut_between_its_members_is_refused(tmp_path, target, blocks):
    archive = pack(tmp_path / "set", {"a": b"a", "b": b"", "c": b"c"}, "tar")
    content = archive.read_bytes()[: blocks * 512]
    archive.write_bytes(content)
    refused(archive, target, "is corrupt")
    (tmp_path / "set.tar").write_bytes(content + b"junk" * 500)
    refused(archive, target, "is corrupt")


@pytest.mark.parametrize("name", ["set.zip", "set.tar.gz", "labels.csv"])
@pytest.mark.parametrize(
    "content",
    [b"<!DOCTYPE html><html>Quota exceeded</html>", b"", b"a,b\n1,2\n" * 1000, gzip.compress(b"a,b\n" * 1000), b"PK"],
    ids=["page", "empty", "table", "gzip", "start of a zip"],
)
def test_other_files_are_not_archives(tmp_path, target, name, content):
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, target, "is neither a zip nor a tar archive")


@SAME_FOLDER
@given(st.data(), st.sampled_from(["zip", "tar.gz", "encrypted"]))
def test_damage_never_comes_out_as_content(tmp_path, data, kind):
    with scratch(tmp_path) as folder:
        if kind == "encrypted":
            archive = make_zip(folder / "set", encrypted(TREE, descriptor=True))
        else:
            archive = pack(folder / "set", TREE, kind)
        content = bytearray(archive.read_bytes())
        for at in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=3)):
            content[at] = data.draw(st.integers(0, 255))
        archive.write_bytes(content[: data.draw(st.integers(len(content) * 3 // 4, len(content)))])
        with contextlib.suppress(DataError):
            unpack(archive, folder / "data", passwords=("secret",))
        assert set(tree_of(folder / "data").values()) <= set(TREE.values())


def test_a_missing_archive_is_named(tmp_path, target):
    with pytest.raises(DataError, match=r"set\.zip: cannot be read \(No such file or directory\)"):
        unpack(tmp_path / "set.zip", target)


# The disk


@pytest.mark.parametrize("kind", PACKED)
def test_too_little_space_is_found_before_anything_is_written(tmp_path, target, monkeypatch, kind):
    monkeypatch.setattr(archives, "free_space", lambda folder: 15_258)
    archive = pack(tmp_path / "set", TREE, kind)
    refused(archive, target, f"unpacking needs 15.3kB and {target} has 15.3kB free")
    monkeypatch.setattr(archives, "free_space", lambda folder: 15_259)
    unpack(archive, target)
    assert tree_of(target) == TREE


def test_space_is_needed_only_for_what_is_missing(tmp_path, target, monkeypatch):
    archive = pack(tmp_path / "set", TREE, "zip")
    unpack(archive, target)
    (target / "metadata/train.csv").unlink()
    monkeypatch.setattr(archives, "free_space", lambda folder: 15)
    assert unpack(archive, target).written == 1


def test_a_full_disk_leaves_whole_files_only(tmp_path, target, monkeypatch):
    archive = pack(tmp_path / "set", TREE, "zip")

    class Full(io.FileIO):
        def write(self, data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def fill_disk(path, mode="r"):
        return Full(path, mode) if ".b.wav." in str(path) else open(path, mode)

    monkeypatch.setattr(archives, "open", fill_disk, raising=False)
    with pytest.raises(DataError, match=r"b\.wav: cannot be written \(No space left on device\)"):
        unpack(archive, target)
    assert tree_of(target) == {"audio/train/a.wav": TREE["audio/train/a.wav"]}
    monkeypatch.undo()
    assert unpack(archive, target).written == 3
    assert tree_of(target) == TREE


# Again


@pytest.mark.parametrize("kind", PACKED)
def test_without_resuming_files_of_the_same_size_are_replaced(tmp_path, target, kind):
    archive = pack(tmp_path / "set", TREE, kind)
    unpack(archive, target)
    other = {name: bytes(len(content)) for name, content in TREE.items()}
    newer = pack(tmp_path / "newer", other, kind)
    assert unpack(newer, target).written == 0
    assert unpack(newer, target, resume=False).written == 4
    assert tree_of(target) == other


@pytest.mark.parametrize("kind", PACKED)
def test_a_second_run_writes_nothing(tmp_path, target, kind):
    archive = pack(tmp_path / "set", TREE, kind)
    first = unpack(archive, target, kept=("audio",))
    before = states_of(target)
    second = unpack(archive, target, kept=("audio",))
    assert states_of(target) == before
    assert (first.written, second.written) == (2, 0)
    assert (second.files, second.bytes, second.left_out) == (first.files, first.bytes, first.left_out)


@pytest.mark.parametrize("kind", PACKED)
def test_a_file_of_another_size_is_replaced_and_no_other_is(tmp_path, target, kind):
    archive = pack(tmp_path / "set", TREE, kind)
    unpack(archive, target)
    (target / "metadata/train.csv").write_bytes(b"cut")
    (target / "metadata/own.csv").write_bytes(b"of the user")
    before = states_of(target)
    assert unpack(archive, target).written == 1
    after = states_of(target)
    assert tree_of(target) == TREE | {"metadata/own.csv": b"of the user"}
    changed = {path.name for path in after if after[path] != before[path]}
    assert changed == {"train.csv", "metadata"}


def test_a_file_is_replaced_only_by_a_whole_one(tmp_path, target):
    archive = make_zip(tmp_path / "set.zip", [Entry("x", os.urandom(2000))])
    flip(archive, 1000)
    target.mkdir()
    (target / "x").write_bytes(b"old")
    with pytest.raises(DataError, match="corrupt"):
        unpack(archive, target)
    assert tree_of(target) == {"x": b"old"}


@pytest.mark.parametrize("there", ["audio/x", "audio"])
def test_what_stands_in_the_way_is_named(tmp_path, target, there):
    if there == "audio/x":
        (target / there).mkdir(parents=True)
    else:
        target.mkdir()
        (target / there).write_bytes(b"a file, not a folder")
    with pytest.raises(DataError, match=r"audio/x: cannot be written \("):
        unpack(pack(tmp_path / "set", {"audio/x": b"x"}, "zip"), target)


@pytest.mark.parametrize("name", ["x.wav", "README", "a.metadata", "a.tar.gz", ".hidden", "line\nbreak.csv"])
def test_what_a_killed_run_left_is_removed_and_nothing_else(tmp_path, target, name):
    own = {f".{name}.swp": b"1", ".y.wav.abcdefgh.wav": b"2", f"{name}.part": b"3"}
    archive = pack(tmp_path / "set", {f"audio/{name}": b"x", "audio/.x.wav.abcdefgh.wav": b"in the archive"}, "zip")
    (target / "audio").mkdir(parents=True)
    for file, data in own.items():
        (target / "audio" / file).write_bytes(data)
    (left,) = [files._empty_file(target / "audio" / name)]
    unpack(archive, target)
    assert not left.exists()
    assert tree_of(target / "audio") == own | {name: b"x", ".x.wav.abcdefgh.wav": b"in the archive"}


PROGRAM = """
import sys
from pathlib import Path
from sedrepro.obtaining.archives import unpack
print("ready", flush=True)
unpack(Path(sys.argv[1]), Path(sys.argv[2]), passwords=("secret",))
"""


def run_and_kill(archive: Path, target: Path, seconds: float) -> None:
    """Unpack in another process, which is killed some time after its start."""
    with subprocess.Popen([sys.executable, "-c", PROGRAM, archive, target], stdout=subprocess.PIPE) as run:
        run.stdout.readline()
        time.sleep(seconds)
        run.kill()


@pytest.mark.parametrize("kind", ["encrypted", "zip", "tar.gz"])
def test_a_killed_run_resumes(tmp_path, target, kind):
    draw = random.Random(17)
    sizes = draw.choices([1, 200, 900], k=600) if kind == "encrypted" else draw.choices([10_000, 500_000], k=60)
    tree = {f"audio/{number % 3}/{number}.wav": draw.randbytes(size) for number, size in enumerate(sizes)}
    archive = make_zip(tmp_path / "set", encrypted(tree)) if kind == "encrypted" else pack(tmp_path / "set", tree, kind)
    started = time.perf_counter()
    unpack(archive, tmp_path / "clean", passwords=("secret",))
    duration = time.perf_counter() - started

    interrupted = 0
    for _ in range(6):
        run_and_kill(archive, target, draw.uniform(0, duration / 3))
        whole = {name: data for name, data in tree_of(target).items() if not Path(name).name.startswith(".")}
        assert whole.items() <= tree.items()
        interrupted += len(whole) < len(tree)
    unpack(archive, target, passwords=("secret",))
    assert interrupted
    assert tree_of(target) == tree_of(tmp_path / "clean") == tree


# Any tree, any name


@contextlib.contextmanager
def scratch(tmp_path: Path) -> Iterator[Path]:
    """A fresh folder for each example."""
    with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
        yield Path(folder)


part = st.text(st.characters(codec="utf-8", exclude_characters="/\\\0:"), min_size=1, max_size=8)
path = st.lists(
    part.filter(lambda name: name not in (".", "..", "__MACOSX", ".DS_Store") and name[:2] != "._"), min_size=1
)
trees = st.dictionaries(path.map("/".join), st.binary(max_size=300), min_size=1, max_size=6)


def is_a_tree(names) -> bool:
    return not any(str(parent) in names for name in names for parent in Path(name).parents)


@SAME_FOLDER
@given(trees, st.sampled_from([*PACKED, "encrypted"]))
def test_any_tree_comes_out_as_it_went_in(tmp_path, tree, kind):
    assume(is_a_tree(tree))
    with scratch(tmp_path) as folder:
        packed = folder / "set"
        archive = make_zip(packed, encrypted(tree)) if kind == "encrypted" else pack(packed, tree, kind)
        for written in (len(tree), 0):
            assert unpack(archive, folder / "data", passwords=("secret",)).written == written
            assert tree_of(folder / "data") == tree


@SAME_FOLDER
@given(
    st.lists(
        st.sampled_from(["..", ".", "", "/", "a", "b", "audio", "C:", "\\", "\0", "\n", "é", "~", " "]), max_size=7
    ),
    st.sampled_from([(), ("audio",), ("..",), ("/",), (".",), ("",)]),
    st.booleans(),
    st.sampled_from(["zip", "tar"]),
)
def test_no_name_leaves_the_target(tmp_path, parts, kept, slashes, kind):
    name = ("/" if slashes else "").join(parts)
    with scratch(tmp_path) as folder:
        if kind == "zip":
            archive = make_zip(folder / "set.zip", [Entry(name, b"hostile")])
        else:
            with tarfile.open(folder / "set.tar", "w") as file:
                file.addfile(tar_entry(name, b"hostile", pax_headers={"path": name}), io.BytesIO(b"hostile"))
            archive = folder / "set.tar"
        target = folder / "deep" / "data"
        try:
            done = unpack(archive, target, kept)
        except DataError:
            assert not target.exists()
        else:
            assert sum(data == b"hostile" for data in tree_of(target).values()) == done.files <= 1
        outside = {item for item in tmp_path.rglob("*") if item.is_file() and target not in item.parents}
        assert outside == {archive}
