"""Write a miniature data set: synthesised sounds in the official layout."""

from __future__ import annotations

import argparse

from sedrepro.base.errors import SettingsError, did_you_mean
from sedrepro.base.files import write_json
from sedrepro.experiments.places import synthesis_receipt
from sedrepro.miniature import archive_names, writer_of
from sedrepro.steps.request import Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_data_set

    add_data_set(parser)


def run(request: Request) -> None:
    """Write the data set of the options."""
    config, name = request.config, request.options.data_set
    if config.scale != "miniature":
        raise SettingsError(f"scale '{config.scale}' uses recordings; only 'miniature' is synthesised")
    if name not in archive_names():
        raise SettingsError(f"'{name}' cannot be synthesised; {did_you_mean(name, archive_names())}")
    writer_of(name)(config.corpora_dir, config.miniature_seed)
    write_json(synthesis_receipt(config, name), {"data_set": name, "seed": config.miniature_seed})
