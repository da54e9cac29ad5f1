"""Join the papers' parts of the comparison of post-processing methods; write csv, Markdown and HTML."""

from __future__ import annotations

from sedrepro.reporting.sweep.table import write_sweep_table
from sedrepro.steps.request import Request


def run(request: Request) -> None:
    """Write the table of the sweep."""
    print(write_sweep_table(request.config))
