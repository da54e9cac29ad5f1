"""DCASE 2019 Task 4: domestic sounds, the DESED recordings and the synthetic clips of that year, 10 classes.

Layout: `DCASE2019_task4/dataset/metadata/` with the tables (tabs, with header) and `audio/` with the same sub-folders.
"""

from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from sedrepro.annotations.clips import Clip, Event
from sedrepro.annotations.labels import merged, read_file_list, read_strong, read_weak, youtube_id

ARCHIVE = "dcase2019_task4"
FOLDER = "DCASE2019_task4/dataset"
TABLES = {
    "synthetic": f"{FOLDER}/metadata/train/synthetic.tsv",
    "weak": f"{FOLDER}/metadata/train/weak.tsv",
    "unlabelled": f"{FOLDER}/metadata/train/unlabel_in_domain.tsv",
    "validation": f"{FOLDER}/metadata/validation/validation.tsv",
    "public": f"{FOLDER}/metadata/eval/public.tsv",
}
AUDIO = {
    "synthetic": f"{FOLDER}/audio/train/synthetic",
    "weak": f"{FOLDER}/audio/train/weak",
    "unlabelled": f"{FOLDER}/audio/train/unlabel_in_domain",
    "validation": f"{FOLDER}/audio/validation",
    "public": f"{FOLDER}/audio/eval/public",
}
SPLITS = tuple(TABLES)
CLIPS = {"synthetic": 2045, "weak": 1578, "unlabelled": 14412, "validation": 1168, "public": 692}
ONLY_ON_YOUTUBE = ("weak", "unlabelled", "validation")
LABELS = tuple(TABLES.values())
CLIP_SECONDS = 10.0
USES_SILENT_CLIPS = True
TAKES_SPLITS = True
CLASSES = (
    "Alarm_bell_ringing",
    "Blender",
    "Cat",
    "Dishes",
    "Dog",
    "Electric_shaver_toothbrush",
    "Frying",
    "Running_water",
    "Speech",
    "Vacuum_cleaner",
)


def clips(data_root: Path, splits: Collection[str] = SPLITS) -> list[Clip]:
    """Every clip of the five splits, or some of them, in the order of the tables.

    Raises:
        DataError: a table is missing or has a bad row (names file and row).
    """
    readers = {
        "synthetic": synthetic_clips,
        "weak": weak_clips,
        "unlabelled": unlabelled_clips,
        "validation": validation_clips,
        "public": public_clips,
    }
    return [clip for split in SPLITS if split in splits for clip in readers[split](data_root)]


def synthetic_clips(data_root: Path) -> list[Clip]:
    """Synthetic clips, each a group of its own; events of one class may truly overlap there and stay as they are."""
    return _strong_clips(data_root / TABLES["synthetic"], "synthetic", AUDIO["synthetic"], sorted, _stem)


def weak_clips(data_root: Path) -> list[Clip]:
    """Weakly labelled real clips."""
    labels = read_weak(data_root / TABLES["weak"], CLASSES)
    return [Clip(f"{AUDIO['weak']}/{name}", "weak", youtube_id(name), labels=labels[name]) for name in labels]


def unlabelled_clips(data_root: Path) -> list[Clip]:
    """Real clips of the same domain without labels."""
    names = read_file_list(data_root / TABLES["unlabelled"])
    return [Clip(f"{AUDIO['unlabelled']}/{name}", "unlabelled", youtube_id(name)) for name in names]


def validation_clips(data_root: Path, table: str = TABLES["validation"], split: str = "validation") -> list[Clip]:
    """Strongly labelled real clips of the validation folder, those that `table` lists.

    Twelve rows of the official tables are pieces of a longer event that the tables hold too. Merging leaves what the
    later table of DESED has.
    """
    return _strong_clips(data_root / table, split, AUDIO["validation"], merged, youtube_id)


def public_clips(data_root: Path) -> list[Clip]:
    """Strongly labelled real clips of the public evaluation set."""
    return _strong_clips(data_root / TABLES["public"], "public", AUDIO["public"], sorted, youtube_id)


def _strong_clips(
    table: Path,
    split: str,
    audio: str,
    clean: Callable[[Iterable[Event]], Iterable[Event]],
    group: Callable[[str], str],
) -> list[Clip]:
    return [
        Clip(
            f"{audio}/{name}",
            split,
            group(name),
            labels=tuple(sorted({event.event_label for event in released})),
            events=tuple(clean(released)),
            events_as_released=released,
        )
        for name, released in read_strong(table, CLASSES, CLIP_SECONDS).items()
    ]


def _stem(name: str) -> str:
    return name.removesuffix(".wav")
