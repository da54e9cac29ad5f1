"""Print every setting of a paper at a scale with its provenance."""

from __future__ import annotations

import argparse

from sedrepro.experiments.networks import require_networks
from sedrepro.reporting.status.provenance import print_settings
from sedrepro.steps.request import Request

#: Where the data lie does not matter: they are not read.
READS_DATA = False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_paper

    add_paper(parser)


def run(request: Request) -> None:
    """Print the settings.

    Raises:
        SettingsError: a setting is wrong, or a network cannot be built with them.
    """
    paper = request.paper
    if not request.config.set.get(paper.name):  # what that changes was looked at when it was read
        require_networks(paper, [f"systems.{system}" for system in paper.settings.systems])
    print_settings(paper)
