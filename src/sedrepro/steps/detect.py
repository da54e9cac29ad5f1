"""Detect the events in recordings with a trained run: a table, a JSON file and a picture for each recording."""

from __future__ import annotations

import argparse
from pathlib import Path

from sedrepro.base.errors import SettingsError
from sedrepro.experiments.places import results_folder
from sedrepro.experiments.run_view import RunView
from sedrepro.inference.choice import chosen_run, chosen_way, paper_and_system
from sedrepro.inference.detect import detect, detect_with
from sedrepro.inference.model_file import read_model
from sedrepro.steps.request import Request, say
from sedrepro.training.device import set_up_torch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_threads, at_least

    add = parser.add_argument
    add("recordings", nargs="+", type=Path, help="audio files of any length, rate and number of channels")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--system", help="PAPER/SYSTEM, such as hierarchical_pooling/linear_single")
    which.add_argument("--model", type=Path, help="model file written by `export`; needs no checkout and no results")
    add("--variant", help="corpus variant (default: the first one that the system was trained on)")
    add("--fold", type=at_least(0), help="held-out fold (default: the first trained one)")
    add("--seed", type=at_least(0), help="seed of the run (default: the first trained one)")
    add("--detection", help="detection method, by its name in the paper's settings (default: the first)")
    add("--output", type=Path, help="folder to write to (default: with the paper's results; with --model: detected)")
    add("--format", default="both", help="tsv, json or both (default: both)")
    add_threads(parser)


def needs_configuration(options: argparse.Namespace) -> bool:
    """Whether a run is asked that lies in results; a model file has all in it."""
    return options.model is None


def run(request: Request) -> None:
    """Find the events in the recordings of the options."""
    options = request.options
    if options.model is not None:
        _by_model(options)
        return
    config = request.config
    paper, system = paper_and_system(config, options.system)
    who = chosen_run(config, paper, system, options.variant, options.fold, options.seed)
    run_view = RunView(config, paper, who)
    set_up_torch(options.threads, config.tf32)
    folder = options.output or results_folder(config) / paper.name / "detected" / system
    way = chosen_way(paper, run_view, options.detection)
    detect(run_view, options.recordings, folder, way, options.format, say)


def _by_model(options: argparse.Namespace) -> None:
    """Find events with a model file."""
    for name in ("variant", "fold", "seed", "detection"):
        if getattr(options, name) is not None:
            raise SettingsError(
                f"--{name}: selects among the runs of --system; a model file holds one run and one detection method"
            )
    listener, way, facts = read_model(options.model)
    set_up_torch(options.threads, tf32=False)
    detect_with(listener, facts, options.recordings, options.output or Path("detected"), way, options.format, say)
