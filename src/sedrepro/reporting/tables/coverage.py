"""How much of each data set is there: one page and one csv over all surveys."""

import html
from pathlib import Path
from typing import Any

import pandas as pd

from sedrepro.base.files import read_table, write_text
from sedrepro.corpora.survey import (
    ALL_CLASSES,
    COVERAGE_COLUMNS,
    REASONS,
    TOLERANCE,
    SurveyFacts,
    read_survey_facts,
)
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.places import survey_folder
from sedrepro.reporting.tables.html import document, plain_table

COLUMNS = ("data_set", *COVERAGE_COLUMNS, "fingerprint")


def write_coverage(config: Config, owner: str, names: list[str]) -> Path:
    """Write `<owner>/coverage.csv` and `.html` to the results of the scale; returns the page's path.

    Raises:
        DataError: a data set has not been surveyed.
    """
    facts = {name: read_survey_facts(survey_folder(config, name)) for name in names}
    rows = [row for name, found in facts.items() for row in _rows(survey_folder(config, name), name, found.fingerprint)]
    stem = config.results_dir / config.scale / owner / "coverage"
    write_text(stem.with_suffix(".csv"), pd.DataFrame(rows, columns=COLUMNS).to_csv(index=False, lineterminator="\n"))
    write_text(stem.with_suffix(".html"), _page(config.scale, rows, facts))
    return stem.with_suffix(".html")


def _rows(folder: Path, name: str, fingerprint: str) -> list[dict[str, Any]]:
    return [
        {"data_set": name} | row | {"fingerprint": fingerprint}
        for row in read_table(folder / "coverage.tsv", COVERAGE_COLUMNS)
    ]


def in_a_line(facts: SurveyFacts, where: Path) -> str:
    """How much of a data set is usable, in one line for the terminal."""
    reasons = ", ".join(f"{count} {reason}" for reason, count in facts.rejected.items())
    left_out = f"; left out: {reasons} (see {where / 'rejected.tsv'})" if reasons else ""
    return f"{facts.data_set}: {facts.usable} of {facts.expected} clips usable{left_out}"


_HEADS = {"data_set": "data set", "label": "class", "sample_rates": "sample rates"}


def _page(scale: str, rows: list[dict[str, Any]], facts: dict[str, SurveyFacts]) -> str:
    splits = [row for row in rows if row["label"] == ALL_CLASSES]
    title = f"Data at scale {scale}"
    parts = [
        "<figure>",
        coverage_table(title, splits, with_class=False),
        "<figcaption>",
        *(f"<p>{_sentence(name, found)}</p>" for name, found in facts.items()),
        "<p>Training and scoring go on with what is usable. Expected: listed in the official tables. Shorter: usable, "
        f"but more than {TOLERANCE} s short of the data set's clip length.</p></figcaption>",
    ]
    for name in facts:
        classes = [row for row in rows if row["data_set"] == name and row["label"] != ALL_CLASSES]
        if classes:
            inner = coverage_table(f"{name}, per class", classes, with_class=True)
            parts.append(f"<details><summary>{html.escape(name)}: per class</summary>{inner}</details>")
    return document(title, "\n".join([*parts, "</figure>"]))


def _sentence(name: str, facts: SurveyFacts) -> str:
    """What else the survey found, for people."""
    parts = [f"{html.escape(name)}: fingerprint {facts.fingerprint[:16]}, clip length {facts.clip_seconds:g} s"]
    if facts.events_as_released:
        parts.append(f"{facts.events} events ({facts.events_as_released} rows as released)")
    if facts.events_past_the_end:
        late = f"events that end more than {TOLERANCE} s behind their clip"
        parts.append(f"{late}: {facts.events_past_the_end} (kept as published)")
    if facts.silent_and_used:
        parts.append(f"digitally silent clips: {facts.silent_and_used} (kept)")
    return "; ".join(parts) + "."


def coverage_table(title: str, rows: list[dict[str, Any]], with_class: bool) -> str:
    """Rows of a coverage.csv as an HTML table, those of all classes or those of single ones."""
    labels = ("data_set", "split", "label") if with_class else ("data_set", "split")
    values = [column for column in COVERAGE_COLUMNS if column not in ("split", "label")]
    heads = [_HEADS.get(name, name) for name in (*labels, *values)]
    cells = [[*(html.escape(row[name]) for name in labels), *(_value(row, name) for name in values)] for row in rows]
    return plain_table(title, heads, cells, len(labels))


def _value(row: dict[str, Any], column: str) -> str:
    """The cell's text, what is left out in bold."""
    text = html.escape(row[column])
    return f"<strong>{text}</strong>" if column in REASONS and text != "0" else text
