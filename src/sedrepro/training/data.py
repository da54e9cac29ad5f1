"""The data of one run, resident on its device and indexed there; no work per clip in the loop."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from sedrepro.annotations.clips import Event
from sedrepro.annotations.frames import FrameRule, event_frames
from sedrepro.audio.store import FeatureStore
from sedrepro.base.errors import DataError, SettingsError, did_you_mean
from sedrepro.base.parallel import ordered_map
from sedrepro.corpora.settings import Parts
from sedrepro.training.seeds import RunSeeds
from sedrepro.training.settings import HELD_OUT, VALIDATION, Training, selected_by

BLOCK = 256
#: What is known of a clip: its classes, its events, or nothing.
ROLES = ("weak", "strong", "unlabelled")
WEAK, STRONG, UNLABELLED = range(len(ROLES))


@dataclass(frozen=True)
class StoredFeatures:
    """Features (clip, frame, mel) of clips as the store has them, float16; what is taken out is standardised, float32.

    They take half the memory of standardised ones, and a batch has the very values that it would have if all had been
    standardised beforehand: a float16 number is exact in float32, where the mean is taken off and the rest divided.
    """

    values: torch.Tensor
    mean: torch.Tensor
    """(mel,), float32, on the device of the values; as `deviation`."""
    deviation: torch.Tensor

    def __getitem__(self, rows: torch.Tensor | np.ndarray | slice | int) -> torch.Tensor:
        """Standardised features of some clips, or of one."""
        return self.values[rows].to(torch.float32, copy=True).sub_(self.mean).div_(self.deviation)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def shape(self) -> torch.Size:
        """(clip, frame, mel)."""
        return self.values.shape

    @property
    def nbytes(self) -> int:
        """Of memory that the values take."""
        return self.values.nbytes

    def split(self, size: int) -> Iterator[torch.Tensor]:
        """Standardised features of so many clips after each other."""
        return (self[start : start + size] for start in range(0, len(self), size))

    def to(self, device: torch.device) -> "StoredFeatures":
        """The same on a device."""
        return StoredFeatures(*(each.to(device) for each in (self.values, self.mean, self.deviation)))


@dataclass(frozen=True)
class Clips:
    """Some clips on a device: standardised features (clip, frame, mel) and weak labels (clip, class), float32."""

    features: torch.Tensor | StoredFeatures
    targets: torch.Tensor
    filenames: tuple[str, ...]
    roles: np.ndarray = field(default_factory=lambda: np.empty(0, dtype=int))
    """`WEAK`, `STRONG` or `UNLABELLED` (clip,); empty where all are weakly labelled."""
    frame_targets: torch.Tensor | None = None
    """Strong labels (clip, frame, class), uint8, at the frames of the features; zeros for clips without."""

    @property
    def known_frame_targets(self) -> torch.Tensor:
        """Strong labels (clip, frame, class).

        Raises:
            ValueError: no clip has any.
        """
        if self.frame_targets is None:
            raise ValueError("the clips have no strong labels")
        return self.frame_targets

    def __len__(self) -> int:
        return len(self.filenames)

    @property
    def nbytes(self) -> int:
        """Of memory that the tensors take."""
        return sum(each.nbytes for each in (self.features, self.targets, self.frame_targets) if each is not None)

    def rows(self, role: int) -> np.ndarray:
        """Rows of the clips of which so much is known."""
        return np.flatnonzero(self.roles == role)

    def to(self, device: torch.device) -> "Clips":
        """The same on a device."""
        frames = None if self.frame_targets is None else self.frame_targets.to(device)
        return replace(self, features=self.features.to(device), targets=self.targets.to(device), frame_targets=frames)


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

    @property
    def resident_bytes(self) -> int:
        """What the clips hold on their device; those that both select and are held out count once."""
        held = {id(clips): clips for clips in (self.train, self.validation, self.held_out)}
        return sum(clips.nbytes for clips in held.values())

    def to(self, device: torch.device) -> "RunData":
        """The same on a device; clips that both select and are held out are there once."""
        held_out = self.held_out.to(device)
        validation = held_out if self.validation is self.held_out else self.validation.to(device)
        return replace(self, train=self.train.to(device), validation=validation, held_out=held_out)


def load_run_data(
    store: FeatureStore,
    variant: str,
    parts: Parts,
    training: Training,
    seeds: RunSeeds,
    strong: Mapping[str, Sequence[Event]] | None = None,
    threads: int = 1,
) -> RunData:
    """The clips of a run in memory, standardised per mel bin with the statistics of those that train or select.

    `strong` has the events of strongly labelled clips by filename, for training methods that use them. Selection clips
    are, as `training.select_on` says, a share of the weakly and of the strongly labelled clips that train, or (all of
    those train then) the held-out clips or one of their splits.

    Raises:
        DataError: nothing is left for training, for validation or to be held out, or a label is unknown.
        SettingsError: `training.select_on` names a split that is not held out.
    """
    candidates, held_out = np.flatnonzero(parts.training), np.flatnonzero(parts.held_out)
    if not len(held_out) or not len(candidates):
        what = "held out" if len(candidates) else "left for training"
        folds, splits = (", ".join(map(str, np.unique(each))) for each in (store.folds, store.splits))
        raise DataError(f"{store.folder}: no clip is {what}; it has clips of splits {splits}, folds {folds}")
    values = store.array(variant)
    mean, deviation = mel_statistics(values, candidates, threads=threads)
    last = getattr(training.method, "label_pooling", None) == "last"
    rule: FrameRule = "rounded_down" if last else "touched"
    reader = _Reader(store, values, store.targets(), parts, strong, rule, mean, deviation, threads)
    if training.select_on == VALIDATION:
        train, validation = _with_validation(store, parts, training.validation_share, seeds)
        return RunData(reader(train), reader(validation), reader(held_out), held_out, mean, deviation)
    evaluated = reader(held_out)
    chosen = _selection(store.splits[held_out], training.select_on)
    selection = evaluated if chosen.all() else reader(held_out[chosen])
    return RunData(reader(candidates), selection, evaluated, held_out, mean, deviation)


@dataclass(frozen=True)
class _Reader:
    """Reads rows of a store as `Clips`."""

    store: FeatureStore
    values: np.ndarray
    targets: np.ndarray
    parts: Parts
    strong: Mapping[str, Sequence[Event]] | None
    rule: FrameRule
    """How strong labels become frames; rounded down and pooled as "last" they are the released ones."""
    mean: np.ndarray
    deviation: np.ndarray
    threads: int

    def __call__(self, rows: np.ndarray) -> Clips:
        names = tuple(self.store.filenames[row] for row in rows)
        roles = np.select([self.parts.strong[rows], self.parts.unlabelled[rows]], [STRONG, UNLABELLED], WEAK)
        return Clips(
            features=stored_features(self.values, rows, self.mean, self.deviation, self.threads),
            targets=torch.from_numpy(self.targets[rows]),
            filenames=names,
            roles=roles,
            frame_targets=None if self.strong is None else self._frame_targets(names, self.strong),
        )

    def _frame_targets(self, names: Sequence[str], strong: Mapping[str, Sequence[Event]]) -> torch.Tensor:
        front_end, classes = self.store.facts.front_end, self.store.facts.classes
        events = [strong.get(name, ()) for name in names]
        targets = event_frames(events, classes, front_end.n_frames, front_end.frames_per_second, self.rule)
        return torch.from_numpy(targets.astype(np.uint8))


def _with_validation(store: FeatureStore, parts: Parts, share: float, seeds: RunSeeds) -> tuple[np.ndarray, np.ndarray]:
    """Rows that train and rows that select: a share of the weakly and one of the strongly labelled clips."""
    train, validation = [np.flatnonzero(parts.unlabelled)], []
    for number, labelled in enumerate((parts.weak, parts.strong)):
        if labelled.any():
            rng = seeds.numpy("split", number)
            kept, chosen = split_validation(np.flatnonzero(labelled), store.groups, share, rng)
            train.append(kept)
            validation.append(chosen)
    return np.sort(np.concatenate(train)), np.sort(np.concatenate(validation))


def _selection(splits: np.ndarray, select_on: str) -> np.ndarray:
    """Which held-out clips pick the epoch, bool (clip,)."""
    if select_on == HELD_OUT:
        return np.ones(len(splits), dtype=bool)
    named = {selected_by(str(split)): split for split in np.unique(splits)}
    if select_on not in named:
        hint = did_you_mean(select_on, [VALIDATION, HELD_OUT, *named])
        raise SettingsError(f"training.select_on = {select_on}: no held-out split; {hint}")
    return splits == named[select_on]


def stored_features(
    values: np.ndarray, rows: np.ndarray, mean: np.ndarray, deviation: np.ndarray, threads: int = 1
) -> StoredFeatures:
    """Some clips of a store in memory, read in threads, which are faster than one where the disk is slow."""
    found = np.empty((len(rows), *values.shape[1:]), dtype=np.float16)

    def read(start: int) -> None:
        found[start : start + BLOCK] = values[rows[start : start + BLOCK]]

    for _ in ordered_map(read, range(0, len(rows), BLOCK), threads, "Reading"):
        pass
    return StoredFeatures(*map(torch.from_numpy, (found, mean, deviation)))


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


def mel_statistics(
    values: np.ndarray, rows: np.ndarray, block: int = BLOCK, threads: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation (mel,) over clips and frames, float32, summed in double precision.

    Blocks are summed in threads and their sums in order, so that the number of threads changes no bit.
    """

    def sums(start: int) -> tuple[np.ndarray, np.ndarray]:
        part = values[rows[start : start + block]].astype(np.float64)
        return part.sum(axis=(0, 1)), np.square(part).sum(axis=(0, 1))

    total, squares = np.zeros((2, values.shape[2]))
    for first, second in ordered_map(sums, range(0, len(rows), block), threads, "Standardising"):
        total, squares = total + first, squares + second
    count = len(rows) * values.shape[1]
    mean = total / count
    deviation = np.sqrt(np.maximum(squares / count - mean**2, 0))
    return mean.astype(np.float32), np.maximum(deviation, 1e-6).astype(np.float32)
