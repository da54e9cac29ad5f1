"""Facts of the documents: each is computed from a record, the published values or the settings, and fills a marker.

A marker in a Markdown file is `<!-- fact: NAME key=value ... -->text<!-- end -->`; `filled` puts the fact in the place
of the text. NAME is one of `FACTS`. Keys that a fact does not know by name choose rows of the record's csv by column.
"""

import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sedrepro.base.errors import DataError, did_you_mean
from sedrepro.base.files import read_json
from sedrepro.experiments.configuration import load_config
from sedrepro.experiments.papers import load_paper, paper_names
from sedrepro.experiments.runs import base_of, figure_runs
from sedrepro.obtaining.plan import chosen_data_sets, files_of
from sedrepro.published.cells import NOT_AT_HAND
from sedrepro.published.needs import cells_file, printed_tables, scored_runs
from sedrepro.reporting.documents.claims import contradictions, counted_orders, counted_tests
from sedrepro.reporting.documents.recorded import (
    FAULTS,
    MEASURED,
    RECORDED,
    REHEARSED,
    TRIED,
    only_row,
    read_csv,
    records,
    rows_where,
)
from sedrepro.reporting.documents.table import Keys, table_of
from sedrepro.reporting.records.contents import record_facts

MARKER = re.compile(r"<!-- fact: (?P<asked>[^\n]*?) -->(?P<text>.*?)<!-- end -->", re.DOTALL)


def filled(text: str, name: str) -> str:
    """A document with every fact in its place.

    Args:
        text: the document.
        name: its name, for errors.

    Raises:
        DataError: a fact is unknown or cannot be found (names the document and the fact).
    """

    def fill(found: re.Match[str]) -> str:
        asked = found["asked"]
        try:
            fact = fact_of(asked)
        except DataError as error:
            raise DataError(f"{name}: fact '{asked}': {error}") from error
        block = f"\n\n{fact}\n\n" if "\n" in fact else fact
        return f"<!-- fact: {asked} -->{block}<!-- end -->"

    return MARKER.sub(fill, text)


def fact_of(asked: str) -> str:
    """The fact that the words of a marker ask for.

    Raises:
        DataError: there is no such fact, or not what it is to be read from.
    """
    name, *words = shlex.split(asked)
    if name not in FACTS:
        raise DataError(f"'{name}' is not a kind of fact; {did_you_mean(name, FACTS)}")
    keys: Keys = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise DataError(f"'{word}' is not KEY=VALUE")
        keys[key] = value
    try:
        return FACTS[name](keys)
    except KeyError as error:
        raise DataError(f"needs {error.args[0]}=...") from error


def shown(value: str, form: str) -> str:
    """A value as text: `form` is a format of Python for numbers, or `minutes` or `hours`; empty: as it is."""
    if form == "minutes":
        minutes, seconds = divmod(round(float(value)), 60)
        return f"{minutes} min {seconds} s"
    if form == "hours":
        return f"{float(value) / 3600:.1f} h"
    return format(float(value), form) if form else value


def _record(keys: Keys) -> Path:
    return RECORDED / keys.pop("record")


def _cell(keys: Keys) -> str:
    """One value of a table of a record."""
    folder, column, form = _record(keys), keys.pop("column", "mean"), keys.pop("format", "")
    row = only_row(folder / "tables.csv", keys)
    return shown(_named(row, column), form)


def _history(keys: Keys) -> str:
    """One value of the training history of a run of a record."""
    folder, column, form = _record(keys), keys.pop("column"), keys.pop("format", "")
    return shown(_named(only_row(folder / "histories.csv", keys), column), form)


def _histories(keys: Keys) -> str:
    """A table over systems and epochs of a column of the histories of a record, the mean over seeds."""
    folder, column, form = _record(keys), keys.pop("column"), keys.pop("format")
    starts = dict(pair.split(":") for pair in keys.pop("systems").split(","))
    epochs = keys["epoch"].split("|")
    lines = []
    for system, start in starts.items():
        rows = rows_where(folder / "histories.csv", keys | {"system": system})
        means = rows[column].astype(float).groupby(rows["epoch"]).mean()
        lines.append([start, *(shown(str(means[epoch]), form) for epoch in epochs)])
    return table_of(["start", *(f"epoch {epoch}" for epoch in epochs)], lines)


