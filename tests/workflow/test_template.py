"""The template of a paper, copied into a project as one more paper: it is planned, runs, and is on the lists and pages.

Nothing but its folder is added. CONTRIBUTING.md, "Add a paper", starts from this folder.
"""

import csv
import re
import shutil
import subprocess
import sys
import zipfile

import pytest
from project import ROOT, Project

pytestmark = pytest.mark.dag

TOY = "toy_paper"
RESULTS = f"results/miniature/{TOY}"
RUN = f"{RESULTS}/runs/mean/mixed_0db/fold1/seed1"
PAGE = "results/miniature/index.html"
MADE = [
    *(f"{RESULTS}/tables/table1.{ending}" for ending in ("csv", "md", "html")),
    *(f"{RESULTS}/figures/figure1.{ending}" for ending in ("svg", "png")),
    *(f"{RESULTS}/coverage.{ending}" for ending in ("csv", "html")),
]


def with_toy(folder, targets, config):
    project = Project(folder, targets, config)
    shutil.copytree(ROOT / "templates" / "paper", folder / "src" / "sedrepro" / "papers" / TOY)
    return project


def said(project, *words):
    """What a verb prints."""
    command = [sys.executable, "-m", "sedrepro", *words]
    done = subprocess.run(command, cwd=project.folder, env=project.environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A project in which the template and the page over all results have been made, on one core."""
    project = with_toy(tmp_path_factory.mktemp("toy"), [TOY, PAGE], f"papers={TOY}")
    project.before = said(project, "list")
    status, output = project.run("--cores", "1")
    assert status == 0, output
    return project


def test_it_is_planned_with_the_other_papers(tmp_path):
    everything = with_toy(tmp_path / "all", [], "scale=miniature").outputs()
    assert {*MADE, f"{RUN}/metrics.json", f"{RUN}/weights.safetensors", PAGE} <= set(everything)
    assert any(name.startswith("results/miniature/hierarchical_pooling/tables/") for name in everything)


def test_its_plan_has_one_run(tmp_path):
    planned = with_toy(tmp_path / "one", [TOY], f"papers={TOY}").planned()
    assert planned == {
        "synthesise": 2,
        "survey": 2,
        "coverage": 1,
        "recipes": 1,
        "corpus_tables": 1,
        "features": 1,
        "train": 1,
        "score": 1,
        "table": 1,
        "examine": 1,
        "figure": 1,
        "model_cards": 1,
        TOY: 1,
    }


ITEMS = {("system", "mean"), ("table", "table1"), ("figure", "figure1")}


def states(text):
    """States of the toy paper's items, as `list` prints them."""
    of_toy = re.search(rf"^{TOY}: .*\n((?:  .*\n)+)", text, re.MULTILINE)
    assert of_toy, text
    return {tuple(line.split()[:2]): line.split()[2] for line in of_toy[1].splitlines()}


def test_it_is_listed_before_it_has_run(built):
    assert states(built.before) == dict.fromkeys(ITEMS, "missing")
    assert "hierarchical_pooling: " in built.before


def test_it_is_listed_as_done_after_it_has_run(built):
    assert states(said(built, "list")) == dict.fromkeys(ITEMS, "done")


def test_it_has_run(built):
    assert [name for name in MADE if not (built.folder / name).is_file()] == []
    with open(built.folder / MADE[0], newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["metric"] for row in rows] == ["micro_ap", "macro_ap"]
    assert all(0 < float(row["mean"]) < 1 for row in rows)
    assert all(row["verdict"] == "not comparable" for row in rows)
    assert built.planned() == {}


def test_it_stands_in_the_summary_and_on_the_page(built):
    assert "Table 1: average precision of clips" in said(built, "summary", "--set", f"papers={TOY}")
    page = (built.folder / PAGE).read_text(encoding="utf-8")
    for text in (TOY, "A template of a paper", "Table 1: average precision of clips", "Figure 1: masks of one clip"):
        assert text in page, text


def test_a_report_holds_all_of_it_with_captions_and_labels_and_needs_no_network(built):
    nowhere = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), "http://127.0.0.1:9")
    built.environment |= nowhere
    status, output = built.run("--report", "report.zip")
    assert status == 0, output
    with zipfile.ZipFile(built.folder / "report.zip") as archive:
        names = {name.rpartition("/")[2] for name in archive.namelist()}
        report = archive.read("report/report.html").decode()
    over_all = {"index.html", *(f"post_processing.{ending}" for ending in ("csv", "md", "html"))}
    assert {name.rpartition("/")[2] for name in MADE} | over_all <= names
    shown = re.findall(r'"labels": ({[^}]*}), "size": "[^"]*", "caption": "([^"]*)"', report)
    assert len(shown) == len(names - {"report.html"})
    assert all("<p>" in caption for _, caption in shown)
    assert len({labels for labels, _ in shown}) == len(shown)  # nothing looks like something else
    assert '{"table": "table1", "title": "Table 1: average precision of clips", "format": "csv"}' in dict(shown)
    assert not re.search(r'<(?:script|link|img)[^>]+(?:src|href)="(?:https?:)?//', report)
