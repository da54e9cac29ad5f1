"""The table of a rehearsal: what its jobs cost by stage, and the disk that they took, each file once."""

import os

import pytest

from sedrepro.base.errors import SettingsError
from sedrepro.base.files import read_table
from sedrepro.base.job_costs import JobCost
from sedrepro.cli import main
from sedrepro.experiments import step_costs
from sedrepro.experiments.configuration import load_config
from sedrepro.published.verdict import COMPARABLE_SCALE
from sedrepro.steps.rehearsal import COLUMNS, FORECAST, STAGES, TRAINED, disk_use, stage_rows, told
from sedrepro.training.counting import StepCost


def cost(verb: str, seconds: float, memory: int) -> JobCost:
    return JobCost("", verb, (), seconds, 2 * seconds, memory)


def test_costs_are_summed_by_stage_and_memory_is_the_largest(tmp_path):
    costs = [cost("train", 10, 300), cost("score", 5, 90), cost("train", 20, 200), cost("pseudo-labels", 1, 10)]
    rows = {row[0]: row[1:] for row in stage_rows(costs, tmp_path, tmp_path)}
    assert rows == {"loading and three steps": (3, 31, 62, 300, 0), "scoring": (1, 5, 10, 90, 0)}


def test_a_file_of_many_names_takes_its_room_once(tmp_path):
    (tmp_path / "a").write_bytes(bytes(2**20))
    one = disk_use([tmp_path])
    for number in range(20):
        os.link(tmp_path / "a", tmp_path / f"b{number}")
    assert disk_use([tmp_path]) == one >= 2**20


def test_disk_is_that_of_the_stage(tmp_path):
    (tmp_path / "c_ssed" / "features" / "x").mkdir(parents=True)
    (tmp_path / "c_ssed" / "features" / "x" / "a.npy").write_bytes(os.urandom(3 * 2**20))
    (row,) = stage_rows([cost("features", 1, 1)], tmp_path, tmp_path)
    assert row[-1] == 3


def test_no_verb_is_of_two_stages():
    verbs = [verb for stage in STAGES.values() for verb in stage.verbs]
    assert len(set(verbs)) == len(verbs)


def test_the_command_writes_the_table_and_says_which_share(tmp_path, capsys, monkeypatch):
    # Counting the steps of all systems at their published widths takes longer than the rest.
    monkeypatch.setattr(step_costs, "_count", lambda *asked: StepCost(10**12, 10**11, 10**9, 10**8, 1))
    words = [
        "rehearsal",
        "--scale",
        "rehearsal",
        "--set",
        "papers=c_ssed",
        "--set",
        f"work_dir={tmp_path}",
        "--set",
        f"results_dir={tmp_path}",
    ]
    assert main(words) == 1
    assert "make rehearsal" in capsys.readouterr().err
    (tmp_path / "rehearsal").mkdir()
    (tmp_path / "rehearsal" / "costs.tsv").write_text(
        "now\tsurvey\t--data-set x\t3.0\t2.0\t100\nnow\ttrain\t--paper c_ssed\t5.0\t4.0\t200\n"
    )
    assert main([*words, "--set", "share=0.02"]) == 0
    said = capsys.readouterr().out
    assert "0.02" in said and "survey" in said
    assert "full on " in said and "PFLOP" in said  # the forecast, of the one paper
    row, trained = read_table(tmp_path / "rehearsal" / "rehearsal.csv", COLUMNS, delimiter=",")
    assert (row["stage"], row["jobs"], row["seconds"]) == ("survey", "1", "3")
    assert [row[column] for column in FORECAST] == ["", "", ""]  # nothing is forecast of a survey
    assert trained["stage"] == TRAINED
    assert all(int(trained[column]) > 0 for column in FORECAST)


def test_other_scales_are_no_rehearsal_and_have_no_share(capsys):
    assert main(["rehearsal"]) == 1
    assert "not a rehearsal" in capsys.readouterr().err
    with pytest.raises(SettingsError, match="share"):
        load_config("miniature", changes={"share": 0.5})


def test_a_rehearsal_is_never_comparable_and_has_the_published_settings():
    assert COMPARABLE_SCALE != "rehearsal"
    assert "all clips" in told(load_config("rehearsal"), [("survey", 1, 1, 1, 1, 1, "", "", "")])
