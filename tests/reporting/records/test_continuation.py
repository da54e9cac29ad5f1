"""Records that continue earlier ones: all runs are there, tables are of all, only what belongs together is joined."""

import csv
import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from record_example import write_runs

from sedrepro.base.errors import DataError
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import Paper, load_paper
from sedrepro.experiments.places import paper_folder
from sedrepro.published.claims import Claim, read_claims
from sedrepro.published.needs import cells_file, table_runs
from sedrepro.reporting.claims.evidence import figures_read
from sedrepro.reporting.claims.registry import predicate_of
from sedrepro.reporting.records.contents import PLACE, as_csv
from sedrepro.reporting.records.continuation import figures_of_both
from sedrepro.reporting.records.page import claim_key, record_page
from sedrepro.reporting.records.record import record


@pytest.fixture
def earlier(config: Config, paper: Paper) -> Path:
    """A record of seeds 1 and 2, as if of another day."""
    made = record(config, paper, "make results CONFIG=seeds=1,2", "the first seeds", incomplete=True)
    return Path(shutil.copytree(made.parent, made.parent.parent / "2020-01-01_miniature_small")) / paper.name


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def continued(config: Config, paper: Paper, earlier: Path, **more: bool) -> Path:
    """A record of what lies in the results, which replaces that of the same day."""
    return record(config, paper, "make results CONFIG=seeds=3,4", "two more", overwrite=True, continues=earlier, **more)


def change(path: Path, **facts: object) -> None:
    """Change keys of a JSON file."""
    path.write_text(json.dumps(json.loads(path.read_text()) | facts))


def a_run(config: Config, paper: Paper) -> Path:
    return table_runs(config, paper, "table2")[0].metrics_file(config)


def test_the_runs_of_both_stand_in_one_record_whose_tables_are_of_all(earlier, further, paper):
    folder = continued(further, paper, earlier)
    seeds = Counter(row["seed"] for row in rows(folder / "metrics.csv") if not row["split"])
    assert set(seeds) == {"1", "2", "3", "4"} and len(set(seeds.values())) == 1
    kept = rows(earlier / "metrics.csv")
    assert rows(folder / "metrics.csv")[: len(kept)] == kept
    assert {row["seed"] for row in rows(folder / "histories.csv")} == set(seeds)
    means = {(row["mean"], row["runs"]) for row in rows(folder / "tables.csv") if row["metric"] == "micro_ap"}
    assert means == {("0.625", "4")}  # of 0.25, 0.5, 0.75 and 1
    facts = json.loads((folder / "record.json").read_text())
    assert facts["runs"] == sum(seeds.values()) and facts["training_seconds"] == 1.5 * facts["runs"]
    assert [(one["command"], one["note"]) for one in facts["continues"]] == [
        ("make results CONFIG=seeds=1,2", "the first seeds")
    ]
    assert facts["unfinished"] == [] and "micro-p" in (folder / "tables.md").read_text()
    (data,) = {row["data"] for row in rows(folder / "tables.csv")}
    assert data == f"some_set 80 of 90 clips (fingerprint {'f' * 8})"


def test_an_older_record_tells_its_data_in_its_tables(earlier, further, paper):
    lines = rows(earlier / "metrics.csv")
    (earlier / "metrics.csv").write_text(as_csv(PLACE, [row | {"data": ""} for row in lines]))
    folder = continued(further, paper, earlier)
    assert {row["data"] for row in rows(folder / "metrics.csv") if not row["split"]} == {
        row["data"] for row in rows(earlier / "tables.csv")
    }


def test_an_unknown_commit_is_told_as_such(earlier, further, paper):
    lines = rows(earlier / "metrics.csv")
    (earlier / "metrics.csv").write_text(as_csv(PLACE, [row | {"commit": ""} for row in lines]))
    environment = a_run(further, paper).with_name("environment.json")
    change(environment, commit=None)
    facts = json.loads((continued(further, paper, earlier) / "record.json").read_text())
    assert facts["commits"] == ["c", "unknown"]


