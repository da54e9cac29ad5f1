"""Keep tables, figures and metrics of a paper under results/recorded, with command, machine and date."""

from __future__ import annotations

import argparse

from sedrepro.reporting.status.record import record
from sedrepro.steps.request import Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_paper

    add_paper(parser)
    parser.add_argument("--command", required=True, help="the command that made the results")
    parser.add_argument("--note", default="", help="a remark to keep with them")


def run(request: Request) -> None:
    """Keep the results of the paper of the options."""
    print(record(request.config, request.paper, request.options.command, request.options.note))
