"""What has to be obtained for which data sets: how much, from where, under which terms, and what is there already."""

import socket
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from sedrepro.base.errors import DataError, SettingsError
from sedrepro.base.files import existing, free_space, in_words
from sedrepro.data_sets import data_set, data_set_names, trait
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.scales import SYNTHESISED
from sedrepro.obtaining.manifest import MANIFEST, SourceFile
from sedrepro.obtaining.obtain import (
    DOWNLOADS_AT_A_TIME,
    addresses_of,
    archive_path,
    manifest_of,
    mirror_folder,
    receipt_path,
)

Origin = Literal["synthesised", "given", "downloaded"]
# What archives take unpacked, as a multiple of their size: WAV files of real sound shrink by some 20 to 30 %.
UNPACKED_FACTOR = 1.4


def chosen_data_sets(config: Config) -> list[str]:
    """The data sets that the configuration names; `all`, or none: all that can be had.

    Raises:
        SettingsError: a name is unknown (names the nearest), or there is none at all.
    """
    if config.named_data_sets:
        return [name for name in config.named_data_sets if data_set(name)]
    if found := available_data_sets(config):
        return found
    tables = ", ".join(data_set(name).LABELS[0] for name in data_set_names())
    raise SettingsError(f"data_root = {config.corpora_dir}: holds no data set of the suite (none of {tables})")


def available_data_sets(config: Config) -> list[str]:
    """The data sets that can be had at this scale, with this data root and manifest."""
    return [name for name in data_set_names() if _can_be_had(config, name)]


def _can_be_had(config: Config, name: str) -> bool:
    origin = origin_of(config, name)
    if origin == "given":
        return not missing_labels(config, name)
    return origin == "synthesised" or bool(_needed(config, archive_of(config, name)))


def archive_of(config: Config, name: str) -> str:
    """The data set of the manifest that brings the files of a data set."""
    other = trait(name, "SERVED_FROM")
    return other if other and not _wants_official_scenes(config) else data_set(name).ARCHIVE


def _wants_official_scenes(config: Config) -> bool:
    return config.scenes_2018 == "official" and config.scale not in SYNTHESISED


def origin_of(config: Config, name: str) -> Origin:
    """Where a data set comes from at this scale.

    At `full`, what was not obtained by the suite but has a label table or a folder of clips in the data root is the
    user's own copy: it is taken as it is, and nothing is downloaded into it. Data sets of one archive are alike.
    """
    if config.scale != "full":
        return "synthesised" if config.scale in SYNTHESISED else "given"
    archive = archive_of(config, name)
    if (config.receipts_dir / archive).is_dir():
        return "downloaded"
    alike = {name, *(other for other in data_set_names() if archive == data_set(other).ARCHIVE)}
    own = {config.corpora_dir / table for other in alike for table in label_tables(config, other)}
    for file in _needed(config, archive):
        own |= {config.corpora_dir / file.into / part for part in file.kept or (file.file,)}
    return "given" if any(path.exists() for path in own) else "downloaded"


def label_tables(config: Config, name: str) -> tuple[str, ...]:
    """The label tables of a data set, below the data root."""
    where = trait(name, "label_tables")
    is_official = trait(name, "SERVED_FROM") and _wants_official_scenes(config)
    return where(config.corpora_dir) if where and not is_official else data_set(name).LABELS


def missing_labels(config: Config, name: str) -> list[str]:
    """Those of them that are not in the data root."""
    return [table for table in label_tables(config, name) if not (config.corpora_dir / table).is_file()]


def absent_data_sets(config: Config, names: Iterable[str]) -> dict[str, str]:
    """Those of some data sets that cannot be had now, and why: left out, not in the data root, or only on YouTube."""
    reasons = {name: _why_absent(config, name) for name in names}
    return {name: reason for name, reason in reasons.items() if reason}


def _why_absent(config: Config, name: str) -> str:
    left_out = "excluded by the configuration" if name in config.without else ""
    origin = origin_of(config, name)
    if origin == "synthesised":
        return left_out
    lacking = missing_labels(config, name)
    if origin == "given" and lacking:
        others = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        return f"{config.corpora_dir} lacks {lacking[0]}{others}"
    splits = trait(name, "ONLY_ON_YOUTUBE")
    there = set() if lacking or not splits else _splits_with_clips(config, name, splits)
    if absent := [split for split in splits if split not in there]:
        return (
            f"no clip of {', '.join(absent)} is in {config.corpora_dir}, and they exist only on YouTube; "
            "see `python -m sedrepro clips --help`"
        )
    return left_out


def _splits_with_clips(config: Config, name: str, splits: Sequence[str]) -> set[str]:
    """Those of the splits of which at least one clip is in the data root."""
    found: set[str] = set()
    for clip in data_set(name).clips(config.corpora_dir):
        if clip.split in splits and clip.split not in found and (config.corpora_dir / clip.filename).is_file():
            found.add(clip.split)
    return found


def files_of(config: Config, names: Iterable[str]) -> list[SourceFile]:
    """The files of the manifest that data sets need, each once.

    Raises:
        SettingsError: the manifest has none for one of them.
    """
    found: list[SourceFile] = []
    for archive in dict.fromkeys(archive_of(config, name) for name in names):
        files = _needed(config, archive)
        if not files:
            raise SettingsError(
                f"{config.manifest or MANIFEST}: has no needed file of data set '{archive}'; add its rows"
            )
        found += files
    return found


def needed_files(config: Config) -> list[SourceFile]:
    """All files of the manifest that some data set needs."""
    return [file for file in manifest_of(config) if file.use == "needed"]