def test_a_record_is_continued_more_than_once_and_its_page_names_all(earlier, further, config, paper):
    second = Path(shutil.copytree(continued(further, paper, earlier), earlier.parent.parent / "later" / paper.name))
    shutil.rmtree(paper_folder(config, paper.name) / "runs")
    last = config.model_copy(update={"seeds": [5]})
    write_runs(last, paper)
    folder = continued(last, paper, second)
    assert [one["note"] for one in json.loads((folder / "record.json").read_text())["continues"]] == [
        *("the first seeds", "two more")
    ]
    assert "make results CONFIG=seeds=1,2" in record_page(folder)


@pytest.mark.parametrize(
    ("runs", "taken"),
    [
        (5, True),
        (3, True),
        (2, False),  # fewer than the earlier one's 3
        (None, False),  # drawn, but its claims were not filled
    ],
)
def test_a_figure_and_its_claims_are_those_of_more_runs(tmp_path, runs, taken):
    paper = load_paper("c_ssed", Config(scale="recordings", data_root=tmp_path, folds=[0], seeds=[1]))
    claims = read_claims(cells_file(paper, "claims"))
    reads = {claim: figures_read(predicate_of(claim, paper.name)) for claim in claims}
    of_figure2 = [claim for claim in claims if reads[claim] == ("figure2",)]
    others = [claim for claim in claims if reads[claim] == ("figure3a",)]
    assert of_figure2 and others
    old, new = tmp_path / "old", tmp_path / "new"
    for folder, found in ((old, 3), (new, runs)):
        (folder / "figures").mkdir(parents=True)
        (folder / "figures" / "figure2.png").write_bytes(b"a figure")
        path = folder / "tables.csv" if folder == old else folder / "tables" / "claims.csv"
        path.parent.mkdir(exist_ok=True)
        if found:
            said = {"runs": found, "mean": folder.name, "verdict": "holds", "note": ""}
            path.write_text(as_csv((), [said | claim_row(claim) for claim in (*of_figure2, *others)]))
    figures, then = figures_of_both(paper, old, new)
    assert figures == ({"figure2"} if taken else set())
    assert {then[claim_key(claim_row(claim))]["mean"] for claim in of_figure2} == {"new" if taken else "old"}
    assert {then[claim_key(claim_row(claim))]["mean"] for claim in others} == {"old"}  # the new one has no picture


def claim_row(claim: Claim) -> dict[str, str]:
    return {name: getattr(claim, name) for name in ("id", "claim", "metric", "variant", "split", "event_class")}


def test_a_run_that_both_have_is_refused(earlier, config, paper):
    with pytest.raises(DataError, match=r"metrics\.csv: has .* fold 1, seed 1, as the results have; continue a"):
        continued(config, paper, earlier)


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("scale", "recordings", "its scale is recordings, that of the results miniature"),
        ("budget", "gpu", "its budget is gpu, that of the results "),
        ("outdated", "The sign of a loss was wrong.", "newer code contradicts this record"),
    ],
)
def test_what_is_another_experiment_is_refused(earlier, further, paper, key, value, problem):
    change(earlier / "record.json", **{key: value})
    with pytest.raises(DataError, match=problem):
        continued(further, paper, earlier)


def test_a_record_of_another_paper_is_refused(earlier, further, paper):
    other = earlier.rename(earlier.parent / "ddc_fap")
    with pytest.raises(DataError, match="its paper is ddc_fap, that of the results two_step_attention"):
        continued(further, paper, other)


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"clips_expected": 5}, "clips_expected of remix_20db, fold 1 is 4, and 5 in the results; runs of another"),
        ({"clips": 3}, "clips of remix_20db, fold 1 is 4, and 3 in the results; runs of another"),
        (
            {"data": {"some_set": {"expected": 90, "usable": 80, "fingerprint": "e" * 64}}},
            r"data of remix_20db is some_set 80 of 90 clips \(fingerprint f+\), and some_set .* \(fingerprint e+\)",
        ),
    ],
)
def test_runs_on_other_data_are_refused_whatever_their_system(earlier, further, paper, changed, problem):
    lines = (earlier / "metrics.csv").read_text().splitlines(keepends=True)
    (earlier / "metrics.csv").write_text("".join(line for line in lines if not line.startswith("2ap_alpha_0,")))
    needed = table_runs(further, paper, "table2")
    (run, *_) = [run for run in needed if (run.system, run.variant) == ("2ap_alpha_0", "remix_20db")]
    change(run.metrics_file(further), **changed)
    with pytest.raises(DataError, match=problem):
        continued(further, paper, earlier)


