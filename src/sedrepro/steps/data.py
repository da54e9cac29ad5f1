"""Show what would have to be downloaded: files, sizes, licences and terms. Nothing is downloaded."""

from __future__ import annotations

import argparse

from sedrepro.data_sets import data_set_names
from sedrepro.obtaining.plan import check_plan, chosen_data_sets, print_plan
from sedrepro.steps.request import Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("--check", action="store_true", help="fail if a disk is too small or there is no network")


def run(request: Request) -> None:
    """Print the plan, and check it where asked to."""
    config = request.config
    names = chosen_data_sets(config) if config.named_data_sets else data_set_names()
    print_plan(config, names)
    if request.options.check:
        check_plan(config, names)
