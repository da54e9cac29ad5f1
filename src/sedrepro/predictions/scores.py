"""Frame scores of any system: a folder of score files as sed_scores_eval has them, or one .npz.

folder   a tsv or csv per clip, named after it: onset, offset, and a column of scores per class
.npz     filenames (clip,), frame (clip, frame, class), frames_per_second; where given also classes (class,),
         clip (clip, class), durations (clip,) and splits (clip,). The suite's own scores.npz is one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sedrepro.base.errors import DataError, did_you_mean
from sedrepro.base.files import read_json
from sedrepro.detection.scores import Scores
from sedrepro.predictions.delimited import number_in, read_delimited
from sedrepro.predictions.names import Names
from sedrepro.predictions.reference import Labelled

#: Seconds by which the times in score files may be off a regular grid: they are often written with three decimals.
GRID_TOLERANCE = 0.002
ENDINGS = (".tsv", ".csv")
#: More frames than samples of any recording: what is above it is a mistake, and would fill the memory.
MOST_FRAMES_PER_SECOND = 1e6


@dataclass(frozen=True)
class ScoreSet:
    """What a system says of some clips, frame by frame."""

    path: Path
    classes: tuple[str, ...]
    filenames: tuple[str, ...]
    frame: np.ndarray
    """(clip, frame, class), float32; shorter clips are filled up with zeros."""
    frames_per_second: float
    clip: np.ndarray | None = None
    """Clip scores (clip, class), where the system gives them."""
    durations: np.ndarray | None = None
    """Seconds (clip,)."""

    def of(
        self, clips: Sequence[Labelled], classes: Sequence[str], grid: tuple[int, float] | None
    ) -> tuple[Scores, list[str]]:
        """The scores of labelled clips, in their order, and the filenames of those that have none: they score 0.

        `grid` are frames and frames per second of the features that the paper's ways of detection count in. Where
        scores do not lie on it, their own frames are counted.

        Raises:
            DataError: the scores lack one of the `classes` or have it twice, or a name may mean two clips.
        """
        for label in classes:
            if label not in self.classes:
                hint = did_you_mean(label, self.classes)
                raise DataError(f"{self.path}: has no scores of class '{label}'; {hint}")
            if self.classes.count(label) > 1:
                raise DataError(f"{self.path}: has scores of class '{label}' twice; keep one")
        index = {filename: row for row, filename in enumerate(clip.filename for clip in clips)}
        names = Names(index)
        rows: dict[int, int] = {}
        for place, filename in enumerate(self.filenames):
            meant = names.find(filename)
            if meant is None:
                continue
            before = rows.setdefault(index[meant], place)
            if before != place and not self._are_equal(before, place):
                raise DataError(f"{self.path}: has two entries with unequal scores for clip '{filename}'; keep one")
        order = [self.classes.index(label) for label in classes]
        frame = np.zeros((len(clips), self.frame.shape[1], len(classes)), np.float32)
        own_clip = self.frame.max(axis=1) if self.clip is None else self.clip
        clip = np.zeros((len(clips), len(classes)), own_clip.dtype)
        there, own = list(rows), list(rows.values())
        frame[there], clip[there] = self.frame[own][:, :, order], own_clip[own][:, order]
        frames, rate = self._grid(grid)
        scores = Scores(
            classes=list(classes),
            filenames=[one.filename for one in clips],
            clip=clip,
            frame=frame,
            frames_per_second=self.frames_per_second,
            durations=self._durations(clips, rows),
            targets=np.array([[label in (one.tags or ()) for label in classes] for one in clips], np.uint8),
            reference=[None if one.events is None else list(one.events) for one in clips],
            feature_frames=frames,
            features_per_second=rate,
        )
        return scores, [one.filename for row, one in enumerate(clips) if row not in rows]

    def _are_equal(self, one: int, other: int) -> bool:
        """Whether two clips have the same scores."""
        kinds = (self.frame, *(() if self.clip is None else (self.clip,)))
        return all(np.array_equal(scores[one], scores[other]) for scores in kinds)

    def _grid(self, grid: tuple[int, float] | None) -> tuple[int, float]:
        if grid is not None and self.on_grid(grid):
            return grid
        return self.frame.shape[1], self.frames_per_second

    def on_grid(self, grid: tuple[int, float]) -> bool:
        """Whether a frame of scores is a whole number of frames of features."""
        times = grid[1] / self.frames_per_second
        return round(times) >= 1 and abs(times - round(times)) < 1e-3

    def _durations(self, clips: Sequence[Labelled], rows: Mapping[int, int]) -> np.ndarray:
        """Seconds of the clips: as labelled, else as the system says, else all frames."""
        whole = self.frame.shape[1] / self.frames_per_second
        own = {row: whole if self.durations is None else float(self.durations[number]) for row, number in rows.items()}
        return np.array([own.get(row, whole) if c.duration is None else c.duration for row, c in enumerate(clips)])


def read_scores(path: Path, classes: Sequence[str]) -> ScoreSet:
    """Frame scores in a folder or an .npz; `classes` are those of an .npz that does not say.

    Raises:
        DataError: it is missing or damaged, or does not hold what it should (names file, array or row).
    """
    return _folder(path, classes) if path.is_dir() else _arrays(path, classes)


def _arrays(path: Path, classes: Sequence[str]) -> ScoreSet:
    try:
        with np.load(path) as file:
            arrays = dict(file)
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such file") from error
    except Exception as error:
        raise DataError(
            f"{path}: cannot be read ({str(error).partition(chr(10))[0]}); write it by numpy.savez"
        ) from error
    for name in ("filenames", "frame", "frames_per_second"):
        if name not in arrays:
            raise DataError(f"{path}: holds no array '{name}' (found: {', '.join(arrays)}); scores need it")
    frame, labels = arrays["frame"], _classes_of(path, arrays, classes)
    if frame.ndim != 3 or frame.shape[2] != len(labels):
        raise DataError(
            f"{path}: frame has the shape {frame.shape}, not (clip, frame, {len(labels)} classes); give its class "
            "names as an array 'classes'"
        )
    if not frame.shape[1]:
        raise DataError(f"{path}: frame holds no frames; give (clip, frame, class)")
    _check_shapes(path, arrays, len(frame), len(labels))
    _check_numbers(path, arrays)
    return ScoreSet(
        path,
        labels,
        tuple(map(str, arrays["filenames"])),
        frame.astype(np.float32),
        float(arrays["frames_per_second"].item()),
        arrays.get("clip"),
        arrays.get("durations"),
    )


def _check_shapes(path: Path, arrays: Mapping[str, np.ndarray], clips: int, classes: int) -> None:
    for name, shape in (("filenames", (clips,)), ("clip", (clips, classes)), ("durations", (clips,))):
        given = arrays[name].shape if name in arrays else shape
        if given[:1] != shape[:1]:
            raise DataError(f"{path}: '{name}' is of {given[0] if given else 'no'} clips, 'frame' of {clips}")
        if given != shape:
            raise DataError(f"{path}: {name} has the shape {given}, not {shape}")
    if arrays["frames_per_second"].size != 1:
        raise DataError(f"{path}: frames_per_second has the shape {arrays['frames_per_second'].shape}; give one number")


def _check_numbers(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    times = ("durations", "frames_per_second")
    for name in (name for name in ("frame", "clip", *times) if name in arrays):
        given = arrays[name]
        if given.dtype.kind not in "biuf":
            raise DataError(f"{path}: {name} holds {given.dtype}, not numbers; correct it")
        if not np.isfinite(given).all():
            raise DataError(f"{path}: {name} holds scores or times that are no finite numbers; correct them")
        if name in times and (given <= 0).any():
            raise DataError(f"{path}: {name} holds {given.min():g}; give numbers above 0")
    rate = arrays["frames_per_second"].item()
    if rate > MOST_FRAMES_PER_SECOND:
        raise DataError(f"{path}: frames_per_second is {rate:g}; give frames per second")


def _classes_of(path: Path, arrays: Mapping[str, np.ndarray], classes: Sequence[str]) -> tuple[str, ...]:
    """Class names of an .npz: its own, those of the run in whose folder it lies, or the given."""
    if "classes" in arrays:
        return tuple(map(str, arrays["classes"]))
    beside = path.parent / "config.json"
    described = read_json(beside) if beside.is_file() else {}
    return tuple(described.get("classes", classes)) if isinstance(described, dict) else tuple(classes)


def _folder(path: Path, classes: Sequence[str]) -> ScoreSet:
    files = sorted(one for one in path.iterdir() if one.suffix in ENDINGS)
    if not files:
        raise DataError(f"{path}: holds no score file; a tsv per clip, with onset, offset and a column per class")
    labels: tuple[str, ...] = ()
    clips, rate = [], 0.0  # the first file says how many frames a second has
    for file in files:
        columns, values = _score_file(file)
        labels = labels or columns
        if columns != labels:
            raise DataError(f"{file}: row 1: has other classes than {files[0].name}: {', '.join(columns)[:120]}")
        rate, frames = _on_grid(file, values, rate or None)
        clips.append(frames)
    longest = max(map(len, clips))
    frame = np.zeros((len(clips), longest, len(labels)), np.float32)
    for row, frames in enumerate(clips):
        frame[row, : len(frames)] = frames
    durations = np.array([len(frames) / rate for frames in clips])
    return ScoreSet(path, labels, tuple(file.stem for file in files), frame, rate, durations=durations)


def _score_file(file: Path) -> tuple[tuple[str, ...], np.ndarray]:
    """Classes, and onset, offset and scores (frame, 2 + class)."""
    table = read_delimited(file, ("onset", "offset"))
    if table.columns[:2] != ("onset", "offset") or len(table.columns) < 3 or not table.rows:
        raise DataError(f"{file}: row 1: the columns are onset, offset and one per class; a row per frame follows")
    try:
        values = np.array([fields for _, fields in table.rows], dtype=float)
    except ValueError:
        number = next(number for number, fields in table.rows if None in map(number_in, fields))
        raise DataError(f"{file}: row {number}: a field is not a number; give times and scores") from None
    if not np.isfinite(values).all():
        number = table.rows[int(np.flatnonzero(~np.isfinite(values).all(axis=1))[0])][0]
        raise DataError(f"{file}: row {number}: a time or a score is not a finite number; correct it")
    return table.columns[2:], values


def _on_grid(file: Path, values: np.ndarray, rate: float | None) -> tuple[float, np.ndarray]:
    """Frames per second, the given or those of this file, and scores (frame, class); frames are of one length."""
    onsets, offsets = values[:, 0], values[:, 1]
    # The mean over the file, as times are rounded; the last frame may be cut at the clip's end.
    span = (onsets[-1] - onsets[0], len(values) - 1) if len(values) > 1 else (offsets[0] - onsets[0], 1)
    if span[0] <= 0:
        raise DataError(f"{file}: row 2: frames do not follow each other in time; give increasing onsets")
    rate = rate or span[1] / span[0]
    expected = np.arange(len(values)) / rate
    off = np.flatnonzero(np.abs(onsets - expected) > max(GRID_TOLERANCE, 0.1 / rate))
    if len(off):
        raise DataError(
            f"{file}: row {int(off[0]) + 2}: onset {onsets[off[0]]:g} s is off the grid of {rate:.3f} frames per "
            "second from 0 s on; frames of one length are needed, in all files"
        )
    return rate, values[:, 2:]
