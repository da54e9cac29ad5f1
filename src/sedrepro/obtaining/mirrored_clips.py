"""Clips out of another copy: a public mirror packed as tar or zip, or the folders of an older download."""

import contextlib
import io
import lzma
import re
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath

import numpy as np
from tqdm import tqdm

from sedrepro.annotations.clips import Clip, Segment, segment_of, too_long
from sedrepro.audio.containers import look_into
from sedrepro.audio.reading import AudioError, opened
from sedrepro.audio.writing import write_sixteen_bit
from sedrepro.base.errors import DataError
from sedrepro.base.files import atomic_path, shown_name

# m4a, aac and webm are what other downloaders leave; libsndfile reads none of them, and the report says so.
AUDIO_SUFFIXES = {".wav", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".aac", ".webm"}
VIDEO_ID = re.compile(r"Y?([A-Za-z0-9_-]{11})")
# Public copies at 16 kHz are of no use to papers that work at 22 to 44.1 kHz.
MINIMUM_RATE = 32000
NAMES_KEPT = 20
UNPACK = "unpack it and give the folder"


@dataclass
class Tally:
    """A count, and the first names of those counted."""

    count: int = 0
    first: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)

    def add(self, name: str, reason: str = "") -> None:
        """Count one more."""
        self.count += 1
        if len(self.first) < NAMES_KEPT:
            self.first.append(name)
            self.reasons.append(reason)

    def __str__(self) -> str:
        named = zip(map(shown_name, self.first), self.reasons, strict=True)
        names = ", ".join(f"{name}: {reason}" if reason else name for name, reason in named)
        return f"{self.count} files ({names}{', ...' if self.count > len(self.first) else ''})"


@dataclass
class TakenReport:
    """Files of the source and clips of the data set, counted by what became of them."""

    taken: int = 0
    already_there: int = 0
    """Clips that were there before."""
    unmatched: Tally = field(default_factory=Tally)
    """Audio files that are no clip of the data set."""
    undecodable: Tally = field(default_factory=Tally)
    too_long: Tally = field(default_factory=Tally)
    """More than the segment that they should be, so probably the whole video."""
    too_low_rate: Tally = field(default_factory=Tally)
    still_missing: list[str] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """Files of clips that are damaged, of a format that is not read here, or too long."""
        return self.undecodable.count + self.too_long.count

    def __str__(self) -> str:
        lines = [
            f"{self.already_there} clips were there, {self.taken} taken, {len(self.still_missing)} are still missing"
        ]
        tallies = {
            "sample rate too low": self.too_low_rate,
            "cannot be decoded": self.undecodable,
            "longer than their segment": self.too_long,
            "no clip of the data set": self.unmatched,
        }
        for title, tally in tallies.items():
            if tally.count:
                lines.append(f"  {title}: {tally}")
        return "\n".join(lines)


@dataclass(frozen=True)
class AudioFile:
    """An audio file of the source; its content is read only when it is wanted."""

    name: str
    read: Callable[[], bytes]


class TooLowRateError(Exception):
    """The sample rate is below the least one."""


class TooLongError(Exception):
    """The audio is longer than its segment."""


def take_clips(source: Path, clips: Sequence[Clip], data_root: Path, minimum_rate: int = MINIMUM_RATE) -> TakenReport:
    """Take the clips that are missing below `data_root` from a folder, a zip or a tar archive.

    Files are known by their names: a clip's own, one of the same segment (the Y and decimals do not matter), or the
    YouTube id alone where one segment of that video is listed. WAV files are copied, others decoded and written as
    mono 16-bit WAV at their own rate. Audio below `minimum_rate` Hz is refused; 0 takes all.

    Raises:
        DataError: the source is missing, no archive, cut off or encrypted, or a clip cannot be written.
    """
    wanted = _Wanted(clips)
    report = TakenReport(already_there=len(wanted.filenames) - len(wanted.missing(data_root)))
    for file in tqdm(_audio_files(source), desc=f"clips of {source.name}", unit="file", disable=None):
        filenames = wanted.find(PurePosixPath(file.name).stem)
        if not filenames:
            report.unmatched.add(file.name)
        targets = [data_root / name for name in filenames if not (data_root / name).is_file()]
        if targets:
            _take(file, targets, minimum_rate, report)
    report.still_missing = wanted.missing(data_root)
    return report


