"""How much of each data set is there: one page and one csv over all surveys."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
from markupsafe import Markup

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
from sedrepro.experiments.places import results_folder, survey_folder
from sedrepro.reporting.rendering import render, render_part

COLUMNS = ("data_set", *COVERAGE_COLUMNS, "fingerprint")


def write_coverage(
    config: Config, owner: str, names: list[str], absent: Mapping[str, str] = MappingProxyType({})
) -> Path:
    """Write `<owner>/coverage.csv` and `.html` to the results of the scale; returns the page's path.

    `absent` has the data sets that are left out, and why.

    Raises:
        DataError: a data set has not been surveyed.
    """
    facts = {name: read_survey_facts(survey_folder(config, name)) for name in names}
    rows = [row for name, found in facts.items() for row in _rows(survey_folder(config, name), name, found.fingerprint)]
    stem = results_folder(config) / owner / "coverage"
    write_text(stem.with_suffix(".csv"), pd.DataFrame(rows, columns=COLUMNS).to_csv(index=False, lineterminator="\n"))
    write_text(stem.with_suffix(".html"), _page(config.scale, rows, facts, absent))
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


def _page(scale: str, rows: list[dict[str, Any]], facts: dict[str, SurveyFacts], absent: Mapping[str, str]) -> str:
    splits = [row for row in rows if row["label"] == ALL_CLASSES]
    classes = {name: [row for row in rows if row["data_set"] == name and row["label"] != ALL_CLASSES] for name in facts}
    title = f"Data at scale {scale}"
    return render(
        "coverage_page",
        title=title,
        splits=coverage_table(title, splits, with_class=False),
        sentences=[
            *(_sentence(name, surveyed) for name, surveyed in facts.items()),
            *(f"{name}: left out: {reason}." for name, reason in absent.items()),
        ],
        tolerance=TOLERANCE,
        classes={
            name: coverage_table(f"{name}, per class", of_set, with_class=True)
            for name, of_set in classes.items()
            if of_set
        },
    )


def _sentence(name: str, facts: SurveyFacts) -> str:
    """What else the survey found, for people."""
    parts = [f"{name}: fingerprint {facts.fingerprint[:16]}, clip length {facts.clip_seconds:g} s"]
    if facts.events_as_released:
        parts.append(f"{facts.events} events ({facts.events_as_released} rows as released)")
    if facts.events_past_the_end:
        late = f"events that end more than {TOLERANCE} s after the end of their clip"
        parts.append(f"{late}: {facts.events_past_the_end} (kept as published)")
    if facts.silent_and_used:
        parts.append(f"digitally silent clips: {facts.silent_and_used} (kept)")
    return "; ".join(parts) + "."


def coverage_table(title: str, rows: Sequence[Mapping[str, Any]], with_class: bool) -> Markup:
    """Rows of a coverage.csv as an HTML table, of all classes or of single ones; what is left out is bold."""
    labels = ("data_set", "split", "label") if with_class else ("data_set", "split")
    values = [column for column in COVERAGE_COLUMNS if column not in ("split", "label")]
    heads = [_HEADS.get(name, name) for name in (*labels, *values)]
    return render_part("coverage", title=title, heads=heads, labels=labels, values=values, rows=rows, left_out=REASONS)
