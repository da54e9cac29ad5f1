"""Reading recordings: any rate, any number of channels, and a clear reason where one cannot be used.

This is the one place where recordings are decoded. They are read once, from start to end, block by block: whatever the
header says of their length, and whatever their codec can seek, what is there is read. A recording counts as cut off, in
any container, if its header announces more than is there; a length that says "unknown" announces nothing.
"""

import contextlib
import io
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soundfile
import soxr

from sedrepro.audio.containers import CUT, LONGEST_FRAME, LOST_FRAMES, Container, foreign_format, look_into
from sedrepro.base.errors import DataError

#: Samples of all channels in one block; 4 MiB as float32.
BLOCK = 2**20
#: The block that is asked for once one was not filled: libsndfile clears what it is given at the end of a recording.
LAST_BLOCK = 2**12
#: Hz; a sample rate beyond these is a damaged header, and resampling it would take hours.
SAMPLE_RATES = (1000, 1_000_000)
CONVERT = "convert it to WAV or FLAC, with FFmpeg for example, or obtain it again"
#: What libsndfile announces where the header says nothing is about 2**63.
UNKNOWN_FRAMES = 2**62
#: libsndfile's error numbers for formats and encodings that it does not have.
UNSUPPORTED = (1, 4)
#: That for a file that does not exist or is none; this one is there.
NO_FILE = 7


class AudioError(DataError):
    """One recording cannot be used.

    `reason` is a short phrase for the coverage report, and `problem` one of "missing", "corrupt", "not readable",
    "empty" and "not finite".
    """

    def __init__(self, path: Path | str, reason: str, problem: str = "corrupt") -> None:
        super().__init__(f"{path}: {reason}")
        self.path = Path(path)
        self.reason = reason
        self.problem = problem


@dataclass(frozen=True)
class Sound:
    """A recording that is read once: sample rate in Hz, number of channels, and its samples in blocks.

    Each block is float32 (sample,), the mean over the channels. At the end of the blocks an AudioError is raised if the
    recording turned out to be shorter than announced, empty, or not finite.
    """

    rate: int
    channels: int
    blocks: Iterator[np.ndarray]


def read_mono(path: Path | str) -> tuple[np.ndarray, int]:
    """Samples (float32, mean over the channels) and sample rate in Hz of one recording.

    Raises:
        AudioError: as `read_mixed`.
    """
    samples, rate, _ = read_mixed(path)
    return samples, rate


def read_mixed(path: Path | str, file: BinaryIO | None = None) -> tuple[np.ndarray, int, int]:
    """Samples (float32, mean over the channels), sample rate in Hz, and number of channels of one recording.

    Raises:
        AudioError: as `opened`.
    """
    with opened(path, file) as sound:
        blocks = list(sound.blocks)
        return blocks[0] if len(blocks) == 1 else np.concatenate(blocks), sound.rate, sound.channels


@contextlib.contextmanager
def opened(path: Path | str, file: BinaryIO | None = None) -> Iterator[Sound]:
    """A recording to be read block by block; from `file`, where it lies in none that `path` names.

    Raises:
        AudioError: the file is missing, no recording, of a format that is not read here, corrupt, shorter than its
            header says, empty, or holds NaN or infinity; whatever the libraries raise is told as one of these.
    """
    with contextlib.ExitStack() as stack:
        try:
            if file is None:
                file = stack.enter_context(_open(path))
            container = look_into(file)
            sound = stack.enter_context(_Forward(_source(path, file, container)))
            _check_rate(path, sound.samplerate)
        except AudioError:
            raise
        except Exception as error:  # libsndfile, NumPy, the system: a bad file can make each of them raise anything
            raise _unusable(path, file, error) from error
        yield Sound(sound.samplerate, sound.channels, _blocks(path, sound, container))


class _Forward(soundfile.SoundFile):
    """A file that is never sought in, which fails in some codecs and without a length, and needs one that is right."""

    def seekable(self) -> bool:
        return False


def _open(path: Path | str) -> BinaryIO:
    try:
        kind = os.stat(path).st_mode
        if stat.S_ISDIR(kind):
            raise AudioError(path, "is a folder; name the recordings in it", "not readable")
        if not stat.S_ISREG(kind):  # a pipe would be waited for
            raise AudioError(path, "is no plain file", "not readable")
        return open(path, "rb")
    except (FileNotFoundError, NotADirectoryError) as error:
        raise AudioError(path, f"missing{_hint(Path(path))}", "missing") from error
    except OSError as error:
        raise AudioError(path, f"cannot be read ({error.strerror or error})", "not readable") from error


def _hint(path: Path) -> str:
    """Where the name differs by capitals in its ending only: cameras and Windows recorders write `.WAV`."""
    variants = (path.with_suffix(change(path.suffix)) for change in (str.upper, str.lower, str.capitalize))
    other = next((each.name for each in variants if each.name != path.name and each.is_file()), "")
    return f" (but there is '{other}'; rename it)" if other else ""


