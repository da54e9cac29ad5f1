"""The page and the csv that say how much of each data set is there."""

import csv
import xml.etree.ElementTree as ElementTree

import pytest

from sedrepro.annotations.clips import Clip, Event
from sedrepro.base.errors import DataError
from sedrepro.corpora.survey import Surveyed, write_survey
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.places import survey_folder
from sedrepro.reporting.tables.coverage import COLUMNS, in_a_line, write_coverage


@pytest.fixture
def config(tmp_path):
    return Config(scale="miniature", folds=[1], seeds=[1], work_dir=tmp_path / "data", results_dir=tmp_path / "results")


@pytest.fixture
def facts(config):
    """Two surveyed data sets: scenes, all there, and clips, one of them missing."""
    scene = Surveyed(Clip("s.wav", "development", "paris-1", labels=("bus",)), 10.0, 48000, 2)
    late = (Event(9.0, 10.5, "Fire engine, fire truck (siren)"),)
    labels = ("Car & <van>", late[0].event_label)
    found = Surveyed(
        Clip("a.wav", "testing", "a", labels=labels, events=late, events_as_released=late * 2), 9.0, 44100, 1
    )
    missing = Surveyed(Clip("b.wav", "training", "b", labels=("Bus",)), problem="missing", detail="missing")
    first = write_survey(survey_folder(config, "scenes"), "scenes", 10.0, [scene])
    return [first, write_survey(survey_folder(config, "clips"), "clips", 10.0, [found, missing])]


def test_the_csv_has_every_set_split_and_class(config, facts):
    page = write_coverage(config, "data", ["scenes", "clips"])
    assert page == config.results_dir / "miniature" / "data" / "coverage.html"
    with open(page.with_suffix(".csv"), newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == list(COLUMNS)
    assert [(row["data_set"], row["split"], row["label"], row["usable"], row["expected"]) for row in rows] == [
        ("scenes", "development", "bus", "1", "1"),
        ("scenes", "development", "(all)", "1", "1"),
        ("clips", "testing", "Car & <van>", "1", "1"),
        ("clips", "testing", "Fire engine, fire truck (siren)", "1", "1"),
        ("clips", "testing", "(all)", "1", "1"),
        ("clips", "training", "Bus", "0", "1"),
        ("clips", "training", "(all)", "0", "1"),
    ]
    assert {row["fingerprint"] for row in rows} == {one.fingerprint for one in facts}
    assert [row["shorter"] for row in rows if row["split"] == "testing"] == ["1", "1", "1"]


def test_what_is_left_out_stands_on_the_page(config, facts):
    text = write_coverage(config, "data", ["scenes"], {"clips": "no <clip> is there"}).read_text(encoding="utf-8")
    assert "clips: left out: no &lt;clip&gt; is there." in text


def test_the_page_is_whole_and_says_what_was_found(config, facts):
    text = write_coverage(config, "data", ["scenes", "clips"]).read_text(encoding="utf-8")
    page = ElementTree.fromstring(text.replace("<!DOCTYPE html>\n", ""))
    shown = " ".join("".join(page.itertext()).split())
    assert "Data at scale miniature" in shown
    assert "Car & <van>" in shown
    assert facts[1].fingerprint[:16] in shown
    assert "1 events (2 rows as released)" in shown
    assert "events that end more than 0.1 s after the end of their clip: 1 (kept as published)" in shown
    first = next(page.iter("table"))
    assert [["".join(cell.itertext()) for cell in row][:5] for row in first.iter("tr")] == [
        ["data set", "split", "expected", "present", "usable"],
        ["scenes", "development", "1", "1", "1"],
        ["clips", "testing", "1", "1", "1"],
        ["clips", "training", "1", "0", "0"],
    ]
    widths = {len(row) for row in first.iter("tr")}
    assert len(widths) == 1


def test_a_line_names_what_is_left_out_and_where(config, facts):
    folder = survey_folder(config, "clips")
    assert in_a_line(facts[0], folder) == "scenes: 1 of 1 clips usable"
    assert in_a_line(facts[1], folder) == f"clips: 1 of 2 clips usable; left out: 1 missing (see {folder}/rejected.tsv)"


def test_a_set_that_was_not_surveyed_is_named(config):
    with pytest.raises(DataError, match=r"surveys/scenes/survey\.json: no such file"):
        write_coverage(config, "data", ["scenes"])
