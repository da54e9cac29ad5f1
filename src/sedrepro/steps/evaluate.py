"""Evaluate the predictions of any system under a paper's protocol, beside its published numbers."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from sedrepro.base.errors import DataError, SettingsError, did_you_mean
from sedrepro.base.files import write_json, write_text
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import Paper
from sedrepro.experiments.places import results_folder, table_file
from sedrepro.predictions.chosen import Chosen
from sedrepro.predictions.evaluate import Wishes, evaluate
from sedrepro.published.needs import table_runs
from sedrepro.reporting.outside.report import as_csv, as_json, as_text, tables_beside, without_tables
from sedrepro.reporting.outside.rows import keep
from sedrepro.reporting.paper_tables import write_paper_table
from sedrepro.steps.request import Request

FORMATS = ("text", "csv", "json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_protocol

    parser.add_argument(
        "predictions",
        type=Path,
        help="event list (tsv, csv), tags with scores (tsv, csv), folder of score files, or .npz of frame scores",
    )
    add_protocol(parser)
    parser.add_argument("--name", help="name of the system (default: the file's name)")
    parser.add_argument("--table", help="table of the paper (default: all its tables that fit the predictions)")
    parser.add_argument("--format", default="text", help=f"output format: {', '.join(FORMATS)} (default: text)")
    parser.add_argument(
        "--no-psds", action="store_true", help="for scores, compute only the paper's metrics, which is quicker"
    )
    parser.add_argument("--output", type=Path, help="folder to write evaluation.txt, .csv and .json to")
    parser.add_argument(
        "--add-to", type=Path, help="results folder, such as results/full, whose tables and page show the row"
    )


def needs_configuration(options: argparse.Namespace) -> bool:
    """Whether the labels come from a configured checkout: elsewhere the package is enough."""
    to_results = getattr(options, "add_to", None) is not None
    return to_results or (options.paper is not None and options.reference is None and options.data_root is None)


def run(request: Request) -> None:
    """Evaluate the predictions of the options."""
    options, config = request.options, request.given
    if options.format not in FORMATS:
        raise SettingsError(f"--format {options.format}: is unknown; {did_you_mean(options.format, FORMATS)}")
    _check_target(request)
    if options.table is not None and options.paper is None:
        raise SettingsError(f"--table {options.table}: a table is of a paper; name the paper with --paper")
    chosen, wishes = chosen_by(options)
    wishes = replace(wishes, psds=not options.no_psds)
    reference, protocol = chosen.resolve(config)
    evaluated = evaluate(
        options.predictions,
        reference,
        protocol,
        wishes,
        lambda split: chosen.other_split(config, protocol, split),
        options.name or "",
    )
    described = as_json(evaluated)
    tables = tables_beside(protocol.paper, described, options.table) if protocol.paper else []
    note = without_tables(protocol.paper, described) if protocol.paper and not tables else ""
    scale = config.scale if config is not None and options.reference is None and options.data_root is None else None
    texts = {
        "text": lambda: as_text(evaluated, tables, scale, note),
        "csv": lambda: as_csv(evaluated, tables),
        "json": lambda: json.dumps(described, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
    }
    print(texts[options.format](), end="")
    if note and options.format != "text":
        print(f"note: {note}", file=sys.stderr)
    if options.output is not None:
        write_text(options.output / "evaluation.txt", texts["text"]())
        write_text(options.output / "evaluation.csv", texts["csv"]())
        write_json(options.output / "evaluation.json", described)
    if options.add_to is not None and protocol.paper is not None:
        for line in _add(request.config, protocol.paper, described):
            print(line)


def chosen_by(options: argparse.Namespace) -> tuple[Chosen, Wishes]:
    """What the options of `add_protocol` choose."""
    chosen = Chosen(**{field.name: getattr(options, field.name) for field in fields(Chosen)})
    return chosen, Wishes(options.detection, options.fold, options.skip_bad_rows, options.resamples)


def _check_target(request: Request) -> None:
    """Refuse to add to anything but the results of the configuration, whose runs fill the tables."""
    options = request.options
    if options.add_to is None:
        return
    if options.paper is None:
        raise SettingsError("--add-to: the row is added to the tables of a paper; name the paper with --paper")
    own = results_folder(request.config)
    if options.add_to.resolve() != own.resolve():
        raise SettingsError(f"--add-to {options.add_to}: is not {own}, the results at this scale; choose it by --scale")
    if not own.is_dir():
        raise DataError(f"{own}: no such folder; make results first")


def _add(config: Config, paper: Paper, evaluation: dict[str, Any]) -> list[str]:
    """Keep an evaluation in the results; write tables and page anew that are there. Returns what was done, in lines."""
    from sedrepro.reporting.page.page import PAGE, write_page

    lines = [f"kept: {keep(config, evaluation)}"]
    names = [name for name, layout in paper.settings.tables.items() if layout.kind == "numbers"]
    for name in names:
        path = table_file(config, paper.name, name)
        if not path.is_file():
            continue
        if all(who.metrics_file(config).is_file() for who in table_runs(config, paper, name)):
            lines.append(f"written with its row: {write_paper_table(config, paper, name)}")
        else:
            lines.append(f"{path}: runs of this table are missing; its next making shows the row")
    if (results_folder(config) / PAGE).is_file():
        lines.append(f"written anew: {write_page(config)}")
    return lines