def test_runs_of_a_network_of_another_size_are_refused_on_any_fold(earlier, config, paper):
    lines = rows(earlier / "metrics.csv")
    sized = [row | {"parameters": "" if row["split"] else "100"} for row in lines]
    (earlier / "metrics.csv").write_text(as_csv(PLACE, sized))
    shutil.rmtree(paper_folder(config, paper.name) / "runs")
    other_fold = config.model_copy(update={"folds": [2]})
    write_runs(other_fold, paper)
    change(a_run(other_fold, paper), parameters=200)
    with pytest.raises(DataError, match=r"parameters of \S+, \S+ is 100, and 200 in the results"):
        continued(other_fold, paper, earlier)


def test_runs_that_were_scored_on_other_splits_are_refused(earlier, further, paper):
    (split,) = json.loads(a_run(further, paper).read_text())["splits"].values()
    for run in table_runs(further, paper, "table2"):
        change(run.metrics_file(further), splits={"held_out": split, "another": split})
    with pytest.raises(DataError, match=r"split another of \S+ on \S+ is missing in this record; score the runs"):
        continued(further, paper, earlier)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (lambda folder: (folder / "record.json").unlink(), "is no record; name a folder results/recorded/DATE"),
        (lambda folder: (folder / "record.json").write_text("[]"), "key 'scale' is missing; restore the file from git"),
        (lambda folder: (folder / "histories.csv").unlink(), r"histories\.csv"),
        (
            lambda folder: (folder / "metrics.csv").write_text(
                (folder / "metrics.csv").read_text().replace(",1.5,", ",long,")
            ),
            r"metrics\.csv: could not convert string to float: 'long'; restore it from git",
        ),
    ],
)
def test_a_damaged_record_is_named(earlier, further, paper, spoil, problem):
    spoil(earlier)
    with pytest.raises(DataError, match=problem):
        continued(further, paper, earlier)
    with pytest.raises(DataError, match="is no record; name a folder"):
        continued(further, paper, earlier / "record.json")


@pytest.mark.parametrize(
    ("metrics", "problem"),
    [
        ({"micro_ap": 1.0, "macro_ap": 1.0}, "metric roc_auc is missing in the results"),
        ({"micro_ap": 1.0, "macro_ap": 1.0, "roc_auc": 1.0, "mcc": 1.0}, "metric mcc is missing in this record"),
    ],
)
def test_runs_that_were_scored_otherwise_are_refused(earlier, further, paper, metrics, problem):
    for run in table_runs(further, paper, "table2"):
        splits = json.loads(run.metrics_file(further).read_text())["splits"]
        splits["held_out"]["metrics"] = metrics
        change(run.metrics_file(further), splits=splits)
    with pytest.raises(DataError, match=f"{problem}; score the runs of both alike"):
        continued(further, paper, earlier)


def test_what_lacks_runs_is_named_and_kept_only_on_demand(earlier, further, paper):
    lines = (earlier / "metrics.csv").read_text().splitlines()
    (earlier / "metrics.csv").write_text(
        "\n".join(line for line in lines if not line.startswith("2ap_alpha_0,")) + "\n"
    )
    before = json.loads((earlier.parent.parent / _today(earlier) / paper.name / "record.json").read_text())
    for run in table_runs(further, paper, "table2"):
        if run.system == "2ap_alpha_0":
            shutil.rmtree(run.folder(further))
    with pytest.raises(DataError, match=r"table2 lacks runs of 2ap_alpha_0 on \S+, .*; make what .*--incomplete"):
        continued(further, paper, earlier)
    today = earlier.parent.parent / _today(earlier) / paper.name / "record.json"
    assert json.loads(today.read_text()) == before  # nothing half-written, nothing replaced
    folder = continued(further, paper, earlier, incomplete=True)
    assert "table2 lacks runs of" in json.loads((folder / "record.json").read_text())["unfinished"][0]


def _today(earlier: Path) -> str:
    (name,) = (path.name for path in earlier.parent.parent.iterdir() if path.name != earlier.parent.name)
    return name
