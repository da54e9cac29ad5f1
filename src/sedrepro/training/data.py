"""The data of one run, resident on its device and indexed there; no work per clip in the loop."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from sedrepro.audio.store import FeatureStore
from sedrepro.errors import DataError
from sedrepro.training.seeds import RunSeeds


@dataclass(frozen=True)
class Clips:
    """Some clips: standardised features (clip, frame, mel) and weak labels (clip, class), float32, on a device."""

    features: torch.Tensor
    targets: torch.Tensor
    filenames: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.filenames)


@dataclass(frozen=True)
class RunData:
    """Training, validation and held-out clips of one run, and the standardisation that all of them underwent."""

    train: Clips
    validation: Clips
    held_out: Clips
    mean: np.ndarray
    deviation: np.ndarray


def load_run_data(
    store: FeatureStore, variant: str, fold: int, validation_share: float, seeds: RunSeeds, device: torch.device
) -> RunData:
    """Split the store by fold, standardise per mel bin with the training folds' statistics, move all to `device`.

    With a share of 0 nothing is kept back for validation: all clips of the training folds train, and the held-out
    clips stand for the validation clips, as in the code released with the remix papers.

    Raises:
        DataError: the fold is empty, or nothing is left for training or validation.
    """
    held_out = np.flatnonzero(store.folds == fold)
    others = np.flatnonzero(store.folds != fold)
    if not len(held_out):
        raise DataError(
            f"{store.folder}: fold {fold} is empty; folds with clips: {', '.join(map(str, np.unique(store.folds)))}"
        )
    if not len(others):
        raise DataError(f"{store.folder}: no clip is left for training outside fold {fold}")
    train, validation = others, held_out
    if validation_share:
        train, validation = split_validation(others, store.groups, validation_share, seeds.numpy("split"))
    values, targets = store.array(variant), store.targets()
    mean, deviation = mel_statistics(values, others)

    def clips(rows: np.ndarray) -> Clips:
        features = torch.from_numpy((values[rows].astype(np.float32) - mean) / deviation).to(device)
        names = tuple(store.filenames[row] for row in rows)
        return Clips(features, torch.from_numpy(targets[rows]).to(device), names)

    evaluated = clips(held_out)
    return RunData(clips(train), clips(validation) if validation_share else evaluated, evaluated, mean, deviation)


def split_validation(
    rows: np.ndarray, groups: Sequence[str], share: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Part `rows` into training and validation; clips of one group stay together.

    Raises:
        DataError: there are fewer than two groups.
    """
    names = sorted({groups[row] for row in rows})
    if len(names) < 2:
        raise DataError(f"cannot part {len(rows)} clips of {len(names)} group(s) into training and validation")
    count = min(max(1, round(share * len(names))), len(names) - 1)
    chosen = {names[i] for i in rng.permutation(len(names))[:count]}
    kept = np.array([groups[row] in chosen for row in rows])
    return rows[~kept], rows[kept]


def mel_statistics(values: np.ndarray, rows: np.ndarray, block: int = 256) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (mel,) over clips and frames, float32, summed in double precision."""
    count, total, squares = 0, 0.0, 0.0
    for start in range(0, len(rows), block):
        part = values[rows[start : start + block]].astype(np.float64)
        count += part.shape[0] * part.shape[1]
        total = total + part.sum(axis=(0, 1))
        squares = squares + np.square(part).sum(axis=(0, 1))
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
    return mean.astype(np.float32), np.maximum(deviation, 1e-6).astype(np.float32)
