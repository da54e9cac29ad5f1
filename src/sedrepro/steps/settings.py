"""Print every setting of a paper at a scale with its provenance."""

from __future__ import annotations

import argparse

from sedrepro.reporting.status.provenance import print_settings
from sedrepro.steps.request import Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_paper

    add_paper(parser)


def run(request: Request) -> None:
    """Print the settings."""
    print_settings(request.paper)
