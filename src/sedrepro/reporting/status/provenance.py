"""Every setting of a paper with where it comes from."""

import textwrap
from collections.abc import Iterator, Sequence

from sedrepro.base.terminal import folded, line_width
from sedrepro.experiments.papers import Paper


def setting_rows(paper: Paper) -> list[tuple[str, str, str, str]]:
    """(key, value, source, reason) of every setting that has a provenance, in the order of the settings file."""
    values = paper.settings.model_dump(mode="json")
    return [
        (key, _shown(_lookup(values, key)), origin.source, origin.reason) for key, origin in paper.provenance.items()
    ]


def print_settings(paper: Paper) -> None:
    """Print the rows as aligned text."""
    print(folded(f"{paper.settings.about.title} ({paper.settings.about.published_in}); budget: {paper.budget}"))
    print_rows(setting_rows(paper))
    print_overruled(paper)


def print_overruled(paper: Paper) -> None:
    """Print which changed settings do not reach all runs, if any."""
    for line in paper.overruled:
        print(folded(f"note: {line}"))


def print_rows(rows: Sequence[tuple[str, str, str, str]]) -> None:
    """Print rows of settings as aligned text; in a terminal that is narrower, value and reason below each other."""
    width = line_width()
    if width is not None:
        print("\n".join(_in_width(rows, width)))
        return
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(3)]
    for key, value, source, reason in rows:
        print(f"{key:<{widths[0]}}  {value:<{widths[1]}}  {source:<{widths[2]}}  {reason}".rstrip())


def _in_width(rows: Sequence[tuple[str, str, str, str]], width: int) -> Iterator[str]:
    """Rows in lines of at most `width` characters: key and value, then where it comes from and why, told once."""
    first: dict[tuple[str, str], str] = {}
    for key, value, source, reason in rows:
        said_at = first.setdefault((source, reason), key)
        told = source if not reason else f"{source}: {reason}" if said_at == key else f"{source}, as {said_at}"
        together = f"{key} = {value}  ({told})"
        if len(together) <= width and (not reason or said_at != key):
            yield together
        else:
            yield from textwrap.wrap(f"{key} = {value}", width, subsequent_indent="    ")
            yield from textwrap.wrap(told, width, initial_indent="    ", subsequent_indent="    ")


def _lookup(values: dict, dotted: str) -> object:
    """The value at a dotted key whose parts may hold dots themselves."""
    if dotted in values:
        return values[dotted]
    key = next(k for k in sorted(values, key=len, reverse=True) if dotted.startswith(f"{k}."))
    return _lookup(values[key], dotted[len(key) + 1 :])


def _shown(value: object) -> str:
    return (", ".join(map(str, value)) or "none") if isinstance(value, list) else str(value)
