"""Networks of systems, by the module of their paper."""

from __future__ import annotations

import importlib
import json
import re
from collections.abc import Collection, Iterable
from typing import TYPE_CHECKING, Any

from sedrepro.base.errors import SettingsError
from sedrepro.training.methods import trainer_module

if TYPE_CHECKING:
    from sedrepro.experiments.papers import Paper
    from sedrepro.experiments.runs import RunIdentity


#: Settings, by dotted key, that decide whether a network can be built.
SHAPING = re.compile(
    r"(networks|front_end|classes)\b|systems\..+\.(network|arguments|loss_weights)\b"
    r"|corpora\.[^.]+($|\.(front_end|classes)\b)"
)
#: Networks that this process has seen to be possible, by all that they are made of.
_POSSIBLE: set[str] = set()


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
    except (SettingsError, TypeError, ValueError, IndexError, RuntimeError) as error:
        problem = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise SettingsError(f"{paper.name}: system '{system}': network '{run.network}': {problem}") from error


def shape_networks(keys: Iterable[str]) -> bool:
    """Whether changed settings, by dotted key, can make a network impossible."""
    return any(SHAPING.match(key) for key in keys)


def require_networks(paper: Paper, changed: Collection[str]) -> None:
    """Refuse at once what else would only show when a run starts: build the network of each system, without values.

    A system may be made for the features of one corpus alone: one that it can be built for is enough. And one system of
    a network may stay behind when that is changed for the others, by keys that it has values of its own for. So it is
    refused if none of the network can be built, if its own settings are `changed` (dotted keys), or if it takes all
    that is changed of its network.

    Raises:
        SettingsError: an argument is unknown to a network, or impossible (names system, argument and what is allowed).
    """
    import torch

    errors: dict[str, SettingsError | None] = {}
    systems = paper.settings.systems
    with torch.random.fork_rng(devices=[]), torch.device("meta"):
        for system in systems:
            found = [_outcome(paper, system, corpus) for corpus in paper.settings.corpora]
            errors[system] = None if None in found else found[0]
    for system, error in errors.items():
        own = any(f"{key}.".startswith(f"systems.{system}.") for key in changed)
        alike = [errors[other] for other in systems if systems[other].network == systems[system].network]
        if error is not None and (own or _takes_all(paper, system, changed) or None not in alike):
            raise error


def _takes_all(paper: Paper, system: str, changed: Iterable[str]) -> bool:
    """Whether arguments of a system's network are changed, and it has no value of its own for any of them."""
    chosen = paper.settings.systems[system]
    network = f"networks.{chosen.network}."
    arguments = {key.removeprefix(network).partition(".")[0] for key in changed if key.startswith(network)}
    return bool(arguments) and arguments.isdisjoint(chosen.arguments)


def _outcome(paper: Paper, system: str, corpus: str) -> SettingsError | None:
    """Why the network of a system cannot be built for the features of a corpus; None where it can."""
    classes = len(paper.settings.classes_of(corpus))
    variant = next(iter(paper.settings.corpora[corpus].variants(corpus)))
    run = paper.run(system, variant)
    size = (run.front_end.n_frames, run.front_end.n_mels, classes)
    made_of = json.dumps([paper.name, run.network, run.arguments, run.loss_weights, size], sort_keys=True)
    if made_of not in _POSSIBLE:
        try:
            build_network(paper, system, classes, 0, variant)
        except SettingsError as error:
            return error
        _POSSIBLE.add(made_of)
    return None
