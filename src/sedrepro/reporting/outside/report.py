"""An evaluation of predictions from elsewhere in words: beside the paper's tables, class by class; text, csv, json."""

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sedrepro import __version__
from sedrepro.base.errors import SettingsError
from sedrepro.base.terminal import aligned
from sedrepro.experiments.papers import Paper
from sedrepro.experiments.table_layout import SCALES, TableLayout
from sedrepro.predictions.evaluate import Evaluated
from sedrepro.predictions.problems import named
from sedrepro.published.added_rows import column_of, columns_for_new_rows, row_labels
from sedrepro.published.cells import EVENT_CLASS, SPLIT, Cell
from sedrepro.published.needs import printed_splits, printed_tables, table_cells
from sedrepro.published.verdict import METRICS, difference
from sedrepro.reporting.outside.rows import measured

COLUMNS = (
    *("table", "row", "column", "metric", "split", "event_class"),
    *("published", "ours", "low", "high", "difference"),
)
#: Metrics that the list of classes shows, of those that there are.
OF_CLASSES = (
    *("event_f1", "event_error_rate", "segment_f1", "segment_error_rate", "tagging_f1", "clip_f1"),
    *("average_precision", "roc_auc", "frame_f1", "frame_average_precision"),
)


@dataclass(frozen=True)
class Column:
    """A column of a paper's table with a value of ours, in its unit."""

    key: tuple[str, ...]
    example: Cell
    ours: float
    interval: tuple[float, float] | None
    published: dict[tuple[str, ...], Cell]
    """The published cells by the labels of their row."""


@dataclass(frozen=True)
class Beside:
    """A table of a paper and what an evaluation has to say in it."""

    name: str
    layout: TableLayout
    cells: list[Cell]
    columns: list[Column]

    @property
    def rows(self) -> list[tuple[str, ...]]:
        """The labels of the published rows that have a value in one of the columns, in their order."""
        there = {row for column in self.columns for row in column.published}
        labels = (tuple(cell.labels[name] for name in self.layout.rows) for cell in self.cells)
        return [row for row in dict.fromkeys(labels) if row in there]

    def shown(self, value: float, metric: str) -> str:
        """A value at the decimals of the table."""
        return f"{value:.{self.layout.decimals_of.get(metric, self.layout.decimals)}f}"


def tables_beside(paper: Paper, evaluation: dict[str, Any], table: str | None = None) -> list[Beside]:
    """The tables that the paper prints in which the evaluation has a value: all, or the one that is named.

    Raises:
        SettingsError: the paper has no such table of numbers (names the nearest), or nothing of it was evaluated.
    """
    numbers = [name for name, layout in paper.settings.tables.items() if layout.kind == "numbers"]
    if table is not None and table not in numbers:
        problem = "holds no numbers" if table in paper.settings.tables else "is unknown"
        raise SettingsError(f"{paper.name}: table '{table}' {problem}; tables of numbers: {', '.join(numbers)}")
    # What the paper does not print itself is shown where it is asked for.
    chosen = [table] if table else printed_tables(paper)
    found = [_beside(paper, name, evaluation) for name in chosen]
    if table and not found[0].columns:
        raise SettingsError(f"{paper.name}: {_why_none(paper, evaluation, table)}")
    return [one for one in found if one.columns]


def without_tables(paper: Paper, evaluation: dict[str, Any]) -> str:
    """Why no table that the paper prints stands beside an evaluation, in a line."""
    return _why_none(paper, evaluation)


def _why_none(paper: Paper, evaluation: dict[str, Any], table: str | None = None) -> str:
    """Why a table, or any that the paper prints, has no column for an evaluation."""
    split = evaluation["split"]
    printed = printed_splits(paper, evaluation["variant"])
    of_table = {of: names for of, names in printed.items() if table is None or table in names}
    if of_table and split not in of_table:
        first = next(iter(of_table))
        title = paper.settings.tables[table or of_table[first][0]].title.partition(":")[0]
        splits = " and ".join(of_table)
        whose = "no published number" if table is None else f"no number of {table}"
        return f"{whose} is of split {split}; {title} is of split {splits}: --split {first}"
    if table is None:
        return "no published number is of these predictions: the tables are of another corpus variant or kind of metric"
    return (
        f"{table} has no column for these predictions: its rows are no systems, or it is of another corpus variant, "
        "split or kind of metric"
    )


