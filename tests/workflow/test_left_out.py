"""What a configuration gives no plan for, and data that are not there, which leave out what needs them and stop nothing
else; no process, nothing is run."""

import csv
from pathlib import Path

import pytest

from sedrepro.base.errors import SedreproError, SettingsError
from sedrepro.data_sets import dcase2017_task4
from sedrepro.experiments.configuration import load_config
from sedrepro.experiments.papers import load_paper
from sedrepro.miniature.dcase2017_task4 import TrafficSize, write_dcase2017_task4
from sedrepro.published.needs import table_runs
from sedrepro.reporting.paper_tables import print_summary, write_paper_table
from sedrepro.reporting.sweep.table import write_sweep_table
from sedrepro.steps.model_cards import write_model_cards
from sedrepro.steps.sweep import sweep
from sedrepro.workflow import Plan, configured

ROOT = Path(__file__).parents[2]
HERE, ABSENT, PARTLY = "hierarchical_pooling", "joint_at_aed", "ddc_fap"
PAPERS = f"{HERE},{ABSENT},{PARTLY}"


@pytest.fixture(scope="module")
def data_root(tmp_path_factory):
    """A data root with one data set: the only one of one paper, one of several of another, none of the third."""
    root = tmp_path_factory.mktemp("data_root")
    write_dcase2017_task4(root, seed=0, size=TrafficSize(training=2, testing=2, evaluation=2))
    return root


@pytest.fixture(autouse=True)
def _in_the_checkout(monkeypatch):
    monkeypatch.chdir(ROOT)


@pytest.fixture
def plan(data_root, tmp_path):
    return planned(data_root, tmp_path, papers=PAPERS)


def planned(data_root: Path, folder: Path, **values) -> Plan:
    places = {"work_dir": str(folder / "data"), "results_dir": str(folder / "results")}
    return Plan(configured({"scale": "recordings", "data_root": str(data_root)} | places | values, ROOT))


class Wildcards:
    def __init__(self, **names: str) -> None:
        vars(self).update(names)


def runs_read(plan: Plan, paper: str) -> set[str]:
    """Corpus variants of the metrics that the tables of a paper read."""
    tables = plan.papers[paper].settings.tables
    files = [path for table in tables for path in plan.table_metrics(Wildcards(paper=paper, table=table))]
    return {Path(path).parts[-4] for path in files}


def test_runs_figures_and_surveys_without_data_are_left_out_and_nothing_else(plan):
    assert runs_read(plan, HERE) == runs_read(plan, PARTLY) == {"dcase2017"}
    assert runs_read(plan, ABSENT) == set()
    assert plan.data_sets[PARTLY] == plan.data_sets[HERE] == ["dcase2017_task4"]
    assert plan.data_sets[ABSENT] == []
    for paper in PAPERS.split(","):
        made = {Path(path).stem for path in plan.paper_outputs(paper)}
        assert set(plan.papers[paper].settings.tables) | {"coverage", "model_cards"} <= made
    figures = {Path(path).stem for path in plan.paper_outputs(PARTLY) if "/figures/" in path}
    shown = plan.papers[PARTLY].settings.figures
    assert figures == {name for name, figure in shown.items() if figure.variant == "dcase2017"}
    arrays = plan.table_arrays(Wildcards(paper=PARTLY, table="claims"))
    assert {Path(path).stem for path in arrays} <= figures
    sweeps = plan.sweep_counts(Wildcards(paper=PARTLY))
    assert sweeps and all("/dcase2017/" in path for path in sweeps)


def test_each_data_set_is_told_with_the_reason_and_what_was_left_out(plan, data_root):
    told = {line.split()[2]: line for line in plan.left_out()}
    assert set(told) == {"dcase2019_task4", "desed_2020", "fsdkaggle2018", "tut_urban_2018"}
    assert all(line.startswith("left out: ") and f"({data_root} lacks " in line for line in told.values())
    joint = len({run for table in plan.papers[ABSENT].settings.tables for run in runs_of_table(plan, ABSENT, table)})
    assert told["dcase2019_task4"].endswith(f": {joint} runs of {ABSENT}")
    assert PARTLY in told["desed_2020"] and HERE not in "".join(told.values())


def runs_of_table(plan: Plan, paper: str, table: str):
    return table_runs(plan.complete, plan.papers[paper], table)


def test_jobs_read_of_their_configuration_what_is_left_out(plan):
    plan.write_configuration()
    written = load_config(None, plan.configuration_file, {})
    assert written == plan.config and set(written.without) == set(plan.absent)


