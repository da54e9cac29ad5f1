"""Writing recordings."""

from pathlib import Path

import numpy as np
import soundfile

from sedrepro.errors import DataError


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
