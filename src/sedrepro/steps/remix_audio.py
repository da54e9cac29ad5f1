"""The mixtures of a corpus as WAV files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sedrepro.corpora.mixing import Mixer, render
from sedrepro.corpora.remix import read_recipes
from sedrepro.experiments.places import recipe_file, rendered_folder

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper


def render_audio(config: Config, paper: Paper, variant: str, threads: int, clips: int | None) -> Path:
    """Write the mixtures (or the first `clips`) of a corpus variant as WAV files; returns their folder."""
    corpus, snr_db = paper.settings.corpus_of(variant)
    settings = paper.remix(corpus)
    mixtures = read_recipes(recipe_file(config, paper, corpus))[:clips]
    folder = rendered_folder(config, paper.name, variant)
    mixer = Mixer(config.corpora_dir, paper.settings.front_end_of(corpus), settings.level)
    render(folder, mixtures, mixer, snr_db, threads)
    return folder
