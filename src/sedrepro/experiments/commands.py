"""Commands that are shown so that they can be copied: words of the shell, whatever names of folders hold."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config


def make_results(config: Config, **variables: str | Path) -> str:
    """`make results` at the scale of the configuration, with its recordings and the given variables of make."""
    values = {"SCALE": config.scale, **({"DATA_ROOT": config.data_root} if config.data_root else {}), **variables}
    return " ".join(["make results", *(f"{name}={quoted(value)}" for name, value in values.items())])


def quoted(value: str | Path) -> str:
    """A value as one word of the shell."""
    return shlex.quote(str(value))
