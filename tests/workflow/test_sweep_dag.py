"""Plans of the sweep over ways of post-processing: what makes it anew, and what it leaves alone."""

import pytest
from project import Project

from sedrepro.experiments.papers import paper_names

pytestmark = pytest.mark.dag

TABLES = ["results/miniature/hierarchical_pooling/tables/table2.csv", "results/miniature/post_processing.csv"]
CONFIG = "papers=[hierarchical_pooling]"


@pytest.fixture(scope="module")
def project(tmp_path_factory):
    """A project in which nothing is to be done: empty files stand for all results."""
    made = Project(tmp_path_factory.mktemp("sweep"), TABLES, CONFIG)
    made.pretend_to_have_run()
    return made


def outdated(project) -> set[str]:
    """Rules that would run."""
    return {rule for rule, would_run in project.outputs().values() if would_run}


def test_everything_holds_the_sweep_of_every_paper(tmp_path):
    planned = Project(tmp_path / "empty", [], "scale=miniature").planned()
    assert (planned["sweep"], planned["sweep_table"]) == (len(paper_names()), 1)


@pytest.mark.parametrize(
    ("name", "rules"),
    [
        ("sweep.py", {"sweep", "sweep_table"}),
        ("reporting/sweep_table.py", {"sweep_table"}),
        ("reporting/tables.py", {"table"}),
        ("detection/median.py", {"score", "table", "sweep", "sweep_table"}),
    ],
)
def test_an_edit_makes_anew_what_depends_on_it(project, name, rules):
    assert outdated(project) == set()
    with project.edited(name):
        assert outdated(project) == rules
