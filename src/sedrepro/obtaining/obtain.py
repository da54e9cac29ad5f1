"""One file of the manifest, from its address to its place below the data root, with a receipt.

The receipt `<data root>/obtained/<data set>/<file>.json` says that the file's contents are in place. Archives and
unfinished downloads lie in `<archives>/<data set>/`. A folder of archives serves as a mirror for others: `mirror` names
such a folder, or a URL that serves one.
"""

import datetime
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sedrepro.base.errors import DataError, SettingsError
from sedrepro.base.files import alone, atomic_path, read_json, try_lock, write_json
from sedrepro.experiments.configuration import Config
from sedrepro.obtaining.archives import unpack
from sedrepro.obtaining.checksums import ChecksumLock, Expected, expected_of, expected_of_mirror
from sedrepro.obtaining.download import Downloaded, checksum_of, download
from sedrepro.obtaining.manifest import MANIFEST, SourceFile, find, read_manifest
from sedrepro.obtaining.web import AddressError, Web

DOWNLOADS_AT_A_TIME = 3


def manifest_of(config: Config) -> list[SourceFile]:
    """The files of the configured manifest."""
    return read_manifest(config.manifest or MANIFEST)


def archive_path(config: Config, file: SourceFile) -> Path:
    """Where a file is downloaded to."""
    return config.archives_dir / file.data_set / file.file


def receipt_path(config: Config, file: SourceFile) -> Path:
    """The receipt that says that the file's contents are in place."""
    return config.receipts_dir / file.data_set / f"{file.file}.json"


def mirror_folder(config: Config) -> Path | None:
    """The mirror, if it is a folder."""
    if config.mirror is None or "://" in config.mirror:
        return None
    return Path(config.mirror).expanduser().resolve()


def obtain(config: Config, data_set: str, name: str, web: Web | None = None, lock: ChecksumLock | None = None) -> Path:
    """Download, check and put in place one file of a data set; whatever an earlier call did is not done again.

    Raises:
        SettingsError: the scale is not `full`, or the manifest has no such file.
        DataError: no address delivers it, the disk is too small, or the archive is damaged or not safe.
    """
    file, receipt = _found(config, data_set, name)
    done = receipt.with_name(f".{receipt.name}")
    with alone(_guard(config, file)):
        facts = _done_before(config, file, done)
        if facts is None:
            facts = _done_now(config, file, web or Web(), lock or ChecksumLock(config.checksums))
            write_json(done, facts)
            if not config.keep_archives and not _is_the_mirrors(config, file):
                archive_path(config, file).unlink(missing_ok=True)
        write_json(receipt, facts)
    return receipt


def _is_the_mirrors(config: Config, file: SourceFile) -> bool:
    """Whether the archive is the mirror's own file, not a link to it."""
    path, mirror = archive_path(config, file), mirror_folder(config)
    source = mirror / file.data_set / file.file if mirror else None
    return source is not None and source.is_file() and not path.is_symlink() and path.samefile(source)


def fetch_packed(config: Config, data_set: str, name: str) -> Path:
    """Download one file and leave it packed; returns where it lies.

    Raises:
        SettingsError: the scale is not `full`, or the manifest has no such file.
        DataError: no address delivers it, or the disk is too small.
    """
    file, _ = _found(config, data_set, name)
    with alone(_guard(config, file)):
        _fetched(config, file, Web(), ChecksumLock(config.checksums))
    return archive_path(config, file)


def _found(config: Config, data_set: str, name: str) -> tuple[SourceFile, Path]:
    """A file of the manifest, and its receipt."""
    if config.scale != "full":
        raise SettingsError(f"nothing is downloaded at scale '{config.scale}'; add --scale full")
    file = find(manifest_of(config), data_set, name)
    return file, receipt_path(config, file)


def _guard(config: Config, file: SourceFile) -> Path:
    """Lock file under which two processes never work on the same file."""
    return archive_path(config, file).with_name(f".{file.file}.lock")


def _done_before(config: Config, file: SourceFile, done: Path) -> dict[str, Any] | None:
    """Facts of a file that was put in place and whose archive is gone on purpose, if all is as it was.

    Snakemake deletes receipts when it runs a job again; hours of transfer must not hang on that.
    """
    if config.keep_archives or archive_path(config, file).is_file() or not done.is_file():
        return None
    facts = read_json(done)
    in_place = (config.corpora_dir / file.into / facts["example"]).is_file()
    return facts if in_place and _is_wanted(file, facts) else None


def _is_wanted(file: SourceFile, facts: dict[str, Any]) -> bool:
    return not file.checksum or file.checksum == facts["checksum"]


def _done_now(config: Config, file: SourceFile, web: Web, lock: ChecksumLock) -> dict[str, Any]:
    arrived = _fetched(config, file, web, lock)
    placed = _placed(config, file, arrived["checksum"])
    # Only now is it known to be a whole archive; what a mirror has says nothing of the official file.
    if not file.checksum and arrived["address"] in file.addresses:
        lock.pin(arrived["address"], Expected(arrived["bytes"], arrived["checksum"], "first download"))
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    return {"data_set": file.data_set, "file": file.file} | arrived | placed | {"date": today}