def _beside(paper: Paper, name: str, evaluation: dict[str, Any]) -> Beside:
    cells, layout = table_cells(paper, name), paper.settings.tables[name]
    columns = []
    for key, example in columns_for_new_rows(cells, layout.rows, layout.columns).items():
        found = measured(paper, example, evaluation)
        if found is not None:
            published = {
                tuple(cell.labels[label] for label in layout.rows): cell
                for cell in cells
                if column_of(cell, layout.columns) == key and (cell.published or not cell.at_hand)
            }
            columns.append(Column(key, example, *found, published))
    return Beside(name, layout, cells, columns)


def as_json(evaluated: Evaluated) -> dict[str, Any]:
    """An evaluation as its file has it."""
    return {"sedrepro": __version__} | asdict(evaluated)


def as_csv(evaluated: Evaluated, tables: Sequence[Beside]) -> str:
    """The published cells beside ours, then all metrics, over all classes and class by class."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(row for table in tables for row in _published_rows(table))
    writer.writerows(_metric_rows(evaluated))
    return text.getvalue()


def _published_rows(table: Beside) -> Iterator[dict[str, Any]]:
    for column in table.columns:
        low, high = column.interval or ("", "")
        for row, cell in column.published.items():
            yield {
                **{"table": table.name, "row": ", ".join(filter(None, row)), "column": ", ".join(column.key)},
                **{"metric": cell.metric, "split": cell.factors.get(SPLIT, "")},
                **{"event_class": cell.factors.get(EVENT_CLASS, ""), "published": cell.published},
                **{"ours": f"{column.ours:.6g}", "low": _number(low), "high": _number(high)},
                "difference": f"{float(difference(column.ours, cell.published)):.6g}" if cell.published else "",
            }


def _metric_rows(evaluated: Evaluated) -> Iterator[dict[str, Any]]:
    shared = {"split": evaluated.split}
    for metric, value in evaluated.metrics.items():
        low, high = evaluated.intervals.get(metric) or ("", "")
        yield {**shared, "metric": metric, "ours": _number(value), "low": _number(low), "high": _number(high)}
    for metric, values in evaluated.class_metrics.items():
        for label, value in values.items():
            low, high = evaluated.class_intervals.get(metric, {}).get(label) or ("", "")
            yield {
                **{**shared, "metric": metric, "event_class": label, "ours": _number(value)},
                **{"low": _number(low), "high": _number(high)},
            }
    if evaluated.field:
        for metric, value in evaluated.field.metrics.items():
            yield {**shared, "metric": metric, "ours": _number(value)}
        for metric, by_class in evaluated.field.class_metrics.items():
            for label, value in by_class.items():
                yield {**shared, "metric": metric, "event_class": label, "ours": _number(value)}


def _number(value: float | str | None) -> str:
    return "" if value is None or value == "" else f"{value:.6g}"


def as_text(evaluated: Evaluated, tables: Sequence[Beside], scale: str | None = None, note: str = "") -> str:
    """The evaluation for a terminal: the paper's metrics first, or a note on why there are none."""
    blocks = [_head(evaluated, scale), note and f"Note: {note}.", *map(_table_text, tables), _metrics_text(evaluated)]
    blocks.append(_classes_text(evaluated))
    blocks += [_field_text(evaluated), "Assumed:\n" + "\n".join(f"  {line}" for line in evaluated.assumed)]
    return "\n\n".join(block for block in blocks if block) + "\n"


def _head(evaluated: Evaluated, scale: str | None) -> str:
    whose = f"protocol of {evaluated.paper}, {evaluated.variant}, split {evaluated.split}" if evaluated.paper else ""
    lines = [
        f"{evaluated.name}: {evaluated.source} ({evaluated.kind})",
        f"{whose or 'no paper'}; reference: {evaluated.reference}, {evaluated.clips} clips",
    ]
    for words, names in (
        ("clips of the reference without a prediction", evaluated.missing),
        ("predicted files without reference, left out", evaluated.unmatched),
    ):
        lines.append(f"{words}: {len(names)}" + (f" ({_without_folders(names)})" if names else ""))
    lines += evaluated.problem_lines
    if scale is not None and scale != "full":
        lines.append(f"{SCALES[scale]} The differences to published values mean nothing.")
    return "\n".join(lines)


