"""Download one file of a data set, check it, and put its contents in place; resumes an interrupted download."""

from __future__ import annotations

import argparse

from sedrepro.base.files import read_json
from sedrepro.obtaining.obtain import obtain
from sedrepro.steps.request import Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_data_set

    add_data_set(parser)
    parser.add_argument("--file", required=True, help="file of the data set, by its name in the manifest")


def run(request: Request) -> None:
    """Obtain the file of the options."""
    name = request.options.file
    facts = read_json(obtain(request.config, request.options.data_set, name))
    kept = f"{facts['files']} {'file' if facts['files'] == 1 else 'files'} in place"
    print(f"{name}: {kept}" + (f", {facts['left_out']} others left out" if facts["left_out"] else ""))
