"""Print the tables of all papers in short, ours beside the published values."""

from __future__ import annotations

from sedrepro.reporting.paper_tables import print_summary
from sedrepro.steps.request import Request


def run(request: Request) -> None:
    """Print the summary."""
    print_summary(request.config)
