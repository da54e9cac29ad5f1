"""`evaluate` and `compare-systems` as commands: anywhere with a table of labels, and into the tables of results."""

import csv
import io
import json

import numpy as np
import pytest

from sedrepro.base.files import read_table
from sedrepro.cli import main
from sedrepro.data_sets.dcase2019_task4 import CLASSES

HEADER = "filename\tonset\toffset\tevent_label"
LABELS = (HEADER, "Ya.wav\t0\t1\tCat", "Yb.wav\t2\t4\tDog", "Yc.wav\t0\t9\tSpeech")
MINE = (HEADER, "x/Ya.wav\t0\t1\tCat", "Yb\t5\t6\tDog")


@pytest.fixture
def files(tmp_path, monkeypatch):
    """A folder with labels and two lists, which is no checkout."""
    monkeypatch.chdir(tmp_path)
    for name, lines in {"labels.tsv": LABELS, "mine.tsv": MINE, "other.tsv": LABELS}.items():
        (tmp_path / name).write_text("\n".join(lines) + "\n")
    return tmp_path


def test_one_command_gives_the_numbers_beside_the_papers_table(files, capsys):
    words = ["--paper", "c_ssed", "--reference", "labels.tsv", "--output", "out"]
    assert main(["evaluate", "mine.tsv", "--name", "mine", *words]) == 0
    said = capsys.readouterr().out
    assert (files / "out" / "evaluation.txt").read_text() == said
    for expected in ("Table 3", "C-SSED", "this system", "event_based.collar_seconds = 0.2 (", "Class by class"):
        assert expected in said
    evaluation = json.loads((files / "out" / "evaluation.json").read_text())
    assert evaluation["metrics"]["event_f1"] == pytest.approx(1 / 3, abs=1e-6)
    assert evaluation["missing"] == ["Yc.wav"]
    rows = read_table(files / "out" / "evaluation.csv", ["table", "published", "ours", "difference"], delimiter=",")
    best = next(
        row for row in rows if row["table"] == "table2" and row["row"] == "Power" and row["metric"] == "event_f1"
    )
    assert (float(best["ours"]), float(best["difference"])) == pytest.approx((33.3333, 33.3333 - 37.04), abs=1e-3)


def test_without_a_paper_the_protocol_can_be_given(files, capsys):
    words = ["mine.tsv", "--reference", "labels.tsv", "--format", "json", "--resamples", "0"]
    assert main(["evaluate", *words, "--collar", "9", "--averaging", "micro"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["metrics"]["event_f1"] == 0.8
    assert any(line.startswith("event_based.collar_seconds = 9.0") for line in found["assumed"])


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["mine.tsv"], "name a paper with --paper"),
        (["mine.tsv", "--reference", "labels.tsv", "--split", "public"], "--split belongs to a paper"),
        (["mine.tsv", "--reference", "labels.tsv", "--paper", "c_sed"], "did you mean 'c_ssed'"),
        (
            ["mine.tsv", "--reference", "labels.tsv", "--paper", "c_ssed", "--split", "valid"],
            "did you mean 'validation'",
        ),
        (["mine.tsv", "--reference", "labels.tsv", "--paper", "c_ssed", "--collar", "1"], "--collar: "),
        (["mine.tsv", "--reference", "labels.tsv", "--averaging", "mean"], "averaging"),
        (["mine.tsv", "--reference", "labels.tsv", "--table", "table1"], "--table table1: a table is of a paper"),
        (["mine.tsv", "--reference", "labels.tsv", "--segment-seconds", "1e-9"], "segment_seconds"),
        (["mine.tsv", "--reference", "labels.tsv", "--format", "cvs"], "did you mean 'csv'"),
        (["mine.tsv", "--paper", "c_ssed", "--data-root", "nowhere"], "--data-root names their folder"),
        (["mine.tsv", "--paper", "joint_at_aed", "--reference", "labels.tsv", "--table", "table2"], "its rows are no"),
    ],
)
def test_wrong_words_end_in_one_line(files, capsys, words, expected):
    assert main(["evaluate", *words]) == 1
    said = capsys.readouterr().err
    assert expected in said
    assert said.count("\n") == 1


def test_two_systems_are_compared_clip_by_clip(files, capsys):
    words = ["compare-systems", "mine.tsv", "other.tsv", "--reference", "labels.tsv", "--format", "csv", "--classes"]
    assert main(words) == 0
    rows = {(r["metric"], r["event_class"]): r for r in csv.DictReader(io.StringIO(capsys.readouterr().out))}
    assert float(rows["event_f1", ""]["difference"]) == pytest.approx(2 / 3, abs=1e-6)
    assert rows["event_f1", "Cat"]["better"] == "undecided"
    assert float(rows["event_f1", "Dog"]["second"]) == 1


