"""The page of a record: what is read back from its files, and that today's code still finds its numbers."""

import csv
import json
import math
from pathlib import Path

import pytest
from page_example import parsed

from sedrepro.base.errors import DataError
from sedrepro.base.files import read_table
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.metrics_files import RunMetrics, read_metrics, write_metrics
from sedrepro.experiments.papers import Paper, load_paper
from sedrepro.published.needs import table_runs
from sedrepro.reporting.documents.recorded import RECORDED, records
from sedrepro.reporting.records.contents import as_csv
from sedrepro.reporting.records.page import (
    SCORED_OTHERWISE,
    config_of_record,
    read_record,
    recorded_claims,
    write_record_page,
)
from sedrepro.reporting.records.reading import RecordedRuns
from sedrepro.reporting.records.record import record

KEPT = [RECORDED.absolute() / folder / paper for folder, paper, _ in records()]


def comparable(run: RunMetrics) -> dict:
    """What a record keeps of a run's metrics."""
    whole = run.model_dump(exclude={"data", "classes", "evaluation"})
    for split in whole["splits"].values():
        split.pop("classes_without_events")
    return whole


def test_the_runs_of_a_record_are_read_back_as_they_were_scored(config: Config, paper: Paper):
    needed = table_runs(config, paper, "table2")
    first = needed[0].metrics_file(config)
    scored = read_metrics(first)
    (split,) = scored.splits
    undefined = scored.splits[split].model_copy(update={"metrics": scored.splits[split].metrics | {"micro_ap": None}})
    write_metrics(first, scored.model_copy(update={"splits": {split: undefined}}))
    folder = record(config, paper, "make results", incomplete=True)
    kept = {str(run): run for run in RecordedRuns(folder, paper, config.scale).metrics}
    assert len(kept) == len(needed)
    for run in needed:
        was = read_metrics(run.metrics_file(config))
        assert comparable(kept[str(was)]) == comparable(was)
        assert set(kept[str(was)].classes) <= set(was.classes)


def test_the_claims_of_a_record_are_those_of_its_page(config: Config, paper: Paper):
    folder = record(config, paper, "make results", incomplete=True)
    used = config_of_record(folder, json.loads((folder / "record.json").read_text()))
    claims = recorded_claims(folder)
    assert claims and claims == read_record(folder, used, load_paper(paper.name, used)).claims


def test_a_damaged_record_is_an_error_that_names_the_file(config: Config, paper: Paper):
    folder = record(config, paper, "make results", incomplete=True)
    metrics = folder / "metrics.csv"
    good = metrics.read_text()
    metrics.write_text(good.replace("0.25", "a quarter"))
    with pytest.raises(DataError, match=r"metrics\.csv: could not convert string to float"):
        RecordedRuns(folder, paper, config.scale)
    metrics.write_text(good.replace("detection,", "detected,", 1))
    with pytest.raises(DataError, match=r"metrics\.csv: column 'detection' is missing"):
        RecordedRuns(folder, paper, config.scale)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda facts: None, r"record\.json: key 'scale' is missing; restore the file from git"),
        (lambda facts: {**facts, "scale": "huge"}, r"record\.json: .*'scale' = 'huge'.*restore the file from git"),
        (lambda facts: {key: facts[key] for key in facts if key != "note"}, r"record\.json: key 'note' is missing"),
    ],
)
def test_a_damaged_record_json_is_named(config: Config, paper: Paper, change, problem):
    folder = record(config, paper, "make results", incomplete=True)
    path = folder / "record.json"
    path.write_text(json.dumps(change(json.loads(path.read_text()))))
    with pytest.raises(DataError, match=problem):
        write_record_page(folder)
    with pytest.raises(DataError, match=problem):
        recorded_claims(folder)


def test_what_is_no_record_is_told(config: Config, paper: Paper):
    folder = record(config, paper, "make results", incomplete=True)
    for other in (folder.parent, folder / "tables.md"):
        with pytest.raises(DataError, match="is no record; name a folder results/recorded/"):
            write_record_page(other)