def test_data_that_come_later_are_used(plan, data_root, tmp_path):
    before = plan.table_settings(Wildcards(paper=HERE, table="table2"))
    without = planned(data_root, tmp_path, papers=PAPERS, without="desed_2020")
    assert without.table_settings(Wildcards(paper=HERE, table="table2")) == before
    less = planned(data_root, tmp_path, papers=PARTLY)
    table = Wildcards(paper=PARTLY, table="table1")
    assert less.table_settings(table) == plan.table_settings(table)
    assert "desed_2020" in plan.table_settings(table)


def test_a_paper_of_which_nothing_is_left_is_refused_alone(data_root, tmp_path):
    with pytest.raises(SedreproError, match=f"data_root must hold dcase2019_task4 .* {ABSENT} need it"):
        planned(data_root, tmp_path, papers=ABSENT)
    with pytest.raises(SedreproError, match="dcase2017_task4: excluded by the configuration"):
        planned(data_root, tmp_path, papers=HERE, without="dcase2017_task4")
    with pytest.raises(SettingsError, match="did you mean 'dcase2017_task4'"):
        planned(data_root, tmp_path, papers=HERE, without="dcase2017_task")


def test_what_lies_only_on_youtube_is_left_out_at_full_until_a_clip_is_there(tmp_path):
    (tmp_path / "data_root").mkdir()
    plan = planned(tmp_path / "data_root", tmp_path, scale="full", papers=PAPERS)
    assert set(plan.absent) == {"dcase2019_task4", "desed_2020"}
    assert all("exist only on YouTube" in line and "sedrepro clips" in line for line in plan.left_out())
    assert set(dcase2017_task4.SPLITS) and plan.data_sets[HERE] == ["dcase2017_task4"]
    assert {"dcase2019_task4", "desed_2020"} <= set(plan.data_sets["data"])  # `make data` brings their label tables


def test_tables_without_data_are_written_and_say_so(plan, capsys):
    config, paper = plan.config, load_paper(ABSENT, plan.config)
    for table, layout in paper.settings.tables.items():
        path = write_paper_table(config, paper, table)
        with open(path, newline="", encoding="utf-8") as file:
            notes = [row["note"] for row in csv.DictReader(file) if layout.kind == "numbers" and row["system"]]
        assert all("(left out: dcase2019_task4)" in note or "quoted" in note for note in notes), table
    claims = path.with_name("claims.csv").read_text(encoding="utf-8")
    assert "no run of gl on dcase2019 (left out: dcase2019_task4)" in claims
    assert "cannot be tested" in claims
    print_summary(config.model_copy(update={"papers": (ABSENT,), "without": ()}))
    shown = capsys.readouterr().out
    assert "its data are missing" in shown
    assert f"dcase2019_task4: left out: {config.data_root} lacks " in shown


def test_parts_of_a_paper_without_data_are_empty_and_can_be_joined(plan):
    paper = load_paper(ABSENT, plan.config)
    assert write_model_cards(plan.config, paper).read_text().count("\n") == 1
    assert sweep(plan.config, paper).read_text().count("\n") == 1
    table = write_sweep_table(plan.config.model_copy(update={"papers": (ABSENT,)}))
    assert table.read_text().count("\n") == 1


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"scale": "minature"}, "scale 'minature' is unknown; did you mean 'miniature'?"),
        ({"scale": "recordings"}, "scale 'recordings' needs data_root"),
        ({"scale": "recordings", "data_root": "no/such/folder"}, "data_root = no/such/folder: no such folder"),
        (
            {"scale": "recordings", "data_root": "config", "papers": "two_step_attention"},
            "data_root must hold fsdkaggle2018 in its official layout",
        ),
        (
            {"scale": "recordings", "data_root": "config", "papers": "hierarchical_pooling"},
            "data_root must hold dcase2017_task4 in its official layout",
        ),
        ({"sedes": 3}, "unknown key 'sedes'; did you mean 'seeds'?"),
        ({"folds": []}, "folds"),
        ({"papers": "two_steps"}, "paper 'two_steps' is unknown; did you mean 'two_step_attention'?"),
        (
            {"set": {"two_step_atention": {"training.epochs": 1}}},
            "paper 'two_step_atention' is unknown; did you mean 'two_step_attention'?",
        ),
        (
            {"set": {"two_step_attention": {"training.epoch": 1}}},
            "did you mean 'two_step_attention.training.epochs'?",
        ),
        ({"set": "two_step_attention.training.epoch=1"}, "did you mean 'two_step_attention.training.epochs'?"),
        (
            {"set": {"two_step_attention": {"training.epochs": -1}}},
            "'training.epochs' = -1: Input should be greater than 0",
        ),
    ],
)
def test_a_wrong_configuration_is_refused_in_a_line(values, message):
    with pytest.raises(SedreproError) as caught:
        Plan(configured(values, ROOT))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
