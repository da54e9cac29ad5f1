import pytest
from examples import detection, run, split

from sedrepro.base.files import write_text
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import load_paper, paper_names
from sedrepro.reporting.notebooks.pooling_overview import KEYS, pooling_name, pooling_overview

PAPER = "hierarchical_pooling"
CONFIG = Config(scale="miniature", folds=(1,), seeds=(1,), device="cpu")


def keep(folder, value, system="linear_single", seed=1, **other):
    """Write a run's metrics where a run of the paper leaves them."""
    one = run(value, system, "dcase2017", fold=0, seed=seed, paper=PAPER, scale="miniature", **other)
    write_text(folder / PAPER / f"runs/{system}/dcase2017/fold0/seed{seed}/metrics.json", one.model_dump_json())


def test_without_any_run_the_table_is_empty_and_all_papers_are_named(tmp_path):
    table, without = pooling_overview(tmp_path, "miniature")
    assert table.empty
    assert list(table.columns) == [*KEYS, "runs"]
    assert without == paper_names()


def test_runs_of_a_system_are_averaged(tmp_path):
    keep(tmp_path, 0.5, seed=1)
    keep(tmp_path, 0.75, seed=2)
    keep(tmp_path, 0.25, system="attention_hierarchical")
    table, without = pooling_overview(tmp_path, "miniature")
    assert PAPER not in without
    assert len(without) == len(paper_names()) - 1
    found = table.set_index("system")
    assert found.loc["linear_single", "runs"] == 2
    assert found.loc["linear_single", "micro_ap"] == pytest.approx(0.625)
    assert found.loc["linear_single", "pooling"] == "Linear softmax"
    assert found.loc["linear_single", "label"] == "Linear, single"
    assert found.loc["linear_single", "data"] == "some_set"
    assert found.loc["linear_single", "detection"] == ""
    assert found.loc["attention_hierarchical", "pooling"] == "Attention, hierarchical"
    assert found.loc["attention_hierarchical", "runs"] == 1


def test_each_split_and_way_of_detection_has_a_row(tmp_path):
    ways = {"one": detection(segment_f1=0.2), "other": detection(segment_f1=0.4)}
    keep(tmp_path, 0.5, splits={"testing": split(0.5, detections=ways), "evaluation": split(0.7)})
    table, _ = pooling_overview(tmp_path, "miniature")
    rows = {(row["split"], row["detection"]): row for row in table.to_dict("records")}
    assert set(rows) == {("testing", "one"), ("testing", "other"), ("evaluation", "")}
    assert rows["testing", "other"]["segment_f1"] == 0.4
    assert rows["testing", "one"]["micro_ap"] == rows["testing", "other"]["micro_ap"] == 0.5
    assert rows["evaluation", ""]["segment_f1"] != rows["evaluation", ""]["segment_f1"]  # not a number


def test_a_run_of_a_system_that_is_no_more_is_left_out(tmp_path):
    keep(tmp_path, 0.5, system="withdrawn")
    assert pooling_overview(tmp_path, "miniature")[0].empty


@pytest.mark.parametrize(
    ("paper", "system", "expected"),
    [
        ("two_step_attention", "vgg_gap", "Average pooling"),
        ("two_step_attention", "2ap_alpha_0", "own, of two_step"),
        ("ddc_fap", "talnet", "Linear softmax"),
        ("ddc_fap", "ddc_fap", "Frequency-dependent auto-pooling"),
        ("hierarchical_pooling", "linear_hierarchical", "Linear softmax, hierarchical"),
        ("c_ssed", "power", "Power pooling"),
    ],
)
def test_the_pooling_is_read_off_the_network(paper, system, expected):
    loaded = load_paper(paper, CONFIG)
    assert pooling_name(loaded, system, len(loaded.settings.classes)) == expected
