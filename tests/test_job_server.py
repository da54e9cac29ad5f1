"""The process that forks a child per verb: what a verb sees, prints and returns is as if it had run by itself."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sedrepro import job_client, job_server

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the server needs Linux")


@pytest.fixture(scope="module")
def served():
    """An environment whose verbs run in children of a server, and the server's process id."""
    path = job_server.start(sys.executable)
    assert path is not None
    await_true(lambda: Path(path).exists())
    yield os.environ | {job_client.VARIABLE: path}
    # It ends with the process that holds its standard input; here that is this one, so end it by hand.
    os.kill(server_of(path), signal.SIGTERM)


def await_true(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "did not happen"
        time.sleep(0.02)


def processes() -> dict[int, tuple[str, ...]]:
    found = {}
    for entry in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            found[int(entry.name)] = tuple((entry / "cmdline").read_bytes().decode().split("\0"))
    return found


def server_of(path: str) -> int:
    return next(pid for pid, words in processes().items() if path in words and "sedrepro.job_server" in words)


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def verb(*words, environment, **options):
    command = [sys.executable, "-m", "sedrepro", *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, **options)


@pytest.mark.parametrize(
    "words",
    [
        ("--version",),
        ("settings", "--paper", "c_ssed"),
        ("settings", "--paper", "nobody"),
        ("no-such-verb",),
        ("train", "--help"),
        ("cite",),
    ],
)
def test_output_and_exit_status_are_those_of_a_process_of_its_own(words, served):
    alone = {name: value for name, value in served.items() if name != job_client.VARIABLE}
    own, forked = verb(*words, environment=alone), verb(*words, environment=served)
    assert (forked.returncode, forked.stdout, forked.stderr) == (own.returncode, own.stdout, own.stderr)


def test_the_folder_and_the_environment_are_those_of_the_client(served, tmp_path):
    """In an empty folder there is no configuration; the variable names a project that has one."""
    nothing = verb("list", environment=served, cwd=tmp_path)
    assert nothing.returncode == 1 and "config/miniature.yaml" in nothing.stderr
    named = served | {"SEDREPRO_PROJECT": str(Path(__file__).parents[1])}
    assert verb("list", environment=named, cwd=tmp_path).returncode == 0


def test_verbs_run_at_the_same_time(served, tmp_path):
    """Each waits for a configuration that comes when all have started."""
    waiting = [waiting_verb(served, tmp_path / f"pipe{number}") for number in range(3)]
    server = server_of(served[job_client.VARIABLE])
    await_true(lambda: len(children(server)) == len(waiting))
    for number, process in enumerate(waiting):
        (tmp_path / f"pipe{number}").write_text("other: 1\n", encoding="utf-8")
        assert process.wait(60) == 1
        assert "scale" in process.stderr.read()


def waiting_verb(environment, pipe, shell=()):
    """A verb that waits for what will be written to a pipe, alone or started by a shell."""
    os.mkfifo(pipe)
    command = [*shell, sys.executable, "-m", "sedrepro", "list", "--config", str(pipe)]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


def test_killing_the_client_ends_the_child(served, tmp_path):
    server = server_of(served[job_client.VARIABLE])
    client = waiting_verb(served, tmp_path / "pipe")
    await_true(lambda: len(children(server)) == 1)
    client.kill()
    await_true(lambda: not children(server))


def test_killing_the_shell_that_started_the_client_ends_the_child(served, tmp_path):
    """Snakemake starts a job again whose shell was killed: the first must not go on beside it."""
    server = server_of(served[job_client.VARIABLE])
    shell = waiting_verb(served, tmp_path / "pipe", ["bash", "-c", '"$@"; true', "job"])
    await_true(lambda: len(children(server)) == 1)
    shell.kill()
    await_true(lambda: not children(server))


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 128 + signal.SIGTERM)])
def test_signals_reach_the_child(number, status, served, tmp_path):
    server = server_of(served[job_client.VARIABLE])
    client = waiting_verb(served, tmp_path / "pipe")
    await_true(lambda: len(children(server)) == 1)
    client.send_signal(number)
    assert client.wait(60) == status
    assert not children(server)


def test_a_signal_before_the_child_is_known_reaches_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the path of a socket must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("server")
        listener.listen()
        client = subprocess.Popen(
            [sys.executable, "-m", "sedrepro", "cite"], env=os.environ | {job_client.VARIABLE: "server"}
        )
        connection, _ = listener.accept()
        client.send_signal(signal.SIGTERM)  # the request may not even be sent
        with connection, subprocess.Popen(["sleep", "20"]) as child:
            connection.sendall(f"{child.pid}\n".encode())
            connection.sendall(f"{child.wait(60)}\n".encode())
            assert client.wait(60) == 128 + signal.SIGTERM
    assert child.returncode == -signal.SIGTERM


def test_killing_the_child_is_told(served, tmp_path):
    server = server_of(served[job_client.VARIABLE])
    client = waiting_verb(served, tmp_path / "pipe")
    await_true(lambda: len(children(server)) == 1)
    os.kill(children(server)[0], signal.SIGKILL)
    assert client.wait(60) == 128 + signal.SIGKILL


def test_a_server_ends_with_the_process_that_started_it_and_its_children_too(tmp_path):
    program = "import sys, time; from sedrepro import job_server; print(job_server.start(sys.executable), flush=True);"
    owner = subprocess.Popen([sys.executable, "-c", program + "time.sleep(600)"], stdout=subprocess.PIPE, text=True)
    path = owner.stdout.readline().strip()
    await_true(lambda: Path(path).exists())
    server = server_of(path)
    client = waiting_verb(os.environ | {job_client.VARIABLE: path}, tmp_path / "pipe")
    await_true(lambda: len(children(server)) == 1)
    child = children(server)[0]
    owner.kill()
    owner.wait()
    assert client.wait(60) != 0
    await_true(lambda: not {server, child} & processes().keys())
    assert not Path(path).parent.exists()


def test_without_a_server_verbs_run_by_themselves(tmp_path):
    gone = os.environ | {job_client.VARIABLE: str(tmp_path / "gone")}
    assert verb("--version", environment=gone).returncode == 0


def test_what_is_no_request_does_not_stop_the_server(served):
    import socket

    with socket.socket(socket.AF_UNIX) as other:
        other.connect(served[job_client.VARIABLE])
        other.sendall(b"\0\0\0\4oops")
    assert verb("--version", environment=served).returncode == 0
