"""The download manifest: every file of every data set, where it lies, how large it is, what may be done with it.

`manifest.tsv` beside this module is the one place for these facts. Its columns: `data_set`; `file`, the name it is
kept under; `addresses` in order of preference, separated by spaces; `bytes`, where only roughly known with a leading
`~`; `checksum` (`md5:...`), empty where none is published in a document; `use`: `needed`, `extra` (documentation and
parts that no paper uses), or `mirror` (unofficial copies of single clips, only on request); `into`, the folder below
the data root; `kept`, folders of an archive that count, separated by commas; `passwords`, separated by spaces;
`licence`; `holds`; `confidence` that the address is right (high, medium, low).
"""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from sedrepro.base.errors import DataError, SettingsError, did_you_mean
from sedrepro.base.files import in_words, read_table

MANIFEST = Path(__file__).with_name("manifest.tsv")
USES = ("needed", "extra", "mirror")
COLUMNS = (
    *("data_set", "file", "addresses", "bytes", "checksum", "use", "into", "kept", "passwords"),
    *("licence", "holds", "confidence"),
)
CHECKSUM = re.compile(r"md5:[0-9a-f]{32}|sha256:[0-9a-f]{64}")
ARCHIVE = re.compile(r"\.(zip|tar|tgz|tar\.gz)$")


@dataclass(frozen=True)
class SourceFile:
    """One file of a data set as the manifest lists it."""

    data_set: str
    file: str
    addresses: tuple[str, ...]
    bytes: int | None
    exact: bool
    """Whether `bytes` is exact."""
    checksum: str
    use: str
    into: str
    kept: tuple[str, ...]
    passwords: tuple[str, ...]
    licence: str
    holds: str
    confidence: str

    @property
    def is_archive(self) -> bool:
        """Whether the file is to be unpacked; others are label tables that are put in place as they are."""
        return ARCHIVE.search(self.file) is not None

    @property
    def size(self) -> str:
        """Its size in words: `1.66GB`, `about 890MB`, `size unknown`."""
        if self.bytes is None:
            return "size unknown"
        return ("" if self.exact else "about ") + in_words(self.bytes)


def read_manifest(path: Path = MANIFEST) -> list[SourceFile]:
    """All files of the manifest.

    Raises:
        DataError: the table is missing or a row is wrong (names it).
    """
    files: list[SourceFile] = []
    seen = set()
    for number, row in enumerate(read_table(path, COLUMNS), start=2):
        try:
            file = _source_file(row)
            if (file.data_set, file.file) in seen:
                raise ValueError(f"{file.file} is listed twice")
        except ValueError as error:
            raise DataError(f"{path}: row {number}: {error}") from None
        seen.add((file.data_set, file.file))
        files.append(file)
    return files


def _source_file(row: dict[str, str]) -> SourceFile:
    """A row of the manifest, checked."""
    name, size, into = row["file"], row["bytes"], PurePosixPath(row["into"])
    if not row["data_set"].isidentifier():
        raise ValueError(f"data_set '{row['data_set']}' is not a module name")
    if not name or "/" in name or name.startswith("."):
        raise ValueError(f"file '{name}' is not a file name")
    if not row["addresses"].split():
        raise ValueError(f"{name} has no address")
    if size and not size.removeprefix("~").isdecimal():
        raise ValueError(f"bytes '{size}' is not a number; write 890, or ~890 for a rough value")
    if row["checksum"] and not CHECKSUM.fullmatch(row["checksum"]):
        raise ValueError(f"checksum '{row['checksum']}' is none; write md5: and 32 hexadecimal digits")
    if row["use"] not in USES:
        raise ValueError(f"use '{row['use']}' is unknown; {did_you_mean(row['use'], USES)}")
    if into.is_absolute() or ".." in into.parts or not row["into"]:
        raise ValueError(f"into '{row['into']}' is not a folder below the data root")
    return SourceFile(
        data_set=row["data_set"],
        file=name,
        addresses=tuple(row["addresses"].split()),
        bytes=int(size.removeprefix("~")) if size else None,
        exact=not size.startswith("~"),
        checksum=row["checksum"],
        use=row["use"],
        into=row["into"],
        kept=tuple(part for part in row["kept"].split(",") if part),
        passwords=tuple(row["passwords"].split()),
        licence=row["licence"],
        holds=row["holds"],
        confidence=row["confidence"],
    )


def find(files: list[SourceFile], data_set: str, name: str) -> SourceFile:
    """One file of a data set.

    Raises:
        SettingsError: there is none of this name (names the nearest).
    """
    names = {file.file: file for file in files if file.data_set == data_set}
    if not names:
        known = {file.data_set for file in files}
        raise SettingsError(f"the manifest has no data set '{data_set}'; {did_you_mean(data_set, known)}")
    if name not in names:
        raise SettingsError(f"the manifest has no file '{name}' of {data_set}; {did_you_mean(name, names)}")
    return names[name]
