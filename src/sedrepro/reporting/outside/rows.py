"""Evaluations of predictions from elsewhere, kept in a results folder, and the rows that tables show of them.

`results/<scale>/<paper>/outside/<name>.json` holds what `sedrepro evaluate --add-to` found. Tables that are written
afterwards show a row of it below all others, as far as it has a value for their columns.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from sedrepro.base.errors import DataError
from sedrepro.base.files import read_json, write_json
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import Paper
from sedrepro.experiments.places import results_folder
from sedrepro.experiments.table_layout import TableLayout
from sedrepro.published.added_rows import OUTSIDE, columns_for_new_rows, row_labels
from sedrepro.published.cells import EVENT_CLASS, SPLIT, UNITS, Cell
from sedrepro.published.needs import same_clips
from sedrepro.reporting.tables.tidy import tidy_row

#: An evaluation as its file has it.
Evaluation = Mapping[str, Any]
KEYS = ("name", "source", "paper", "variant", "split", "metrics", "class_metrics", "intervals", "class_intervals")


def outside_folder(config: Config, paper: str) -> Path:
    """Where the evaluations of a paper lie."""
    return results_folder(config) / paper / "outside"


def keep(config: Config, evaluation: Evaluation) -> Path:
    """Write an evaluation to the results; one of equal name is replaced. Returns its path."""
    name = re.sub(r"[^A-Za-z0-9._-]+", "_", evaluation["name"]).strip("._") or "system"
    path = outside_folder(config, evaluation["paper"]) / f"{name}.json"
    write_json(path, evaluation)
    return path


def read_outside(config: Config, paper: str) -> list[dict[str, Any]]:
    """The evaluations of a paper in the results, by name.

    Raises:
        DataError: a file is damaged, or no evaluation (names it).
    """
    found = []
    for path in sorted(outside_folder(config, paper).glob("*.json")):
        evaluation = read_json(path)
        missing = [key for key in KEYS if not isinstance(evaluation, dict) or key not in evaluation]
        if missing:
            raise DataError(
                f"{path}: key '{missing[0]}' is missing; evaluate the predictions again, or delete the file"
            )
        found.append(evaluation)
    return found


def measured(paper: Paper, example: Cell, evaluation: Evaluation) -> tuple[float, tuple[float, float] | None] | None:
    """Value and interval of an evaluation in the column and the unit of a cell; None where it has none."""
    settings = paper.settings
    corpus, asked = settings.corpora[settings.corpus_of(example.variant)[0]], example.factors.get(SPLIT, "")
    if not same_clips(paper, example.variant, evaluation["variant"]):
        return None
    if (asked or corpus.held_out[0]) != evaluation["split"]:
        return None
    label = example.factors.get(EVENT_CLASS, "")
    values, intervals = (
        (evaluation["class_metrics"], evaluation["class_intervals"])
        if label
        else (evaluation["metrics"], evaluation["intervals"])
    )
    value, interval = values.get(example.metric), intervals.get(example.metric)
    if label:
        value, interval = (part.get(label) if part else None for part in (value, interval))
    if value is None:
        return None
    unit = UNITS[example.unit]
    return value * unit, None if interval is None else (interval[0] * unit, interval[1] * unit)


def outside_rows(
    paper: Paper, cells: Sequence[Cell], layout: TableLayout, evaluations: Sequence[Evaluation]
) -> list[dict[str, Any]]:
    """Rows of the tidy table, a cell each, of evaluations; see `sedrepro.reporting.tables.numbers.fill`."""
    examples = columns_for_new_rows(cells, layout.rows, layout.columns).values()
    return [
        _row(evaluation, cells, layout, example, *found)
        for evaluation in evaluations
        for example in examples
        if (found := measured(paper, example, evaluation)) is not None
    ]


def _row(
    evaluation: Evaluation,
    cells: Sequence[Cell],
    layout: TableLayout,
    example: Cell,
    value: float,
    interval: tuple[float, float] | None,
) -> dict[str, Any]:
    cell = replace(
        example,
        labels=row_labels(cells, layout.rows, f"{evaluation['name']} (outside system)"),
        system=f"{OUTSIDE}{evaluation['name']}",
        variant=evaluation["variant"],
        published="",
        suspect="",
        relative_to="",
    )
    note = (
        f"outside system, not trained here: {Path(evaluation['source']).name}, evaluated under this protocol; "
        "interval over clips"
    )
    return tidy_row(cell, value, "no published value", [note], interval=interval or (math.nan, math.nan))