def _source(path: Path | str, file: BinaryIO, container: Container) -> BinaryIO | bytes:
    """What libsndfile opens: a name where there is one, which is the fastest, and where bytes need not be UTF-8."""
    if container.mended is not None:
        return container.mended
    return os.fsencode(path) if isinstance(file, io.BufferedReader) else file


def _check_rate(path: Path | str, rate: int) -> None:
    if not SAMPLE_RATES[0] <= rate <= SAMPLE_RATES[1]:
        raise AudioError(path, f"corrupt (a sample rate of {rate} Hz)")


def _blocks(path: Path | str, sound: soundfile.SoundFile, container: Container) -> Iterator[np.ndarray]:
    """The samples, mean over the channels, and at their end what is wrong with them."""
    sixteen = sound.subtype == "PCM_16"  # libsndfile's own conversion to float takes several times longer
    size, read = max(BLOCK // sound.channels, 1), 0
    while True:
        try:
            samples = sound.read(size, dtype="int16" if sixteen else "float32", always_2d=True)
        except Exception as error:
            raise AudioError(path, f"corrupt ({_reason(error)})") from error
        if not len(samples):
            break
        read += len(samples)
        if len(samples) < size:
            size = min(size, LAST_BLOCK)
        mono = _mean_of_channels(samples)
        if sixteen:
            mono *= np.float32(2**-15)
        if not np.isfinite(mono).all():
            raise AudioError(path, "holds NaN or infinite samples", "not finite")
        yield mono
    if damage := _damage(sound, container, read):
        raise AudioError(path, f"corrupt ({damage})")
    if not read:
        raise AudioError(path, "empty", "empty")


def _damage(sound: soundfile.SoundFile, container: Container, read: int) -> str:
    """Why a recording of which so many samples were read is not whole, or nothing."""
    announced = container.samples or sound.frames
    is_known = announced < UNKNOWN_FRAMES and (container.lengths or sound.format != "MP3")
    missing = announced - read - (LOST_FRAMES * LONGEST_FRAME if sound.format == "MP3" else 0)
    return container.damage or (CUT if is_known and missing > 0 else "")


def _mean_of_channels(samples: np.ndarray) -> np.ndarray:
    """(sample, channel) -> (sample,), float32; channel by channel, which is far faster than a mean over short rows."""
    if samples.shape[1] == 1:
        return samples[:, 0].astype(np.float32)
    mono = np.add(samples[:, 0], samples[:, 1], dtype=np.float32)
    for channel in samples.T[2:]:
        mono += channel
    mono /= np.float32(samples.shape[1])
    return mono


def resample(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """Samples at `wanted` Hz (soxr, high quality; the resampler that librosa calls by default)."""
    return samples if rate == wanted else soxr.resample(samples, rate, wanted, quality="HQ")


def resampled(blocks: Iterable[np.ndarray], rate: int, wanted: int) -> Iterator[np.ndarray]:
    """Blocks of samples at `wanted` Hz; together they are what `resample` makes of all at once, bit for bit."""
    if rate == wanted:
        yield from blocks
        return
    stream = soxr.ResampleStream(rate, wanted, 1, dtype="float32", quality="HQ")
    for block in blocks:
        yield stream.resample_chunk(block)
    yield stream.resample_chunk(np.empty(0, np.float32), last=True)


def root_mean_square(samples: np.ndarray) -> float:
    """Root of the mean squared sample, summed in double precision."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0


def fit_length(samples: np.ndarray, length: int) -> np.ndarray:
    """The first `length` samples; a shorter recording is repeated until it fills them."""
    return samples[:length] if len(samples) >= length else np.resize(samples, length)


def _unusable(path: Path | str, file: BinaryIO | None, error: Exception) -> AudioError:
    """What is wrong with a file that cannot be opened, in words that are true."""
    with contextlib.suppress(Exception):
        if file is None:
            raise error
        if not file.seek(0, io.SEEK_END):
            return AudioError(path, "empty (0 bytes)", "empty")
        name, container = foreign_format(file), look_into(file)
        if name or (not container.kind and getattr(error, "code", None) in UNSUPPORTED):
            what = name or "no audio format that is known"
            return AudioError(path, f"not readable here ({what}); {CONVERT}", "not readable")
    return AudioError(path, f"corrupt ({_reason(error)})")


def _reason(error: Exception) -> str:
    if getattr(error, "code", None) == NO_FILE:  # what libsndfile says of MPEG audio without a frame, among others
        return "nothing in it can be decoded"
    text = " ".join(str(getattr(error, "error_string", error)).split()).rstrip(".")
    return text or type(error).__name__
