"""Networks of systems, by the module of their paper."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sedrepro.base.errors import SettingsError

if TYPE_CHECKING:
    from sedrepro.experiments.papers import Paper


def network_module(paper: str) -> str:
    """Name of the module that builds the networks of a paper."""
    return f"sedrepro.papers.{paper}.network"


def build_network(paper: Paper, system: str, classes: int, seed: int, variant: str | None = None) -> Any:
    """The initialised network of a system, for the features of a corpus variant or else those of the paper.

    Raises:
        SettingsError: an argument is unknown to the network, or impossible.
    """
    import torch

    run = paper.run(system, variant)
    module = importlib.import_module(network_module(paper.name))
    torch.manual_seed(seed)
    try:
        return module.build(
            run.network, run.arguments, run.loss_weights, classes, run.front_end.n_frames, run.front_end.n_mels
        )
    except (TypeError, ValueError, IndexError, RuntimeError) as error:
        problem = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SettingsError(f"{paper.name}: system '{system}': network '{run.network}': {problem}") from error