class _Wanted:
    """The clips of a data set by the names that their files may have elsewhere."""

    def __init__(self, clips: Sequence[Clip]) -> None:
        self.filenames = list(dict.fromkeys(clip.filename for clip in clips))
        self.by_stem: dict[str, list[str]] = {}
        self.by_segment: dict[Segment, list[str]] = {}
        self.segments: dict[str, set[Segment]] = {}
        for filename in self.filenames:
            try:
                segment = segment_of(filename)
            except DataError:
                self.by_stem.setdefault(PurePosixPath(filename).stem, []).append(filename)
            else:
                self.by_segment.setdefault(segment, []).append(filename)
                self.segments.setdefault(segment.video_id, set()).add(segment)

    def find(self, stem: str) -> list[str]:
        """Filenames of the clips that a file with this stem holds."""
        try:
            return self.by_segment.get(segment_of(f"{stem}.wav"), [])
        except DataError:
            pass
        # A name like `12` may stand for different clips in different folders; then none is taken.
        if stem in self.by_stem:
            return self.by_stem[stem] if len(self.by_stem[stem]) == 1 else []
        match = VIDEO_ID.fullmatch(stem)
        segments = self.segments.get(match[1], set()) if match else set()
        return self.by_segment[next(iter(segments))] if len(segments) == 1 else []

    def missing(self, data_root: Path) -> list[str]:
        """Filenames of the clips that are not there."""
        return [name for name in self.filenames if not (data_root / name).is_file()]


def _take(file: AudioFile, targets: Sequence[Path], minimum_rate: int, report: TakenReport) -> None:
    """Write one file's audio to the targets, or count why not."""
    try:
        content = file.read()
        samples, rate = _decode(file.name, content, minimum_rate)
        if reason := too_long(targets[0].name, len(samples) / rate):
            raise TooLongError(reason)
        for target in targets:
            if look_into(io.BytesIO(content)).kind == "WAV":
                with atomic_path(target) as temporary:
                    temporary.write_bytes(content)
            else:
                write_sixteen_bit(target, samples, rate)
            report.taken += 1
    except TooLowRateError:
        report.too_low_rate.add(file.name)
    except TooLongError as error:
        report.too_long.add(file.name, str(error))
    except AudioError as error:
        report.undecodable.add(file.name, error.reason)


def _decode(name: str, content: bytes, minimum_rate: int) -> tuple[np.ndarray, int]:
    """Samples (sample,), mean over the channels, and sample rate in Hz."""
    with opened(name, io.BytesIO(content)) as sound:
        if sound.rate < minimum_rate:
            raise TooLowRateError
        return np.concatenate(list(sound.blocks)), sound.rate


def _audio_files(source: Path) -> Iterator[AudioFile]:
    """The audio files of a folder or archive."""
    if source.is_dir():
        files = _of_folder(source)
    elif not source.is_file():
        raise DataError(f"{source}: no such folder or archive")
    else:
        files = _of_tar(source) if tarfile.is_tarfile(source) else _of_zip(source)
    for file in files:
        path = PurePosixPath(file.name)
        # Hidden ones are macOS's notes beside a file (`._name.wav`) and what a killed job left.
        if path.suffix.lower() in AUDIO_SUFFIXES and not path.name.startswith("."):
            yield file


def _of_folder(source: Path) -> Iterator[AudioFile]:
    # Listed before anything is written: the data root may lie in the source.
    for path in sorted(source.rglob("*")):
        if path.is_file():
            yield AudioFile(path.relative_to(source).as_posix(), partial(_read_file, path))


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise AudioError(path, f"cannot be read ({error.strerror})") from error


def _of_zip(source: Path) -> Iterator[AudioFile]:
    try:
        archive = zipfile.ZipFile(source)
    except zipfile.BadZipFile as error:
        raise DataError(f"{source}: is no whole tar or zip archive ({error}); {UNPACK}") from error
    with archive:
        for member in archive.infolist():
            if not member.filename.endswith(("/", "\\")):
                # Old tools of Windows part folders by backslashes.
                name = member.filename.replace("\\", "/")
                yield AudioFile(name, partial(_read_zipped, source, archive, member))


def _read_zipped(source: Path, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    try:
        return archive.read(member)
    except (RuntimeError, NotImplementedError) as error:  # encrypted, or compressed in an unusual way
        raise DataError(f"{source}: {error}; {UNPACK}") from error
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError) as error:
        raise AudioError(member.filename, f"corrupt ({error})") from error


def _of_tar(source: Path) -> Iterator[AudioFile]:
    # Read once from front to end: a mirror has many gigabytes, and a compressed one cannot be sought in.
    with _whole(source), tarfile.open(source, "r|*") as archive:
        for member in archive:
            if member.isreg():
                yield AudioFile(member.name, partial(_read_tarred, source, archive, member))


def _read_tarred(source: Path, archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    with _whole(source):
        content = archive.extractfile(member)
        if content is None:
            raise tarfile.ReadError(f"{member.name} is no file")
        return content.read()


@contextlib.contextmanager
def _whole(source: Path) -> Iterator[None]:
    try:
        yield
    except (tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, OSError) as error:
        raise DataError(
            f"{source}: the archive is cut off or corrupt ({error}); get it again (clips before the fault were taken)"
        ) from error
