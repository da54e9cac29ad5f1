"""The cells of a published table, read from its csv.

The csv has one row per cell: the printed row labels, `system`, `variant`, the factors, `metric`, `published`,
optionally `unit` and `suspect`, and `note`. The position of a column says what it is, so a paper can have any labels
and factors.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from sedrepro.errors import DataError, did_you_mean
from sedrepro.files import read_table
from sedrepro.reporting.verdict import METRICS

#: Units of published values, and by what our fractions are multiplied to have them.
UNITS = {"": 1, "percent": 100}

_RESULT_COLUMNS = ("mean", "sd", "runs", "difference", "verdict")


@dataclass(frozen=True)
class Cell:
    """One cell of a published table and the runs that fill it."""

    labels: dict[str, str]
    system: str
    variant: str
    factors: dict[str, str]
    metric: str
    published: str
    note: str = ""
    unit: str = ""
    suspect: str = ""

    @property
    def place(self) -> tuple[str, ...]:
        """What makes a cell unique in its table."""
        return (*self.labels.values(), self.system, self.variant, *self.factors.values(), self.metric)


def read_cells(path: Path | str) -> list[Cell]:
    """The cells of a published table, in the paper's order.

    Raises:
        DataError: a column is missing or misplaced, a cell stands twice, or a value is wrong (names file and row).
    """
    rows = read_table(path, ["system", "variant", "metric", "published", "note"], delimiter=",")
    if not rows:
        raise DataError(f"{path}: holds no cells")
    labels, factors = _column_roles(path, [column for column in rows[0] if column is not None])
    cells: list[Cell] = []
    seen: dict[tuple[str, ...], int] = {}
    for number, row in enumerate(rows, start=2):
        cell = _read_cell(f"{path}: row {number}", row, labels, factors)
        if cell.place in seen:
            place = ", ".join(cell.place)
            raise DataError(f"{path}: row {number} is the same cell as row {seen[cell.place]} ({place})")
        seen[cell.place] = number
        cells.append(cell)
    return cells


def runs_needed(cells: Iterable[Cell]) -> list[tuple[str, str]]:
    """The (system, variant) pairs that a table reads, each once, in order of appearance."""
    return list(dict.fromkeys((cell.system, cell.variant) for cell in cells))


def _column_roles(path: Path | str, header: list[str]) -> tuple[list[str], list[str]]:
    """The label and the factor columns, known by their position."""
    order = [header.index(column) for column in ("system", "variant", "metric", "published")]
    system, variant, metric, published = order
    if not 0 < system < variant < metric < published or variant != system + 1 or published != metric + 1:
        raise DataError(f"{path}: columns must be: labels, system, variant, factors, metric, published, note")
    known = ("unit", "suspect", "note")
    for column in header[:metric]:
        if column in _RESULT_COLUMNS:
            raise DataError(f"{path}: a label or factor cannot be called '{column}'; our results use that name")
    for column in header[published + 1 :]:
        if column not in known:
            raise DataError(f"{path}: unknown column '{column}' after 'published'; {did_you_mean(column, known)}")
    return header[:system], header[variant + 1 : metric]


def _read_cell(where: str, row: dict[str, str], labels: list[str], factors: list[str]) -> Cell:
    if None in row or None in row.values():
        raise DataError(f"{where} does not have as many fields as the header")
    for column in ("system", "variant", "metric"):
        if not row[column]:
            raise DataError(f"{where}: '{column}' is empty")
    if row["metric"] not in METRICS:
        raise DataError(f"{where}: unknown metric '{row['metric']}'; {did_you_mean(row['metric'], METRICS)}")
    if row["published"] and not _is_number(row["published"]):
        raise DataError(f"{where}: published value '{row['published']}' is not a number; empty means none")
    unit = row.get("unit", "")
    if unit not in UNITS:
        raise DataError(f"{where}: unknown unit '{unit}'; use 'percent', or leave it empty for fractions and ratios")
    return Cell(
        labels={column: row[column] for column in labels},
        system=row["system"],
        variant=row["variant"],
        factors={column: row[column] for column in factors},
        metric=row["metric"],
        published=row["published"],
        note=row["note"],
        unit=unit,
        suspect=row.get("suspect", ""),
    )


def _is_number(text: str) -> bool:
    try:
        return text == text.strip() and Decimal(text).is_finite()
    except InvalidOperation:
        return False
