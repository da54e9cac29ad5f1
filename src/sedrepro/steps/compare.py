"""Print all table cells made so far beside the published values, with verdicts and intervals."""

from __future__ import annotations

import argparse
import sys

from sedrepro.reporting.tables.comparison_text import print_comparison
from sedrepro.steps.request import Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_paper_filter

    add_paper_filter(parser)
    parser.add_argument("--table", default="", help="only tables with this name (default: all)")
    parser.add_argument("--strict", action="store_true", help="exit with status 1 if a cell differs")


def run(request: Request) -> int:
    """Print the cells that the options choose; 1 with --strict if one differs."""
    options = request.options
    differs = print_comparison(request.config, options.paper, options.table, sys.stdout)
    return int(differs and options.strict)
