"""Writing recordings."""

from pathlib import Path

import numpy as np
import soundfile

from sedrepro.base.errors import DataError
from sedrepro.base.files import atomic_path


def write_wav(path: Path, samples: np.ndarray, rate: int, subtype: str, folder: Path) -> None:
    """Write a WAV file; `folder` is where it will finally lie, which an error names.

    Raises:
        DataError: the file cannot be written (soundfile's errors are none of the system's, a full disk's included).
    """
    try:
        soundfile.write(path, samples, rate, subtype)
    except soundfile.SoundFileError as error:
        raise DataError(
            f"{folder}: {path.name} cannot be written ({error}); free space or choose another folder"
        ) from error


def write_sixteen_bit(target: Path, samples: np.ndarray, rate: int) -> None:
    """Write mono samples in [-1, 1] as a 16-bit WAV file; what was read from 16 bits comes back as it was.

    Raises:
        DataError: the file cannot be written.
    """
    # soundfile's own conversion multiplies by 32767, but reading divides by 32768.
    whole = np.clip(np.rint(samples * 32768.0), -32768, 32767).astype(np.int16)
    with atomic_path(target) as temporary:
        write_wav(temporary, whole, rate, "PCM_16", target.parent)
