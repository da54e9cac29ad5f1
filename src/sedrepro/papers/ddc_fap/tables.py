"""Tables 1 to 3 of the DDC-FAP paper, from the code: the built networks, and the settings with where they come from."""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from sedrepro.base.errors import DataError, did_you_mean
from sedrepro.corpora.remix import EVENT_SECONDS, ONSETS
from sedrepro.data_sets.fsdkaggle2018 import FOLDS
from sedrepro.experiments.networks import build_network
from sedrepro.experiments.papers import Paper
from sedrepro.published.cells import Cell
from sedrepro.reporting.status.provenance import setting_rows
from sedrepro.reporting.tables.text import CodeText
from sedrepro.training.loop import OPTIMISER

ABSENT = "none at this scale"


def table1(paper: Paper, cells: Sequence[Cell]) -> list[CodeText]:
    """Model architecture: layers, output shape and number of parameters of each stage, walked in the built networks.

    Shapes are (channel, frame, mel), of the pooling (class,).

    Raises:
        DataError: a cell names an unknown stage or says something unknown of it (names the nearest).
    """
    stages = {system: _stages(paper, system) for system in dict.fromkeys(cell.system for cell in cells)}
    return [_said(cell, _looked_up(stages[cell.system], cell)) for cell in cells]


def _stages(paper: Paper, system: str) -> dict[str, dict[str, str]]:
    """What is said of each stage of a system's network."""
    front_end, network = paper.settings.front_end, build_network(paper, system, len(paper.settings.classes), 0).eval()
    parts = {f"block {number}": block for number, block in enumerate(network.blocks, start=1)}
    parts |= {"masks": network.masks, "pooling": network.pooling}
    shapes: dict[str, Tensor] = {}

    def keep(name: str, _part: nn.Module, _given: tuple, output: Tensor) -> None:
        shapes[name] = output[0]

    for name, part in parts.items():
        part.register_forward_hook(partial(keep, name))
    logmel = torch.zeros(1, front_end.n_frames, front_end.n_mels)
    with torch.no_grad():
        network(logmel)
    said = {"input": {"layers": "log-mel features", "output": _size(logmel), "parameters": "0"}}
    for name, part in parts.items():
        said[name] = {"layers": _layers(part), "output": _size(shapes[name]), "parameters": _parameters(part)}
    last = {"layers": f"{len(parts)} stages", "output": _size(shapes["pooling"]), "parameters": _parameters(network)}
    return said | {"whole network": last}


def _size(output: Tensor) -> str:
    return " x ".join(map(str, output.shape))


def _parameters(part: nn.Module) -> str:
    return str(sum(parameter.numel() for parameter in part.parameters()))


def _layers(part: nn.Module) -> str:
    """The layers of a stage in their order; a pooling is one."""
    if hasattr(part, "definition"):
        return f"{part.title}: {part.definition}"
    return ", ".join(_layer(module) for module in part.modules() if not list(module.children()))


def _layer(layer: nn.Module) -> str:
    if isinstance(layer, nn.BatchNorm2d):
        return "batch norm"
    if not isinstance(layer, nn.Conv2d):
        return type(layer).__name__
    size = " x ".join(map(str, layer.kernel_size))
    kind = "depthwise convolution" if layer.groups == layer.in_channels > 1 else "convolution"
    dilation = f", dilation {layer.dilation[0]}" if layer.dilation[0] > 1 else ""
    return f"{kind} {size} to {layer.out_channels}{dilation}"


def _looked_up(stages: dict[str, dict[str, str]], cell: Cell) -> str:
    stage = cell.labels["stage"]
    if stage.startswith("block ") and stage not in stages:
        return ABSENT
    if stage not in stages:
        raise DataError(f"table1.csv: stage '{stage}' is unknown; {did_you_mean(stage, stages)}")
    if cell.metric not in stages[stage]:
        raise DataError(f"table1.csv: metric '{cell.metric}' is unknown; {did_you_mean(cell.metric, stages[stage])}")
    return stages[stage][cell.metric]


def table2(paper: Paper, cells: Sequence[Cell]) -> list[CodeText]:
    """Setting of experiment data: each setting, or all settings of a section, and where it comes from.

    Raises:
        DataError: there is no setting or section of that key (names the nearest).
    """
    rows = _facts() | {
        key: (value, f"{source}: {reason}" if reason else source) for key, value, source, reason in setting_rows(paper)
    }
    return [_said(cell, _setting(rows, cell)) for cell in cells]


#: Experiment setting: made like Table 2, from other settings.
table3 = table2


def _facts() -> dict[str, tuple[str, str]]:
    """What is the same for every remix and every training, and therefore no setting: its value and origin."""
    initial = "Glorot, uniform, for convolutions, dense layers and GRUs; recurrent weights orthogonal"
    return {
        "facts.event_seconds": (f"{EVENT_SECONDS:g}", "paper: Section 3.1"),
        "facts.onsets": (", ".join(f"{onset:g}" for onset in ONSETS), "paper: Section 3.1"),
        "facts.folds": (str(FOLDS), "paper: Section 3.1"),
        "facts.optimiser": (OPTIMISER.__name__, "cited code: the paper names none"),
        "facts.initialisation": (initial, "paper: Section 3.2 (Xavier)"),
        "facts.runs": ("one per fold and seed of the configuration", "assumption: the paper averages ten"),
    }


def _setting(rows: dict[str, tuple[str, str]], cell: Cell) -> str:
    """Value or origin of the setting at the cell's key; of a section those of all its settings by name."""
    key, part = cell.factors["key"], ("value", "origin").index(cell.metric)
    if key in rows:
        return rows[key][part]
    section = {name.removeprefix(f"{key}."): row[part] for name, row in rows.items() if name.startswith(f"{key}.")}
    if not section:
        raise DataError(f"the tables of settings name '{key}', which is not a setting; {did_you_mean(key, rows)}")
    return "; ".join(f"{name} {text}" for name, text in section.items())


def _said(cell: Cell, ours: str) -> CodeText:
    """No print is at hand to compare with."""
    return CodeText(ours, "no published value" if cell.at_hand else "not available")
