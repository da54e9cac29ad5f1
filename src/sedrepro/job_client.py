"""Handing a verb over to the server of `sedrepro.job_server`. Imports little: it runs once per job."""

import contextlib
import json
import os
import signal
import socket
import struct
import sys
from typing import TextIO

from sedrepro.base.processes import end_with_the_parent

VARIABLE = "SEDREPRO_JOBS"
"""Names the server's socket; where it is not set, or nobody answers, verbs run in the process that was asked."""

#: Signals that are for the child.
PASSED_ON = {signal.SIGINT, signal.SIGTERM}


def run_elsewhere(words: list[str]) -> int | None:
    """Run a verb in a child of the server.

    Returns:
        Its exit status; 1 after a line on stderr if the server ended before the verb did; None if there is no server.
    """
    path = os.environ.get(VARIABLE)
    if not path:
        return None
    # The job's shell may be killed alone. Snakemake then starts the job again, and two would write the same file.
    end_with_the_parent()
    server = socket.socket(socket.AF_UNIX)
    # Before the server is asked: a signal that comes while it forks would end this process and not the child.
    signal.pthread_sigmask(signal.SIG_BLOCK, PASSED_ON)
    try:
        server.connect(path)
        environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
        request = json.dumps([words, os.getcwd(), environment]).encode()
        socket.send_fds(server, [struct.pack("!I", len(request))], [0, 1, 2])
        server.sendall(request)
    except OSError:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
        return None
    return _wait(server)


def _wait(server: socket.socket) -> int:
    """The exit status that the server tells; signals, blocked until then, are passed on to the child."""
    replies = server.makefile()
    child = 0

    def pass_on(number: int, _frame: object) -> None:
        if child:
            with contextlib.suppress(OSError):
                os.kill(child, number)

    for number in PASSED_ON:
        signal.signal(number, pass_on)
    child = int(_reply(replies) or 0)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, PASSED_ON)
    status = _reply(replies)
    if not status:
        print("sedrepro: the process that runs the jobs has ended; run it again to resume", file=sys.stderr)
        return 1
    # What a signal ended is told as a shell would.
    return int(status) if int(status) >= 0 else 128 - int(status)


def _reply(replies: TextIO) -> str:
    """A line of the server; empty if it has ended, whether it closed its socket or was killed."""
    try:
        return replies.readline()
    except ConnectionResetError:
        return ""
