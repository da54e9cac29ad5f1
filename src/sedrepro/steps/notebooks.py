"""Run the notebooks of the chosen papers on the results of a scale; write copies with outputs beside the results."""

from __future__ import annotations

from sedrepro.reporting.notebooks.execution import run_notebooks
from sedrepro.steps.request import Request, say


def run(request: Request) -> None:
    """Run the notebooks."""
    run_notebooks(request.config, say)
