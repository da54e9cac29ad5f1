"""Reading recordings: any rate, any number of channels, and a clear reason where one cannot be used."""

from pathlib import Path

import numpy as np
import soundfile
import soxr

from sedrepro.base.errors import DataError


class AudioError(DataError):
    """One recording cannot be used; `reason` is a short phrase for the coverage report."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path = Path(path)
        self.reason = reason


def read_mono(path: Path | str) -> tuple[np.ndarray, int]:
    """Samples (float32, mean over the channels) and sample rate in Hz of one recording.

    Raises:
        AudioError: as `read_mixed`.
    """
    samples, rate, _ = read_mixed(path)
    return samples, rate


def read_mixed(path: Path | str) -> tuple[np.ndarray, int, int]:
    """Samples (float32, mean over the channels), sample rate in Hz, and number of channels of one recording.

    Raises:
        AudioError: the file is missing, corrupt, shorter than its header says, empty, or holds NaN or infinity.
    """
    try:
        with soundfile.SoundFile(path) as file:
            announced, rate = file.frames, file.samplerate
            sixteen = file.subtype == "PCM_16"  # libsndfile's own conversion to float takes several times longer
            samples = file.read(dtype="int16" if sixteen else "float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError, OSError) as error:
        if not Path(path).is_file():
            raise AudioError(path, "missing") from error
        raise AudioError(path, f"corrupt ({_reason(error)})") from error
    if len(samples) < announced or _is_truncated_wav(path):
        raise AudioError(path, "corrupt (shorter than its header says)")
    if not len(samples):
        raise AudioError(path, "empty")
    mono = _mean_of_channels(samples)
    if sixteen:
        mono *= np.float32(2**-15)
    if not np.isfinite(mono).all():
        raise AudioError(path, "holds NaN or infinite samples")
    return mono, rate, samples.shape[1]


def _mean_of_channels(samples: np.ndarray) -> np.ndarray:
    """(sample, channel) -> (sample,), float32; channel by channel, which is far faster than a mean over short rows."""
    mono = samples[:, 0].astype(np.float32)
    for channel in samples.T[1:]:
        mono += channel
    return mono if samples.shape[1] == 1 else mono / np.float32(samples.shape[1])


def resample(samples: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """Samples at `wanted` Hz (soxr, high quality; the resampler that librosa calls by default)."""
    return samples if rate == wanted else soxr.resample(samples, rate, wanted, quality="HQ")


def root_mean_square(samples: np.ndarray) -> float:
    """Root of the mean squared sample, summed in double precision."""
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if len(samples) else 0.0


def fit_length(samples: np.ndarray, length: int) -> np.ndarray:
    """The first `length` samples; a shorter recording is repeated until it fills them."""
    return samples[:length] if len(samples) >= length else np.resize(samples, length)


def _reason(error: Exception) -> str:
    return str(getattr(error, "error_string", error)).strip().rstrip(".")


def _is_truncated_wav(path: Path | str) -> bool:
    """Whether a RIFF file ends before the end of its data chunk (libsndfile then silently shortens it)."""
    with open(path, "rb") as file:
        if file.read(4) != b"RIFF":
            return False
        size = file.seek(0, 2)
        file.seek(12)
        while len(header := file.read(8)) == 8:
            length = int.from_bytes(header[4:], "little")
            if header[:4] == b"data":
                return length != 0xFFFFFFFF and file.tell() + length > size
            file.seek(length + length % 2, 1)
    return True
