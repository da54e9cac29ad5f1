"""What `make results` shows of Snakemake's output."""

import importlib.util
from pathlib import Path

SPEC = importlib.util.spec_from_file_location("progress", Path(__file__).parents[2] / "workflow" / "progress.py")
progress = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(progress)


def shown(text):
    return list(progress.shown(text.splitlines(keepends=True)))


def test_one_line_per_started_job_with_what_is_done():
    output = "[Sat]\nJob 7: Drawing a\nFinished jobid: 7\n1 of 3 steps (33%) done\n[Sat]\nJob 1: Drawing b\n"
    assert shown(output) == ["[starting] Drawing a", "[1/3] Drawing b"]


def test_an_error_of_the_configuration_is_shown_with_its_message():
    output = 'WorkflowError in file "common.smk", line 47:\nscale \'x\' is unknown\n  File "common.smk", line 47\n'
    assert shown(output) == ['WorkflowError in file "common.smk", line 47:', "scale 'x' is unknown"]


def test_a_failed_job_is_shown_by_its_own_words():
    output = (
        "Error in rule recipes:\n    message: None\n    log: a.log (check log file(s) for error details)\n"
        "RuleException:\nCalledProcessError in file x\nsedrepro recipes: error: b.csv: no such file\n"
        "    (whole log: a.log)\n"
    )
    assert shown(output) == ["sedrepro recipes: error: b.csv: no such file", "    (whole log: a.log)"]


def test_quiet_lines_are_left_out():
    assert shown("Building DAG of jobs...\nSelect jobs to execute...\nAssuming unrestricted shared filesystem\n") == []


def test_transfers_say_how_fast_they_are_and_why_they_try_again():
    lines = (
        "audio.zip: 83 % of 44.0MB, 1.01MB/s, 00:07 left\n"
        "audio.zip: the server answers 503 Busy; 9.1MB are here, trying again in 2 s\n"
        "audio.zip: 8 files in place\n"
    )
    assert shown(lines) == [
        "    audio.zip: 83 % of 44.0MB, 1.01MB/s, 00:07 left",
        "    audio.zip: the server answers 503 Busy; 9.1MB are here, trying again in 2 s",
    ]
