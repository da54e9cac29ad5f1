"""The size of networks as published. Apart from how they are built, since training does not depend on it."""

import functools

from sedrepro.experiments.configuration import Config
from sedrepro.experiments.networks import build_network
from sedrepro.experiments.papers import Paper, load_paper


@functools.cache
def as_published(paper: str) -> Paper:
    """A paper with its published settings, whatever scale is run."""
    return load_paper(paper, Config(scale="full", folds=(1,), seeds=(1,)))


@functools.cache
def published_parameters(paper: str, system: str, variant: str) -> int:
    """Parameters of the network of a system with its published settings, whatever scale this is run at.

    Built on the meta device, without memory for its weights.

    Raises:
        SettingsError: the network refuses its published arguments.
    """
    import torch

    loaded = as_published(paper)
    corpus, _ = loaded.settings.corpus_of(variant)
    with torch.device("meta"):
        network = build_network(loaded, system, len(loaded.settings.classes_of(corpus)), 0, variant)
    return sum(weights.numel() for weights in network.parameters())
