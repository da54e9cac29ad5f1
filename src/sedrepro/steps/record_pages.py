"""Write the results page of every record in results/recorded, from what it holds; git does not keep the pages."""

from __future__ import annotations

import argparse
from pathlib import Path

from sedrepro.reporting.documents.recorded import RECORDED, records
from sedrepro.reporting.records.page import write_record_page
from sedrepro.steps.request import Request


def needs_configuration(options: argparse.Namespace) -> bool:
    """Never: a record says itself at which scale it was made."""
    return False


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument("--record", type=Path, help="only this record: a folder that holds a record.json")


def run(request: Request) -> None:
    """Write the pages and print where they are."""
    chosen = request.options.record
    for folder in [chosen] if chosen else [RECORDED / name / paper for name, paper, _ in records()]:
        print(write_record_page(folder))
