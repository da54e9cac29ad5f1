"""Rows below the published ones of a table: systems that the paper does not have.

What a new row has in a column is what the published rows have there: metric, split, class and unit, where all of them
agree. Of variant and way of detection, in which rows may differ, it has those of most rows.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from sedrepro.published.cells import EVENT_CLASS, SEED, SPLIT, Cell
from sedrepro.published.verdict import METRICS

Key = tuple[str, ...]
ADDED = "added, not in the paper"
#: What the `system` of a row begins with that the suite has not trained: its predictions were made elsewhere.
OUTSIDE = "outside/"


def column_of(cell: Cell, columns: Sequence[str]) -> Key:
    """The column that a cell stands in: its values of what is laid out over the header."""
    values = cell.labels | cell.factors | {"metric": cell.metric, "variant": cell.variant, "system": cell.system}
    return tuple(values[name] for name in columns)


def columns_for_new_rows(cells: Sequence[Cell], rows: Sequence[str], columns: Sequence[str]) -> dict[Key, Cell]:
    """A cell of a published row for every column that a new row can have, as its example; others are left out.

    `rows` and `columns` are those of the table's layout. There are none where rows are no systems, but classes, say.
    """
    if not set(rows) <= set(cells[0].labels if cells else ()):
        return {}
    found: dict[Key, list[Cell]] = {}
    for cell in cells:
        if not cell.quoted:
            found.setdefault(column_of(cell, columns), []).append(cell)
    return {key: _usual(there) for key, there in found.items() if _agree(there)}


def _agree(cells: Sequence[Cell]) -> bool:
    """Whether the cells of a column ask one thing of every system; what compares two systems cannot be asked anew."""
    asked = {
        (cell.metric, cell.unit, *(cell.factors.get(name, "") for name in (SPLIT, EVENT_CLASS, SEED))) for cell in cells
    }
    return len(asked) == 1 and not METRICS[cells[0].metric].base and not cells[0].factors.get(SEED)


def _usual(cells: Sequence[Cell]) -> Cell:
    counts = Counter((cell.variant, tuple(cell.factors.items())) for cell in cells)
    usual = counts.most_common(1)[0][0]
    return next(cell for cell in cells if (cell.variant, tuple(cell.factors.items())) == usual)


def row_labels(cells: Sequence[Cell], rows: Sequence[str], name: str) -> dict[str, str]:
    """Labels of a new row: its name where the published labels are longest, nothing elsewhere."""
    lengths = {label: sum(len(cell.labels[label]) for cell in cells) for label in rows}
    longest = max(lengths, key=lengths.__getitem__)
    return {label: name if label == longest else "" for label in cells[0].labels}


def added_cells(
    cells: Sequence[Cell], rows: Sequence[str], columns: Sequence[str], systems: Mapping[str, str]
) -> list[Cell]:
    """Cells of systems of our own, by name with their label, that a table shows below its published rows."""
    examples = columns_for_new_rows(cells, rows, columns)
    return [
        replace(
            example,
            labels=row_labels(cells, rows, label),
            system=system,
            published="",
            at_hand=True,
            note=ADDED,
            suspect="",
        )
        for system, label in systems.items()
        for example in examples.values()
    ]
