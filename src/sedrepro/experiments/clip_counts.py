"""How many clips a run has: of its corpus where that is there, else what the official tables list."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from sedrepro.base.errors import DataError
from sedrepro.base.files import read_table
from sedrepro.corpora.settings import SPLIT, Remix
from sedrepro.corpora.tables import CORPUS_CLIP_COLUMNS
from sedrepro.data_sets import data_set, trait
from sedrepro.experiments.places import corpus_folder
from sedrepro.experiments.scales import REHEARSAL
from sedrepro.miniature import clips_of
from sedrepro.training.data import ROLES
from sedrepro.training.settings import HELD_OUT, VALIDATION, selected_by

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper
    from sedrepro.experiments.runs import RunIdentity

#: Split and fold.
Part = tuple[str, int]


@dataclass(frozen=True)
class RunClips:
    """Numbers of clips of a run."""

    training: dict[str, int]
    """Those that train, by role."""
    selection: int
    """Those that pick the epoch."""
    held_out: int
    selection_apart: bool
    """Whether selection clips are kept in memory beside the others."""

    @property
    def resident(self) -> int:
        """Clips whose features lie on the device."""
        return sum(self.training.values()) + self.held_out + (self.selection if self.selection_apart else 0)


def run_clips(config: Config, paper: Paper, who: RunIdentity, counts: dict[Part, int] | None = None) -> RunClips:
    """The clips of a run, as `load_run_data` parts them; shares are of clips, where that keeps groups together.

    `counts` are those of its corpus, where they are known already.
    """
    corpus = paper.settings.corpus_of(who.variant)[0]
    counts = counts or corpus_clips(config, paper, corpus)
    splits, folds = (np.array([part[place] for part in counts]) for place in (0, 1))
    numbers, training = np.array(list(counts.values())), paper.run(who.system, who.variant).training
    parts = paper.settings.corpora[corpus].parts(splits, folds, who.fold)
    by_role = {role: int(numbers[getattr(parts, role)].sum()) for role in ROLES}
    if not training.method.unlabelled_clips:
        by_role["unlabelled"] = 0
    held_out = int(numbers[parts.held_out].sum())
    if training.select_on == VALIDATION:
        chosen = {role: round(training.validation_share * by_role[role]) for role in ("weak", "strong")}
        kept = {role: count - chosen.get(role, 0) for role, count in by_role.items()}
        return RunClips(kept, sum(chosen.values()), held_out, True)
    if training.select_on == HELD_OUT:
        return RunClips(by_role, held_out, held_out, False)
    named = np.array([selected_by(str(split)) == training.select_on for split in splits]) & parts.held_out
    selection = int(numbers[named].sum())
    return RunClips(by_role, selection, held_out, selection < held_out)


def corpus_clips(config: Config, paper: Paper, corpus: str) -> dict[Part, int]:
    """Clips of a corpus by split and fold.

    Raises:
        DataError: it is at a scale whose data only the user has, and not there.
    """
    table = corpus_folder(config, paper, corpus) / "clips.tsv"
    if table.is_file():
        return dict(Counter((row["split"], int(row["fold"])) for row in read_table(table, CORPUS_CLIP_COLUMNS)))
    settings = paper.settings.corpora[corpus]
    if isinstance(settings, Remix):
        folds = trait(settings.events, "FOLDS")
        return {(SPLIT, fold): settings.mixtures_per_fold for fold in range(1, folds + 1)}
    name = settings.data_set
    return {(split, 0): count for split, count in listed_clips(config, name).items() if split in settings.splits}


def listed_clips(config: Config, name: str) -> dict[str, int]:
    """Clips of a data set by split: those of the label tables that are there, or else of the official ones.

    Raises:
        DataError: it is at a scale whose data only the user has, and its tables are not there.
    """
    module = data_set(name)
    if all((config.corpora_dir / table).is_file() for table in module.LABELS):
        return dict(Counter(clip.split for clip in module.clips(config.corpora_dir)))
    if config.scale in ("full", REHEARSAL):
        return {split: round(config.share * count) for split, count in trait(name, "CLIPS").items()}
    if config.scale == "miniature":
        return clips_of(module.ARCHIVE)
    raise DataError(f"{config.corpora_dir}: lacks {module.LABELS[0]}, so the clips of {name} cannot be counted")
