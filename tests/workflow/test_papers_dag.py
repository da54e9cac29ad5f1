"""The plan of all papers: what is made once, and how often. What a job depends on: `test_dependencies.py`."""

import pytest
from project import Project

from sedrepro.experiments.papers import paper_names

pytestmark = pytest.mark.dag


def test_the_plan_of_all_papers_makes_each_thing_once(tmp_path):
    planned = Project(tmp_path / "empty", [], "scale=miniature").planned()
    assert {
        rule: planned[rule] for rule in ("synthesise", "survey", "sweep_table", "claims", "comparison", "page")
    } == {
        "synthesise": 4,
        "survey": 7,
        "sweep_table": 1,
        "claims": 1,
        "comparison": 1,
        "page": 1,
    }
    assert planned["sweep"] == planned["coverage"] == planned["model_cards"] == len(paper_names())
    assert planned["recipes"] <= planned["corpus_tables"] == planned["features"]
    assert planned["pseudo_labels"] < planned["score"] <= planned["train"]
    assert planned["examine"] == planned["figure"]


def test_the_plan_of_one_paper_has_nothing_of_another(tmp_path):
    made = Project(tmp_path / "empty", ["ddc_fap"], "scale=miniature").outputs()
    others = [name for name in paper_names() if name != "ddc_fap"]
    assert not [path for path in made if any(f"/{other}/" in path for other in others)]
