"""Separate recordings into the events that a trained run detects: one WAV file per event, a table, a picture."""

from __future__ import annotations

import argparse
from pathlib import Path

from sedrepro.base.errors import SettingsError
from sedrepro.detection.hysteresis import Fixed
from sedrepro.detection.settings import Hysteresis
from sedrepro.experiments.places import results_folder
from sedrepro.experiments.run_view import RunView
from sedrepro.inference.separate import separate
from sedrepro.steps.request import Request, say
from sedrepro.training.device import set_up_torch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_run, add_threads

    parser.add_argument(
        "recordings", nargs="+", type=Path, help="audio files of any length, rate and number of channels"
    )
    add_run(parser)
    parser.add_argument("--output", type=Path, help="folder to write to (default: with the paper's results)")
    add_threads(parser)


def run(request: Request) -> None:
    """Separate the recordings of the options."""
    options, config = request.options, request.config
    paper, who = request.known_run
    methods = paper.settings.detection_of(paper.settings.corpus_of(who.variant)[0]).values()
    how = next((method for method in methods if isinstance(method, Hysteresis)), None)
    if how is None:
        raise SettingsError(f"{paper.name}: has no detection of kind hysteresis on '{who.variant}' to find events with")
    set_up_torch(options.threads, config.tf32)
    folder = options.output or results_folder(config) / paper.name / "separated" / who.system
    separate(RunView(config, paper, who), options.recordings, folder, Fixed(how), say)
