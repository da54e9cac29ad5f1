"""What jobs cost: a line each, whoever ends first and however it ends."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sedrepro.base.errors import DataError
from sedrepro.base.job_costs import VARIABLE, read_job_costs, recorded
from sedrepro.steps.costs import cost_table


def spend(words):
    with recorded(words):
        end = time.process_time() + 0.05
        while time.process_time() < end:
            pass


def test_each_verb_leaves_a_line(tmp_path, monkeypatch):
    path = tmp_path / "there" / "costs.tsv"
    monkeypatch.setenv(VARIABLE, str(path))
    spend(["train", "--system", "with space", "--paper", "c_ssed"])
    spend(["table"])
    first, second = read_job_costs(path)
    assert (first.verb, first.words) == ("train", ("--system", "with space", "--paper", "c_ssed"))
    assert second.verb == "table"
    assert first.seconds >= 0.05 and second.cpu_seconds > first.cpu_seconds >= 0.05
    assert first.peak_memory_mib > 1


def test_what_fails_is_told_too(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "costs.tsv"))
    with pytest.raises(ZeroDivisionError), recorded(["score"]):
        raise ZeroDivisionError
    assert [cost.verb for cost in read_job_costs(tmp_path / "costs.tsv")] == ["score"]


def test_lines_of_many_do_not_mix(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, str(tmp_path / "costs.tsv"))
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(spend, [[f"verb{number}", "x" * 500] for number in range(40)]))
    assert {cost.verb for cost in read_job_costs(tmp_path / "costs.tsv")} == {f"verb{number}" for number in range(40)}


def test_nothing_is_written_where_nothing_is_asked(tmp_path, monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.chdir(tmp_path)
    spend(["train"])
    assert not list(tmp_path.iterdir()) and read_job_costs(tmp_path / "costs.tsv") == []


def test_a_folder_that_cannot_be_written_does_not_end_the_job(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(VARIABLE, str(tmp_path / "file" / "costs.tsv"))
    spend(["train"])
    assert "costs.tsv" in capsys.readouterr().err


def test_a_disk_that_becomes_full_leaves_no_half_line(tmp_path, monkeypatch, capsys, largest_file):
    path = tmp_path / "costs.tsv"
    monkeypatch.setenv(VARIABLE, str(path))
    spend(["train"])
    with largest_file(path.stat().st_size + 10):
        spend(["score"])
    assert "not recorded (No space left on device)" in capsys.readouterr().err
    spend(["table"])
    assert [cost.verb for cost in read_job_costs(path)] == ["train", "table"]


def test_a_line_of_another_kind_is_named(tmp_path):
    path = tmp_path / "costs.tsv"
    path.write_text("2026-01-01T00:00:00+00:00\ttrain\t--a b\t1.0\t2.0\t3\nhalf a line\n", encoding="utf-8")
    with pytest.raises(DataError, match="line 2"):
        read_job_costs(path)


def test_sums_by_verb_and_by_paper(tmp_path):
    path = tmp_path / "costs.tsv"
    lines = [("train", "--paper a", 1, 2), ("train", "--paper b", 3, 10), ("score", "--paper a", 1, 1)]
    path.write_text("".join(f"now\t{verb}\t{words}\t{wall}\t{cpu}\t7\n" for verb, words, wall, cpu in lines))
    rows = [line.split() for line in cost_table(read_job_costs(path), by_paper=False).splitlines()]
    assert rows[1:] == [
        ["train", "2", "12.0", "4.0", "7"],
        ["score", "1", "1.0", "1.0", "7"],
        ["all", "3", "13.0", "5.0", "7"],
    ]
    rows = [line.split() for line in cost_table(read_job_costs(path), by_paper=True).splitlines()]
    assert rows[1] == ["train", "b", "1", "10.0", "3.0", "7"]
