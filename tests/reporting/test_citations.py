"""BibTeX for every paper and data set, and a citation file that says what the package says."""

import re
from pathlib import Path

import pytest
import yaml

import sedrepro
from sedrepro.data_sets import data_set_names
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import load_paper, paper_names
from sedrepro.obtaining.licences import licences_text
from sedrepro.reporting.citations import bibliography, data_set_entries

ROOT = Path(__file__).parents[2]
CONFIG = Config(scale="full", folds=(1,), seeds=(1,), device="cpu")


def test_every_data_set_has_an_entry():
    assert sorted(data_set_entries()) == sorted(data_set_names())


@pytest.mark.parametrize("name", paper_names())
def test_a_paper_is_cited_with_its_data_sets(name):
    paper = load_paper(name, CONFIG)
    text = bibliography(paper)
    assert re.findall(r"^@\w+\{(\w+),$", text, re.MULTILINE) == [name, *paper.settings.data_sets]
    assert text.count("{") == text.count("}")
    assert paper.settings.about.title in text
    assert re.search(r"year = \{(19|20)\d\d\}", text)


def test_the_citation_file_is_of_this_version():
    """The keys that CFF 1.2.0 requires, and version and licence as the package has them."""
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
    assert cited["cff-version"] == "1.2.0"
    assert str(cited["version"]) == sedrepro.__version__
    assert cited["license"] in (ROOT / "LICENSE").read_text(encoding="utf-8")
    for reference in [cited, *cited["references"]]:
        assert reference["title"] and all(
            {"name"} <= set(a) or {"family-names"} <= set(a) for a in reference["authors"]
        )


def test_the_citation_file_refers_to_all_papers():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["references"]
    assert {entry["title"] for entry in cited} == {load_paper(n, CONFIG).settings.about.title for n in paper_names()}


@pytest.mark.parametrize("scale", ["miniature", "recordings", "full"])
def test_licences_name_every_data_set(scale):
    text = licences_text(data_set_names(), scale)
    assert all(f"* {name}: " in text for name in data_set_names())
    assert "non-commercial" in text
