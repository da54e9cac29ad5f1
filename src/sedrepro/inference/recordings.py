"""Recordings of any kind, one after the other: one that cannot be read keeps none of the others back."""

import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sedrepro.audio.reading import AudioError, opened, resampled
from sedrepro.base.errors import DataError, SedreproError, SettingsError
from sedrepro.base.words import counted


@dataclass(frozen=True)
class Recording:
    """A recording as a network hears it: samples (sample,) at `rate` Hz, the mean over the channels."""

    path: Path
    samples: np.ndarray
    rate: int
    sample_rate: int
    """Of the file, Hz."""
    channels: int

    @property
    def seconds(self) -> float:
        """Its length."""
        return len(self.samples) / self.rate


def open_recording(path: Path, rate: int) -> Recording:
    """A recording at `rate` Hz; its samples lie in a temporary file: an hour takes no more memory than a minute.

    Raises:
        AudioError: it cannot be read, or nothing of it is left at that rate.
        DataError: the temporary file cannot be written.
    """
    with opened(path) as sound:
        samples = _on_disk(resampled(sound.blocks, sound.rate, rate))
    if not len(samples):
        raise AudioError(path, f"is too short for {rate} Hz", "empty")
    return Recording(path, samples, rate, sound.rate, sound.channels)


def _on_disk(blocks: Iterable[np.ndarray]) -> np.ndarray:
    """Blocks (sample,), float32, one behind the other in a file that goes when the array does."""
    try:
        with tempfile.TemporaryFile() as file:
            for block in blocks:
                file.write(block.tobytes())
            file.flush()
            count = file.tell() // np.dtype(np.float32).itemsize
            return np.asarray(np.memmap(file, np.float32, "r", shape=(count,))) if count else np.empty(0, np.float32)
    except OSError as error:
        raise DataError(
            f"{tempfile.gettempdir()}: cannot be written ({error.strerror or error}); free space, or set TMPDIR"
        ) from error


def each_recording(
    paths: Sequence[Path], output: Path, work: Callable[[Path, Path], int], done: str, log: Callable[[str], None]
) -> None:
    """Let `work` make `output/<name of the recording>` of every recording; it returns the number of events.

    Whatever `work` raises about one recording is said, and the next one is done; so is a recording of a name that an
    earlier one has, whose folder it would replace. The problem of a single recording is the error, and not said before.

    Raises:
        DataError: after all others are `done`, some recordings could not be (counts them), or the only one could not.
        SettingsError: the settings are wrong, for every recording.
    """
    failed: list[str] = []
    folders: dict[str, Path] = {}
    for path in paths:
        target = output / path.stem
        try:
            if path.stem in folders:
                raise DataError(
                    f"{path}: has the name of {folders[path.stem]}, and would get the same folder; rename one of them"
                )
            folders[path.stem] = path
            count = work(path, target)
            log(f"{path}: {counted(count, 'event')} in {target}")
        except SettingsError:
            raise
        except Exception as error:  # a fault of one file, or ours with it: the others are wanted all the same
            failed.append(str(error) if isinstance(error, SedreproError) else f"{path}: {_named(error)}")
            if len(paths) > 1:
                log(f"left out: {failed[-1]}")
    if failed and len(paths) == 1:
        raise DataError(failed[0])
    if failed:
        raise DataError(f"{len(failed)} of {len(paths)} recordings cannot be {done}, the first: {failed[0]}")


def _named(error: Exception) -> str:
    return f"{type(error).__name__} ({' '.join(str(error).split())})"
