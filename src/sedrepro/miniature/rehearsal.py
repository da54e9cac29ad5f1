"""Official layouts with as many clips as officially, for a rehearsal: each clip is a hard link to one of a few sounds.

The label tables are the official ones where they are at hand and all clips are asked for; else they are drawn, with the
official number of clips. What is decoded is as long and has the rate, the channels and the depth of the official
recordings, but is read from a few files: what the disk would cost is not rehearsed.
"""

import csv
import math
import os
import shutil
from collections.abc import Iterator, Sequence
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from sedrepro.annotations.clips import segment_of
from sedrepro.audio.writing import write_wav
from sedrepro.base.errors import DataError
from sedrepro.base.files import write_table
from sedrepro.data_sets import data_set, data_set_names, fsdkaggle2018, tau_urban_2019, trait
from sedrepro.miniature import dcase2017_task4, dcase2019_task4, remix_sources
from sedrepro.miniature.dcase2017_task4 import TrafficSize
from sedrepro.miniature.dcase2019_task4 import DomesticSize
from sedrepro.miniature.remix_sources import MiniatureSize

#: Rows of the official table of FSDKaggle2018, verified or not.
EVENTS_LISTED = 9473


def _domestic() -> dict[str, int]:
    """Clips of DCASE 2019 by the parts that are drawn: validation is made of two, one the evaluation set of 2018."""
    clips, (of_2018,) = data_set("dcase2019_task4").CLIPS, data_set("dcase2018_task4").CLIPS.values()
    validation = {"test_dcase2018": clips["validation"] - of_2018, "eval_dcase2018": of_2018}
    drawn = {"synthetic": clips["synthetic"], "weak": clips["weak"], "unlabel_in_domain": clips["unlabelled"]}
    return drawn | validation | {"public": clips["public"]}


#: Clips of the official label tables by archive and part of it.
OFFICIAL = {
    "fsdkaggle2018": {"listed": EVENTS_LISTED, "verified": sum(fsdkaggle2018.CLIPS.values())},
    "tau_urban_2019": {"segments": sum(tau_urban_2019.CLIPS.values())},
    "dcase2017_task4": dict(data_set("dcase2017_task4").CLIPS),
    "dcase2019_task4": _domestic(),
}
#: Clips that a part has at least, whatever the share: enough for each class, and for each fold.
LEAST = 60
#: How many sounds are synthesised, some 200 of all archives.
SOUNDS = MiniatureSize(clips_per_class=4, rare_class_clips=4, segments_per_scene=8)
TRAFFIC_SOUNDS = TrafficSize(training=30, testing=10, evaluation=10)
DOMESTIC_SOUNDS = DomesticSize(synthetic=10, weak=8, unlabel_in_domain=12, test_dcase2018=6, eval_dcase2018=8, public=6)


def counts(archive: str, share: float) -> dict[str, int]:
    """Clips by part of an archive at a share of the official numbers."""
    return {part: max(round(share * count), min(LEAST, count)) for part, count in OFFICIAL[archive].items()}


def write_layout(
    archive: str, root: Path, seed: int, share: float, tables: Path | None, classes: Sequence[str]
) -> dict[str, Any]:
    """Write a data set below `root` with a share of its clips; returns how many there are, and whose its tables are.

    `tables` is a data root that may hold the official label tables; `classes` are those of the sound events, for tables
    that are drawn.
    """
    names = [name for name in data_set_names() if archive in (data_set(name).ARCHIVE, trait(name, "SERVED_FROM"))]
    own = {table for name in names if archive == data_set(name).ARCHIVE for table in data_set(name).LABELS}
    for top in {Path(table).parts[0] for table in own}:
        shutil.rmtree(root / top, ignore_errors=True)
    is_official = share == 1 and tables is not None and all((tables / table).is_file() for table in own)
    if is_official and tables is not None:
        for table in own:
            (root / table).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(tables / table, root / table)
    else:
        _draw_tables(archive, root, seed, counts(archive, share), classes)
    sounds = root / "sounds" / archive
    _synthesise(archive, sounds, seed)
    filenames = {clip.filename for name in names for clip in data_set(name).clips(root)}
    _link(sorted(filenames), root, sounds)
    return {"clips": len(filenames), "tables": "official" if is_official else "drawn", "share": share}


