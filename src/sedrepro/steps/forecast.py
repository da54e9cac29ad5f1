"""Forecast what a scale will cost: time, memory, disk, downloads. Nothing is started."""

from __future__ import annotations

import argparse

from sedrepro.base.errors import SettingsError
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
    parser.add_argument("--count", type=at_least(1), help="number of the GPUs of --gpu (default: 1)")
    parser.add_argument(
        "--target", nargs="+", default=[], metavar="FILE", help="only what these tables, figures or runs need"
    )
    parser.add_argument("--line", action="store_true", help="one line for all of it")


def run(request: Request) -> None:
    """Print the forecast.

    Raises:
        SettingsError: the kind of GPU is unknown (names the nearest), or none is named and yet counted; a target is no
            file of the suite (names it).
        DataError: the label tables of a data set that only the user has are missing.
    """
    options = request.options
    if options.count and not options.gpu:
        raise SettingsError("--count: of which GPUs? name their kind by --gpu")
    if options.line:
        print(one_line(request.config, options.paper, options.gpu, options.count or 1, options.target))
    else:
        print_forecast(request.config, options.paper, options.gpu, options.count or 1, options.target)
