"""Print BibTeX of a paper and of the data sets that it uses."""

from __future__ import annotations

import argparse

from sedrepro.experiments.papers import load_paper
from sedrepro.reporting.citations import bibliography
from sedrepro.steps.request import Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("paper", help="paper, by folder name")


def run(request: Request) -> None:
    """Print the entries."""
    print(bibliography(load_paper(request.options.paper, request.config)), end="")
