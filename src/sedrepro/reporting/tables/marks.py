"""The signs that stand beside verdicts and outcomes, and for footnotes."""

#: A mark beside the colour, so that a verdict does not depend on seeing colours.
MARKS = {
    **{"reproduced": "●", "close": "◐", "differs": "○", "suspect misprint": "?"},
    **{"holds": "●", "undecided": "◐", "fails": "○"},
}

#: Shown for a verdict or an outcome without a mark.
NO_MARK = "·"


def mark_meanings(present: set[str]) -> dict[str, str]:
    """Those verdicts or outcomes of some that have a mark, in the order of `MARKS`; each means what its name says."""
    return {name: name for name in MARKS if name in present}


def superscript(letters: str) -> str:
    """Letters of footnotes as a mark, in Markdown and HTML alike; nothing where there are none."""
    return f"<sup>{letters}</sup>" if letters else ""


def css_class(verdict_name: str) -> str:
    """The class that colours what has a verdict or an outcome."""
    return verdict_name.replace(" ", "-")
