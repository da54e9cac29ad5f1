"""What is told of failed jobs, from logs as Snakemake 9.27.1 and its plugin for Slurm write them."""

import os
from pathlib import Path

import pytest

from sedrepro.reporting.status.failed_jobs import failures

LOG = "2026-11-28T072149.415692.snakemake.log"


@pytest.fixture
def logged(tmp_path, monkeypatch):
    """Write a log of Snakemake, and the logs that it names; returns what is told."""
    monkeypatch.chdir(tmp_path)

    def told(text: str, **logs: str) -> list[str]:
        for name, content in logs.items():
            path = Path({"own": "logs/train.log", "other": "logs/score.log", "slurm": SLURM}[name])
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
        Path(LOG).write_text(text)
        return failures([Path(LOG)])

    return told


SLURM = ".snakemake/slurm_logs/rule_train/7.log"
OWN = "    log: logs/train.log (check log file(s) for error details)\n"
BOTH = f"    log: logs/train.log, {SLURM} (check log file(s) for error details)\n"
STATUS = "    message: SLURM-job '7' failed, SLURM status is: 'TIMEOUT'. Detailed failure reason unavailable.\n"
GROUP = (
    f"    message: Error in group g\n    log: {SLURM} (check log file(s) for error details)\n    jobs:\n"
    "        rule train:\n            log: logs/train.log (check log file(s) for error details)\n"
    "        rule score:\n            log: logs/score.log (check log file(s) for error details)\n"
)


def test_on_one_machine_the_last_line_of_each_log_is_told_once(logged):
    assert logged(OWN + "..." + OWN, own="epoch 1\nerror: a.tsv: no such file\n\n") == [
        "error: a.tsv: no such file\n    (whole log: logs/train.log)"
    ]


def test_a_job_that_wrote_nothing_is_told_of(logged):
    assert logged(OWN, own="") == ["failed without a word\n    (whole log: logs/train.log)"]
    Path("logs/train.log").unlink()
    assert logged(OWN) == ["failed without a word\n    (whole log: logs/train.log)"]


def test_of_two_logs_that_of_the_job_is_told(logged):
    srun = "srun: error: n1: task 0: Exited with exit code 1\n"
    assert logged(BOTH, own="error: a.tsv\n", slurm=srun) == ["error: a.tsv\n    (whole log: logs/train.log)"]


def test_where_the_scheduler_ended_a_job_its_reason_comes_first(logged):
    slurm = (
        "slurmstepd-n1: error: *** STEP 7.0 ON n1 CANCELLED AT 2026-11-28T07:22:20 DUE TO TIME LIMIT ***\n"
        "srun: error: n1: task 0: Terminated\n"
    )
    assert logged(STATUS + BOTH, own="epoch 1\n", slurm=slurm) == [
        "Slurm: STEP 7.0 ON n1 CANCELLED AT 2026-11-28T07:22:20 DUE TO TIME LIMIT\n    (whole log: logs/train.log)",
        "epoch 1\n    (whole log: logs/train.log)",
    ]


def test_a_job_that_left_no_word_has_the_schedulers_status(logged):
    assert logged(STATUS + BOTH, own="") == ["Slurm ended job 7: TIMEOUT\n    (whole log: logs/train.log)"]


def test_of_a_group_only_logs_that_were_written_now_are_told(logged):
    alone = ["error: a.tsv\n    (whole log: logs/train.log)"]
    assert logged(GROUP, own="error: a.tsv\n", slurm="") == alone
    old = Path("logs/score.log")
    old.write_text("results/metrics.json\n")
    os.utime(old, (0, 0))
    assert logged(GROUP) == alone
    oom = "slurmstepd: error: Detected 1 oom_kill event in StepId=7.0.\nsrun: error: n1: task 0: Out Of Memory\n"
    assert logged(GROUP, slurm=oom) == [
        f"Slurm: Detected 1 oom_kill event in StepId=7.0.\n    (whole log: {SLURM})",
        "error: a.tsv\n    (whole log: logs/train.log)",
    ]


def test_nothing_failed_nothing_is_told(logged):
    assert logged("3 of 3 steps (100%) done\n") == []
