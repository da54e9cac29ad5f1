"""One process at a time: a second one is refused, a dead owner is not waited for, wherever it was."""

import errno
import fcntl
import json
import os
import subprocess
import sys
import threading
import time

import pytest

from sedrepro.base import locks
from sedrepro.base.errors import DataError
from sedrepro.base.locks import only_worker

WORK = "this run is being trained"
HOLD = """
import sys, time
from pathlib import Path
from sedrepro.base.locks import only_worker
with only_worker(Path(sys.argv[1]), "this run is being trained"):
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(locks, "WATCHED_SECONDS", 0.3)
    monkeypatch.setattr(locks, "POLL_SECONDS", 0.01)


@pytest.fixture
def owner(tmp_path):
    """A process that holds the lock."""
    command = [sys.executable, "-c", HOLD, str(tmp_path / "run.lock")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"SLURM_JOB_ID": "42"})
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def refusal(path) -> str:
    with pytest.raises(DataError) as caught, only_worker(path, WORK):
        pass
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_second_process_is_refused_by_the_name_of_the_first(tmp_path, owner):
    message = refusal(tmp_path / "run.lock")
    assert message.startswith(f"{tmp_path / 'run.lock'}: {WORK} by process {owner.pid} on ")
    assert "(Slurm job 42)" in message
    assert owner.poll() is None and (tmp_path / "run.lock").is_file()


def test_a_killed_owner_is_followed_at_once(tmp_path, owner, monkeypatch):
    monkeypatch.setattr(locks, "WATCHED_SECONDS", 1000)
    owner.kill()
    owner.wait()
    assert (tmp_path / "run.lock").is_file()
    with only_worker(tmp_path / "run.lock", WORK):
        assert json.loads((tmp_path / "run.lock").read_text())["pid"] == os.getpid()


def test_nothing_is_left_behind_and_the_work_can_begin_again(tmp_path):
    path = tmp_path / "new" / "run.lock"
    for _ in range(2):
        with only_worker(path, WORK):
            assert path.is_file()
        assert list(path.parent.iterdir()) == []
    with pytest.raises(ZeroDivisionError), only_worker(path, WORK):
        raise ZeroDivisionError
    assert list(path.parent.iterdir()) == []


def elsewhere(beat: int = 0) -> str:
    return json.dumps({"boot": "another machine", "host": "n2", "pid": 7, "since": "noon", "beat": beat})


def test_an_owner_elsewhere_that_gives_no_sign_is_dead(tmp_path):
    path = tmp_path / "run.lock"
    path.write_text(elsewhere())
    with only_worker(path, WORK):
        assert json.loads(path.read_text())["pid"] == os.getpid()


@pytest.mark.parametrize("locks_work", [True, False])
def test_an_owner_elsewhere_that_gives_a_sign_is_alive(tmp_path, monkeypatch, locks_work):
    """On a file system whose locks do not reach from machine to machine, or that has none."""
    if not locks_work:
        monkeypatch.setattr(fcntl, "flock", without_locks)
    monkeypatch.setattr(locks, "WATCHED_SECONDS", 20)
    path = tmp_path / "run.lock"
    path.write_text(elsewhere())
    timer = threading.Timer(0.1, path.write_text, [elsewhere(1)])
    timer.start()
    assert "by process 7 on n2 since noon" in refusal(path)
    timer.join()
    assert json.loads(path.read_text())["beat"] == 1


def without_locks(file, how):
    raise OSError(errno.ENOLCK, "No locks available")


def test_without_locks_an_owner_on_this_machine_is_watched_too(tmp_path, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", without_locks)
    monkeypatch.setattr(locks, "BEAT_SECONDS", 0.02)
    monkeypatch.setattr(locks, "WATCHED_SECONDS", 20)
    path = tmp_path / "run.lock"
    with only_worker(path, WORK):
        assert f"by process {os.getpid()} on " in refusal(path)
    with only_worker(path, WORK):
        pass


@pytest.mark.parametrize("content", ["", "{", "[1]", "null"])
def test_a_file_that_names_nobody_keeps_nobody_out(tmp_path, monkeypatch, content):
    monkeypatch.setattr(locks, "WATCHED_SECONDS", 1000)
    path = tmp_path / "run.lock"
    path.write_text(content)
    with only_worker(path, WORK):
        pass


def test_signs_of_life_go_on_and_end_with_the_work(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "BEAT_SECONDS", 0.01)
    path, beats = tmp_path / "run.lock", set()
    before = threading.active_count()
    with only_worker(path, WORK):
        until = time.monotonic() + 20
        while len(beats) < 3 and time.monotonic() < until:
            beats.add(json.loads(path.read_text())["beat"])
    assert len(beats) >= 3
    assert threading.active_count() == before
