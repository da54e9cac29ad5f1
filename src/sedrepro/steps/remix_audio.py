"""Write the mixtures of a corpus variant as WAV files, for listening."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from sedrepro.corpora.mixing import Mixer, render
from sedrepro.corpora.remix import read_recipes
from sedrepro.experiments.places import recipe_file, rendered_folder
from sedrepro.steps.request import Request

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper


def render_audio(config: Config, paper: Paper, variant: str, threads: int, clips: int | None) -> Path:
    """Write the mixtures (or the first `clips`) of a corpus variant as WAV files; returns their folder."""
    corpus, snr_db = paper.settings.corpus_of(variant)
    settings = paper.remix(corpus)
    assert snr_db is not None, "a remix is mixed at an SNR"
    mixtures = read_recipes(recipe_file(config, paper, corpus))[:clips]
    folder = rendered_folder(config, paper.name, variant)
    mixer = Mixer(config.corpora_dir, paper.settings.front_end_of(corpus), settings.level)
    render(folder, mixtures, mixer, snr_db, threads, settings.quantise)
    return folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_paper, add_threads, at_least

    add_paper(parser)
    parser.add_argument("--variant", required=True, help="corpus variant, remix_0db for example")
    parser.add_argument(
        "--clips", type=at_least(1), help="number of mixtures to write, from the first on (default: all)"
    )
    add_threads(parser)


def run(request: Request) -> None:
    """Write the mixtures of the corpus variant of the options."""
    options = request.options
    print(render_audio(request.config, request.paper, options.variant, options.threads, options.clips))
