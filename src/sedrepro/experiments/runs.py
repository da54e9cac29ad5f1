"""Training runs: which there are, where they lie, and what each is based on.

A run is (paper, system, corpus variant, fold, seed). Its folder holds what `sedrepro.experiments.run_files` lists.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from sedrepro.experiments import run_files
from sedrepro.experiments.places import results_folder, work_folder

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper


@dataclass(frozen=True)
class RunIdentity:
    """What names a run."""

    paper: str
    system: str
    variant: str
    fold: int
    seed: int

    @property
    def path(self) -> Path:
        """Its folder below `results/<scale>` (and its file below the resume folder)."""
        return Path(self.paper, "runs", self.system, self.variant, f"fold{self.fold}", f"seed{self.seed}")

    def folder(self, config: Config) -> Path:
        """Where its results lie."""
        return results_folder(config) / self.path

    def metrics_file(self, config: Config) -> Path:
        """Its metrics, once it is scored: the only file of a run that tables read."""
        return self.folder(config) / "metrics.json"

    def resume_file(self, config: Config) -> Path:
        """Its resume state: outside the declared outputs, which Snakemake deletes after a failure."""
        return work_folder(config) / "resume" / self.path.with_suffix(".pt")


def runs_of(config: Config, paper: Paper, system: str, variant: str) -> list[RunIdentity]:
    """The runs of a system on a corpus variant: the folds of the corpus, and the system's seeds or the configured.

    There are none where the corpus needs a data set that the configuration does without.

    Raises:
        SettingsError: the system or the variant is unknown (names the nearest).
    """
    paper.run(system, variant)
    settings = paper.settings
    if lacks(config, paper, variant):
        return []
    folds = settings.corpora[settings.corpus_of(variant)[0]].folds(config.folds)
    seeds = settings.systems[system].seeds or config.seeds
    return [RunIdentity(paper.name, system, variant, fold, seed) for fold in folds for seed in seeds]


def lacks(config: Config, paper: Paper, variant: str) -> list[str]:
    """The data sets that a corpus variant needs and that the configuration does without."""
    corpus = paper.settings.corpora[paper.settings.corpus_of(variant)[0]]
    return [name for name in corpus.data_sets if name in config.without]


def figure_runs(config: Config, paper: Paper, figure: str) -> list[RunIdentity]:
    """The runs that a figure looks into: of each of its systems the first fold and seed, or all.

    Raises:
        SettingsError: the paper has no such figure, or it names an unknown system or variant (names the nearest).
    """
    shown = paper.settings.figure_of(figure)
    number = 1 if shown.runs == "first" else None
    return [who for system in shown.systems for who in runs_of(config, paper, system, shown.variant)[:number]]


def base_of(paper: Paper, who: RunIdentity) -> RunIdentity | None:
    """The run that a run is based on: of equal variant, fold and seed."""
    system = paper.run(who.system, who.variant).based_on
    return None if system is None else replace(who, system=system)


def base_files(config: Config, paper: Paper, who: RunIdentity) -> list[Path]:
    """What a run reads of the run that it is based on; nothing where there is none."""
    base = base_of(paper, who)
    if base is None:
        return []
    method = paper.run(who.system, who.variant).training.method
    asked = [run_files.PSEUDO_LABELS] if method.pseudo_labels else []
    return [base.folder(config) / name for name in (run_files.CONFIG, run_files.WEIGHTS, *asked)]


def needs_strong_labels(paper: Paper, who: RunIdentity) -> bool:
    """Whether a run is trained on strong labels."""
    return paper.run(who.system, who.variant).training.method.strong_labels


def stores_frames(config: Config, paper: Paper) -> bool:
    """Whether the runs of a paper store frame scores: as configured, or because scoring needs them."""
    return config.frame_scores or paper.settings.needs_frames
