"""List systems, tables and figures: missing, stale (made with other settings, or outdated) or done."""

from __future__ import annotations

import argparse

from sedrepro.reporting.status.state import print_states
from sedrepro.steps.request import Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_paper_filter

    add_paper_filter(parser)


def run(request: Request) -> None:
    """Print the states."""
    print_states(request.config, request.options.paper)
