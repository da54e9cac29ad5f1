"""Nothing that is printed ends in a UnicodeEncodeError, whatever the terminal can show."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sedrepro.base.terminal import PLAIN, folded, show_everything


def printed(text: str, encoding: str) -> str:
    buffer = io.BytesIO()
    stream = io.TextIOWrapper(buffer, encoding=encoding, newline="")
    show_everything(stream)
    stream.write(text)
    stream.flush()
    return buffer.getvalue().decode(encoding)


@given(text=st.text(st.characters(codec=None)), encoding=st.sampled_from(["ascii", "latin-1", "utf-8", "cp1252"]))
def test_anything_can_be_printed(text: str, encoding: str):
    printed(text, encoding)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_marks_become_plain_ones_that_differ(encoding: str):
    marks = printed("●◐○✓✗", encoding)
    assert marks.isascii()
    assert len(set(marks)) == 5
    assert "?" not in marks


def test_what_the_terminal_can_show_stays():
    assert printed("Œuvre ± ● 🎵", "utf-8") == "Œuvre ± ● 🎵"
    assert printed("café ±", "latin-1") == "café ±"
    assert printed("café ±", "ascii") == "cafe +-"


def test_every_plain_mark_is_plain():
    assert all(text.isascii() and text for text in PLAIN.values())


def test_names_that_are_not_utf_8_can_be_shown():
    assert printed("caf\udce9.wav", "utf-8") == "caf?.wav"


class Screen(io.StringIO):
    def isatty(self):
        return True


def test_a_long_line_is_folded_for_a_terminal_and_left_alone_for_a_filter(monkeypatch):
    line = "  validation: " + "segment_f1 0.500, " * 20
    assert folded(line) == line
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr("sys.stdout", Screen())
    first, *others = folded(line).splitlines()
    assert first.startswith("  validation: segment_f1") and others
    assert all(len(one) <= 60 and one.startswith("      ") for one in others)
    assert " ".join(folded(line).split()) == " ".join(line.split())
