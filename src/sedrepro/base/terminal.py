"""Plain text for terminals and logs: columns, and plain marks for characters that one cannot show."""

import codecs
import unicodedata
from collections.abc import Iterable, Sequence
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


def aligned(lines: Iterable[Sequence[str]], left: int) -> str:
    """Lines of fields in columns, the first `left` of them to the left."""
    lines = list(lines)
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rows = (
        "  ".join(
            field.ljust(width) if place < left else field.rjust(width)
            for place, (field, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
    return "\n".join(f"  {row}" for row in rows)
