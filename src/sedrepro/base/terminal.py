"""Plain text for terminals and logs: columns, and plain marks for characters that one cannot show."""

import codecs
import shutil
import sys
import textwrap
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


def line_width() -> int | None:
    """Characters that a line of the terminal takes; None where the output goes elsewhere, as to a file or a filter."""
    return shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else None


def folded(text: str, indent: str = "    ") -> str:
    """A line as it is, or in lines that fit the terminal, those after the first indented."""
    width = line_width()
    if width is None or len(text) <= width:
        return text
    begin = text[: len(text) - len(text.lstrip())]
    return textwrap.fill(
        text.lstrip(), width, initial_indent=begin, subsequent_indent=begin + indent, break_on_hyphens=False
    )


def aligned(
    lines: Iterable[Sequence[str]], left: int | None = None, indent: str = "  ", widest: int | None = None
) -> str:
    """Lines of fields in columns, the first `left` of them (default: all) to the left, the others to the right.

    Fields of more than `widest` characters do not make their column wider: the rest of their line is moved.
    """
    return "\n".join(aligned_lines(lines, left, indent, widest))


def aligned_lines(
    lines: Iterable[Sequence[str]], left: int | None = None, indent: str = "  ", widest: int | None = None
) -> list[str]:
    """The lines of `aligned`, one by one."""
    lines = list(lines)
    lengths = [list(map(len, column)) for column in zip(*lines, strict=True)]
    widths = [max((one for one in each if widest is None or one <= widest), default=0) for each in lengths]
    rows = (
        "  ".join(
            field.ljust(width) if left is None or place < left else field.rjust(width)
            for place, (field, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
    return [f"{indent}{row}" for row in rows]
