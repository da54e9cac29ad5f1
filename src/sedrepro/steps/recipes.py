"""Draw at random the recipe of a remix corpus: which events are mixed into which scene."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from sedrepro.base.errors import SettingsError
from sedrepro.base.files import read_table
from sedrepro.corpora.remix import EVENT_SECONDS, ONSETS, draw, read_events, write_recipes
from sedrepro.corpora.survey import CLIP_COLUMNS
from sedrepro.data_sets import trait
from sedrepro.experiments.places import recipe_file, survey_folder
from sedrepro.steps.request import Request

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper


def prepare_recipes(config: Config, paper: Paper, corpus: str) -> int:
    """Draw the recipe of a remix corpus from the surveys of its data sets; returns the mixtures' number.

    Raises:
        SettingsError: the corpus is unknown, or its events do not fit into the front end's clips.
        DataError: a survey is missing or holds too little.
    """
    settings = paper.remix(corpus)
    clip_seconds = paper.settings.front_end_of(corpus).clip_seconds
    if clip_seconds < (last := ONSETS[-1] + EVENT_SECONDS):
        raise SettingsError(
            f"{paper.name}: front_end.clip_seconds = {clip_seconds}: the remix places events up to {last} s"
        )
    events = read_events(survey_folder(config, settings.events), paper.settings.classes_of(corpus))
    scenes = read_table(survey_folder(config, settings.scenes) / "clips.tsv", CLIP_COLUMNS)
    mixtures = draw(events, scenes, settings, trait(settings.events, "FOLDS"))
    write_recipes(recipe_file(config, paper, corpus), mixtures)
    return len(mixtures)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_corpus

    add_corpus(parser)


def run(request: Request) -> None:
    """Draw the recipe of the corpus of the options."""
    corpus = request.options.corpus
    print(f"{corpus}: {prepare_recipes(request.config, request.paper, corpus)} mixtures")
