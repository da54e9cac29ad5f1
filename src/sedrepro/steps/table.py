"""Fill in a table of a paper from the runs' metrics; write csv, Markdown, HTML and LaTeX."""

from __future__ import annotations

import argparse

from sedrepro.reporting.paper_tables import write_paper_table
from sedrepro.steps.request import Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_paper

    add_paper(parser)
    parser.add_argument("--table", required=True, help="table of the paper, table1 for example")


def run(request: Request) -> None:
    """Write the table of the options."""
    print(write_paper_table(request.config, request.paper, request.options.table))
