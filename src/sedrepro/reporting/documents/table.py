"""What facts of the documents share: the keys of a marker, and tables in Markdown."""

from collections.abc import Iterable, Sequence

Keys = dict[str, str]


def table_of(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    return "\n".join(f"| {' | '.join(values)} |" for values in (head, ["---"] * len(head), *rows))
