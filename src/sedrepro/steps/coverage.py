"""Write a page on how complete a paper's data sets, or those configured, are; print a summary."""

from __future__ import annotations

import argparse
import importlib
from typing import TYPE_CHECKING

from sedrepro.base.files import write_text
from sedrepro.corpora.survey import read_survey_facts
from sedrepro.data_sets import data_set_names
from sedrepro.experiments.places import survey_folder
from sedrepro.obtaining.licences import licences_text
from sedrepro.obtaining.plan import absent_data_sets, chosen_data_sets
from sedrepro.reporting.tables.coverage import in_a_line, write_coverage

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config
from sedrepro.steps.request import Request

#: The terms of the data, beside the coverage.
LICENCES = "data_licences.md"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    parser.add_argument(
        "--owner", default="data", help="paper whose data sets to look at, or data: those configured (default: data)"
    )


def run(request: Request) -> None:
    """Write the coverage of the owner that the options name."""
    config, owner = request.config, request.options.owner
    papers = importlib.import_module("sedrepro.experiments.papers")
    wanted = _surveyed(config) if owner == "data" else papers.load_paper(owner, config).settings.data_sets
    absent = {} if owner == "data" else absent_data_sets(config, wanted)
    data_sets = [name for name in wanted if name not in absent]
    page = write_coverage(config, owner, data_sets, absent)
    write_text(page.with_name(LICENCES), licences_text(data_sets, config.scale))
    for name, reason in absent.items():
        print(f"{name}: left out: {reason}")
    for folder in (survey_folder(config, name) for name in data_sets):
        print(in_a_line(read_survey_facts(folder), folder))
    print(f"Clips and labels tables: {survey_folder(config, '')}   Coverage: {page}")


def _surveyed(config: Config) -> list[str]:
    """The chosen data sets, and others that were surveyed before."""
    there = {name for name in data_set_names() if (survey_folder(config, name) / "survey.json").is_file()}
    return sorted(there.union(chosen_data_sets(config) if config.data_sets or not there else ()))
