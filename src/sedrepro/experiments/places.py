"""Where everything lies: every path below the data and the results folder."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config


class Named(Protocol):
    """A paper, or what stands for any in a pattern of paths."""

    @property
    def name(self) -> str:
        """Name of its folder."""


def work_folder(config: Config) -> Path:
    """What a scale works with: surveys, corpora, features, logs."""
    return config.work_dir / config.scale


def results_folder(config: Config) -> Path:
    """The results of a scale."""
    return config.results_dir / config.scale


def configuration_file(config: Config, text: str) -> Path:
    """Where a resolved configuration is written down: named by its content, so that no other command changes it."""
    return work_folder(config) / "configurations" / f"{hashlib.sha256(text.encode()).hexdigest()[:16]}.yaml"


def link_to(folder: Path) -> Path:
    """Where a symbolic link to a folder stands, in the folder that a workflow runs in; named by the folder as given."""
    return Path("data") / "links" / hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]


def survey_folder(config: Config, data_set: str) -> Path:
    """The survey of a data set."""
    return work_folder(config) / "surveys" / data_set


def synthesis_receipt(config: Config, archive: str) -> Path:
    """What shows that a data set was synthesised."""
    return work_folder(config) / "synthesised" / f"{archive}.json"


def corpus_folder(config: Config, paper: Named, corpus: str) -> Path:
    """The recipe, clips and labels tables of a corpus of a paper."""
    return work_folder(config) / paper.name / "corpora" / corpus


def recipe_file(config: Config, paper: Named, corpus: str) -> Path:
    """The recipe of a remix corpus."""
    return corpus_folder(config, paper, corpus) / "recipes.tsv"


def store_folder(config: Config, paper: Named, corpus: str) -> Path:
    """The feature store of a corpus of a paper."""
    return work_folder(config) / paper.name / "features" / corpus


def rendered_folder(config: Config, paper: str, variant: str) -> Path:
    """The rendered mixtures of a corpus variant."""
    return work_folder(config) / paper / "audio" / variant


def paper_folder(config: Config, paper: str) -> Path:
    """The results of a paper."""
    return results_folder(config) / paper


def table_file(config: Config, paper: str, table: str) -> Path:
    """A table of a paper as csv; its other forms lie beside it."""
    return paper_folder(config, paper) / "tables" / f"{table}.csv"


def figures_folder(config: Config, paper: str) -> Path:
    """What figures of a paper store, and their pictures."""
    return paper_folder(config, paper) / "figures"


def sweep_part(config: Config, paper: str) -> Path:
    """The part of a paper in the sweep of post-processing."""
    return paper_folder(config, paper) / "post_processing.csv"


def step_costs_folder(config: Config) -> Path:
    """What was counted of training steps: of every scale, as each is named by what it depends on."""
    return config.work_dir / "step_costs"


def measurement_file(config: Config, device: str, kind: str) -> Path:
    """What was measured of the steps of a kind of run on a device."""
    return config.work_dir / "measured" / device / f"{kind}.json"


def costs_file(config: Config) -> Path:
    """What each job of the workflow cost."""
    return work_folder(config) / "costs.tsv"
