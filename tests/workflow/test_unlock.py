"""A lock is released where no run works in the folder, and only there."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

UNLOCK = Path(__file__).parents[2] / "workflow" / "unlock.py"
#: Works for a minute, or notes that it was asked to unlock.
SNAKEMAKE = """#!/bin/sh
if [ "$1" = --unlock ]; then touch unlocked; else touch working; sleep 60; fi
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    program = tmp_path / "bin" / "snakemake"
    program.parent.mkdir()
    program.write_text(SNAKEMAKE)
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return tmp_path


def unlock(folder):
    return subprocess.run([sys.executable, UNLOCK], cwd=folder, capture_output=True, text=True, check=False)


def test_a_folder_without_a_run_is_unlocked(folder):
    assert unlock(folder).returncode == 0
    assert (folder / "unlocked").exists()


def test_a_folder_in_which_a_run_works_stays_locked(folder):
    # A shell in between: children of the command's own parent would count as its own.
    with subprocess.Popen(["sh", "-c", "snakemake & wait"], cwd=folder, start_new_session=True) as process:
        try:
            while not (folder / "working").exists():
                time.sleep(0.05)
            refused = unlock(folder)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
    assert refused.returncode == 1
    assert refused.stderr.startswith("error: another command is running in this folder (process ")
    assert not (folder / "unlocked").exists()
