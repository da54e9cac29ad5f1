"""Clips that lie in no official archive, from the sources that the user names, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sedrepro.annotations.clips import Clip
from sedrepro.base.errors import DataError, SettingsError, did_you_mean
from sedrepro.base.files import write_json
from sedrepro.data_sets import data_set, trait
from sedrepro.experiments.configuration import Config
from sedrepro.obtaining.mirrored_clips import MINIMUM_RATE, TakenReport, take_clips
from sedrepro.obtaining.obtain import fetch_packed, manifest_of
from sedrepro.obtaining.plan import archive_of
from sedrepro.obtaining.youtube import PAUSE_SECONDS, TERMS, fetch_clips

YOUTUBE = "youtube"


@dataclass(frozen=True)
class Wishes:
    """What the user asks for beside data set and sources."""

    splits: tuple[str, ...] = ()
    """Empty: those that lie in no archive."""
    accept_terms: bool = False
    retry_failed: bool = False
    cookies: Path | None = None
    pause_seconds: float = PAUSE_SECONDS
    minimum_rate: int = MINIMUM_RATE


def taken_stamp(config: Config, name: str) -> Path:
    """A file that changes whenever clips were taken, so that the data set is surveyed again."""
    return config.receipts_dir / "single_clips" / f"{archive_of(config, name)}.json"


def take_single_clips(config: Config, name: str, sources: Sequence[str], wishes: Wishes) -> None:
    """Take the missing clips of a data set's splits from a folder, an archive, a mirror of the manifest, or YouTube.

    Raises:
        SettingsError: a source or split is unknown, or YouTube's terms are not accepted.
        DataError, SedreproError: a source fails, and the same call goes on from there; or, once all is taken, some
            files could not be used (counts them).
    """
    if config.scale == "miniature":
        raise SettingsError("scale 'miniature' has synthesised clips, all of them; add --scale full")
    clips, archive = _clips_of(config, name, wishes.splits), archive_of(config, name)
    mirrors = [file.file for file in manifest_of(config) if file.data_set == archive and file.use == "mirror"]
    if not sources:
        raise SettingsError(f"no source is named; name a folder, an archive, or {YOUTUBE}")
    for source in sources:
        _check_source(source, mirrors, wishes)
    before = _missing(clips, config.corpora_dir)
    if before:  # noted first: after a kill the data set must be surveyed again too
        write_json(taken_stamp(config, name), {"clips": len(clips), "missing": before})
    failed = 0
    try:
        for source in sources:
            report = _take(config, name, source, clips, wishes)
            failed += report.failed if isinstance(report, TakenReport) else 0
            print(f"{source}: {report}", flush=True)
    finally:
        missing = _missing(clips, config.corpora_dir)
        if missing < before:
            write_json(taken_stamp(config, name), {"clips": len(clips), "missing": missing})
        print(f"{name}: {missing} of {len(clips)} clips are missing")
    if failed:
        raise DataError(f"{name}: {failed} files of clips cannot be used, for the reasons above; all others were taken")


def _clips_of(config: Config, name: str, splits: Sequence[str]) -> list[Clip]:
    """The clips of the splits.

    Raises:
        SettingsError: a split is unknown, or every clip lies in an archive.
    """
    module = data_set(name)
    splits = splits or trait(name, "ONLY_ON_YOUTUBE")
    if not splits:
        raise SettingsError(
            f"{name}: all its clips are in archives; name the splits ({', '.join(module.SPLITS)}) to get them anyway"
        )
    for split in splits:
        if split not in module.SPLITS:
            raise SettingsError(f"{name} has no split '{split}'; {did_you_mean(split, module.SPLITS)}")
    return [clip for clip in module.clips(config.corpora_dir) if clip.split in splits]


def _check_source(source: str, mirrors: Sequence[str], wishes: Wishes) -> None:
    if source == YOUTUBE and not wishes.accept_terms:
        raise SettingsError(f"{TERMS} To continue, add --accept-terms")
    if source != YOUTUBE and source not in mirrors and not Path(source).expanduser().exists():
        known = ", ".join((YOUTUBE, *mirrors))
        raise SettingsError(f"source '{source}' is not a folder or archive, and none of: {known}")


def _take(config: Config, name: str, source: str, clips: Sequence[Clip], wishes: Wishes) -> object:
    """What came of one source, as a report to print."""
    if source == YOUTUBE:
        journal = taken_stamp(config, name).with_suffix(".youtube.tsv")
        return fetch_clips(
            clips,
            config.corpora_dir,
            journal,
            pause_seconds=wishes.pause_seconds,
            retry_failed=wishes.retry_failed,
            cookies=wishes.cookies,
        )
    path = Path(source).expanduser()
    path = path if path.exists() else fetch_packed(config, archive_of(config, name), source)
    return take_clips(path, clips, config.corpora_dir, wishes.minimum_rate)


def _missing(clips: Sequence[Clip], data_root: Path) -> int:
    return sum(not (data_root / clip.filename).is_file() for clip in clips)
