"""A trained run as a figure looks at it: what lies in its folder, its network, and the clips it was given."""

from functools import cached_property
from typing import Any

import numpy as np

from sedrepro.audio.front_end import FrontEnd
from sedrepro.audio.store import FeatureStore
from sedrepro.clips import Event
from sedrepro.config import Config
from sedrepro.corpora.tables import read_strong
from sedrepro.errors import DataError
from sedrepro.files import read_json
from sedrepro.runs import RunIdentity, build_network, corpus_folder, read_scores, store_folder
from sedrepro.settings import Paper


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
    def classes(self) -> list[str]:
        """Class names in the order of the scores."""
        return read_json(self.folder / "config.json")["classes"]

    @property
    def front_end(self) -> FrontEnd:
        """The front end of its features."""
        return self._paper.settings.front_end

    @cached_property
    def scores(self) -> dict[str, np.ndarray]:
        """The arrays of scores.npz: held-out clips in one order."""
        return read_scores(self.folder)

    @cached_property
    def events(self) -> dict[str, list[Event]]:
        """Reference events by filename."""
        return read_strong(corpus_folder(self._config, self._paper, self._corpus))

    def logmel(self, filename: str) -> Any:
        """Features (1, frame, mel) of a clip, standardised as for its network, as a tensor."""
        import torch

        store = FeatureStore(store_folder(self._config, self._paper, self._corpus), self.front_end)
        raw = store.array(self.who.variant)[store.filenames.index(filename)].astype(np.float32)
        return torch.from_numpy((raw - self.scores["mean"]) / self.scores["deviation"])[None]

    def network(self) -> Any:
        """The network with its trained weights, ready to be asked."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        network, weights = build_network(self._paper, self.who.system, len(self.classes), 0), "weights.safetensors"
        try:
            network.load_state_dict(load_file(self.folder / weights))
        except (OSError, SafetensorError, RuntimeError) as error:
            problem = str(error).splitlines()[0]
            raise DataError(f"{self.folder / weights}: cannot be read ({problem}); train this run again") from error
        return network.eval()
