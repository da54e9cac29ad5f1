"""What facts of the documents share: the keys of a marker, and tables in Markdown."""

from collections.abc import Iterable, Sequence

from sedrepro.reporting.tables.markdown import md_line

Keys = dict[str, str]


def table_of(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table in Markdown."""
    return "\n".join(map(md_line, (head, ["---"] * len(head), *rows)))
