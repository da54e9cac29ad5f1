"""Which clip of the reference a file name of a prediction means.

Systems write a clip's name with or without its folder, its ending, the `Y` before a YouTube id, and its decimals
(`Y<id>_30.000_40.000.wav`, `<id>_30_40`). A name that is in the reference letter by letter always means that clip.
"""

import re
from collections.abc import Iterable

from sedrepro.base.errors import DataError

#: Endings that a name may have or lack; times in names end in digits, so these are no endings.
ENDINGS = (".wav", ".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".mp4", ".webm")
_SEGMENT = re.compile(r"Y?([A-Za-z0-9_-]{11})_(\d+(?:\.\d+)?)_(\d+(?:\.\d+)?)", re.ASCII)


def bare_name(filename: str) -> str:
    """What names of one clip have in common, however they are written."""
    name = re.split(r"[/\\]", filename)[-1]
    ending = next((ending for ending in ENDINGS if name.lower().endswith(ending)), "")
    name = name[: len(name) - len(ending)]
    segment = _SEGMENT.fullmatch(name)
    return f"{segment[1]}_{float(segment[2]):.3f}_{float(segment[3]):.3f}" if segment else name


class Names:
    """Clips that can be named in several ways."""

    def __init__(self, filenames: Iterable[str]) -> None:
        self._own = set(filenames)
        self._bare: dict[str, list[str]] = {}
        for filename in sorted(self._own):
            self._bare.setdefault(bare_name(filename), []).append(filename)

    def find(self, filename: str) -> str | None:
        """The clip that is meant; None where there is none.

        Raises:
            DataError: two clips could be meant (names both).
        """
        if filename in self._own:
            return filename
        found = self._bare.get(bare_name(filename), [])
        if len(found) > 1:
            raise DataError(f"'{filename}' may be {found[0]} or {found[1]}; write the clip's name with its folder")
        return found[0] if found else None
