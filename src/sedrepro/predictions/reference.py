"""The labels that predictions are held against: those of a paper's corpus, or of any table of labels.

Of a corpus the tables that the workflow has made are read, whose clips are the usable ones; where there are none, the
official label tables, for which no audio is needed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sedrepro.annotations.clips import WEAK_COLUMNS, Clip, Event, split_labels
from sedrepro.base.errors import DataError, SettingsError, did_you_mean
from sedrepro.corpora.settings import Official
from sedrepro.corpora.tables import read_clips, read_strong, read_subsets
from sedrepro.data_sets import clips_of, data_set
from sedrepro.experiments.commands import make_results
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import Paper
from sedrepro.experiments.places import corpus_folder
from sedrepro.predictions.delimited import read_delimited
from sedrepro.predictions.events import KNOWN, events_of, with_strong_columns
from sedrepro.predictions.problems import Problems


@dataclass(frozen=True)
class Labelled:
    """A clip with its labels."""

    filename: str
    split: str = ""
    fold: int = 0
    duration: float | None = None
    """Seconds; None where nothing says it."""
    tags: frozenset[str] | None = None
    """Weak labels; None where there are none."""
    events: tuple[Event, ...] | None = None
    """Strong labels; None where there are none."""


@dataclass(frozen=True)
class Reference:
    """The clips that are evaluated, and what is known beside them."""

    classes: tuple[str, ...]
    clips: tuple[Labelled, ...]
    source: str
    """Where the labels are from, in words."""
    elsewhere: Mapping[str, Sequence[str]]
    """Filenames by split of clips that are not evaluated, to tell a wrong split from a wrong file."""
    trained: tuple[Labelled, ...] = ()
    """Strongly labelled clips that train: windows of median filters follow their events."""
    lacking: str = ""
    """Why `trained` are not known, if they are not."""

    @property
    def filenames(self) -> list[str]:
        """The evaluated clips, in order."""
        return [clip.filename for clip in self.clips]

    @property
    def has_events(self) -> bool:
        """Whether all clips have strong labels."""
        return all(clip.events is not None for clip in self.clips)

    def of_fold(self, fold: int) -> "Reference":
        """Only the clips of one fold.

        Raises:
            DataError: there is no such fold (names those that are there).
        """
        kept = tuple(clip for clip in self.clips if clip.fold == fold)
        if not kept:
            there = sorted({clip.fold for clip in self.clips})
            raise DataError(f"fold {fold}: has no clip; there are: {', '.join(map(str, there))}")
        return replace(self, clips=kept, source=f"{self.source}, fold {fold}")


def corpus_reference(
    config: Config, paper: Paper, variant: str, split: str | None, data: Path | None = None
) -> Reference:
    """The labels of a held-out split, or a subset of one, of a corpus variant of a paper.

    `data` is where the official layouts lie, if not where the configuration says.

    Raises:
        DataError: neither the corpus' tables nor the official ones are there (names both, and the remedy).
        SettingsError: the variant or the split is unknown (names the nearest).
    """
    name = paper.settings.corpus_of(variant)[0]
    settings, folder = paper.settings.corpora[name], corpus_folder(config, paper, name)
    unread: dict[str, str] = {}
    known = [*settings.held_out, *settings.subsets]
    split = split or settings.held_out[0]
    if split not in known:
        raise SettingsError(f"{paper.name}: split '{split}' is not held out of {name}; {did_you_mean(split, known)}")
    if (folder / "clips.tsv").is_file() and data is None:
        clips, subsets, source = _prepared(folder), read_subsets(folder), str(folder)
    elif isinstance(settings, Official):
        root = data or config.corpora_dir
        clips, subsets, unread = _official(root, settings, split, folder)
        source = f"official tables below {root}"
    else:
        raise DataError(
            f"{folder}/clips.tsv: no such file; the mixtures are drawn first: "
            + make_results(config, TARGET=folder / "clips.tsv")
        )
    subset = settings.subsets.get(split)
    within = subset.split if subset is not None else split
    chosen = tuple(
        clip for clip in clips if clip.split == within and (subset is None or clip.filename in subsets.get(split, ()))
    )
    if not chosen:
        raise DataError(f"{source}: holds no clip of split '{split}'")
    present = {label for clip in clips for label in clip.tags or ()}
    elsewhere: dict[str, list[str]] = {}
    for clip in clips:
        elsewhere.setdefault(clip.split, []).append(clip.filename)
    return Reference(
        # Of tables that were not read, nothing says which classes they lack.
        classes=tuple(label for label in paper.settings.classes_of(name) if label in present or unread),
        clips=chosen,
        source=f"{source}, split {split}",
        elsewhere={other: names for other, names in elsewhere.items() if other != within},
        trained=tuple(clip for clip in clips if clip.split in settings.strong and clip.events is not None),
        lacking=next((unread[split] for split in settings.strong if split in unread), ""),
    )


def _prepared(folder: Path) -> list[Labelled]:
    """The clips of a corpus as its tables have them."""
    strong = read_strong(folder)
    weak = {row.filename for row in _weak_rows(folder / "weak.tsv")}
    return [
        Labelled(
            row["filename"],
            row["split"],
            int(row["fold"]),
            float(row["duration"]),
            frozenset(split_labels(row["event_labels"])) if row["filename"] in weak else None,
            tuple(strong[row["filename"]]) if row["filename"] in strong else None,
        )
        for row in read_clips(folder)
    ]


def _weak_rows(path: Path) -> list[Labelled]:
    table = read_delimited(path, WEAK_COLUMNS)
    name, labels = table.places(WEAK_COLUMNS)
    return [Labelled(fields[name], tags=frozenset(split_labels(fields[labels]))) for _, fields in table.rows]


def _official(
    root: Path, settings: Official, wanted: str, folder: Path
) -> tuple[list[Labelled], dict[str, set[str]], dict[str, str]]:
    """The clips of an official data set as its tables list them, those of a wanted subset, and what was not read.

    Only the table of the wanted split has to be there. Of the other splits, those whose tables are missing are left
    out; why is told by split.
    """
    of, subset = data_set(settings.data_set), settings.subsets.get(wanted)
    needed = subset.split if subset is not None else wanted
    listed: list[Clip] = []
    unread: dict[str, str] = {}
    for split in (name for name in of.SPLITS if name in settings.splits):
        try:
            listed += clips_of(settings.data_set, root, split)
        except DataError as error:
            if split == needed or not isinstance(error.__cause__, FileNotFoundError):
                raise _without_tables(error, folder) from error
            unread[split] = str(error)
    try:
        subsets = {wanted: {clip.filename for clip in data_set(subset.data_set).clips(root)}} if subset else {}
    except DataError as error:
        raise _without_tables(error, folder) from error
    return [_labelled(clip, of.CLIP_SECONDS) for clip in listed], subsets, unread


def _without_tables(error: DataError, folder: Path) -> DataError:
    return DataError(
        f"{error}; without {folder}/clips.tsv the official label tables are read: --data-root names their folder, "
        "--reference names a table of labels"
    )


def _labelled(clip: Clip, seconds: float) -> Labelled:
    tags = None if clip.labels is None else frozenset(clip.labels)
    return Labelled(clip.filename, clip.split, clip.fold, seconds, tags, clip.events)


def table_reference(
    path: Path, classes: Sequence[str] | None, durations: Mapping[str, float] | None = None
) -> Reference:
    """The labels in a table: strong ones (filename, onset, offset, event_label) or weak ones (filename, event_labels).

    Without `classes` they are those of the table, sorted. `durations` are seconds by filename.

    Raises:
        DataError: the table cannot be read, holds no clip, or a row is wrong (names file and row).
    """
    table = read_delimited(path, (*KNOWN, *WEAK_COLUMNS), headerless=("filename", "onset", "offset", "event_label"))
    if set(WEAK_COLUMNS) <= set(table.columns):
        clips = _weak_rows(path)
        known = classes or tuple(sorted({label for clip in clips for label in clip.tags or ()}))
        for clip, (number, _) in zip(clips, table.rows, strict=True):
            for label in sorted((clip.tags or frozenset()) - set(known)):
                raise DataError(f"{path}: row {number}: class '{label}' is unknown; {did_you_mean(label, known)}")
    else:
        table = with_strong_columns(table)
        place = table.columns.index("event_label")
        known = classes or tuple(sorted({fields[place].strip() for _, fields in table.rows} - {""}))
        clips = _with_events(events_of(table, known, Problems()))
    if not clips:
        raise DataError(f"{path}: lists no clip")
    given = durations or {}
    clips = [replace(clip, duration=given.get(clip.filename)) for clip in clips]
    return Reference(tuple(known), tuple(clips), str(path), {})


def _with_events(events: Mapping[str, Iterable[Event]]) -> list[Labelled]:
    return [
        Labelled(name, tags=frozenset(event.event_label for event in found), events=tuple(found))
        for name, found in events.items()
    ]
