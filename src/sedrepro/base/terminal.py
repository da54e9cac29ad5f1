"""Terminals and logs that cannot show every character: plain marks instead of an error after all the work."""

import codecs
import unicodedata
from typing import TextIO

PLAIN = {
    **{"●": "*", "◐": "~", "○": "o", "✓": "+", "✗": "x", "×": "x", "·": ".", "±": "+-", "…": "...", "√": "sqrt"},
    **{"–": "-", "—": "-", "−": "-", "→": "->", "↑": "^", "↓": "v", "≤": "<=", "≥": ">=", "≠": "!=", "≈": "~"},
    **{"‘": "'", "’": "'", "“": '"', "”": '"', "µ": "u", "μ": "u", "∞": "inf"},
}
HANDLER = "sedrepro.plain"


def plain(error: UnicodeError) -> tuple[str, int]:
    """What stands for characters that an encoding lacks; a handler of encoding errors (`codecs.register_error`)."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(map(_plain, error.object[error.start : error.end])), error.end


def _plain(character: str) -> str:
    letters = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode("ascii")
    return PLAIN.get(character) or letters or "?"


def show_everything(*streams: TextIO) -> None:
    """Let nothing that is written to these streams end in a UnicodeEncodeError."""
    codecs.register_error(HANDLER, plain)
    for stream in streams:
        if hasattr(stream, "reconfigure"):  # what a notebook or a test puts in place may have none
            stream.reconfigure(errors=HANDLER)
