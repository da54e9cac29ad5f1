"""Options that several verbs share."""

import argparse
from collections.abc import Callable


def at_least(least: int) -> Callable[[str], int]:
    """Reader of a whole number for a parser, which then refuses smaller ones."""

    def number(text: str) -> int:
        if int(text) < least:
            raise argparse.ArgumentTypeError(f"{text} is less than {least}")
        return int(text)

    return number


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
    parser.add_argument("--corpus", required=True, help="corpus of the paper, remix for example")


def add_data_set(parser: argparse.ArgumentParser) -> None:
    """An official data set."""
    parser.add_argument("--data-set", required=True, help="official data set, fsdkaggle2018 for example")


def add_run(parser: argparse.ArgumentParser) -> None:
    """The run that a verb is about."""
    add_paper(parser)
    parser.add_argument("--system", required=True, help="system of the paper")
    parser.add_argument("--variant", required=True, help="corpus variant, remix_0db for example")
    parser.add_argument("--fold", type=at_least(0), required=True, help="held-out fold")
    parser.add_argument("--seed", type=at_least(0), required=True, help="seed of the run")


def add_threads(parser: argparse.ArgumentParser) -> None:
    """How many threads a verb may use."""
    parser.add_argument("--threads", type=at_least(1), default=1, help="processor threads (default: 1)")


def add_figure(parser: argparse.ArgumentParser) -> None:
    """A figure of a paper."""
    add_paper(parser)
    parser.add_argument("--figure", required=True, help="figure of the paper, figure2 for example")
