"""A trained run as a figure looks at it: what lies in its folder, its network, and the clips it was given."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sedrepro.annotations.clips import Event
from sedrepro.audio.front_end import FrontEnd
from sedrepro.audio.store import FeatureStore
from sedrepro.base.errors import DataError
from sedrepro.corpora.tables import read_strong
from sedrepro.experiments.metrics_files import RunMetrics, read_metrics
from sedrepro.experiments.networks import build_network
from sedrepro.experiments.places import corpus_folder, store_folder
from sedrepro.experiments.run_config import RunConfig, read_run_config, require_front_end
from sedrepro.experiments.run_files import load_weights, read_history, read_scores
from sedrepro.experiments.runs import RunIdentity

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper

#: Arrays without which no scores.npz is whole; frame scores are there where they were asked for.
SCORES = ("clip", "targets", "filenames", "splits", "frames_per_second", "mean", "deviation")


class RunView:
    """One run; each part is read when it is first asked for.

    Raises:
        DataError: a file of the run is missing or damaged (names it).
    """

    def __init__(self, config: Config, paper: Paper, who: RunIdentity) -> None:
        self.who = who
        self.folder = who.folder(config)
        self.label = paper.settings.systems[who.system].label
        self._config, self._paper = config, paper
        self._corpus = paper.settings.corpus_of(who.variant)[0]

    @cached_property
    def config(self) -> RunConfig:
        """What decided its result, as it was trained."""
        return read_run_config(self.folder)

    @property
    def classes(self) -> list[str]:
        """Class names in the order of the scores."""
        return self.config.classes

    @cached_property
    def front_end(self) -> FrontEnd:
        """The front end of its features.

        Raises:
            DataError: it was trained with another one than the settings have.
        """
        return require_front_end(self.folder, self.config, self._paper.settings.front_end_of(self._corpus))

    @cached_property
    def scores(self) -> dict[str, np.ndarray]:
        """The arrays of scores.npz: held-out clips in one order."""
        arrays = read_scores(self.folder)
        missing = [name for name in SCORES if name not in arrays]
        if missing:
            raise DataError(f"{self.folder / 'scores.npz'}: holds no '{missing[0]}'; train this run again")
        return arrays

    def frame_scores(self, filename: str, label: str) -> np.ndarray:
        """Scores (frame,) of one class in a held-out clip."""
        path = self.folder / "scores.npz"
        if "frame" not in self.scores:
            raise DataError(f"{path}: holds no frame scores; train this run again with frame_scores: true")
        row = _place(path, filename, list(map(str, self.scores["filenames"])))
        return self.scores["frame"][row, :, _place(self.folder / "config.json", label, self.classes)]

    @cached_property
    def metrics(self) -> RunMetrics:
        """Its metrics, once it is scored."""
        return read_metrics(self.folder / "metrics.json")

    @cached_property
    def events(self) -> dict[str, list[Event]]:
        """Reference events by filename."""
        return read_strong(corpus_folder(self._config, self._paper, self._corpus))

    def logmel(self, filename: str) -> Any:
        """Features (1, frame, mel) of a clip, standardised as for its network, as a tensor."""
        from sedrepro.training.data import stored_features

        store = FeatureStore(store_folder(self._config, self._paper, self._corpus), self.front_end)
        row = _place(store.folder / "index.tsv", filename, store.filenames)
        values = store.array(self.who.variant)
        return stored_features(values, np.array([row]), self.scores["mean"], self.scores["deviation"])[:]

    @cached_property
    def history(self) -> dict[str, np.ndarray]:
        """Columns of history.csv, one value per epoch."""
        return read_history(self.folder)

    @property
    def arguments(self) -> dict[str, Any]:
        """Arguments of its network."""
        return self._paper.run(self.who.system, self.who.variant).arguments

    def network(self) -> Any:
        """The network with its trained weights, ready to be asked."""
        network = build_network(self._paper, self.who.system, len(self.classes), 0, self.who.variant)
        load_weights(network, self.folder)
        return network.eval()


def _place(path: Path, name: str, names: Sequence[str]) -> int:
    """Where a name stands among those that a file lists."""
    if name not in names:
        raise DataError(f"{path}: '{name}' is not in it; run the workflow again")
    return names.index(name)
