"""Keep the tables, figures and metrics of a paper in results/recorded, with command, machine and date."""

from __future__ import annotations

import argparse
from pathlib import Path

from sedrepro.reporting.records.page import write_record_page
from sedrepro.reporting.records.record import record
from sedrepro.steps.request import Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_paper

    add_paper(parser)
    parser.add_argument("--command", required=True, help="the command that made the results")
    parser.add_argument("--note", default="", help="a remark to keep with them")
    parser.add_argument("--incomplete", action="store_true", help="keep them even if tables or figures are not done")
    parser.add_argument("--overwrite", action="store_true", help="replace a record of the same day, scale and budget")
    parser.add_argument(
        "--continues",
        type=Path,
        metavar="RECORD",
        help="an earlier record (a folder) of the same scale, budget and paper, whose runs are kept with these",
    )


def run(request: Request) -> None:
    """Keep the results of the paper of the options."""
    options = request.options
    folder = record(
        request.config,
        request.paper,
        options.command,
        options.note,
        options.incomplete,
        options.overwrite,
        options.continues,
    )
    print(folder)
    print(write_record_page(folder))
