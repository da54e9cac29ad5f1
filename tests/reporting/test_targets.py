"""Which runs the files that somebody asks for are made of."""

from dataclasses import replace

import pytest

from sedrepro.base.errors import SettingsError
from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.papers import load_paper
from sedrepro.experiments.places import figures_folder, paper_folder, table_file
from sedrepro.experiments.runs import figure_runs
from sedrepro.published.needs import table_runs
from sedrepro.reporting.targets import planned_runs, runs_of_targets

PAPERS = ("c_ssed", "joint_at_aed")


@pytest.fixture
def config(tmp_path):
    given = {"scale": "miniature", "folds": [1], "seeds": [1, 2], "papers": list(PAPERS), "budget": "cpu"}
    return make_config(given | {"work_dir": str(tmp_path), "results_dir": str(tmp_path / "results")}, "test")


@pytest.fixture
def papers(config):
    return [load_paper(name, config) for name in PAPERS]


def test_runs_that_others_are_based_on_are_there_once(config, papers):
    runs = planned_runs(config, papers[0])
    assert len(set(runs)) == len(runs)
    assert {"power", "mt_ssed_lambda_0.1", "c_ssed_0.1_0.3"} <= {who.system for who in runs}


def test_without_a_target_all_is_meant(config, papers):
    assert runs_of_targets(config, papers, []) == {paper.name: planned_runs(config, paper) for paper in papers}


@pytest.mark.parametrize("target", ["", ".", "/"])
def test_a_target_without_a_file_name_means_all(config, papers, target):
    assert runs_of_targets(config, papers, [target]) == runs_of_targets(config, papers, [])


def test_a_table_needs_its_runs_and_their_bases(config, papers):
    found = runs_of_targets(config, papers, [str(table_file(config, "c_ssed", "table2"))])
    assert set(found) == {"c_ssed"}
    assert set(table_runs(config, papers[0], "table2")) <= set(found["c_ssed"])
    assert len(found["c_ssed"]) < len(planned_runs(config, papers[0]))
    retrained = runs_of_targets(config, papers, [str(table_file(config, "c_ssed", "table3"))])["c_ssed"]
    assert {"c_ssed_0.1_0.3", "mt_ssed_lambda_0.1", "power"} <= {who.system for who in retrained}


def test_targets_add_up(config, papers):
    figure = figures_folder(config, "c_ssed") / "figure2.svg"
    found = runs_of_targets(config, papers, [str(figure), str(table_file(config, "joint_at_aed", "table1"))])
    assert set(found) == set(PAPERS)
    assert set(found["c_ssed"]) == set(figure_runs(config, papers[0], "figure2"))


def test_a_run_needs_itself_and_its_base(config, papers):
    run = next(who for who in planned_runs(config, papers[0]) if who.system == "mt_ssed_lambda_0.1")
    found = runs_of_targets(config, papers, [str(run.folder(config) / "metrics.json")])
    assert {who.system for who in found["c_ssed"]} == {"power", "mt_ssed_lambda_0.1"}
    assert {who.seed for who in found["c_ssed"]} == {run.seed}


@pytest.mark.parametrize("target", ["tables/table99.csv", "figures/figure99.svg"])
def test_a_table_or_figure_that_there_is_not_is_refused(config, papers, target):
    path = paper_folder(config, "c_ssed") / target
    with pytest.raises(SettingsError, match=rf"{path}: is no table or figure of {', '.join(PAPERS)} at scale"):
        runs_of_targets(config, papers, [str(path)])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    assert set(runs_of_targets(config, papers, [str(path)])) == {"c_ssed"}


def test_a_path_elsewhere_is_refused_and_one_of_another_step_is_not(config, papers, tmp_path):
    with pytest.raises(SettingsError, match="no such file is there"):
        runs_of_targets(config, papers, ["result/miniature/c_ssed/tables/table2.csv"])
    assert set(runs_of_targets(config, papers, [str(config.work_dir / "miniature" / "some" / "step.tsv")])) == set(
        PAPERS
    )


def test_a_run_that_is_not_planned_is_meant_with_its_base(config, papers):
    planned = next(who for who in planned_runs(config, papers[0]) if who.system == "mt_ssed_lambda_0.1")
    other = replace(planned, seed=77)
    found = runs_of_targets(config, papers, [str(other.folder(config) / "metrics.json")])["c_ssed"]
    assert {(who.system, who.seed) for who in found} == {("mt_ssed_lambda_0.1", 77), ("power", 77)}


def test_a_folder_of_runs_means_those_in_it(config, papers):
    folder = paper_folder(config, "c_ssed") / "runs" / "power"
    found = runs_of_targets(config, papers, [str(folder)])["c_ssed"]
    assert found and {who.system for who in found} == {"power"}


@pytest.mark.parametrize(
    ("run", "words"),
    [
        ("nonsense/dcase2019/fold0/seed1", "system 'nonsense' is unknown"),
        ("power/dcase2020/fold0/seed1", "did you mean 'dcase2019'"),
        ("power/dcase2019/fold1/seed1", "has official splits, no folds: fold 0"),
    ],
)
def test_a_run_that_there_cannot_be_is_refused(config, papers, run, words):
    path = paper_folder(config, "c_ssed") / "runs" / run / "metrics.json"
    with pytest.raises(SettingsError, match=words):
        runs_of_targets(config, papers, [str(path)])


def test_a_file_of_a_paper_that_is_not_chosen_is_refused(config, papers):
    with pytest.raises(SettingsError, match="is of joint_at_aed, which is not among the chosen papers"):
        runs_of_targets(config, papers[:1], [str(paper_folder(config, "joint_at_aed") / "coverage.csv")])


def test_another_file_of_a_paper_means_all_of_it_and_other_words_mean_all(config, papers):
    coverage = str(paper_folder(config, "joint_at_aed") / "coverage.csv")
    assert runs_of_targets(config, papers, [coverage]) == {"joint_at_aed": planned_runs(config, papers[1])}
    assert set(runs_of_targets(config, papers, [coverage, "remix_audio"])) == set(PAPERS)