def _text(keys: Keys) -> str:
    """What `pattern` (a regular expression) finds in a text of a table of a record; its group if it has one."""
    folder, column, pattern = _record(keys), keys.pop("column", "mean"), keys.pop("pattern")
    text = _named(only_row(folder / "tables.csv", keys), column)
    found = re.search(pattern, text)
    if not found:
        raise DataError(f"{folder / 'tables.csv'}: '{text}' holds no {pattern}")
    return found[found.lastindex or 0]


def _fact_of_record(keys: Keys) -> str:
    """A fact of record.json."""
    folder, field, form = _record(keys), keys.pop("field"), keys.pop("format", "")
    return shown(str(_named(record_facts(folder), field)), form)


def _faults(keys: Keys) -> str:
    """A count of the last test of a kind of fault; how many, where things are listed."""
    counts = _named(read_json(FAULTS), keys.pop("fault"))
    found = _named(counts, keys.pop("count"))
    return str(len(found) if isinstance(found, list) else found)


def _rehearsed(keys: Keys) -> str:
    """The sum of a column of whole numbers over the stages of the rehearsal of a paper, or of the one `stage` named."""
    column = keys.pop("column")
    return str(sum(int(_named(row, column)) for row in rows_where(REHEARSED, keys).to_dict("records")))


def _measured(keys: Keys) -> str:
    """A measurement, or another column of its row."""
    column, form = keys.pop("column", "value"), keys.pop("format", "")
    return shown(_named(only_row(MEASURED, keys), column), form)


def _tried(keys: Keys) -> str:
    """A value of an experiment, or another `column` of its row; a table of its values where `rows` and `columns` are
    given.
    """
    column, form = keys.pop("column", "value"), keys.pop("format", "")
    if "rows" not in keys:
        return shown(_named(only_row(TRIED, keys), column), form)
    rows, columns, names = keys.pop("rows").split(","), keys.pop("columns").split(","), _names(keys)
    return _across(rows_where(TRIED, keys), rows, columns, names, lambda cell: shown(_named(cell, column), form))


def _named(row: Mapping[str, Any], column: str) -> Any:
    if column not in row:
        raise DataError(f"there is no '{column}'; {did_you_mean(column, row)}")
    return row[column]


def _grid(keys: Keys) -> str:
    """A table of a record: a line per `rows`, a column per `columns`; mean, its deviation, and the published value."""
    folder, rows, columns = _record(keys), keys.pop("rows").split(","), keys.pop("columns").split(",")
    form, names = keys.pop("format", ".2f"), _names(keys)
    cells = rows_where(folder / "tables.csv", keys)
    return _across(cells, rows, columns, names, lambda cell: _shown_cell(cell, form))


def _names(keys: Keys) -> dict[str, str]:
    """What is shown in place of values and columns: `names=value:shown,value:shown`."""
    return dict(pair.split(":") for pair in keys.pop("names", "").split(",") if pair)


def _across(
    cells: pd.DataFrame,
    rows: list[str],
    columns: list[str],
    names: Mapping[str, str],
    show: Callable[[pd.Series], str],
) -> str:
    """A table in Markdown of cells by the values of `rows` and `columns`; `names` are shown in place of these."""
    across = list(cells[columns].drop_duplicates().itertuples(index=False, name=None))
    titles = [", ".join(names.get(part, part) for part in key) for key in across]
    lines = []
    for down, group in cells.groupby(rows, sort=False):
        by_column = {tuple(cell[columns]): cell for _, cell in group.iterrows()}
        values = [show(by_column[key]) if key in by_column else "" for key in across]
        lines.append([*(names.get(part, part) for part in down), *values])
    return table_of([*(names.get(name, name) for name in rows), *titles], lines)


def _shown_cell(cell: pd.Series, form: str) -> str:
    spread = f" ± {shown(cell['sd'], form)}" if cell.get("sd") else ""
    published = f" ({shown(cell['published'], form)})" if cell.get("published") else ""
    return f"{shown(cell['mean'], form)}{spread}{published}"


