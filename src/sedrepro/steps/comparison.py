"""Write all table cells beside the published values, and the number of cells by verdict, as csv and Markdown."""

from __future__ import annotations

from sedrepro.reporting.tables.comparison import write_comparison
from sedrepro.steps.request import Request


def run(request: Request) -> None:
    """Write the comparison."""
    print(write_comparison(request.config))
