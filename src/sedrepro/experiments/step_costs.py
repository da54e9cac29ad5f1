"""What a training step of each run costs, counted once and kept."""

from __future__ import annotations

import functools
import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from sedrepro.base.code import code_digest
from sedrepro.base.errors import DataError
from sedrepro.base.files import read_json, write_json
from sedrepro.experiments.networks import build_network, network_module
from sedrepro.experiments.places import step_costs_folder
from sedrepro.training.methods import trainer_module

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper
    from sedrepro.training.counting import StepCost

COUNTING = "sedrepro.training.counting"


def cost_file(config: Config, paper: Paper, system: str, variant: str) -> Path:
    """Where the cost of a training step is kept; equal steps have one file."""
    run = paper.run(system, variant)
    # Neither the rate of learning nor the length of training changes what a step costs.
    changing = {"learning_rate", "epochs", "monitor", "schedule", "stop_patience", "select_on", "validation_share"}
    counted = run.model_dump(mode="json", exclude={"training": changing, "based_on": True})
    code = _digest(paper.name, run.training.method.kind)
    text = json.dumps([paper.name, counted, _classes(paper, variant), code], sort_keys=True)
    return step_costs_folder(config) / f"{hashlib.sha256(text.encode()).hexdigest()[:24]}.json"


def step_cost(config: Config, paper: Paper, system: str, variant: str) -> StepCost:
    """Cost of a training step of a system on a corpus variant, from the folder of counts or counted now."""
    from sedrepro.training.counting import StepCost

    path = cost_file(config, paper, system, variant)
    try:
        return StepCost(**read_json(path))
    except (DataError, TypeError):
        cost = _count(paper, system, variant, _classes(paper, variant))
    write_json(path, asdict(cost))
    return cost


def _classes(paper: Paper, variant: str) -> int:
    return len(paper.settings.classes_of(paper.settings.corpus_of(variant)[0]))


@functools.cache
def _digest(paper: str, kind: str) -> str:
    return code_digest([COUNTING, network_module(paper), trainer_module(kind)])


def _count(paper: Paper, system: str, variant: str, classes: int) -> StepCost:
    import torch

    from sedrepro.training.counting import count_step
    from sedrepro.training.sampling import sampled_trainer

    def build():
        return build_network(paper, system, classes, 0, variant)

    return count_step(*sampled_trainer(paper.run(system, variant), build, classes, 1, torch.device("cpu")))
