"""The remix of Kong et al. (TASLP 2019): three event clips in a 10 s scene at a given SNR; its recipes as tables.

The recipe (which scene, which events, where) is drawn once and serves every SNR. Audio is made from it on
the fly (`sedrepro.corpora.mixing`), so no mixture needs to be stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from sedrepro.annotations.clips import WEAK_COLUMNS, Event, join_labels
from sedrepro.base.errors import DataError, did_you_mean
from sedrepro.base.files import read_table, write_table
from sedrepro.corpora.settings import SPLIT, Remix
from sedrepro.corpora.survey import CLIP_COLUMNS
from sedrepro.corpora.tables import write_tables

ONSETS = (0.5, 3.0, 5.5)
EVENT_SECONDS = 2.0
RECIPE_COLUMNS = ("filename", "fold", "scene", "event", "event_label", "onset", "offset")


@dataclass(frozen=True)
class PlacedEvent(Event):
    """One event in a mixture, with the recording it comes from."""

    filename: str


@dataclass(frozen=True)
class Mixture:
    """One mixture: a scene and its events."""

    filename: str
    fold: int
    scene: str
    events: tuple[PlacedEvent, ...]


def read_events(folder: Path, classes: Sequence[str]) -> list[dict[str, str]]:
    """Usable event clips of a survey: the rows of its clips.tsv, with their `label`.

    Raises:
        DataError: a clip has no label or one that is not in `classes` (names file, row and the nearest class).
    """
    path = folder / "weak.tsv"
    labels = {}
    for number, row in enumerate(read_table(path, WEAK_COLUMNS), start=2):
        labels[row["filename"]] = label = row["event_labels"]
        if label not in classes:
            raise DataError(f"{path}: row {number}: unknown class '{label}'; {did_you_mean(label, classes)}")
    rows = read_table(folder / "clips.tsv", CLIP_COLUMNS)
    unlabelled = next((row["filename"] for row in rows if row["filename"] not in labels), None)
    if unlabelled:
        raise DataError(f"{path}: {unlabelled} has no label; survey the data set again")
    return [row | {"label": labels[row["filename"]]} for row in rows]


def draw(
    events: Sequence[dict[str, str]], scenes: Sequence[dict[str, str]], settings: Remix, folds: int
) -> list[Mixture]:
    """Draw the recipes of all folds; equal seeds give equal recipes.

    One generator shuffles the scenes once and then the event clips fold by fold, as the released code does.
    Scenes are used once each; where there are fewer scenes than mixtures they are reshuffled and used again.

    Raises:
        DataError: there is no scene, or a fold has no event clip.
    """
    if not scenes:
        raise DataError("remix: there is no usable scene; see the rejected.tsv of the scenes' data set")
    rng = np.random.RandomState(settings.seed)
    scene_order = _repeated([row["filename"] for row in scenes], folds * settings.mixtures_per_fold, rng, "reshuffled")
    mixtures: list[Mixture] = []
    for fold in range(1, folds + 1):
        pool = [row for row in events if int(row["fold"]) == fold]
        if not pool:
            raise DataError(
                f"remix: fold {fold} has no usable event clip; see the rejected.tsv of the events' data set"
            )
        drawn = _repeated(pool, settings.mixtures_per_fold * len(ONSETS), rng, settings.draw)
        for start in range(0, len(drawn), len(ONSETS)):
            number = len(mixtures)
            placed = tuple(_place(row, onset, settings) for row, onset in zip(drawn[start:], ONSETS, strict=False))
            mixtures.append(Mixture(f"{number:05d}.wav", fold, scene_order[number], placed))
    return mixtures


def _place(row: dict[str, str], onset: float, settings: Remix) -> PlacedEvent:
    heard = min(float(row["duration"]), EVENT_SECONDS)
    length = EVENT_SECONDS if settings.label_span == "whole_slot" else heard
    return PlacedEvent(onset, round(onset + length, 6), row["label"], row["filename"])


def _repeated(items: Sequence, count: int, rng: np.random.RandomState, how: str) -> list:
    """`count` entries: a new order of `items` per repetition, or the last of those orders tiled.

    The released code appends the same array object after each in-place shuffle, so that all repetitions
    show its last order ("tiled"); a fold then holds only as many distinct triples as it has clips.
    """
    order = np.arange(len(items))
    orders: list[np.ndarray] = []
    while sum(map(len, orders)) < count:
        rng.shuffle(order)
        orders.append(order if how == "tiled" else order.copy())
    return [items[i] for i in np.concatenate(orders)[:count]]


def write_recipes(path: Path, mixtures: Sequence[Mixture]) -> None:
    """Write the recipe of a remix corpus, one row per event."""
    placed = [(m, e) for m in mixtures for e in m.events]
    rows = [(m.filename, m.fold, m.scene, e.filename, e.event_label, e.onset, e.offset) for m, e in placed]
    write_table(path, RECIPE_COLUMNS, rows)


def write_remix_tables(folder: Path, mixtures: Sequence[Mixture], clip_seconds: float) -> None:
    """Write clips.tsv, weak.tsv and strong.tsv of a remix corpus to `folder`; clips of equal events are one group."""
    write_tables(
        folder,
        clips=[(m.filename, SPLIT, m.fold, clip_seconds, _group(m)) for m in mixtures],
        weak=[(m.filename, join_labels(sorted({e.event_label for e in m.events}))) for m in mixtures],
        strong=[(m.filename, e.onset, e.offset, e.event_label) for m in mixtures for e in m.events],
    )


def _group(mixture: Mixture) -> str:
    return "+".join(sorted(Path(event.filename).stem for event in mixture.events))


def read_recipes(path: Path) -> list[Mixture]:
    """Mixtures of a recipes.tsv.

    Raises:
        DataError: the file is missing, a column is missing, or a number is none (names the row).
    """
    heads: dict[str, tuple[int, str]] = {}
    events: dict[str, list[PlacedEvent]] = {}
    for number, row in enumerate(read_table(path, RECIPE_COLUMNS), start=2):
        try:
            heads.setdefault(row["filename"], (int(row["fold"]), row["scene"]))
            event = PlacedEvent(float(row["onset"]), float(row["offset"]), row["event_label"], row["event"])
        except ValueError as error:
            raise DataError(f"{path}: row {number}: {error}") from error
        events.setdefault(row["filename"], []).append(event)
    return [Mixture(name, fold, scene, tuple(events[name])) for name, (fold, scene) in heads.items()]
