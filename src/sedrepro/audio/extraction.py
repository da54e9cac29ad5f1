"""Features of clips that lie in files."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch

from sedrepro.audio.front_end import FrontEnd
from sedrepro.audio.logmel import log_mel_on, one_torch_thread
from sedrepro.audio.reading import read_mono, resample
from sedrepro.base.parallel import ordered_map


def file_features(path: Path, front_end: FrontEnd, device: str = "cpu") -> np.ndarray:
    """Log-mel features (frame, mel), float32, of one clip: any rate and channels, cut or padded to length.

    Raises:
        AudioError: the file cannot be used (names it).
    """
    return clip_features(resample(*read_mono(path), front_end.sample_rate), front_end, device)


def clip_features(samples: np.ndarray, front_end: FrontEnd, device: str = "cpu") -> np.ndarray:
    """Log-mel features (frame, mel), float32, of samples (sample,) at the front end's rate, cut or padded to length.

    With padding by `zero_features` the frames are those of the samples alone (one window's worth at least), and what
    is missing at the end are zeros: 0 dB, as loud as a mel band of 1.
    """
    samples = samples[: front_end.samples]
    wanted = front_end.samples if front_end.padding == "silence" else front_end.n_fft
    samples = np.pad(samples, (0, max(0, wanted - len(samples))))
    features = log_mel_on(front_end, device)(torch.from_numpy(samples)).cpu().numpy()
    return np.pad(features, ((0, front_end.n_frames - len(features)), (0, 0)))


def features_of_files(
    paths: Sequence[Path], front_end: FrontEnd, threads: int, device: str = "cpu"
) -> Iterator[np.ndarray]:
    """`file_features` of many files, in order, on several cores."""
    return ordered_map(
        lambda path: file_features(path, front_end, device), paths, threads, "features", len(paths), one_torch_thread
    )
