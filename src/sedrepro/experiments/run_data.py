"""The clips of a run, as training and pseudo-labels see them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from sedrepro.audio.store import FeatureStore
from sedrepro.corpora.settings import Parts
from sedrepro.corpora.tables import read_strong
from sedrepro.experiments.places import corpus_folder, store_folder
from sedrepro.experiments.runs import RunIdentity, needs_strong_labels
from sedrepro.training.data import RunData, load_run_data
from sedrepro.training.seeds import RunSeeds

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper


def open_store(config: Config, paper: Paper, who: RunIdentity) -> FeatureStore:
    """The features of a run, which must be of the front end that its settings name."""
    corpus = paper.settings.corpus_of(who.variant)[0]
    return FeatureStore(store_folder(config, paper, corpus), paper.run(who.system, who.variant).front_end)


def parts_of(paper: Paper, who: RunIdentity, store: FeatureStore) -> Parts:
    """Which clips of a store do what in a run."""
    corpus = paper.settings.corpora[paper.settings.corpus_of(who.variant)[0]]
    return corpus.parts(store.splits, store.folds, who.fold)


def load_data(
    config: Config, paper: Paper, who: RunIdentity, store: FeatureStore, seeds: RunSeeds, threads: int
) -> RunData:
    """The clips of a run in memory, with strong labels where its method uses them; read in threads."""
    training, parts, strong = paper.run(who.system, who.variant).training, parts_of(paper, who, store), None
    if not training.method.unlabelled_clips:  # it would take unlabelled clips for clips without events
        parts = replace(parts, unlabelled=np.zeros_like(parts.unlabelled))
    if needs_strong_labels(paper, who):
        strong = read_strong(corpus_folder(config, paper, paper.settings.corpus_of(who.variant)[0]))
    return load_run_data(store, who.variant, parts, training, seeds, strong, threads)


def score_arrays(scored: Any) -> dict[str, np.ndarray]:
    """The scores that there are, by name."""
    return {name: array for name, array in vars(scored).items() if array is not None}
