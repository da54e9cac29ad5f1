"""What a verb is asked to do: its options and the configuration."""

from __future__ import annotations

import argparse
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sedrepro.experiments.runs import RunIdentity

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper


@dataclass(frozen=True)
class Request:
    """A verb's options, and the configuration that the common options describe."""

    options: argparse.Namespace
    given: Config | None
    """The configuration; None where the verb says that it needs none."""

    @property
    def config(self) -> Config:
        """The configuration.

        Raises:
            ValueError: the verb has said that it needs none.
        """
        if self.given is None:
            raise ValueError("there is no configuration")
        return self.given

    @property
    def paper(self) -> Paper:
        """The paper that the options name.

        Raises:
            SettingsError: it is unknown, or its settings are wrong.
        """
        # By its name: what a step depends on are the values of the settings, which are parameters of its rule.
        return importlib.import_module("sedrepro.experiments.papers").load_paper(self.options.paper, self.config)

    @property
    def run(self) -> RunIdentity:
        """The run that the options name."""
        named = self.options
        return RunIdentity(named.paper, named.system, named.variant, named.fold, named.seed)

    @property
    def known_run(self) -> tuple[Paper, RunIdentity]:
        """The paper and the run that the options name, which its settings know.

        Raises:
            SettingsError: the paper, the system or the corpus variant is unknown (names the nearest).
        """
        paper, run = self.paper, self.run
        paper.run(run.system, run.variant)
        return paper, run


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)
