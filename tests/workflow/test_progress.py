"""What `make results` shows of Snakemake's output."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
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
    assert shown(output) == ["error: scale 'x' is unknown"]


def test_a_target_that_is_no_result_is_told_in_one_line():
    of_table = 'InputFunctionException in rule table in file "x", line 32:\nError:\n  SettingsError: no table9\n'
    assert shown(of_table + "Wildcards:\n  table=table9\n") == ["error: no table9"]
    of_rule = "MissingRuleException:\nNo rule to produce table2 (if you use input functions make sure).\n"
    (told,) = shown(of_rule)
    assert told.startswith("error: table2 is not made by any rule; a target is a file, such as results/")


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


LOCKED = """LockException:
Error: Directory cannot be locked. Please make sure that no other Snakemake process is trying to create the same files \
in the following directory:
/somewhere/else
If you are sure that no other instances of snakemake are running on this directory, the remaining lock was likely \
caused by a kill signal or a power loss. It can be removed with the --unlock argument.
"""


def test_a_second_command_in_a_folder_is_told_to_wait(monkeypatch):
    monkeypatch.setattr(progress, "others_here", lambda: [4711])
    said = shown(LOCKED)
    assert len(said) == 1
    assert "another command is running in this folder (process 4711); wait" in said[0]
    assert "unlock" not in said[0]


def test_a_lock_that_a_killed_command_left_can_be_taken_away(monkeypatch):
    monkeypatch.setattr(progress, "others_here", list)
    said = shown(LOCKED)
    assert len(said) == 1
    assert "`make unlock`" in said[0]


def test_who_works_in_the_folder_is_seen(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "snakemake"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\nsleep 60\n")
    program.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    assert progress.others_here() == []
    # A shell in between: children of this process' parent would count as the command's own.
    with subprocess.Popen(["sh", "-c", f"{program} & wait"], cwd=tmp_path, start_new_session=True) as process:
        try:
            wait_until(progress.others_here)
            monkeypatch.chdir(program.parent)
            assert progress.others_here() == []
        finally:
            os.killpg(process.pid, signal.SIGKILL)


def wait_until(true):
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_an_interrupted_run_says_how_to_go_on():
    said = shown(
        "Job 7: Drawing a\nTerminating processes on user request, this might take some time.\nComplete log: x\n"
    )
    assert said == ["[starting] Drawing a", "interrupted; run the same command again to resume"]


def test_data_that_were_left_out_are_told_of():
    assert shown("left out: a (b lacks c): 3 runs of d\n") == ["left out: a (b lacks c): 3 runs of d"]


SNAKEMAKE_ON_A_FULL_DISK = r"""--- Logging error ---
Traceback (most recent call last):
  File "logging/__init__.py", line 1114, in emit
    self.flush()
OSError: [Errno 28] No space left on device
Call stack:
  File "snakemake/exceptions.py", line 183, in print_exception
    logger.error(
Message: 'OSError: [Errno 28] No space left on device\n\n\nDuring handling of the above exception, another exception'
Arguments: ()
"""


def test_a_full_disk_is_one_line_and_a_job_that_meets_it_keeps_its_own():
    assert shown(SNAKEMAKE_ON_A_FULL_DISK) == [progress.NO_SPACE]
    line = "sedrepro train: error: results/weights.safetensors: No space left on device"
    assert shown(line) == [line]


def test_the_workflow_goes_on_when_nobody_reads_its_progress():
    """As in `make results | head`: whoever writes to it is neither stopped nor killed."""
    command = [sys.executable, SPEC.origin]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdin.write("Job 1: Drawing a\n")
        process.stdin.flush()
        assert process.stdout.readline() == "[starting] Drawing a\n"
        process.stdout.close()
        for number in range(2000):  # more than the pipe holds
            process.stdin.write(f"Job {number}: Drawing {'x' * 100}\n")
        process.stdin.close()
        assert process.wait(10) == 0
