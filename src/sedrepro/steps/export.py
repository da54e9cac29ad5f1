"""Export a trained run to a single file, which `detect --model` can use anywhere."""

from __future__ import annotations

import argparse
from pathlib import Path

from sedrepro.experiments.run_view import RunView
from sedrepro.inference.choice import chosen_run, chosen_way, paper_and_system
from sedrepro.inference.model_file import read_model, write_model
from sedrepro.steps.request import Request, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import at_least

    add = parser.add_argument
    add("system", metavar="PAPER/SYSTEM", help="hierarchical_pooling/linear_single for example")
    add("--output", type=Path, required=True, help="the file to write, model.zip for example")
    add("--variant", help="corpus variant (default: the first one that the system was trained on)")
    add("--fold", type=at_least(0), help="held-out fold (default: the first that is trained)")
    add("--seed", type=at_least(0), help="seed of the run (default: the first that is trained)")
    add("--detection", help="way from scores to events, by its name in the paper's settings (default: the first)")


def run(request: Request) -> None:
    """Write the run of the options, and read the file once."""
    options, config = request.options, request.config
    paper, system = paper_and_system(config, options.system)
    who = chosen_run(config, paper, system, options.variant, options.fold, options.seed)
    run_view = RunView(config, paper, who)
    path = write_model(paper, run_view, chosen_way(paper, run_view, options.detection), options.output)
    _, way, facts = read_model(path)
    if facts["warning"]:
        say(f"warning: {facts['warning']}")
    for name, terms in facts["licences"].items():
        say(f"data: {name}: {'; '.join(terms) or 'see its source'}")
    say(f"{path}: {who.paper}/{who.system}, {who.variant}, fold {who.fold}, seed {who.seed}; detection '{way.name}'")
