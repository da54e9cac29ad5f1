"""A corpus that is an official data set as it was released: some of its splits train, others are held out.

Splits train on weak labels, on strong labels, or without any; what a training method makes of them is its affair.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from sedrepro.annotations.clips import STRONG_COLUMNS, WEAK_COLUMNS, split_labels
from sedrepro.base.errors import DataError, did_you_mean
from sedrepro.base.files import read_table
from sedrepro.corpora.settings import Official
from sedrepro.corpora.survey import CLIP_COLUMNS
from sedrepro.corpora.tables import CORPUS_CLIP_COLUMNS, write_tables


def write_official_tables(
    folder: Path,
    survey: Path,
    settings: Official,
    classes: Sequence[str],
    subsets: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> None:
    """Write the tables of the chosen splits to `folder`, from the survey of the data set.

    `subsets` has the usable clips of the data set that each subset is named after.

    Raises:
        DataError: a split or a subset has no usable clip, a clip that trains lacks its labels, or a class is unknown
            (names it).
    """
    rows = [row for row in read_table(survey / "clips.tsv", CLIP_COLUMNS) if row["split"] in settings.splits]
    chosen = {row["filename"]: row["split"] for row in rows}
    for split in settings.splits:
        if split not in chosen.values():
            raise DataError(f"{survey}/clips.tsv: no usable clip of split '{split}'; see rejected.tsv beside it")
    weak = [row for row in read_table(survey / "weak.tsv", WEAK_COLUMNS) if row["filename"] in chosen]
    strong = [row for row in read_table(survey / "strong.tsv", STRONG_COLUMNS) if row["filename"] in chosen]
    _check_classes(survey / "weak.tsv", "event_labels", weak, classes)
    _check_classes(survey / "strong.tsv", "event_label", strong, classes)
    labelled = {row["filename"] for row in weak}
    for name, split in chosen.items():
        if split in settings.training and name not in labelled:
            raise DataError(f"{survey}/weak.tsv: {name} trains (split '{split}') but has no weak label")
    heard = {row["filename"] for row in strong}
    for name, split in chosen.items():
        if split in settings.strong and name not in heard:
            raise DataError(f"{survey}/strong.tsv: {name} trains (split '{split}') but has no strong label")
    write_tables(
        folder,
        clips=[tuple(row[column] for column in CORPUS_CLIP_COLUMNS) for row in rows],
        weak=[tuple(row[column] for column in WEAK_COLUMNS) for row in weak],
        strong=[tuple(row[column] for column in STRONG_COLUMNS) for row in strong],
        subsets=[
            row for name, listed in subsets.items() for row in _subset_rows(survey, settings, name, listed, chosen)
        ],
    )


def _subset_rows(
    survey: Path, settings: Official, name: str, listed: Sequence[str], chosen: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Rows of subsets.tsv: the clips of a subset that are usable clips of its split."""
    subset = settings.subsets[name]
    rows = [(name, filename) for filename in listed if chosen.get(filename) == subset.split]
    if not rows:
        raise DataError(
            f"{survey}/clips.tsv: no usable clip of split '{subset.split}' is one of {subset.data_set}, "
            f"so subset '{name}' is empty; remove it from the settings, or obtain its clips"
        )
    return rows


def _check_classes(path: Path, column: str, rows: Sequence[dict[str, str]], classes: Sequence[str]) -> None:
    for row in rows:
        for label in split_labels(row[column]):
            if label not in classes:
                raise DataError(f"{path}: {row['filename']}: unknown class '{label}'; {did_you_mean(label, classes)}")
