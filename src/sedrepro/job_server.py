"""A process that has everything imported and forks one child per verb: importing takes longer than most small jobs.

The workflow starts it for jobs on its own machine (`Snakefile`); `python -m sedrepro VERB` then hands its words,
folder, environment and streams over to it (`sedrepro.job_client`) and lives as long as the child: killing one ends the
other. The server ends with the process that started it. Nothing of a job stays in it, since children are forked from a
process that has run no verb.

Messages on the socket: one JSON object of the request's words, folder and environment with the three standard streams
attached; back come the child's process id, and its exit status, each on a line.
"""

import contextlib
import gc
import importlib
import json
import os
import selectors
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from sedrepro.base.processes import end_with_the_parent

#: What jobs import inside functions, and takes long (torch._dynamo is what optimisers import); what is not installed is
#: left to the jobs that need it.
LIBRARIES = (
    "librosa",
    "pandas",
    "sed_eval",
    "dcase_util",
    "matplotlib.pyplot",
    "jinja2",
    "sklearn.metrics",
    "torch._dynamo",
)


def start(interpreter: str = "python") -> str | None:
    """Start a server that lives as long as this process, with the interpreter that jobs use; its socket's path.

    Returns:
        None where the system has no Unix sockets or the interpreter cannot be started: jobs then run by themselves.
    """
    if not sys.platform.startswith("linux"):
        return None
    folder = tempfile.mkdtemp(prefix="sedrepro-")
    path = str(Path(folder, "jobs"))
    try:
        subprocess.Popen(
            [interpreter, "-m", __name__, path],
            stdin=subprocess.PIPE,  # held open by this process, closed with it
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # what is typed at the terminal goes to the jobs, which pass it on
        )
    except OSError:
        os.rmdir(folder)
        return None
    return path


def import_all() -> None:
    """Import every verb and the libraries that they import late, and read the suite's code, which trainings digest."""
    from sedrepro.base.code import read_all
    from sedrepro.cli import build_parser, verb_module, verb_names

    build_parser()
    for verb in verb_names():
        verb_module(verb)
    for library in LIBRARIES:
        with contextlib.suppress(ImportError):
            importlib.import_module(library)
    read_all()


@dataclass
class Server:
    """Accepts requests, forks, and tells each client how its child ended. One thread: forking is safe."""

    path: str
    clients: dict[int, socket.socket] = field(default_factory=dict)
    """By process id of the child."""

    def serve(self) -> None:
        """Serve until standard input, held by the starting process, is closed; then end all children."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(self.path)
        listener.listen(64)  # those who come while everything is imported wait
        import_all()
        gc.collect()
        gc.freeze()  # no collection of a child touches the pages that all share
        ended, wake = os.pipe()
        os.set_blocking(wake, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        try:
            self._loop(listener, ended)
        finally:
            for pid in self.clients:
                end_group(pid)
            with contextlib.suppress(OSError):
                os.unlink(self.path)
                os.rmdir(os.path.dirname(self.path))

    def _loop(self, listener: socket.socket, ended: int) -> None:
        with selectors.DefaultSelector() as selector:
            for source in (listener, ended, sys.stdin.fileno()):
                selector.register(source, selectors.EVENT_READ)
            while True:
                for key, _ in selector.select():
                    if key.fileobj is listener:
                        self._accept(listener, selector)
                    elif key.fileobj == ended:
                        os.read(ended, 4096)
                        self._tell_ended(selector)
                    elif key.fileobj == sys.stdin.fileno():
                        return
                    else:  # a client that says anything, or nothing more, has gone
                        end_group(key.data)
                        selector.unregister(key.fileobj)

    def _accept(self, listener: socket.socket, selector: selectors.BaseSelector) -> None:
        client, _ = listener.accept()
        try:
            words, folder, environment, streams = receive(client)
        except (OSError, ValueError, EOFError):
            client.close()
            return
        # What is sent to the child before it has handlers of its own waits for them; the server's would end all jobs.
        held = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        pid = os.fork()
        if pid == 0:
            selector.close()
            listener.close()
            for other in self.clients.values():
                other.close()
            _run(words, folder, environment, streams, client)
        signal.pthread_sigmask(signal.SIG_SETMASK, held)
        for stream in streams:
            os.close(stream)
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)  # here and in the child: whichever comes first
        self.clients[pid] = client
        selector.register(client, selectors.EVENT_READ, pid)
        with contextlib.suppress(OSError):
            client.sendall(f"{pid}\n".encode())

    def _tell_ended(self, selector: selectors.BaseSelector) -> None:
        for pid, status in _ended_children():
            client = self.clients.pop(pid, None)
            if client is None:
                continue
            with contextlib.suppress(KeyError):
                selector.unregister(client)
            with contextlib.suppress(OSError):
                client.sendall(f"{os.waitstatus_to_exitcode(status)}\n".encode())
            client.close()


def _ended_children() -> Iterator[tuple[int, int]]:
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        yield pid, status


def end_group(pid: int) -> None:
    """Kill a child and what it has started."""
    with contextlib.suppress(OSError):
        os.killpg(pid, signal.SIGKILL)


def receive(client: socket.socket) -> tuple[list[str], str, dict[str, str], list[int]]:
    """Words, folder, environment and standard streams of a request.

    Raises:
        EOFError: the client has gone.
        ValueError: it is no request.
    """
    client.settimeout(10)  # a client sends at once; one that does not must not hold up the others
    head, streams, _, _ = socket.recv_fds(client, 4, 3)
    (length,) = struct.unpack("!I", head)
    parts = []
    while length:
        part = client.recv(min(length, 2**16))
        if not part:
            raise EOFError
        parts.append(part)
        length -= len(part)
    client.settimeout(None)
    words, folder, environment = json.loads(b"".join(parts))
    return words, folder, environment, list(streams)


def _run(words: list[str], folder: str, environment: dict[str, str], streams: list[int], client: socket.socket) -> None:
    """The child: a fresh process as far as a verb can tell."""
    status = 1
    try:
        client.close()
        os.setpgid(0, 0)
        end_with_the_parent()
        signal.set_wakeup_fd(-1)
        for default in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(default, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT, signal.SIGTERM})
        for stream, number in zip(streams, (0, 1, 2), strict=True):
            os.dup2(stream, number)
            os.close(stream)
        _open_streams()
        os.environ.clear()
        os.environ.update(environment)
        os.chdir(folder)
        sys.argv = ["sedrepro", *words]
        status = _verb(words)
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(end.code is not None)
    except KeyboardInterrupt:
        print("sedrepro: interrupted; run it again to resume", file=sys.stderr)
        status = 130
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _open_streams() -> None:
    """New text streams on the descriptors; what the server's have found out of its own would be wrong here."""
    encoding = sys.stdout.encoding
    sys.stdin = open(0, encoding=encoding, errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stdout = open(1, "w", buffering=1 if os.isatty(1) else -1, encoding=encoding, closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", buffering=1, encoding=encoding, errors="backslashreplace", closefd=False)  # noqa: SIM115


def _verb(words: list[str]) -> int:
    from sedrepro.cli import main

    return main(words)


if __name__ == "__main__":
    Server(sys.argv[1]).serve()