def _published(keys: Keys) -> str:
    """How many values the papers' tables print, and how many are not at hand; or one `field` of one `paper`."""
    if "paper" in keys:
        return str(_printed(keys["paper"])[keys["field"]])
    counts = {name: _printed(name) for name in paper_names()}
    lines = [[name, *(str(count[key]) for key in ("printed", "missing"))] for name, count in counts.items()]
    return table_of(["paper", "printed values", "not available"], lines)


def _printed(name: str) -> dict[str, int]:
    """How many values a paper's tables of numbers and texts print, and how many of them are not at hand."""
    paper = load_paper(name, load_config("full"))
    tables = paper.settings.cell_tables
    cells = [row for table in tables for row in read_csv(cells_file(paper, table)).to_dict("records")]
    printed = [cell["published"] for cell in cells if cell.get("published")]
    return {"printed": len(printed), "missing": printed.count(NOT_AT_HAND)}


def _splits(_keys: Keys) -> str:
    """Of which splits the papers' numbers are: how many values of each table are printed and at hand."""
    lines = []
    for name in paper_names():
        for split, counts in _values_by_split(name).items():
            told = ", ".join(f"`{table}`: {count}" for table, count in counts.items())
            lines.append([name, f"`{split}`", told])
    return table_of(["paper", "split", "printed values that we have"], lines)


def _values_by_split(name: str) -> dict[str, dict[str, int]]:
    """The number of values of each table of numbers that the paper prints, by split; nothing where tables name none."""
    paper = load_paper(name, load_config("full"))
    found: dict[str, dict[str, int]] = {}
    for table in printed_tables(paper):
        cells = read_csv(cells_file(paper, table))
        if "split" not in cells:
            continue
        there = cells[~cells["published"].isin(["", NOT_AT_HAND])]
        for split, count in there.groupby("split", sort=False).size().items():
            found.setdefault(str(split), {})[table] = int(count)
    return found


def _runs(keys: Keys) -> str:
    """How many runs a paper trains at a scale: for tables, for figures, and as a base of others."""
    config = load_config(keys.get("scale", "full"))
    paper = load_paper(keys["paper"], config)
    runs = set(scored_runs(config, paper))
    runs.update(run for figure in paper.settings.figures for run in figure_runs(config, paper, figure))
    while bases := {base for run in runs if (base := base_of(paper, run))} - runs:
        runs |= bases
    return str(len(runs))


def _records(keys: Keys) -> str:
    """All records: paper, scale, on what, when, how many runs, and how long these trained; or how many there are."""
    if "count" in keys:
        return str(len(records()))
    lines = []
    for folder, paper, facts in records():
        link = f"[{paper}]({keys['up']}{(RECORDED / folder / paper / 'tables.md').as_posix()})"
        devices = ", ".join(device for device in facts["devices"] if device != "x86_64")
        times = [str(facts["runs"]), shown(str(facts["training_seconds"]), "hours")]
        lines.append([facts["date"], facts["scale"], devices, link, *times])
    return table_of(["date", "scale", "on", "paper", "runs", "training time"], lines)


def _outdated(keys: Keys) -> str:
    """The records that today's code contradicts, each with what has changed since."""
    lines = []
    for folder, paper, facts in records():
        if facts.get("outdated"):
            link = f"[{facts['date']}, {paper}]({keys['up']}{(RECORDED / folder / paper / 'record.json').as_posix()})"
            lines.append([link, facts["outdated"]])
    return table_of(["record", "what has changed since"], lines)


def _download(_keys: Keys) -> str:
    """What all needed archives take, in GB of 10^9 bytes."""
    config = load_config("full")
    files = files_of(config, chosen_data_sets(config))
    return f"{sum(file.bytes or 0 for file in files) / 1e9:.0f} GB"


FACTS: dict[str, Callable[[Keys], str]] = {
    "cell": _cell,
    "claims": counted_tests,
    "contradictions": contradictions,
    "download": _download,
    "faults": _faults,
    "grid": _grid,
    "histories": _histories,
    "history": _history,
    "measured": _measured,
    "orders": counted_orders,
    "outdated": _outdated,
    "published": _published,
    "record": _fact_of_record,
    "records": _records,
    "rehearsed": _rehearsed,
    "runs": _runs,
    "splits": _splits,
    "text": _text,
    "tried": _tried,
}
