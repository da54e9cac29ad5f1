"""Compare the predictions of two systems by a paired bootstrap over the clips."""

from __future__ import annotations

import argparse
import csv
import io
import json
from dataclasses import asdict
from pathlib import Path

from sedrepro.base.errors import SettingsError, did_you_mean
from sedrepro.base.terminal import aligned
from sedrepro.predictions.compare import Difference, compare
from sedrepro.predictions.evaluate import read_predictions, require_choice
from sedrepro.predictions.problems import Problems, named
from sedrepro.predictions.reference import Reference
from sedrepro.steps.evaluate import FORMATS, chosen_by
from sedrepro.steps.request import Request

COLUMNS = ("metric", "event_class", "first", "second", "difference", "low", "high", "p", "better")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_protocol

    parser.add_argument("first", type=Path, help="predictions of one system, in a format that `evaluate` reads")
    parser.add_argument("second", type=Path, help="predictions of the other system")
    add_protocol(parser)
    parser.add_argument("--classes", action="store_true", help="also compare class by class")
    parser.add_argument("--format", default="text", help=f"output format: {', '.join(FORMATS)} (default: text)")


def needs_configuration(options: argparse.Namespace) -> bool:
    """Whether the labels come from a configured checkout: elsewhere the package is enough."""
    return options.paper is not None and options.reference is None and options.data_root is None


def run(request: Request) -> None:
    """Compare the two prediction sets of the options."""
    options, config = request.options, request.given
    if options.format not in FORMATS:
        raise SettingsError(f"--format {options.format}: is unknown; {did_you_mean(options.format, FORMATS)}")
    chosen, wishes = chosen_by(options)
    if not wishes.resamples:
        raise SettingsError("--resamples 0: a comparison needs resamples")
    reference, protocol = chosen.resolve(config)
    reference = reference if wishes.fold is None else reference.of_fold(wishes.fold)
    read, remarks = [], []
    for path in (options.first, options.second):
        problems = Problems(wishes.skip_bad_rows)
        matched = read_predictions(
            path, reference, protocol, wishes, problems, lambda split: chosen.other_split(config, protocol, split)
        )
        read.append(matched)
        remarks += [f"{path}: {line}" for line in problems.lines()]
        for words, names in (
            ("clips without a prediction", matched.missing),
            ("files without reference", matched.unmatched),
        ):
            if names:
                remarks.append(f"{path}: {words}: {len(names)} ({named(names)})")
    require_choice(wishes, *read)
    first, second = read
    found = compare(first, second, reference, protocol.evaluation, wishes.resamples)
    if not found:
        raise SettingsError(f"{options.first} and {options.second}: have no metric in common; give two of one kind")
    print(_shown(options, reference, wishes.resamples, found, remarks), end="")


def _shown(
    options: argparse.Namespace, reference: Reference, resamples: int, found: list[Difference], remarks: list[str]
) -> str:
    shown = [one for one in found if options.classes or not one.event_class]
    if options.format == "json":
        content = {
            **{"first": str(options.first), "second": str(options.second), "reference": reference.source},
            **{"clips": len(reference.clips), "resamples": resamples, "remarks": remarks},
            "differences": [asdict(one) | {"better": one.outcome} for one in shown],
        }
        return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    rows = [_row(one) for one in shown]
    if options.format == "csv":
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([COLUMNS, *rows])
        return text.getvalue()
    head = [
        f"first: {options.first}",
        f"second: {options.second}",
        f"reference: {reference.source}, {len(reference.clips)} clips, {resamples} paired resamples of the clips",
        *remarks,
        "",
    ]
    tail = (
        "Difference: second minus first, with its 95 % interval; better: the interval leaves 0 out. The intervals are\n"
        "of each metric by itself, and say nothing of training again."
    )
    lines = [COLUMNS, *([_short(field) for field in row] for row in rows if row[4] != "")]
    return "\n".join([*head, aligned(lines, 2), "", tail]) + "\n"


def _row(one: Difference) -> list[str]:
    low, high = one.interval or (None, None)
    numbers = (one.first, one.second, one.difference, low, high, one.p)
    return [one.metric, one.event_class, *("" if n is None else f"{n:.6g}" for n in numbers), one.outcome]


def _short(field: str) -> str:
    """A number at four decimals, anything else as it is."""
    try:
        return f"{float(field):.4f}"
    except ValueError:
        return field
