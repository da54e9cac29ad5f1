"""Filling README and docs: every fact in its place, and the picture of a table."""

from pathlib import Path

from sedrepro.base.files import write_text
from sedrepro.reporting.documents.facts import filled
from sedrepro.reporting.documents.picture import table_picture

PICTURE = Path("docs", "images", "table.svg")
#: Where documents lie whose numbers come from records.
PATTERNS = ("README.md", "docs/*.md", "src/sedrepro/papers/*/README.md")


def documents() -> dict[Path, str]:
    """Every document, and the picture, as its facts are now.

    Raises:
        DataError: a fact is unknown or cannot be found (names the document and the fact).
    """
    paths = [path for pattern in PATTERNS for path in sorted(Path().glob(pattern))]
    made = {path: filled(path.read_text(encoding="utf-8"), str(path)) for path in paths}
    return made | {PICTURE: table_picture()}


def outdated() -> dict[Path, str]:
    """The documents that differ from what their facts are now, as they should be."""
    return {path: text for path, text in documents().items() if _text_of(path) != text}


def write_documents() -> list[Path]:
    """Write the documents that differ; returns their paths."""
    changed = outdated()
    for path, text in changed.items():
        write_text(path, text)
    return list(changed)


def _text_of(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.is_file() else None
