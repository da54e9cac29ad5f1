"""The cells of a published table, read from its csv.

The csv has one row per cell: the printed row labels, `system`, `variant`, the factors, `metric`, `published`,
optionally `relative_to`, `unit` and `suspect`, and `note`. The position of a column says what it is, so a paper can
have any labels and factors. Some factors have a meaning: see `EVENT_CLASS` and the names beside it.

A row without system and variant quotes a system of another paper, which is not rebuilt. In a table of texts `metric`
and `published` are any text. `NOT_AT_HAND` as published stands for a print that nobody has transcribed yet.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from sedrepro.base.errors import DataError, did_you_mean
from sedrepro.base.files import read_table
from sedrepro.published.verdict import METRICS

#: Units of published values, and by what our fractions are multiplied to have them.
UNITS = {"": 1, "percent": 100}

#: The factor whose value names one class of the corpus; its cells read the class-wise metrics.
EVENT_CLASS = "event_class"
#: The factor whose value names a held-out split of the run; not needed where there is only one.
SPLIT = "split"
#: The factor whose value names a way of detection; not needed where there is only one.
DETECTION = "detection"
#: The factor whose value restricts a cell to the runs with that seed.
SEED = "seed"

#: Stands for a value that the paper prints, but that is not at hand.
NOT_AT_HAND = "?"

#: What is said of a row without system and variant.
QUOTED = "quoted, not rebuilt"

#: What the columns of our results are called.
RESULT_COLUMNS = ("mean", "sd", "low", "high", "runs", "difference", "verdict", "data")


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
    relative_to: str = ""
    """System that a relative change starts from, on the cell's corpus variant or as system@variant on another."""
    at_hand: bool = True
    """False where the paper prints a value that is not known here; `published` is empty then."""

    @property
    def place(self) -> tuple[str, ...]:
        """What makes a cell unique in its table."""
        return (*self.labels.values(), self.system, self.variant, *self.factors.values(), self.metric)

    @property
    def reference(self) -> tuple[str, str]:
        """System and variant that a relative change starts from; no system where the cell is none."""
        system, _, variant = self.relative_to.partition("@")
        return system, variant or self.variant

    @property
    def quoted(self) -> bool:
        """Whether it is of another paper's system, which is not rebuilt."""
        return not self.system


def read_cells(path: Path | str) -> list[Cell]:
    """The cells of a published table of numbers, in the paper's order.

    Raises:
        DataError: a column is missing or misplaced, a cell stands twice, or a value is wrong (names file and row).
    """
    return _read(path, _check_number)


def read_text_cells(path: Path | str) -> list[Cell]:
    """The cells of a published table of texts, in the paper's order.

    Raises:
        DataError: a column is missing or misplaced, a cell stands twice, or a row is short (names file and row).
    """
    return _read(path, _check_text)


def runs_needed(cells: Iterable[Cell]) -> list[tuple[str, str]]:
    """The (system, variant) pairs that a table reads, each once, in order of appearance."""
    pairs = (pair for cell in cells for pair in ((cell.system, cell.variant), cell.reference))
    return list(dict.fromkeys(pair for pair in pairs if pair[0]))


def _read(path: Path | str, check: Callable[[str, Cell], None]) -> list[Cell]:
    rows = read_table(path, ["system", "variant", "metric", "published", "note"], delimiter=",")
    if not rows:
        raise DataError(f"{path}: holds no cells")
    labels, factors = _column_roles(path, [column for column in rows[0] if column is not None])
    cells: list[Cell] = []
    seen: dict[tuple[str, ...], int] = {}
    for number, row in enumerate(rows, start=2):
        where = f"{path}: row {number}"
        cell = _read_cell(where, row, labels, factors)
        check(where, cell)
        if cell.place in seen:
            place = ", ".join(cell.place)
            raise DataError(f"{where} is the same cell as row {seen[cell.place]} ({place})")
        seen[cell.place] = number
        cells.append(cell)
    return cells