def _without_folders(names: Sequence[str]) -> str:
    return named([name.rpartition("/")[2] for name in names])


def _table_text(table: Beside) -> str:
    """The published rows, ours below them, its interval, and how far it is from the best published value."""
    layout = table.layout
    heads = [
        " ".join(layout.value_name(name, value) for name, value in zip(layout.columns, column.key, strict=True))
        for column in table.columns
    ]
    lines = [[*(layout.names.get(name, name) for name in layout.rows), *heads]]
    for row in table.rows:
        values = [column.published.get(row) for column in table.columns]
        texts = ["" if cell is None else cell.published or "n/a" for cell in values]
        lines.append([*(layout.value_name(n, v) for n, v in zip(layout.rows, row, strict=True)), *texts])
    own = row_labels(table.cells, layout.rows, "this system")
    ours = [table.shown(column.ours, column.example.metric) for column in table.columns]
    lines.append([*(own[name] for name in layout.rows), *ours])
    for words, shown in (
        ("95 % over clips", map(_interval, _each(table))),
        ("to the best", map(_to_best, _each(table))),
    ):
        own = row_labels(table.cells, layout.rows, f"  {words}")
        lines.append([*(own[name] for name in layout.rows), *shown])
    return f"{layout.title}\n{aligned(lines, len(layout.rows))}"


def _each(table: Beside) -> Iterator[tuple[Beside, Column]]:
    return ((table, column) for column in table.columns)


def _interval(one: tuple[Beside, Column]) -> str:
    table, column = one
    if column.interval is None:
        return "–"
    return " to ".join(table.shown(end, column.example.metric) for end in column.interval)


def _to_best(one: tuple[Beside, Column]) -> str:
    """Our value minus the best published one, and whether that is better."""
    table, column = one
    printed = [cell.published for cell in column.published.values() if cell.published]
    higher_is_better = METRICS[column.example.metric].higher_is_better
    if not printed or higher_is_better is None:
        return "–"
    best = (max if higher_is_better else min)(printed, key=float)
    change = float(difference(column.ours, best))
    sign, word = "+" if change > 0 else "", "better" if (change > 0) == higher_is_better else "worse"
    return f"{sign}{table.shown(change, column.example.metric)} {word if change else 'equal'} ({best})"


def _metrics_text(evaluated: Evaluated) -> str:
    lines = [["metric", "value", "95 % over clips"]]
    for metric, value in evaluated.metrics.items():
        pair = evaluated.intervals.get(metric)
        if value is not None:
            lines.append([metric, f"{value:.4f}", f"{pair[0]:.4f} to {pair[1]:.4f}" if pair else "–"])
    drawn = f" ({evaluated.resamples} resamples of the clips)" if evaluated.resamples else ""
    return f"All metrics, as fractions{drawn}\n{aligned(lines, 1)}"


def _classes_text(evaluated: Evaluated) -> str:
    metrics = [name for name in OF_CLASSES if name in evaluated.class_metrics]
    if not metrics:
        return ""
    lines = [["class", *metrics]]
    for label in evaluated.class_metrics[metrics[0]]:
        values = [evaluated.class_metrics[metric].get(label) for metric in metrics]
        lines.append([label, *("–" if value is None else f"{value:.4f}" for value in values)])
    return f"Class by class\n{aligned(lines, 1)}"


def _field_text(evaluated: Evaluated) -> str:
    if evaluated.field is None:
        return (
            "" if evaluated.kind != "events" else "PSDS and F1 at the best thresholds need scores, not an event list."
        )
    lines = [[name, f"{value:.4f}"] for name, value in evaluated.field.metrics.items()]
    table = f"Further metrics in common use\n{aligned(lines, 1)}\n" if lines else ""
    return f"{table}{evaluated.field.note}"
