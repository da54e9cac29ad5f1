"""All systems of all papers by their pooling: what each scores on which data, from the runs' metrics files."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd

from sedrepro.experiments.configuration import Config
from sedrepro.experiments.metrics_files import RunMetrics, read_metrics
from sedrepro.experiments.networks import build_network
from sedrepro.experiments.papers import Paper, load_paper, paper_names

#: What tells rows apart, in this order; the other columns are metrics.
KEYS = ["data", "variant", "split", "pooling", "paper", "system", "label", "detection"]


def pooling_overview(folder: Path, scale: str) -> tuple[pd.DataFrame, list[str]]:
    """Means over runs, and the papers without any run, of the results of a scale in `folder`.

    A row per data, corpus variant, split, pooling, paper, system and way of detection (empty where a run has none),
    with the number of runs and every metric of clips, frames and detected events as a column.

    Raises:
        DataError: a metrics file is damaged (names it).
    """
    # Which runs there are, the files say.
    config = Config.model_validate({"scale": scale, "folds": (1,), "seeds": (1,), "device": "cpu"})
    rows: list[dict[str, Any]] = []
    without: list[str] = []
    for name in paper_names():
        paths = sorted((folder / name).glob("runs/*/*/*/*/metrics.json"))
        rows += _rows(load_paper(name, config), map(read_metrics, paths))
        without += [] if paths else [name]
    if not rows:
        return pd.DataFrame(columns=[*KEYS, "runs"]), without
    groups = pd.DataFrame(rows).groupby(KEYS, sort=False)
    means = groups.mean()
    means.insert(0, "runs", groups.size())
    return means.reset_index(), without


def _rows(paper: Paper, runs: Iterable[RunMetrics]) -> Iterator[dict[str, Any]]:
    """One row per run, split and way of detection; runs of systems that the settings no longer have are left out."""
    poolings: dict[str, str] = {}
    for run in runs:
        if run.system not in paper.settings.systems:
            continue
        if run.system not in poolings:
            poolings[run.system] = pooling_name(paper, run.system, len(run.classes))
        common = {
            "data": " + ".join(run.data),
            "variant": run.variant,
            "pooling": poolings[run.system],
            "paper": run.paper,
            "system": run.system,
            "label": paper.settings.systems[run.system].label,
        }
        for split, found in run.splits.items():
            ways = {name: detection.metrics for name, detection in found.detections.items()} or {"": {}}
            for way, metrics in ways.items():
                yield common | {"split": split, "detection": way} | found.metrics | metrics


def pooling_name(paper: Paper, system: str, classes: int) -> str:
    """The pooling in a system's network, by its title; the network's name where that pools in a way of its own."""
    from sedrepro.nn.poolings import HierarchicalPooling, Pooling

    for module in build_network(paper, system, classes, seed=0).modules():
        if isinstance(module, HierarchicalPooling):
            return f"{module.single.title}, hierarchical"
        if isinstance(module, Pooling):
            return module.title
    return f"own, of {paper.settings.systems[system].network}"