def test_a_row_of_a_record_that_cannot_be_names_its_run(config: Config, paper: Paper):
    folder = record(config, paper, "make results", incomplete=True)
    metrics = folder / "metrics.csv"
    rows = read_table(metrics, (), delimiter=",")
    whole = next(row for row in rows if not row["split"])
    whole["clips"] = "-4"
    metrics.write_text(as_csv(list(rows[0]), rows))
    place = f"system {whole['system']}, variant {whole['variant']}, fold {whole['fold']}, seed {whole['seed']}"
    with pytest.raises(DataError, match=rf"metrics\.csv: {place}: 'clips' = -4: .* restore the file from git$"):
        RecordedRuns(folder, paper, config.scale)
    whole["fold"] = "first"
    metrics.write_text(as_csv(list(rows[0]), rows))
    with pytest.raises(DataError, match=r"metrics\.csv: .*'first'.*restore the file from git$"):
        write_record_page(folder)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda rows: rows[0].update(seconds="nan"), r"metrics\.csv: seconds = nan is no time; restore"),
        (lambda rows: rows[0].update(fold="9"), "corpus 'remix' has the folds 1 to 4"),
        (lambda rows: rows.append(dict(rows[0])), "stands there twice; restore it from git"),
        (
            lambda rows: next(row for row in rows if row["micro_ap"]).update(micro_ap="inf"),
            r"metrics\.csv: system \w+.*micro_ap' = inf: .*finite number; restore the file from git$",
        ),
    ],
)
def test_impossible_rows_end_in_one_line(config: Config, paper: Paper, change, problem):
    folder = record(config, paper, "make results", incomplete=True)
    rows = read_table(folder / "metrics.csv", (), delimiter=",")
    change(rows)
    (folder / "metrics.csv").write_text(as_csv(list(rows[0]), rows))
    with pytest.raises(DataError, match=problem) as error:
        write_record_page(folder)
    assert "\n" not in str(error.value)


def test_the_page_links_what_the_record_holds_and_says_what_newer_code_contradicts(
    config: Config, paper: Paper, tmp_path: Path
):
    folder = record(config.model_copy(update={"data_root": tmp_path}), paper, "make results", incomplete=True)
    facts = json.loads((folder / "record.json").read_text())
    (folder / "record.json").write_text(json.dumps(facts | {"outdated": "The sign of a loss was wrong."}))
    root = parsed(write_record_page(folder))
    targets = [link.get("href") for link in root.iter("a") if not link.get("href").startswith(("#", "http"))]
    assert "tables.csv" in targets and all((folder / target).is_file() for target in targets)
    said = "".join(root.itertext())
    assert f"Recorded on {facts['date']}: make results" in said
    assert "The sign of a loss was wrong." in said
    assert "Assumptions and deviations" not in said  # those of today's settings are not those of its runs
    assert str(tmp_path) not in (folder / "index.html").read_text()


@pytest.mark.parametrize("folder", KEPT, ids=[f"{folder.parent.name}/{folder.name}" for folder in KEPT])
def test_todays_code_finds_the_numbers_that_a_record_was_filled_with(folder: Path):
    """Cells of equal place and number of runs: a table may have gained runs that were made by hand, or cells."""
    facts = json.loads((folder / "record.json").read_text())
    config = config_of_record(folder, facts)
    results = read_record(folder, config, load_paper(folder.name, config))
    assert len(results.costs) == facts["runs"]
    assert sum(cost.seconds for cost in results.costs) == pytest.approx(facts["training_seconds"], abs=0.1)
    now: dict[tuple[str, ...], list[tuple[float, str]]] = {}
    for name, table in results.tables.items():
        for row in table.rows.to_dict("records"):
            place = (name, *(str(row.get(column, "")) for column in ("system", "variant", "metric", "split")))
            place += (*(str(row.get(column, "")) for column in ("detection", "event_class", "published", "runs")),)
            now.setdefault(place, []).append((row["mean"], row["note"]))
    compared = recorded = 0
    with open(folder / "tables.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            recorded += row["runs"] not in ("", "0") and not row.get("kind")  # a claim's numbers are words
            place = tuple(row.get(column) or "" for column in ("table", "system", "variant", "metric", "split"))
            place += tuple(row.get(column) or "" for column in ("detection", "event_class", "published", "runs"))
            if row["runs"] not in ("", "0") and place in now:
                found = [mean for mean, note in now[place] if SCORED_OTHERWISE not in note]
                assert any(math.isclose(mean, float(row["mean"]), rel_tol=1e-4, abs_tol=1e-4) for mean in found), place
                compared += 1
    assert compared >= min(40, recorded)
