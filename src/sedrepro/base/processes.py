"""Processes that end together. Imports little: every job does it."""

import ctypes
import signal
import sys

PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG of prctl(2)


def end_with_the_parent() -> None:
    """Have this process killed when the one that started it ends; on Linux only."""
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(PARENT_DEATH_SIGNAL, signal.SIGKILL)
