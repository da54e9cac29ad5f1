"""Networks of systems, by the module of their paper."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from sedrepro.base.errors import SettingsError
from sedrepro.training.methods import trainer_module

if TYPE_CHECKING:
    from sedrepro.experiments.papers import Paper
    from sedrepro.experiments.runs import RunIdentity


def network_module(paper: str) -> str:
    """Name of the module that builds the networks of a paper."""
    return f"sedrepro.papers.{paper}.network"


def training_code(paper: Paper, who: RunIdentity) -> list[str]:
    """Modules that training a run starts from: its step, the paper's network, and the method of training."""
    method = paper.run(who.system, who.variant).training.method
    return ["sedrepro.steps.train", network_module(paper.name), trainer_module(method.kind)]


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