def _column_roles(path: Path | str, header: list[str]) -> tuple[list[str], list[str]]:
    """The label and the factor columns, known by their position."""
    order = [header.index(column) for column in ("system", "variant", "metric", "published")]
    system, variant, metric, published = order
    if not 0 < system < variant < metric < published or variant != system + 1 or published != metric + 1:
        raise DataError(f"{path}: columns must be: labels, system, variant, factors, metric, published, note")
    known = ("relative_to", "unit", "suspect", "note")
    for column in header[:metric]:
        if column in (*RESULT_COLUMNS, *known):
            raise DataError(f"{path}: a label or factor cannot be called '{column}'; results or cells use that name")
    for column in header[published + 1 :]:
        if column not in known:
            raise DataError(f"{path}: unknown column '{column}' after 'published'; {did_you_mean(column, known)}")
    return header[:system], header[variant + 1 : metric]


def _read_cell(where: str, row: dict[str, str], labels: list[str], factors: list[str]) -> Cell:
    if None in row or None in row.values():
        raise DataError(f"{where} does not have as many fields as the header")
    return Cell(
        labels={column: row[column] for column in labels},
        system=row["system"],
        variant=row["variant"],
        factors={column: row[column] for column in factors},
        metric=row["metric"],
        published="" if row["published"] == NOT_AT_HAND else row["published"],
        at_hand=row["published"] != NOT_AT_HAND,
        note=row["note"],
        unit=row.get("unit", ""),
        suspect=row.get("suspect", ""),
        relative_to=row.get("relative_to", ""),
    )


def _check_text(where: str, cell: Cell) -> None:
    if not cell.metric:
        raise DataError(f"{where}: 'metric' is empty; it names what is said in this cell")
    for column in ("unit", "suspect", "relative_to"):
        if getattr(cell, column):
            raise DataError(f"{where}: '{column}' is of no use in a table of texts; leave it empty")


def _check_number(where: str, cell: Cell) -> None:
    for column in ("system", "variant"):
        if not getattr(cell, column) and (cell.system or cell.variant):
            raise DataError(f"{where}: '{column}' is empty; only a quoted system has neither system nor variant")
    if cell.metric not in METRICS:
        raise DataError(f"{where}: unknown metric '{cell.metric}'; {did_you_mean(cell.metric, METRICS)}")
    if cell.published and not _is_number(cell.published):
        raise DataError(
            f"{where}: published value '{cell.published}' is not a number; "
            f"empty means none, {NOT_AT_HAND} that it is not at hand"
        )
    if cell.unit not in UNITS:
        raise DataError(
            f"{where}: unknown unit '{cell.unit}'; use 'percent', or leave it empty for fractions and ratios"
        )
    seed = cell.factors.get(SEED, "")
    if seed and not (seed.isascii() and seed.isdigit()):
        raise DataError(f"{where}: seed '{seed}' is not a whole number; empty means the runs of all seeds")
    _check_change(where, cell)


def _check_change(where: str, cell: Cell) -> None:
    """A relative change, and nothing else, has a reference, and is given in percent."""
    is_change = bool(METRICS[cell.metric].change_of)
    if is_change and cell.unit != "percent":
        raise DataError(f"{where}: '{cell.metric}' is a relative change; its unit must be 'percent'")
    if is_change and not cell.quoted and not cell.relative_to:
        raise DataError(
            f"{where}: '{cell.metric}' is a relative change; name the system it starts from in 'relative_to'"
        )
    if cell.relative_to and (not is_change or cell.quoted):
        raise DataError(f"{where}: 'relative_to' is only for relative changes of our systems; leave it empty")
    if cell.relative_to and not cell.reference[0]:
        raise DataError(f"{where}: 'relative_to' = '{cell.relative_to}' names no system; system@variant does")
    if cell.relative_to and cell.reference == (cell.system, cell.variant):
        raise DataError(f"{where}: 'relative_to' names the cell's own system")


def _is_number(text: str) -> bool:
    try:
        return text == text.strip() and Decimal(text).is_finite()
    except InvalidOperation:
        return False
