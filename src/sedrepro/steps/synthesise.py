"""Synthesise a data set in the official layout: a miniature, or one of official size for a rehearsal."""

from __future__ import annotations

import argparse
import importlib
from typing import TYPE_CHECKING, Any

from sedrepro.base.errors import SettingsError, did_you_mean
from sedrepro.base.files import write_json
from sedrepro.experiments.places import synthesis_receipt
from sedrepro.experiments.scales import REHEARSAL, SYNTHESISED
from sedrepro.miniature import archive_names, writer_of
from sedrepro.miniature.rehearsal import write_layout
from sedrepro.steps.request import Request

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_data_set

    add_data_set(parser)


def run(request: Request) -> None:
    """Write the data set of the options."""
    config, name = request.config, request.options.data_set
    if config.scale not in SYNTHESISED:
        raise SettingsError(f"scale '{config.scale}' uses recordings; only {' and '.join(SYNTHESISED)} are synthesised")
    if name not in archive_names():
        raise SettingsError(f"'{name}' cannot be synthesised; {did_you_mean(name, archive_names())}")
    facts: dict[str, Any] = {"data_set": name, "seed": config.miniature_seed}
    if config.scale == REHEARSAL:
        classes = _event_classes(config, name)
        facts |= write_layout(name, config.corpora_dir, config.miniature_seed, config.share, config.data_root, classes)
    else:
        writer_of(name)(config.corpora_dir, config.miniature_seed)
    write_json(synthesis_receipt(config, name), facts)


def _event_classes(config: Config, archive: str) -> list[str]:
    """Classes of the chosen papers that mix the sound events of an archive."""
    papers = importlib.import_module("sedrepro.experiments.papers")  # what it makes does not depend on other settings
    found: dict[str, None] = {}
    for paper in (papers.load_paper(name, config) for name in papers.chosen_papers(config)):
        for name, corpus in paper.settings.corpora.items():
            if getattr(corpus, "events", None) == archive:
                found |= dict.fromkeys(paper.settings.classes_of(name))
    return list(found)
