"""Which runs of a system are trained, by what lies in the results."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sedrepro.experiments.run_files import CONFIG
from sedrepro.experiments.runs import RunIdentity

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper


def variants_of(paper: Paper) -> list[str]:
    """The corpus variants of a paper, in the order of its settings."""
    return [variant for name, corpus in paper.settings.corpora.items() for variant in corpus.variants(name)]


def trained_runs(config: Config, paper: Paper, system: str) -> list[RunIdentity]:
    """The runs of a system that are there: by variant in the order of the settings, then by fold and seed."""
    return [run for variant in variants_of(paper) for run in _on_disk(config, paper, system, variant)]


def _on_disk(config: Config, paper: Paper, system: str, variant: str) -> Iterator[RunIdentity]:
    folder = RunIdentity(paper.name, system, variant, 0, 0).folder(config).parent.parent
    found = (_numbers(path.parent) for path in folder.glob(f"fold*/seed*/{CONFIG}"))
    numbers = {pair for pair in found if pair is not None}
    return (RunIdentity(paper.name, system, variant, *pair) for pair in sorted(numbers))


def _numbers(folder: Path) -> tuple[int, int] | None:
    fold, seed = folder.parent.name.removeprefix("fold"), folder.name.removeprefix("seed")
    return (int(fold), int(seed)) if fold.isdecimal() and seed.isdecimal() else None
