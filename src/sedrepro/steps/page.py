"""Write the results page of a scale: one self-contained file over all papers, from what lies in the results."""

from __future__ import annotations

from sedrepro.reporting.page.page import write_page
from sedrepro.steps.request import Request


def run(request: Request) -> None:
    """Write the page."""
    print(write_page(request.config))
