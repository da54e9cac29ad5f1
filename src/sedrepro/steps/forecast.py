"""Forecast what a scale will cost: time, memory, disk, downloads. Nothing is started."""

from __future__ import annotations

import argparse

from sedrepro.reporting.status.forecast_text import one_line, print_forecast
from sedrepro.steps.request import Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.experiments.devices import KNOWN
    from sedrepro.steps.arguments import add_paper_filter, at_least

    add_paper_filter(parser)
    parser.add_argument(
        "--gpu", default="", help=f"for GPUs of this kind instead of those of this machine: {', '.join(KNOWN)}"
    )
    parser.add_argument("--count", type=at_least(1), default=1, help="number of these GPUs (default: 1)")
    parser.add_argument(
        "--target", nargs="+", default=[], metavar="FILE", help="only what these tables, figures or runs need"
    )
    parser.add_argument("--line", action="store_true", help="one line for all papers")


def run(request: Request) -> None:
    """Print the forecast.

    Raises:
        SettingsError: the kind of GPU is unknown (names the nearest).
        DataError: the label tables of a data set that only the user has are missing.
    """
    options = request.options
    if options.line:
        print(one_line(request.config, options.gpu, options.count))
    else:
        print_forecast(request.config, options.paper, options.gpu, options.count, options.target)
