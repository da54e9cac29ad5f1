"""Miniature data sets: synthesised recordings in the official folder layouts; everything runs without a download."""

import importlib
from collections.abc import Callable
from pathlib import Path

#: Module of this folder and function that write the files of an archive.
_WRITERS = {
    "fsdkaggle2018": ("remix_sources", "write_sound_events"),
    "tau_urban_2019": ("remix_sources", "write_scenes"),
    "dcase2017_task4": ("dcase2017_task4", "write_dcase2017_task4"),
    "dcase2019_task4": ("dcase2019_task4", "write_dcase2019_task4"),
}


def archive_names() -> list[str]:
    """Data sets of the manifest that can be synthesised."""
    return list(_WRITERS)


def writer_module(archive: str) -> str:
    """Name of the module that synthesises a data set."""
    return f"{__name__}.{_WRITERS[archive][0]}"


def writer_of(archive: str) -> Callable[[Path, int], None]:
    """What writes a data set below a root with a seed."""
    return getattr(importlib.import_module(writer_module(archive)), _WRITERS[archive][1])


def clips_of(archive: str) -> dict[str, int]:
    """Clips of each split of a miniature data set; none of one whose clips only make mixtures."""
    return getattr(importlib.import_module(writer_module(archive)), "CLIPS", {})
