"""What the runs on recordings contradict, and why: every claim that fails has a reason that was tested, or is open.

`contradictions.csv` has a row per claim, or per some of its metrics:

* `paper`, `id`, `metric` (several parted by `|`; empty: all in which it fails), `variant` (empty: every one);
* `reason`: one of `REASONS`; `why`, in words;
* `tried`: what shows it, an experiment in `experiments.csv`, `record` (the record itself) or `derivation` (from the
  paper's equations); empty where the reason is open.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from sedrepro.base.errors import DataError
from sedrepro.base.files import read_table
from sedrepro.reporting.documents.recorded import RECORDED, TRIED

CONTRADICTIONS = RECORDED / "contradictions.csv"
COLUMNS = ("paper", "id", "metric", "variant", "reason", "tried", "why")
#: Our code; other or fewer clips than the paper's; too little training or width; a reading that the paper leaves open,
#: such as a threshold; what the paper says; or not known.
REASONS = ("code", "data", "budget", "reading", "claim", "open")
#: What shows a reason, beside experiments.
SHOWN_BY = ("record", "derivation")

Row = Mapping[str, str]


def reasons(
    failing: Sequence[Row], path: Path = CONTRADICTIONS, experiments: Path = TRIED
) -> list[tuple[Row, list[Row]]]:
    """The rows of contradictions.csv, each with the failing tests that it is about, rows of claims.csv.

    Raises:
        DataError: a failing test has no row or more than one, a row is about none, or says a reason that there is not,
            or by what it was tried and is open, or the contrary (names file and row).
    """
    rows = read_table(path, COLUMNS, delimiter=",")
    _check(rows, path, experiments)
    of_row: list[tuple[Row, list[Row]]] = [(row, []) for row in rows]
    for test in failing:
        found = [tests for row, tests in of_row if _is_about(row, test)]
        if len(found) != 1:
            place = ", ".join(filter(None, (test["paper"], test["id"], test["metric"], test["variant"], test["split"])))
            raise DataError(f"{path}: {len(found)} rows on the failing claim {place}; there must be one")
        found[0].append(test)
    for number, (_, tests) in enumerate(of_row, start=2):
        if not tests:
            raise DataError(f"{path}: row {number}: no such claim fails; remove the row")
    return of_row


def _check(rows: Sequence[Row], path: Path, experiments: Path) -> None:
    """Refuse rows with a reason that there is not, or shown by what there is not."""
    tried = read_table(experiments, ("paper", "experiment"), delimiter=",")
    known = {(row["paper"], row["experiment"]) for row in tried}
    for number, row in enumerate(rows, start=2):
        where = f"{path}: row {number}"
        if row["reason"] not in REASONS:
            raise DataError(f"{where}: reason '{row['reason']}' is none of {', '.join(REASONS)}")
        if bool(row["tried"]) != (row["reason"] != "open"):
            raise DataError(f"{where}: a reason is open, or 'tried' says what shows it")
        if row["tried"] and row["tried"] not in SHOWN_BY and (row["paper"], row["tried"]) not in known:
            raise DataError(f"{where}: '{row['tried']}' is no experiment of {row['paper']} in {experiments}")


def _is_about(row: Row, test: Row) -> bool:
    metrics = row["metric"].split("|")
    return (
        (row["paper"], row["id"]) == (test["paper"], test["id"])
        and (not row["metric"] or test["metric"] in metrics)
        and row["variant"] in ("", test["variant"])
    )
