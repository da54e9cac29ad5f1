"""Get missing clips that no official archive holds, from a folder, an archive, a mirror or YouTube."""

from __future__ import annotations

import argparse
from pathlib import Path

from sedrepro.obtaining.single_clips import Wishes, take_single_clips
from sedrepro.steps.arguments import add_data_set, at_least, names, seconds
from sedrepro.steps.request import Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    add_data_set(parser)
    add = parser.add_argument
    add(
        "--sources",
        required=True,
        help="folders, archives, mirrors in the manifest or youtube, comma-separated, in the order to try them",
    )
    add("--splits", default="", help="splits, comma-separated (default: those that no archive holds)")
    add("--accept-terms", action="store_true", help="YouTube only: confirm that you know and accept its terms")
    add("--retry-failed", action="store_true", help="YouTube only: also retry clips that failed permanently")
    add("--cookies", type=Path, help="YouTube only: a file of cookies for yt-dlp")
    add("--pause", type=seconds, help="YouTube only: seconds between the starts of two downloads")
    add("--minimum-rate", type=at_least(0), help="reject audio below this sample rate in Hz; 0 accepts all")


def run(request: Request) -> None:
    """Take the clips that the options ask for."""
    options = request.options
    given = {
        "splits": tuple(names(options.splits)),
        "accept_terms": options.accept_terms,
        "retry_failed": options.retry_failed,
        "cookies": options.cookies,
        "pause_seconds": options.pause,
        "minimum_rate": options.minimum_rate,
    }
    wishes = Wishes(**{name: value for name, value in given.items() if value is not None})
    take_single_clips(request.config, options.data_set, names(options.sources), wishes)
