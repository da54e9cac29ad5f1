"""Write the tables of clips and labels of a paper's corpus."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from sedrepro.base.errors import SettingsError, did_you_mean
from sedrepro.base.files import read_table
from sedrepro.base.words import counted
from sedrepro.corpora.official import write_official_tables
from sedrepro.corpora.remix import read_recipes, write_remix_tables
from sedrepro.corpora.settings import Official
from sedrepro.corpora.survey import CLIP_COLUMNS
from sedrepro.corpora.tables import read_clips
from sedrepro.data_sets import data_set
from sedrepro.experiments.places import corpus_folder, recipe_file, survey_folder
from sedrepro.steps.request import Request

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper


def prepare_tables(config: Config, paper: Paper, corpus: str) -> int:
    """Write the clips and labels tables of a corpus; returns the clips' number."""
    settings, folder = paper.corpus(corpus), corpus_folder(config, paper, corpus)
    if isinstance(settings, Official):
        _check_names(paper, corpus, settings)
        subsets = {name: _usable(config, subset.data_set) for name, subset in settings.subsets.items()}
        survey, classes = survey_folder(config, settings.data_set), paper.settings.classes_of(corpus)
        write_official_tables(folder, survey, settings, classes, subsets)
    else:
        mixtures = read_recipes(recipe_file(config, paper, corpus))
        write_remix_tables(folder, mixtures, paper.settings.front_end_of(corpus).clip_seconds)
    return len(read_clips(folder))


def _usable(config: Config, data_set: str) -> list[str]:
    """Usable clips of a data set."""
    return [row["filename"] for row in read_table(survey_folder(config, data_set) / "clips.tsv", CLIP_COLUMNS)]


def _check_names(paper: Paper, corpus: str, settings: Official) -> None:
    """Refuse unknown data sets and splits."""
    known = data_set(settings.data_set).SPLITS
    for subset in settings.subsets.values():
        data_set(subset.data_set)
    for split in settings.splits:
        if split not in known:
            raise SettingsError(
                f"{paper.name}: corpora.{corpus}: unknown split '{split}'; {did_you_mean(split, known)}"
            )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_corpus

    add_corpus(parser)


def run(request: Request) -> None:
    """Write the tables of the corpus of the options."""
    corpus = request.options.corpus
    print(f"{corpus}: {counted(prepare_tables(request.config, request.paper, corpus), 'clip')}")
