"""The errors that end a command with one clear line instead of a traceback."""

import difflib
from collections.abc import Iterable


class SedreproError(Exception):
    """Something the user can mend; the message names the culprit and what to do."""


class SettingsError(SedreproError):
    """A key or value in a settings file, a configuration or on the command line is wrong."""


class DataError(SedreproError):
    """A data file is missing, corrupt or does not hold what it should."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint naming the known word nearest to `name`, or all of them where none is near."""
    known = sorted(str(k) for k in known)
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"known: {', '.join(known)}"
