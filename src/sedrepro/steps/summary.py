"""Print the tables of all papers in compact form, our values beside the published ones."""

from __future__ import annotations

import argparse

from sedrepro.reporting.paper_tables import print_summary
from sedrepro.steps.request import Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_paper_filter

    add_paper_filter(parser)
    parser.add_argument(
        "--target", nargs="+", default=[], metavar="FILE", help="print only these tables (default: all tables)"
    )


def run(request: Request) -> None:
    """Print the summary."""
    print_summary(request.config, request.options.target, request.options.paper)
