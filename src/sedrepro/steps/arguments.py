"""Options that several verbs share."""

import argparse
import math
from collections.abc import Callable
from pathlib import Path


def at_least(least: int) -> Callable[[str], int]:
    """Reader of a whole number for a parser, which then refuses smaller ones."""

    def number(text: str) -> int:
        if int(text) < least:
            raise argparse.ArgumentTypeError(f"{text} is less than {least}")
        return int(text)

    return number


def seconds(text: str) -> float:
    """Reader of a time for a parser, which then refuses one that is not finite or below 0."""
    if not 0 <= float(text) < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is no time; give seconds")
    return float(text)


def names(text: str) -> list[str]:
    """Names with commas between them."""
    return [name.strip() for name in text.split(",") if name.strip()]


def add_paper(parser: argparse.ArgumentParser) -> None:
    """The paper that a verb is about."""
    parser.add_argument("--paper", required=True, help="paper, by folder name")


def add_paper_filter(parser: argparse.ArgumentParser) -> None:
    """Only one of the papers."""
    parser.add_argument("--paper", default="", help="only this paper (default: all chosen ones)")


def add_corpus(parser: argparse.ArgumentParser) -> None:
    """A corpus of a paper."""
    add_paper(parser)
    parser.add_argument("--corpus", required=True, help="corpus of the paper, such as remix")


def add_data_set(parser: argparse.ArgumentParser) -> None:
    """An official data set."""
    parser.add_argument("--data-set", required=True, help="official data set, such as fsdkaggle2018")


def add_run(parser: argparse.ArgumentParser) -> None:
    """The run that a verb is about."""
    add_paper(parser)
    parser.add_argument("--system", required=True, help="system of the paper")
    parser.add_argument("--variant", required=True, help="corpus variant, such as remix_0db")
    parser.add_argument("--fold", type=at_least(0), required=True, help="held-out fold")
    parser.add_argument("--seed", type=at_least(0), required=True, help="seed of the run")


def add_threads(parser: argparse.ArgumentParser) -> None:
    """How many threads a verb may use."""
    parser.add_argument("--threads", type=at_least(1), default=1, help="processor threads (default: 1)")


def add_figure(parser: argparse.ArgumentParser) -> None:
    """A figure of a paper."""
    add_paper(parser)
    parser.add_argument("--figure", required=True, help="figure of the paper, such as figure2")


def add_protocol(parser: argparse.ArgumentParser) -> None:
    """The options that say what predictions are held against, and how."""
    group = parser.add_argument_group("protocol")
    group.add_argument("--paper", help="paper whose protocol, labels and tables are used")
    group.add_argument("--variant", help="corpus variant of the paper (default: its first)")
    group.add_argument(
        "--split",
        help="held-out split, or subset of one (default: the one that has printed numbers, else the first)",
    )
    group.add_argument("--fold", type=at_least(0), help="only this held-out fold (default: the mean over the folds)")
    group.add_argument("--reference", type=Path, help="your own table of labels: filename, onset, offset, event_label")
    group.add_argument("--durations", type=Path, help="with --reference: table of file names and durations in seconds")
    group.add_argument("--data-root", type=Path, help="folder of the official label tables; no audio is needed")
    group.add_argument(
        "--detection", help="method that turns scores into events, or whose rows of an event list are used"
    )
    group.add_argument("--skip-bad-rows", action="store_true", help="leave bad rows out and count them")
    group.add_argument(
        "--resamples",
        type=at_least(0),
        default=1000,
        help="number of bootstrap resamples of the clips; 0: none (default: 1000)",
    )
    own = parser.add_argument_group("without a paper")
    own.add_argument("--collar", type=float, help="event-based: seconds (default: 0.2)")
    own.add_argument("--offset-share", type=float, help="event-based: share of the length for offsets (default: 0.2)")
    own.add_argument("--segment-seconds", type=float, help="segment-based: seconds (default: 1)")
    own.add_argument("--averaging", help="micro or macro (default: macro)")
    own.add_argument("--undetected-classes", help="zero or dropped (default: zero)")
