"""Decode every clip of a data set once; write its tables of clips and labels, its rejected clips and its coverage."""

from __future__ import annotations

import argparse

from sedrepro.corpora.survey import survey, write_survey
from sedrepro.data_sets import data_set, trait
from sedrepro.experiments.places import survey_folder
from sedrepro.reporting.tables.coverage import in_a_line
from sedrepro.steps.request import Request


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    from sedrepro.steps.arguments import add_data_set, add_threads

    add_data_set(parser)
    add_threads(parser)


#: Rejected clips that are named one by one; rejected.tsv has all.
NAMED = 20


def run(request: Request) -> None:
    """Survey the data set of the options."""
    config, name = request.config, request.options.data_set
    module, folder = data_set(name), survey_folder(config, name)
    clips = module.clips(config.corpora_dir)
    surveyed = survey(config.corpora_dir, clips, name, trait(name, "USES_SILENT_CLIPS"), request.options.threads)
    facts = write_survey(folder, name, module.CLIP_SECONDS, surveyed)
    print(in_a_line(facts, folder))
    rejected = [one for one in surveyed if one.problem]
    for one in rejected[:NAMED]:
        print(f"  left out: {one.clip.filename}: {one.detail}")
    if len(rejected) > NAMED:
        print(f"  and {len(rejected) - NAMED} more: {folder / 'rejected.tsv'}")
