"""The files in a run's folder: their names, how they are written and read; who the run is does not matter here."""

import csv
from pathlib import Path
from typing import Any

import numpy as np

from sedrepro.base.errors import DataError
from sedrepro.base.files import atomic_path, read_table

CONFIG, HISTORY, WEIGHTS = "config.json", "history.csv", "weights.safetensors"
SCORES, ENVIRONMENT = "scores.npz", "environment.json"
#: What training leaves.
RUN_FILES = (CONFIG, HISTORY, WEIGHTS, SCORES, ENVIRONMENT)
#: What a trained run says of its training clips, where another run is trained on that.
PSEUDO_LABELS = "pseudo_labels.npz"


def write_scores(folder: Path, arrays: dict[str, np.ndarray]) -> Path:
    """Write the arrays of scores.npz; returns its path."""
    return _write_arrays(folder / SCORES, arrays)


def read_scores(folder: Path) -> dict[str, np.ndarray]:
    """The arrays of scores.npz.

    Raises:
        DataError: the file is missing or damaged (names it).
    """
    return _read_arrays(folder / SCORES, "train this run again")


def write_pseudo_labels(folder: Path, arrays: dict[str, np.ndarray]) -> Path:
    """Write the arrays of pseudo_labels.npz; returns its path."""
    return _write_arrays(folder / PSEUDO_LABELS, arrays)


def read_pseudo_labels(folder: Path) -> dict[str, np.ndarray]:
    """The arrays of pseudo_labels.npz.

    Raises:
        DataError: the file is missing or damaged (names it).
    """
    return _read_arrays(folder / PSEUDO_LABELS, "write it with the verb pseudo-labels, for this run")


def write_weights(folder: Path, weights: dict[str, Any]) -> None:
    """Write tensors by name."""
    from safetensors.torch import save

    written = save({name: tensor.contiguous() for name, tensor in weights.items()})
    with atomic_path(folder / WEIGHTS) as temporary:  # written by Python, which says why a file cannot be
        temporary.write_bytes(written)


def read_weights(folder: Path) -> dict[str, Any]:
    """The weights of a trained run, tensors by name.

    Raises:
        DataError: the file is missing or damaged (names it).
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = folder / WEIGHTS
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise _unreadable(path, error) from error


def load_weights(network: Any, folder: Path) -> None:
    """Give a network the weights of a trained run.

    Raises:
        DataError: the file is missing, damaged, or of another network (names it).
    """
    weights = read_weights(folder)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise _unreadable(folder / WEIGHTS, error) from error


def write_history(folder: Path, history: list[dict[str, float]]) -> None:
    """Write a row per epoch."""
    with atomic_path(folder / HISTORY) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(history[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows({key: f"{value:.8g}" for key, value in row.items()} for row in history)


def read_history(folder: Path) -> dict[str, np.ndarray]:
    """Columns of history.csv, one value per epoch.

    Raises:
        DataError: the file is missing, or no table of numbers (names it).
    """
    path = folder / HISTORY
    rows = read_table(path, ["epoch"], delimiter=",")
    try:
        return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}
    except (IndexError, TypeError, ValueError) as error:
        raise DataError(f"{path}: holds no table of numbers ({error}); train this run again") from error


def _write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, allow_pickle=True, **arrays)
    return path


def _read_arrays(path: Path, remedy: str) -> dict[str, np.ndarray]:
    try:
        with np.load(path) as file:
            return dict(file)
    except Exception as error:
        raise _unreadable(path, error, remedy) from error


def _unreadable(path: Path, error: Exception, remedy: str = "train this run again") -> DataError:
    problem = str(error).partition("\n")[0] or type(error).__name__
    return DataError(f"{path}: cannot be read ({problem}); {remedy}")
