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
from sedrepro.experiments.papers import Paper
from sedrepro.experiments.places import paper_folder
from sedrepro.published.needs import table_runs
from sedrepro.reporting.records.page import claims_then, record_page
from sedrepro.reporting.records.record import record


@pytest.fixture
def earlier(config: Config, paper: Paper) -> Path:
    """A record of seeds 1 and 2, as if of another day."""
    made = record(config, paper, "make results CONFIG=seeds=1,2", "the first seeds", incomplete=True)
    (made / "figures").mkdir()
    (made / "figures" / "figure2.png").write_bytes(b"an old figure")
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
    assert (
        rows(folder / "metrics.csv")[: sum(seeds.values()) // 2]
        == rows(earlier / "metrics.csv")[: sum(seeds.values()) // 2]
    )
    assert {row["seed"] for row in rows(folder / "histories.csv")} == set(seeds)
    means = {(row["mean"], row["runs"]) for row in rows(folder / "tables.csv") if row["metric"] == "micro_ap"}
    assert means == {("0.625", "4")}  # of 0.25, 0.5, 0.75 and 1
    facts = json.loads((folder / "record.json").read_text())
    assert facts["runs"] == sum(seeds.values()) and facts["training_seconds"] == 1.5 * facts["runs"]
    assert [(one["command"], one["note"]) for one in facts["continues"]] == [
        ("make results CONFIG=seeds=1,2", "the first seeds")
    ]
    assert facts["unfinished"] == [] and "micro-p" in (folder / "tables.md").read_text()
    assert (folder / "figures" / "figure2.png").read_bytes() == b"an old figure"


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


def test_of_a_figure_the_newest_counts(earlier, further, paper):
    figures = paper_folder(further, paper.name) / "figures"
    figures.mkdir()
    (figures / "figure2.png").write_bytes(b"a new figure")
    folder = continued(further, paper, earlier)
    assert (folder / "figures" / "figure2.png").read_bytes() == b"a new figure"


def test_a_run_that_both_have_is_refused(earlier, config, paper):
    with pytest.raises(DataError, match=r"metrics\.csv: has .* fold 1, seed 1, as the results have; remove that run"):
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


def test_runs_of_another_size_of_network_or_data_are_refused(earlier, further, paper):
    change(a_run(further, paper), clips_expected=5)
    with pytest.raises(DataError, match=r"clips_expected of \S+ on \S+, fold 1 is 4, and 5 in the results"):
        continued(further, paper, earlier)


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
    with pytest.raises(DataError, match=r"table2 lacks the runs of \d+ of \d+ cells; make them .*--incomplete"):
        continued(further, paper, earlier)
    today = earlier.parent.parent / _today(earlier) / paper.name / "record.json"
    assert json.loads(today.read_text()) == before  # nothing half-written, nothing replaced
    folder = continued(further, paper, earlier, incomplete=True)
    assert "table2 lacks the runs of" in json.loads((folder / "record.json").read_text())["unfinished"][0]


def test_a_claim_on_a_figure_is_that_of_the_newest_figure(tmp_path):
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    head = "id,claim,metric,variant,split,event_class,mean,verdict,note,runs\n"
    old.write_text(head + "1,c,,,,,old,holds,,3\n2,c,,,,,old,holds,,3\n")
    new.write_text(head + "1,c,,,,,new,fails,,5\n2,c,,,,,none,undecided,,0\n")
    assert [row["mean"] for row in claims_then([old, new]).values()] == ["new", "old"]


def _today(earlier: Path) -> str:
    (name,) = (path.name for path in earlier.parent.parent.iterdir() if path.name != earlier.parent.name)
    return name