def _needed(config: Config, archive: str) -> list[SourceFile]:
    return [file for file in needed_files(config) if file.data_set == archive]


def unpacked_size(files: Iterable[SourceFile]) -> int:
    """A rough number of bytes that files take once they are unpacked."""
    return round(sum((file.bytes or 0) * (UNPACKED_FACTOR if file.is_archive else 1) for file in files))


def missing_bytes(config: Config, files: Iterable[SourceFile]) -> int:
    """Bytes that are still to be downloaded, as far as sizes are known."""
    return sum(max((file.bytes or 0) - _bytes_here(config, file), 0) for file in _outstanding(config, files))


def _to_obtain(config: Config, names: Iterable[str]) -> list[str]:
    return [name for name in names if origin_of(config, name) == "downloaded"]


def _outstanding(config: Config, files: Iterable[SourceFile]) -> list[SourceFile]:
    return [file for file in files if not _is_obtained(config, file)]


def _is_obtained(config: Config, file: SourceFile) -> bool:
    return receipt_path(config, file).is_file()


def _bytes_here(config: Config, file: SourceFile) -> int:
    path = archive_path(config, file)
    found = next((p for p in (path, path.with_name(f"{path.name}.part")) if p.is_file()), None)
    return found.stat().st_size if found else 0


def check_plan(config: Config, names: Sequence[str]) -> None:
    """Whether it makes sense to begin.

    Raises:
        DataError: a disk is too small, or no host can be found.
    """
    rest = _outstanding(config, files_of(config, _to_obtain(config, names)))
    for folders, need in disk_needs(config, rest):
        if need > (free := free_space(folders[0])):
            raise DataError(
                f"{folders[0]}: about {in_words(need)} are needed and {in_words(free)} are free; free space, choose "
                "other folders (data_root, archives), or set keep_archives=false"
            )
    addresses = [address for file in rest for address in addresses_of(config, file) if "://" in address]
    hosts = {urlsplit(address).hostname or "" for address in addresses}
    if hosts and not any(_is_known(host) for host in hosts):
        raise DataError(f"no network: none of {', '.join(sorted(hosts))} can be found; connect, or name a mirror")


def _is_known(host: str) -> bool:
    try:
        socket.getaddrinfo(host, None)
    except OSError:
        return False
    return True


def print_plan(config: Config, names: Sequence[str]) -> None:
    """Print files, sizes, licences and terms, and whether the disk is large enough; nothing is downloaded."""
    to_obtain = _to_obtain(config, names)
    for name in names:
        if name not in to_obtain:
            print(f"{name}: {_without_download(config, name)}")
    files = files_of(config, to_obtain)
    for archive in dict.fromkeys(file.data_set for file in files):
        served = [name for name in to_obtain if archive_of(config, name) == archive]
        _print_set(config, archive, served, [file for file in files if file.data_set == archive])
    if files:
        _print_total(config, files)
    for name in to_obtain:
        if splits := trait(name, "ONLY_ON_YOUTUBE"):
            print(
                f"{name}: the audio of {', '.join(splits)} lies in no official archive, only on YouTube; it is never "
                "downloaded by itself. See `python -m sedrepro clips --help`; clips that are missing are counted."
            )


def _without_download(config: Config, name: str) -> str:
    if origin_of(config, name) == "synthesised":
        return "synthesised at this scale, nothing to download"
    if absent := missing_labels(config, name):
        return f"not in {config.corpora_dir}, which lacks {', '.join(absent)}"
    return f"used as found in {config.corpora_dir}, nothing to download"


def _print_set(config: Config, archive: str, served: list[str], files: list[SourceFile]) -> None:
    others = ", ".join(name for name in served if name != archive)
    print(f"{archive} (also for {others})" if others else archive)
    width = max(len(file.file) for file in files)
    for file in files:
        state = "in place" if _is_obtained(config, file) else file.size
        doubt = "" if file.confidence == "high" else f" [{file.confidence} confidence in the address]"
        print(f"  {file.file:<{width}}  {state:>14}  {file.holds}{doubt}")
    for licence in dict.fromkeys(file.licence for file in files):
        print(f"  terms: {licence}")


def _print_total(config: Config, files: list[SourceFile]) -> None:
    rest = _outstanding(config, files)
    unknown = sum(file.bytes is None for file in rest)
    print(
        f"{len(rest)} of {len(files)} files to download: {in_words(missing_bytes(config, rest))}"
        + (f" and {unknown} of unknown size" if unknown else "")
    )
    for folders, need in disk_needs(config, rest):
        free = free_space(folders[0])
        places = " and ".join(map(str, folders))
        verdict = "" if need <= free else ", NOT ENOUGH"
        print(f"about {in_words(need)} needed for {places}: {in_words(free)} free{verdict}")
    if config.mirror:
        print(f"from the mirror {config.mirror}")


def disk_needs(config: Config, files: Sequence[SourceFile]) -> list[tuple[list[Path], int]]:
    """Folders that lie on one disk, and roughly how many bytes they will take together, archives and unpacked audio."""
    packed = sorted(missing_bytes(config, [file]) for file in files)
    archives = sum(packed if config.keep_archives else packed[-DOWNLOADS_AT_A_TIME:])
    archives = 0 if mirror_folder(config) else archives  # linked, not copied
    disks: dict[int, tuple[list[Path], int]] = {}
    for folder, need in ((config.archives_dir, archives), (config.corpora_dir, unpacked_size(files))):
        folders, total = disks.get(disk := existing(folder).stat().st_dev, ([], 0))
        disks[disk] = ([*folders, folder], total + need)
    return [entry for entry in disks.values() if entry[1]]
