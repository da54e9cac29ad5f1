"""The errors that end a command with one clear line instead of a traceback."""

import difflib
from collections.abc import Iterable
from pathlib import Path


class SedreproError(Exception):
    """Something the user can mend; the message names the culprit and what to do."""


class SettingsError(SedreproError):
    """A key or value in a settings file, a configuration or on the command line is wrong."""


class DataError(SedreproError):
    """A data file is missing, corrupt or does not hold what it should."""


class MissingFileError(DataError):
    """A file is not there that a step reads; `output` is what another step makes, if that is the folder of the file."""

    def __init__(self, path: Path | str, output: Path | None = None):
        super().__init__(f"{path}: no such file")
        self.output = output or Path(path)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint naming the known word nearest to `name`, or all of them where none is near."""
    known = sorted(str(k) for k in known)
    near = difflib.get_close_matches(str(name), known, n=1, cutoff=0.5)
    if near:
        return f"did you mean '{near[0]}'?"
    return f"known: {', '.join(known)}"
