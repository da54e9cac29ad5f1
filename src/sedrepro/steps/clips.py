"""Take clips that lie in no archive from a folder, an archive, a mirror or YouTube; only those that are missing."""

from __future__ import annotations

import argparse
from pathlib import Path

from sedrepro.obtaining.single_clips import Wishes, take_single_clips
from sedrepro.steps.arguments import add_data_set, at_least, names
from sedrepro.steps.request import Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    add_data_set(parser)
    add = parser.add_argument
    add(
        "--sources",
        required=True,
        help="in this order: folder, archive, mirror of the manifest, or youtube, with commas",
    )
    add("--splits", default="", help="splits, separated by commas (default: those that lie in no archive)")
    add("--accept-terms", action="store_true", help="YouTube only: its terms are known and accepted")
    add("--retry-failed", action="store_true", help="YouTube only: also clips that failed for good before")
    add("--cookies", type=Path, help="YouTube only: a file of cookies for yt-dlp")
    add("--pause", type=float, help="YouTube only: seconds between the starts of two downloads")
    add("--minimum-rate", type=at_least(0), help="refuse audio below this sample rate in Hz; 0 takes all")


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