def _draw_tables(archive: str, root: Path, seed: int, count: dict[str, int], classes: Sequence[str]) -> None:
    if archive == "dcase2017_task4":
        plans = dcase2017_task4.plans(TrafficSize(**count), seed)
        folder = root / dcase2017_task4.FOLDER
        folder.mkdir(parents=True)
        dcase2017_task4.write_tables(folder, plans)
    elif archive == "dcase2019_task4":
        folder = root / dcase2019_task4.FOLDER / "dataset/metadata"
        dcase2019_task4.write_metadata(folder, dcase2019_task4.plans(DomesticSize(**count), seed))
    elif archive == "tau_urban_2019":
        size = MiniatureSize(segments_per_scene=-(-count["segments"] // len(remix_sources.SCENES)))
        rows = [(c.filename, c.label, c.identifier, "a") for c in remix_sources.scene_clips(seed, size)]
        columns = ("filename", "scene_label", "identifier", "source_label")
        write_table(root / tau_urban_2019.LABELS[0], columns, rows[: count["segments"]])
    else:
        _draw_events(root / fsdkaggle2018.LABELS[0], count, classes)


def _draw_events(path: Path, count: dict[str, int], classes: Sequence[str]) -> None:
    """Verified clips take the classes in turn, and lie evenly among the others."""
    path.parent.mkdir(parents=True)
    labels = {verified: cycle(classes) for verified in (0, 1)}
    listed, verified = max(count.values()), count["verified"]
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["fname", "label", "manually_verified", "freesound_id", "license"])
        for number in range(listed):
            kind = (number + 1) * verified // listed - number * verified // listed
            writer.writerow([f"{number:08x}.wav", next(labels[kind]), kind, 0, "Creative Commons 0"])


def _synthesise(archive: str, folder: Path, seed: int) -> None:
    if archive == "dcase2017_task4":
        dcase2017_task4.write_dcase2017_task4(folder, seed, TRAFFIC_SOUNDS)
    elif archive == "dcase2019_task4":
        dcase2019_task4.write_dcase2019_task4(folder, seed, DOMESTIC_SOUNDS)
    elif archive == "tau_urban_2019":
        remix_sources.write_scenes(folder, seed, SOUNDS)
    else:
        remix_sources.write_sound_events(folder, seed, SOUNDS)


def _link(filenames: Sequence[str], root: Path, sounds: Path) -> None:
    """Each clip becomes a link to a sound that lies in the same folder of the other layout and is no longer than it."""
    found: dict[tuple[Path, int | None], Iterator[Path]] = {}
    for filename in filenames:
        kind = Path(filename).parent, _whole_seconds(filename)
        if kind not in found:
            (root / kind[0]).mkdir(parents=True, exist_ok=True)
            found[kind] = cycle(_sounds(sounds / kind[0], kind[1]))
        os.link(next(found[kind]), root / filename)


def _whole_seconds(filename: str) -> int | None:
    """Length of the segment that a clip is named after, whole seconds; None where it is named after none."""
    try:
        segment = segment_of(filename)
    except DataError:
        return None
    return math.ceil(segment.end - segment.start)


def _sounds(folder: Path, seconds: int | None) -> list[Path]:
    """Sounds of a folder that last as long, the first of them cut to that where none does."""
    everything = sorted(folder.glob("*.wav"))
    lengths = {path: soundfile.info(path).duration for path in everything}
    fitting = [path for path in everything if seconds is None or math.ceil(lengths[path]) == seconds]
    if fitting or seconds is None:
        return fitting
    samples, rate = soundfile.read(everything[0], dtype="float32")
    path = folder / f"cut_{seconds}.wav"
    write_wav(path, np.resize(samples, (seconds * rate, *samples.shape[1:])), rate, "PCM_16", folder)
    return [path]
