"""Write the results page of a scale, a single self-contained file for all papers, from the results so far."""

from __future__ import annotations

from sedrepro.reporting.page.page import write_page
from sedrepro.steps.request import Request


def run(request: Request) -> None:
    """Write the page."""
    print(write_page(request.config))
