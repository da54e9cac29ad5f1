"""The data of one run, resident on its device and indexed there; no work per clip in the loop."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from sedrepro.audio.store import FeatureStore
from sedrepro.errors import DataError, SettingsError, did_you_mean
from sedrepro.settings import HELD_OUT, VALIDATION, Training
from sedrepro.training.seeds import RunSeeds

BLOCK = 256


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
    held_out_rows: np.ndarray
    """Rows of the held-out clips in the store."""
    mean: np.ndarray
    deviation: np.ndarray


def load_run_data(
    store: FeatureStore,
    variant: str,
    parts: tuple[np.ndarray, np.ndarray],
    training: Training,
    seeds: RunSeeds,
    device: torch.device,
) -> RunData:
    """The clips of a run, standardised per mel bin with the statistics of those that train or select, on `device`.

    `parts` says which clips train and which are held out, bool (clip,) each. Selection clips are, as
    `training.select_on` says, a share of the clips that train, or (all of those train then) the held-out clips or
    one of their splits.

    Raises:
        DataError: nothing is left for training, for validation or to be held out.
        SettingsError: `training.select_on` names a split that is not held out.
    """
    candidates, held_out = map(np.flatnonzero, parts)
    if not len(held_out) or not len(candidates):
        what = "held out" if len(candidates) else "left for training"
        folds, splits = (", ".join(map(str, np.unique(each))) for each in (store.folds, store.splits))
        raise DataError(f"{store.folder}: no clip is {what}; it has clips of splits {splits}, folds {folds}")
    values, targets = store.array(variant), store.targets()
    mean, deviation = mel_statistics(values, candidates)

    def clips(rows: np.ndarray) -> Clips:
        names = tuple(store.filenames[row] for row in rows)
        features = standardised(values, rows, mean, deviation, device)
        return Clips(features, torch.from_numpy(targets[rows]).to(device), names)

    if training.select_on == VALIDATION:
        share, rng = training.validation_share, seeds.numpy("split")
        train, validation = split_validation(candidates, store.groups, share, rng)
        return RunData(clips(train), clips(validation), clips(held_out), held_out, mean, deviation)
    evaluated = clips(held_out)
    chosen = _selection(store.splits[held_out], training.select_on)
    selection = evaluated if chosen.all() else clips(held_out[chosen])
    return RunData(clips(candidates), selection, evaluated, held_out, mean, deviation)


def _selection(splits: np.ndarray, select_on: str) -> np.ndarray:
    """Which held-out clips pick the epoch, bool (clip,)."""
    if select_on == HELD_OUT:
        return np.ones(len(splits), dtype=bool)
    known = [VALIDATION, HELD_OUT, *map(str, np.unique(splits))]
    if select_on not in known:
        raise SettingsError(f"training.select_on = {select_on}: no held-out split; {did_you_mean(select_on, known)}")
    return splits == select_on


def standardised(
    values: np.ndarray, rows: np.ndarray, mean: np.ndarray, deviation: np.ndarray, device: torch.device
) -> torch.Tensor:
    """Some clips of a store, float32 on `device`; block by block, so that no second copy of them is ever in memory."""
    features = torch.empty((len(rows), *values.shape[1:]), dtype=torch.float32, device=device)
    for start in range(0, len(rows), BLOCK):
        part = values[rows[start : start + BLOCK]].astype(np.float32)
        features[start : start + len(part)] = torch.from_numpy((part - mean) / deviation)
    return features


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


def mel_statistics(values: np.ndarray, rows: np.ndarray, block: int = BLOCK) -> tuple[np.ndarray, np.ndarray]:
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
