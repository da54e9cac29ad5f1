"""What has to be obtained for which data sets: how much, from where, under which terms, and what is there already."""

import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from sedrepro.config import Config
from sedrepro.data_sets import data_set, data_set_names
from sedrepro.obtaining.manifest import SourceFile, in_words
from sedrepro.obtaining.obtain import DOWNLOADS_AT_A_TIME, archive_path, manifest_of, receipt_path

Origin = Literal["synthesised", "given", "downloaded"]
# What archives take unpacked, as a multiple of their size: WAV files of real sound shrink by some 20 to 30 %.
UNPACKED_FACTOR = 1.4


def chosen_data_sets(config: Config) -> list[str]:
    """The data sets that the configuration names; none: all that there are, or that lie in the data root.

    Raises:
        SettingsError: a name is unknown (names the nearest).
    """
    if config.data_sets:
        return [name for name in config.data_sets if data_set(name)]
    there = [name for name in data_set_names() if origin_of(config, name) != "given"]
    return [name for name in data_set_names() if name in there or has_labels(config.corpora_dir, name)]


def archives_of(config: Config, name: str) -> tuple[str, ...]:
    """Data sets of the manifest that bring the files of a data set."""
    module = data_set(name)
    other = getattr(module, "SERVED_FROM", None)
    return (other,) if other and config.scenes_2018 == "from_2019" else module.ARCHIVES


def origin_of(config: Config, name: str) -> Origin:
    """Where a data set comes from at this scale.

    At `full`, one whose label tables lie in the data root without a receipt of ours is the user's own copy: it is
    taken as it is, and nothing of it is downloaded.
    """
    if config.scale != "full":
        return "synthesised" if config.scale == "miniature" else "given"
    ours = any((config.archives_dir / archive).is_dir() for archive in archives_of(config, name))
    return "downloaded" if ours or not has_labels(config.corpora_dir, name) else "given"


def label_tables(data_root: Path, name: str) -> tuple[str, ...]:
    """The label tables of a data set, below the data root."""
    module = data_set(name)
    return module.label_tables(data_root) if hasattr(module, "label_tables") else module.LABELS


def has_labels(data_root: Path, name: str) -> bool:
    """Whether they lie in the data root."""
    return all((data_root / table).is_file() for table in label_tables(data_root, name))


def files_of(config: Config, names: Iterable[str], uses: Sequence[str] = ("needed",)) -> list[SourceFile]:
    """The files of the manifest that data sets need, each once."""
    wanted = dict.fromkeys(archive for name in names for archive in archives_of(config, name))
    return [file for file in manifest_of(config) if file.data_set in wanted and file.use in uses]


def unpacked_size(files: Iterable[SourceFile]) -> int:
    """A rough number of bytes that files take once they are unpacked."""
    return round(sum((file.bytes or 0) * (UNPACKED_FACTOR if file.is_archive else 1) for file in files))


def missing_bytes(config: Config, files: Iterable[SourceFile]) -> int:
    """Bytes that are still to be downloaded, as far as sizes are known."""
    return sum(
        max((file.bytes or 0) - _bytes_here(config, file), 0) for file in files if not _is_obtained(config, file)
    )


def _is_obtained(config: Config, file: SourceFile) -> bool:
    return receipt_path(config, file).is_file()


def _bytes_here(config: Config, file: SourceFile) -> int:
    path = archive_path(config, file)
    found = next((p for p in (path, path.with_name(f"{path.name}.part")) if p.is_file()), None)
    return found.stat().st_size if found else 0


def print_plan(config: Config, names: Sequence[str]) -> None:
    """Print files, sizes, licences and terms, and whether the disk is large enough; nothing is downloaded."""
    to_obtain = [name for name in names if origin_of(config, name) == "downloaded"]
    for name in names:
        if name not in to_obtain:
            origin = origin_of(config, name)
            absent = origin == "given" and not has_labels(config.corpora_dir, name)
            print(f"{name}: {_WORDS['absent' if absent else origin].format(root=config.corpora_dir)}")
    files = files_of(config, to_obtain)
    for archive in dict.fromkeys(file.data_set for file in files):
        served = [name for name in to_obtain if archive in archives_of(config, name)]
        _print_set(config, archive, served, [file for file in files if file.data_set == archive])
    if files:
        _print_total(config, files)
    for name in to_obtain:
        if splits := getattr(data_set(name), "ONLY_ON_YOUTUBE", ()):
            print(
                f"{name}: the audio of {', '.join(splits)} lies in no official archive, only on YouTube; it is never "
                "downloaded by itself. See `python -m sedrepro clips --help`; clips that are missing are counted."
            )


_WORDS = {
    "synthesised": "synthesised at this scale, nothing to download",
    "given": "taken as it lies in {root}, nothing to download",
    "absent": "not in {root}, and at this scale nothing is downloaded",
}


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
    rest = [file for file in files if not _is_obtained(config, file)]
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
    disks: dict[int, tuple[list[Path], int]] = {}
    for folder, need in ((config.archives_dir, archives), (config.corpora_dir, unpacked_size(files))):
        folders, total = disks.get(disk := _existing(folder).stat().st_dev, ([], 0))
        disks[disk] = ([*folders, folder], total + need)
    return [entry for entry in disks.values() if entry[1]]


def free_space(folder: Path) -> int:
    """Free bytes where a folder lies or will lie."""
    return shutil.disk_usage(_existing(folder)).free


def _existing(folder: Path) -> Path:
    folder = folder.absolute()
    return next(place for place in (folder, *folder.parents) if place.is_dir())
