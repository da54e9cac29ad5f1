"""Fill in the numbers of README and docs from the records, published values and settings."""

from __future__ import annotations

import argparse

from sedrepro.reporting.documents.filling import outdated, write_documents
from sedrepro.steps.request import Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("--check", action="store_true", help="change nothing; status 1 if a number is out of date")


def run(request: Request) -> int:
    """Fill the documents, or say which are out of date."""
    if not request.options.check:
        for path in write_documents():
            print(f"{path}: updated")
        return 0
    behind = outdated()
    for path in behind:
        print(f"{path}: is out of date; `make documents` fills it")
    return int(bool(behind))
