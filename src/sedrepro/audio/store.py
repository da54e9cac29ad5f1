"""The feature store: one float16 array (clip, frame, mel) per corpus variant, an index, and the exact settings.

A store is a folder. It appears under its name only when it is whole:

    <variant>.npy   float16, C order, memory-mapped when read
    index.tsv       filename, split, fold, duration, event_labels, group: row i describes clip i of every array;
                    clips of one group share their sources and are never parted by a validation split
    store.json      front end, classes, fingerprint of the source list, counts
"""

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from sedrepro.annotations.clips import Coverage, split_labels
from sedrepro.audio.front_end import FrontEnd
from sedrepro.base.errors import DataError, MissingFileError, SettingsError, did_you_mean
from sedrepro.base.files import atomic_folder, read_json, read_table, write_json, write_table
from sedrepro.base.typed import Typed, load

INDEX_COLUMNS = ("filename", "split", "fold", "duration", "event_labels", "group")


class StoreFacts(Typed):
    """What store.json holds beside the arrays."""

    front_end: FrontEnd
    classes: tuple[str, ...]
    variants: tuple[str, ...]
    clips: int
    clips_expected: int
    expected_by_split: dict[str, int] = Field(default_factory=dict)
    """Clips that official tables list in each split; empty for a corpus that is mixed."""
    fingerprint: str
    data: dict[str, Coverage]
    """The data sets that it was made from."""


def write_store(
    folder: Path,
    facts: StoreFacts,
    index: Sequence[Sequence[Any]],
    blocks: Iterable[dict[str, np.ndarray]],
) -> None:
    """Write a store from consecutive blocks {variant: (clip, frame, mel)}; all of it or nothing.

    Raises:
        DataError: the disk is full, the number of clips differs from the index, or a feature is not finite.
    """
    shape = (facts.clips, facts.front_end.n_frames, facts.front_end.n_mels)
    for left in folder.parent.glob(f".{folder.name}.*"):  # by a job killed while it wrote this store
        shutil.rmtree(left, ignore_errors=True)
    with atomic_folder(folder) as temporary:
        written = _write_arrays(temporary, facts.variants, shape, _checked(blocks, index))
        if written != facts.clips or len(index) != facts.clips:
            raise DataError(f"{folder}: {written} clips were extracted, {facts.clips} expected; run the step again")
        write_table(temporary / "index.tsv", INDEX_COLUMNS, index)
        write_json(temporary / "store.json", facts.model_dump(mode="json"))


def _checked(
    blocks: Iterable[dict[str, np.ndarray]], index: Sequence[Sequence[Any]]
) -> Iterator[dict[str, np.ndarray]]:
    start = 0
    for block in blocks:
        for variant, values in block.items():
            wrong = ~np.isfinite(values).reshape(len(values), -1).all(axis=1)
            if wrong.any():
                clip = index[start + int(np.argmax(wrong))][0]
                raise DataError(f"{clip} ({variant}): features are not finite; check the sources of this clip")
        start += len(next(iter(block.values())))
        yield block


def _write_arrays(
    folder: Path, variants: Sequence[str], shape: tuple[int, ...], blocks: Iterable[dict[str, np.ndarray]]
) -> int:
    """Append blocks to one .npy file per variant (plain writes, so that a full disk is an error, not a crash)."""
    header = {"descr": np.lib.format.dtype_to_descr(np.dtype("<f2")), "fortran_order": False, "shape": shape}
    written = 0
    with ExitStack() as stack:
        files = {v: stack.enter_context(open(folder / f"{v}.npy", "wb")) for v in variants}
        for file in files.values():
            np.lib.format.write_array_header_1_0(file, header)
        for block in blocks:
            for variant, file in files.items():
                file.write(np.ascontiguousarray(block[variant], dtype="<f2").tobytes())
            written += len(block[variants[0]])
    return written


class FeatureStore:
    """A store opened for reading; arrays stay on disk until they are indexed.

    Raises:
        DataError: the store is missing or damaged.
        SettingsError: its front end is not `front_end` (names the first value that differs).
    """

    def __init__(self, folder: Path | str, front_end: FrontEnd | None = None) -> None:
        self.folder = Path(folder)
        if not (self.folder / "store.json").is_file():
            raise MissingFileError(self.folder / "store.json", self.folder)
        self.facts = load(StoreFacts, read_json(self.folder / "store.json"), f"{self.folder}/store.json")
        if front_end is not None:
            self._require(front_end)
        rows = read_table(self.folder / "index.tsv", INDEX_COLUMNS)
        if len(rows) != self.facts.clips:
            raise DataError(
                f"{self.folder}/index.tsv: {len(rows)} rows for {self.facts.clips} clips; "
                "delete the folder and run the features step again"
            )
        self.filenames = [row["filename"] for row in rows]
        self.splits = np.array([row["split"] for row in rows])
        self.folds = np.array([self._fold(number, row["fold"]) for number, row in enumerate(rows, start=2)])
        self.durations = np.array([self._duration(number, row["duration"]) for number, row in enumerate(rows, start=2)])
        self.groups = [row["group"] for row in rows]
        self.labels = [split_labels(row["event_labels"]) for row in rows]

    def _fold(self, row: int, text: str) -> int:
        if not text.isdecimal():
            raise DataError(
                f"{self.folder}/index.tsv: row {row}: fold '{text}' is not a number; run the features step again"
            )
        return int(text)

    def _duration(self, row: int, text: str) -> float:
        """Seconds of a clip, before it was cut or padded."""
        try:
            return float(text)
        except ValueError:
            raise DataError(
                f"{self.folder}/index.tsv: row {row}: duration '{text}' is not a number; run the features step again"
            ) from None

    def _require(self, wanted: FrontEnd) -> None:
        for name in FrontEnd.model_fields:
            have, want = getattr(self.facts.front_end, name), getattr(wanted, name)
            if have != want:
                raise SettingsError(
                    f"{self.folder}: features were extracted with {name} = {have}, the paper's settings say {want}; "
                    "run the features step again"
                )

    def array(self, variant: str) -> np.ndarray:
        """Memory-mapped float16 features (clip, frame, mel) of one corpus variant."""
        if variant not in self.facts.variants:
            raise SettingsError(f"{self.folder}: no variant '{variant}'; {did_you_mean(variant, self.facts.variants)}")
        path = self.folder / f"{variant}.npy"
        try:
            values = np.load(path, mmap_mode="r")
        except (OSError, ValueError, EOFError) as error:
            raise DataError(
                f"{path}: is damaged ({error}); delete the folder and run the features step again"
            ) from error
        expected = (self.facts.clips, self.facts.front_end.n_frames, self.facts.front_end.n_mels)
        if values.shape != expected:
            raise DataError(
                f"{path}: shape {values.shape} is not {expected}; delete the folder and run the features step again"
            )
        return values

    def targets(self) -> np.ndarray:
        """Weak labels as many-hot float32 (clip, class)."""
        column = {label: i for i, label in enumerate(self.facts.classes)}
        targets = np.zeros((self.facts.clips, len(column)), dtype=np.float32)
        for row, labels in enumerate(self.labels):
            for label in labels:
                if label not in column:
                    raise DataError(
                        f"{self.folder}/index.tsv: row {row + 2}: unknown class '{label}'; "
                        f"{did_you_mean(label, column)}"
                    )
                targets[row, column[label]] = 1
        return targets