def _fetched(config: Config, file: SourceFile, web: Web, lock: ChecksumLock) -> dict[str, Any]:
    """The file under its name, checked; facts for the receipt. A file with its final name has been checked before.

    One that the manifest has another checksum for by now is fetched anew.
    """
    path = archive_path(config, file)
    note = path.with_name(f"{path.name}.source.json")
    if path.is_file() and note.is_file() and _is_wanted(file, facts := read_json(note)):
        return facts
    mirror = mirror_folder(config)
    address, found = _from_folder(config, file, mirror, lock) if mirror else _from_web(config, file, web, lock)
    facts = {"address": address, "bytes": found.bytes, "checksum": found.checksum}
    write_json(note, facts)
    return facts


def addresses_of(config: Config, file: SourceFile) -> tuple[str, ...]:
    """Where a file is asked for: its own addresses, or the mirror's and nothing else."""
    return (f"{config.mirror.rstrip('/')}/{file.data_set}/{file.file}",) if config.mirror else file.addresses


def _from_web(config: Config, file: SourceFile, web: Web, lock: ChecksumLock) -> tuple[str, Downloaded]:
    """Try the addresses in order of preference."""
    path, problems = archive_path(config, file), []
    with _slot(config.archives_dir):
        for address in addresses_of(config, file):
            try:
                expected = expected_of_mirror(file, lock) if config.mirror else expected_of(file, address, lock, web)
                return address, _there(path, expected) or download(address, path, expected, web)
            except AddressError as error:
                problems.append(f"{address}: {error}")
                web.say(f"{file.file}: {problems[-1]}")
    raise DataError(
        f"{file.data_set}: {file.file} cannot be downloaded: {'; '.join(problems)}. Run the same command again later, "
        f"or put the file into a folder DIR as DIR/{file.data_set}/{file.file} and set mirror=DIR"
    )


def _there(path: Path, expected: Expected) -> Downloaded | None:
    """A file that somebody put there, or that got its name just before the job was killed."""
    if not expected.checksum or not path.is_file() or checksum_of(path, expected.checksum) != expected.checksum:
        return None
    return Downloaded(path.stat().st_size, expected.checksum)


def _from_folder(config: Config, file: SourceFile, mirror: Path, lock: ChecksumLock) -> tuple[str, Downloaded]:
    """A mirror on disk: the file is checked where it lies and linked, not copied."""
    source, path = mirror / file.data_set / file.file, archive_path(config, file)
    if not source.is_file():
        raise DataError(f"{source}: no such file in the mirror; copy it there, or run without `mirror`")
    expected = expected_of_mirror(file, lock)
    found = Downloaded(source.stat().st_size, checksum_of(source, expected.checksum))
    if expected.checksum and found.checksum != expected.checksum:
        raise DataError(
            f"{source}: has the checksum {found.checksum}, not {expected.checksum} as {expected.origin} says; "
            "replace it in the mirror"
        )
    if not (path.exists() and path.samefile(source)):  # the mirror may be our own folder of archives
        with atomic_path(path) as temporary:
            temporary.unlink()
            _link(source, temporary, path)
    return str(source), found


def _link(source: Path, temporary: Path, path: Path) -> None:
    try:
        os.symlink(source, temporary)
    except OSError as error:  # it names the source, where nothing is wrong
        raise DataError(
            f"{path}: cannot be linked to {source} ({error.strerror or error}); "
            "set `archives` to a folder on a file system that knows links, or to the mirror itself"
        ) from error


@contextmanager
def _slot(folder: Path) -> Iterator[None]:
    """One of the few places for a transfer, shared by all processes that download to a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    guards = [open(folder / f".download{n}.lock", "w", encoding="utf-8") for n in range(DOWNLOADS_AT_A_TIME)]  # noqa: SIM115
    try:
        while not any(try_lock(guard) for guard in guards):
            time.sleep(0.2)
        yield
    finally:
        for guard in guards:
            guard.close()


def _placed(config: Config, file: SourceFile, checksum: str) -> dict[str, Any]:
    """Unpack the archive, or copy the label table, to its folder below the data root; facts for the receipt."""
    path, into = archive_path(config, file), config.corpora_dir / file.into
    # From here on the data set counts as obtained by the suite, not as a copy of the user's own.
    receipt_path(config, file).parent.mkdir(parents=True, exist_ok=True)
    if not file.is_archive:
        with atomic_path(into / file.file) as temporary:
            shutil.copyfile(path, temporary)
        return {"files": 1, "example": file.file, "unpacked_bytes": path.stat().st_size, "left_out": 0}
    begun = receipt_path(config, file).with_name(f".{file.file}.begun.json")
    # Files that another version of the archive left may have the same size and other content. While they are replaced
    # the note names none, so that after a kill all are written again.
    before = read_json(begun)["checksum"] if begun.is_file() else checksum
    resume = begun.is_file() and before == checksum
    write_json(begun, {"checksum": checksum if before == checksum else ""})
    done = unpack(path, into, file.kept, file.passwords, resume=resume)
    write_json(begun, {"checksum": checksum})
    return {
        "files": done.files,
        "example": done.example,
        "unpacked_bytes": done.bytes,
        "left_out": done.left_out,
    }
