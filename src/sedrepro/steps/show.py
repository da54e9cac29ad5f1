"""Print every setting of a system with its provenance, and a summary of its runs and their metrics."""

from __future__ import annotations

import argparse

from sedrepro.inference.choice import paper_and_system
from sedrepro.reporting.status.system_view import print_system
from sedrepro.steps.request import Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("systems", nargs="+", metavar="SYSTEM", help="systems, each as PAPER/SYSTEM")
    parser.add_argument("--variant", help="corpus variant (default: the first of the paper's)")


def run(request: Request) -> None:
    """Print the systems of the options."""
    for words in request.options.systems:
        print_system(request.config, *paper_and_system(request.config, words), request.options.variant)
