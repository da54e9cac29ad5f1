"""Evaluate predictions of any system as a paper does, beside its published numbers."""

import argparse
import json
from pathlib import Path

from sedrepro.base.errors import DataError, SettingsError, did_you_mean
from sedrepro.base.files import write_json, write_text
from sedrepro.experiments.configuration import Config

FORMATS = ("text", "csv", "json")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `sedrepro evaluate`."""
    parser.add_argument(
        "predictions",
        type=Path,
        help="event list (tsv, csv), tags with scores (tsv, csv), folder of score files, or .npz of frame scores",
    )
    add_protocol(parser)
    parser.add_argument("--name", help="what the system is called (default: the file's name)")
    parser.add_argument("--table", help="table of the paper (default: all that it prints and that fit)")
    parser.add_argument("--format", default="text", help=f"printed as {', '.join(FORMATS)} (default: text)")
    parser.add_argument("--output", type=Path, help="folder to write evaluation.txt, .csv and .json to")
    parser.add_argument(
        "--add-to", type=Path, help="results folder, results/full say, whose tables and page show the row"
    )


def add_protocol(parser: argparse.ArgumentParser) -> None:
    """The options that say what predictions are held against, and how."""
    group = parser.add_argument_group("protocol")
    group.add_argument("--paper", help="paper whose protocol, labels and tables are taken")
    group.add_argument("--variant", help="corpus variant of the paper (default: its first)")
    group.add_argument("--split", help="held-out split, or subset of one (default: the first)")
    group.add_argument("--fold", type=int, help="only this held-out fold (default: the mean over the folds)")
    group.add_argument("--reference", type=Path, help="table of labels instead: filename, onset, offset, event_label")
    group.add_argument("--durations", type=Path, help="with --reference: table of filename and duration in seconds")
    group.add_argument("--data-root", type=Path, help="where the official label tables lie; no audio is needed")
    group.add_argument("--detection", help="way from scores to events, or which rows of a list count")
    group.add_argument("--skip-bad-rows", action="store_true", help="leave bad rows out and count them")
    group.add_argument("--resamples", type=int, default=1000, help="bootstrap over clips; 0: none (default: 1000)")
    own = parser.add_argument_group("without a paper")
    own.add_argument("--collar", type=float, help="event-based: seconds (default: 0.2)")
    own.add_argument("--offset-share", type=float, help="event-based: share of the length for offsets (default: 0.2)")
    own.add_argument("--segment-seconds", type=float, help="segment-based: seconds (default: 1)")
    own.add_argument("--averaging", help="micro or macro (default: macro)")
    own.add_argument("--undetected-classes", help="zero or dropped (default: zero)")


def needs_configuration(options: argparse.Namespace) -> bool:
    """Whether the labels come from a configured checkout: elsewhere the package is enough."""
    to_results = getattr(options, "add_to", None) is not None
    return to_results or (options.paper is not None and options.reference is None and options.data_root is None)


def run(options: argparse.Namespace, config: Config | None) -> None:
    """Evaluate predictions of any system as a paper does, beside its published numbers."""
    from sedrepro.predictions.evaluate import evaluate
    from sedrepro.reporting.outside.report import as_csv, as_json, as_text, tables_beside

    if options.format not in FORMATS:
        raise SettingsError(f"--format {options.format}: is unknown; {did_you_mean(options.format, FORMATS)}")
    _check_target(options, config)
    request, wishes = requested(options)
    reference, protocol = request.resolve(config)
    evaluated = evaluate(
        options.predictions,
        reference,
        protocol,
        wishes,
        lambda split: request.other_split(config, protocol, split),
        options.name or "",
    )
    described = as_json(evaluated)
    tables = tables_beside(protocol.paper, described, options.table) if protocol.paper else []
    scale = config.scale if config is not None and options.reference is None and options.data_root is None else None
    texts = {
        "text": lambda: as_text(evaluated, tables, scale),
        "csv": lambda: as_csv(evaluated, tables),
        "json": lambda: json.dumps(described, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
    }
    print(texts[options.format](), end="")
    if options.output is not None:
        write_text(options.output / "evaluation.txt", texts["text"]())
        write_text(options.output / "evaluation.csv", texts["csv"]())
        write_json(options.output / "evaluation.json", described)
    if options.add_to is not None:
        for line in _add(config, protocol.paper, described):
            print(line)


def requested(options: argparse.Namespace):
    """The request and the wishes that the options of `add_protocol` make."""
    from sedrepro.predictions.evaluate import Wishes
    from sedrepro.predictions.request import Request

    if options.resamples < 0:
        raise SettingsError(f"--resamples {options.resamples}: is negative; 0 draws none")
    request = Request(**{name: getattr(options, name) for name in Request.__dataclass_fields__})
    return request, Wishes(options.detection, options.fold, options.skip_bad_rows, options.resamples)


def _check_target(options: argparse.Namespace, config: Config | None) -> None:
    """Refuse to add to anything but the results of the configuration, whose runs fill the tables."""
    if options.add_to is None:
        return
    if options.paper is None:
        raise SettingsError("--add-to: rows go into the tables of a paper; name it by --paper")
    own = config.results_dir / config.scale
    if options.add_to.resolve() != own.resolve():
        raise SettingsError(f"--add-to {options.add_to}: is not {own}, the results at this scale; choose it by --scale")
    if not own.is_dir():
        raise DataError(f"{own}: no such folder; make results first")


def _add(config: Config, paper, evaluation: dict) -> list[str]:
    """Keep an evaluation in the results; write tables and page anew that are there. Returns what was done, in lines."""
    from sedrepro.reporting.outside.rows import keep
    from sedrepro.reporting.page.page import PAGE, write_page
    from sedrepro.reporting.paper_tables import table_runs, write_paper_table

    lines = [f"kept: {keep(config, evaluation)}"]
    names = [name for name, layout in paper.settings.tables.items() if layout.kind == "numbers"]
    for name in names:
        path = config.results_dir / config.scale / paper.name / "tables" / f"{name}.csv"
        if not path.is_file():
            continue
        if all(who.metrics_file(config).is_file() for who in table_runs(config, paper, name)):
            lines.append(f"written with its row: {write_paper_table(config, paper, name)}")
        else:
            lines.append(f"{path}: runs of this table are missing; its next making shows the row")
    if (config.results_dir / config.scale / PAGE).is_file():
        lines.append(f"written anew: {write_page(config)}")
    return lines
