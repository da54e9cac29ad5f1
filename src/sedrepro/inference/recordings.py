"""Recordings of any kind, one after the other: one that cannot be read keeps none of the others back."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sedrepro.audio.reading import AudioError, read_mixed, resample
from sedrepro.base.errors import DataError, SettingsError


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
    """A recording at `rate` Hz.

    Raises:
        AudioError: it cannot be read, or nothing of it is left at that rate.
    """
    samples, sample_rate, channels = read_mixed(path)
    resampled = resample(samples, sample_rate, rate)
    if not len(resampled):
        raise AudioError(path, f"is too short for {rate} Hz")
    return Recording(path, resampled, rate, sample_rate, channels)


def each_recording(
    paths: Sequence[Path], output: Path, work: Callable[[Path, Path], int], done: str, log: Callable[[str], None]
) -> None:
    """Let `work` make `output/<name of the recording>` of every recording; it returns the number of events.

    Raises:
        DataError: a folder cannot be written, or, after all others are `done`, some recordings could not be read
            (counts them).
        SettingsError: two recordings have one name.
    """
    _require_different_names(paths)
    failed = []
    for path in paths:
        try:
            target = output / path.stem
            count = work(path, target)
            log(f"{path}: {count} {'event' if count == 1 else 'events'} in {target}")
        except AudioError as error:
            failed.append(str(error))
            log(f"left out: {error}")
    if failed:
        raise DataError(f"{len(failed)} of {len(paths)} recordings cannot be {done}, the first: {failed[0]}")


def _require_different_names(paths: Sequence[Path]) -> None:
    name, count = Counter(path.stem for path in paths).most_common(1)[0]
    if count > 1:
        raise SettingsError(f"{count} recordings are named '{name}', after which their folder is named; rename them")
