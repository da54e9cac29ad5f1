"""Features of clips that lie in files."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from sedrepro.audio.front_end import FrontEnd
from sedrepro.audio.logmel import log_mel_on, one_torch_thread
from sedrepro.audio.reading import read_mono, resample
from sedrepro.parallel import ordered_map


def file_features(path: Path, front_end: FrontEnd, device: str = "cpu") -> np.ndarray:
    """Log-mel features (frame, mel), float32, of one clip: any rate and channels, cut or padded with zeros to length.

    Raises:
        AudioError: the file cannot be used (names it).
    """
    samples = resample(*read_mono(path), front_end.sample_rate)[: front_end.samples]
    samples = np.pad(samples, (0, front_end.samples - len(samples)))
    return log_mel_on(front_end, device)(torch.from_numpy(samples)).cpu().numpy()


def features_of_files(
    paths: Sequence[Path], front_end: FrontEnd, threads: int, device: str = "cpu"
) -> Iterator[np.ndarray]:
    """`file_features` of many files, in order, on several cores."""
    return ordered_map(
        lambda path: file_features(path, front_end, device), paths, threads, "features", len(paths), one_torch_thread
    )