def test_labels_of_a_paper_come_from_the_official_tables(tmp_path, capsys):
    folder = tmp_path / "DCASE2019_task4" / "dataset" / "metadata"
    for name, lines in {
        "train/synthetic.tsv": (HEADER, "s.wav\t0\t1\tCat"),
        "train/weak.tsv": ("filename\tevent_labels", "Yw.wav\tCat,Dog"),
        "train/unlabel_in_domain.tsv": ("filename", "Yu.wav"),
        "validation/validation.tsv": (HEADER, "Ya.wav\t0\t1\tCat", "Yb.wav\t0\t1\tDog"),
        "validation/eval_dcase2018.tsv": (HEADER, "Ya.wav\t0\t1\tCat"),
        "eval/public.tsv": (HEADER, "p.wav\t0\t1\tCat"),
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("\n".join(lines) + "\n")
    (tmp_path / "mine.tsv").write_text("\n".join([HEADER, "Ya.wav\t0\t1\tCat"]) + "\n")
    words = ["evaluate", str(tmp_path / "mine.tsv"), "--paper", "c_ssed", "--data-root", str(tmp_path)]
    for split, clips, score in (("validation", 2, 0.5), ("eval2018", 1, 1.0)):
        assert main([*words, "--split", split, "--format", "json", "--resamples", "0"]) == 0
        found = json.loads(capsys.readouterr().out)
        assert (found["clips"], found["metrics"]["event_f1"]) == (clips, score)


def test_an_evaluation_is_kept_in_the_results_of_its_scale_only(files, capsys):
    (files / "full.yaml").write_text("{scale: full, folds: [1], seeds: [1], device: cpu, results_dir: results}")
    words = ["evaluate", "mine.tsv", "--config", "full.yaml", "--reference", "labels.tsv", "--name", "a/b"]
    assert main([*words, "--paper", "c_ssed", "--add-to", "results/full"]) == 1
    assert "make results first" in capsys.readouterr().err
    (files / "results" / "full").mkdir(parents=True)
    assert main([*words, "--paper", "c_ssed", "--add-to", "results/full"]) == 0
    assert json.loads((files / "results" / "full" / "c_ssed" / "outside" / "a_b.json").read_text())["name"] == "a/b"
    assert main([*words, "--paper", "c_ssed", "--add-to", "results/miniature"]) == 1
    assert "choose it by --scale" in capsys.readouterr().err
    assert main([*words, "--add-to", "results/full"]) == 1
    assert "name the paper with --paper" in capsys.readouterr().err


@pytest.fixture
def public(files):
    """Beside the files the public labels of DCASE 2019, and no other table."""
    path = files / "DCASE2019_task4" / "dataset" / "metadata" / "eval" / "public.tsv"
    path.parent.mkdir(parents=True)
    path.write_text("\n".join(LABELS) + "\n")
    return ["--data-root", str(files), "--resamples", "0"]


def test_the_split_with_printed_numbers_is_the_default_and_its_labels_are_enough(public, capsys):
    assert main(["evaluate", "mine.tsv", "--paper", "joint_at_aed", *public]) == 0
    said = capsys.readouterr().out
    assert "split public" in said
    assert "this system" in said
    assert main(["evaluate", "mine.tsv", "--paper", "joint_at_aed", "--format", "json", *public]) == 0
    assert json.loads(capsys.readouterr().out)["class_metrics"]["event_f1"].keys() >= {"Cat", "Vacuum_cleaner"}


def test_only_the_labels_of_the_split_are_asked_for(files, capsys):
    for split, table in (("public", "eval/public.tsv"), ("validation", "validation/validation.tsv")):
        words = ["mine.tsv", "--paper", "joint_at_aed", "--split", split, "--data-root", str(files)]
        assert main(["evaluate", *words]) == 1
        assert f"{table}: " in capsys.readouterr().err


def test_a_bad_row_of_another_split_is_not_passed_over(public, files, capsys):
    table = files / "DCASE2019_task4" / "dataset" / "metadata" / "train" / "synthetic.tsv"
    table.parent.mkdir()
    table.write_text(f"{HEADER}\ns.wav\t0\tx\tCat\n")
    assert main(["evaluate", "mine.tsv", "--paper", "joint_at_aed", *public]) == 1
    assert "synthetic.tsv" in capsys.readouterr().err


def test_windows_that_follow_missing_labels_ask_for_them(public, files, capsys):
    frame = np.zeros((3, 10, len(CLASSES)))
    np.savez(files / "s.npz", filenames=["Ya", "Yb", "Yc"], frame=frame, frames_per_second=1.0, classes=CLASSES)
    assert main(["evaluate", "s.npz", "--paper", "joint_at_aed", *public]) == 1
    said = capsys.readouterr().err
    assert "synthetic.tsv: no such file" in said
    assert "--detection" in said


def test_a_split_without_printed_numbers_is_said_to_have_none(files, capsys):
    words = ["mine.tsv", "--paper", "joint_at_aed", "--split", "validation", "--reference", "labels.tsv"]
    expected = "Table I is of split public: --split public"
    for form in ("text", "csv"):
        assert main(["evaluate", *words, "--resamples", "0", "--format", form]) == 0
        assert expected in "".join(capsys.readouterr())
    assert main(["evaluate", *words, "--table", "table1"]) == 1
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--table", "table9"], "'table9' is unknown; tables of numbers: table1, "),
        (["--detection", "foo"], "--detection foo: has nothing to choose"),
    ],
)
def test_words_that_name_nothing_are_refused(files, capsys, words, expected):
    assert main(["evaluate", "mine.tsv", "--paper", "joint_at_aed", "--reference", "labels.tsv", *words]) == 1
    assert expected in capsys.readouterr().err


def test_compared_systems_need_a_way_of_detection_to_choose(files, capsys):
    words = ["compare-systems", "mine.tsv", "other.tsv", "--reference", "labels.tsv", "--detection", "foo"]
    assert main(words) == 1
    assert "--detection foo: has nothing to choose" in capsys.readouterr().err
