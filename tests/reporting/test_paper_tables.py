"""Tables of a paper in a results folder: which runs they need, the summary, and keeping a record."""

import dataclasses
import json
import re

import pytest
from claim_examples import claim

from sedrepro.annotations.clips import Clip
from sedrepro.base.errors import DataError, SettingsError
from sedrepro.base.files import read_table
from sedrepro.corpora.survey import Surveyed, write_survey
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import load_paper
from sedrepro.experiments.places import figures_folder, survey_folder, table_file
from sedrepro.experiments.table_layout import TableLayout
from sedrepro.published import needs
from sedrepro.published.cells import read_cells
from sedrepro.published.claims import COLUMNS
from sedrepro.published.needs import cells_file, table_runs
from sedrepro.reporting import paper_tables
from sedrepro.reporting.paper_tables import print_summary, write_paper_table

PAPER = "two_step_attention"


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Config(scale="miniature", folds=[1, 2], seeds=[1, 2], device="cpu", papers=[PAPER])


@pytest.fixture
def paper(config):
    return load_paper(PAPER, config)


def write_run(config, who, value):
    folder = who.folder(config)
    folder.mkdir(parents=True)
    metrics = {
        "paper": who.paper,
        "system": who.system,
        "variant": who.variant,
        "fold": who.fold,
        "seed": who.seed,
        "scale": config.scale,
        "clips": 4,
        "clips_expected": 4,
        "data": {"some_set": {"expected": 90, "usable": 80, "fingerprint": "f" * 64}},
        "classes": ["Bus", "Meow"],
        "splits": {
            "held_out": {
                "clips": 2,
                "metrics": {"micro_ap": value, "macro_ap": value, "roc_auc": value},
                "class_metrics": {"average_precision": {"Bus": value, "Meow": value}},
                "classes_without_events": [],
                "detections": {},
            }
        },
    }
    (folder / "metrics.json").write_text(json.dumps(metrics))
    environment = {"device": "cpu", "seconds": 1.5, "peak_memory_mib": 100, "peak_gpu_memory_mib": None, "commit": "c"}
    (folder / "environment.json").write_text(json.dumps(environment))
    for name in ("config.json", "history.csv", "weights.safetensors"):
        (folder / name).write_text("{}")


def test_a_table_needs_each_of_its_systems_at_every_fold_and_seed(config, paper):
    runs = table_runs(config, paper, "table2")
    cells = read_cells(cells_file(paper, "table2"))
    assert len(runs) == len(set(runs)) == 4 * len({(c.system, c.variant) for c in cells}) == 4 * 12
    assert {(r.fold, r.seed) for r in runs} == {(1, 1), (1, 2), (2, 1), (2, 2)}


def test_a_system_with_seeds_of_its_own_is_read_at_these(config, paper):
    systems = dict(paper.settings.systems)
    systems["2ap_alpha_0"] = systems["2ap_alpha_0"].model_copy(update={"seeds": (3, 4, 5)})
    changed = dataclasses.replace(paper, settings=paper.settings.model_copy(update={"systems": systems}))
    runs = table_runs(config, changed, "table2")
    assert {r.seed for r in runs if r.system == "2ap_alpha_0"} == {3, 4, 5}
    assert {r.seed for r in runs if r.system != "2ap_alpha_0"} == {1, 2}


@pytest.fixture
def with_definitions(config):
    """The hierarchical pooling paper with its table of definitions only."""
    paper = load_paper("hierarchical_pooling", config)
    layout = TableLayout(title="Definitions", kind="text", rows=["pooling"], columns=["metric"])
    return dataclasses.replace(paper, settings=paper.settings.model_copy(update={"tables": {"table1": layout}}))


def test_a_table_of_texts_needs_no_run(config, with_definitions):
    assert table_runs(config, with_definitions, "table1") == []
    path = write_paper_table(config, with_definitions, "table1")
    assert {p.name for p in path.parent.iterdir()} == {"table1.csv", "table1.md", "table1.html", "table1.tex"}
    assert "Linear softmax,,,definition,,y = " in path.read_text(encoding="utf-8")


def test_a_table_of_claims_is_tried_on_the_runs_of_its_systems(config, paper, tmp_path, monkeypatch):
    one = claim(systems="2ap_alpha_0", others="vgg_gap;vgg_gwrp", quote="it wins")
    values = {column: getattr(one, column) for column in (*COLUMNS, "note")}
    values |= {"systems": "2ap_alpha_0", "others": "vgg_gap;vgg_gwrp"}
    text = "\n".join(",".join(line) for line in (values, values.values()))
    (tmp_path / "claims.csv").write_text(f"{text}\n", encoding="utf-8")
    for module in (needs, paper_tables):
        monkeypatch.setattr(module, "cells_file", lambda paper, table: tmp_path / f"{table}.csv")
    layout = TableLayout(title="Claims", kind="claims", rows=["table", "claim", "metric"], columns=["scale"])
    tried = dataclasses.replace(paper, settings=paper.settings.model_copy(update={"tables": {"claims": layout}}))
    needed = table_runs(config, tried, "claims")
    assert {who.system for who in needed} == {"2ap_alpha_0", "vgg_gap", "vgg_gwrp"} and len(needed) == 12
    for who in needed:
        write_run(config, who, 0.6 + 0.01 * who.seed if who.system == "2ap_alpha_0" else 0.4)
    path = write_paper_table(config, tried, "claims")
    assert {p.name for p in path.parent.iterdir()} == {"claims.csv", "claims.md", "claims.html", "claims.tex"}
    (row,) = read_table(path, ("verdict", "note", "runs"), delimiter=",")
    assert (row["verdict"], row["runs"]) == ("undecided", "4") and row["note"].startswith("holds in these runs")


def test_an_unknown_table_names_the_nearest(paper):
    with pytest.raises(SettingsError, match="'tabel1' is unknown; did you mean 'table1'"):
        cells_file(paper, "tabel1")


def test_a_missing_metrics_file_is_named(config, paper):
    with pytest.raises(DataError, match=r"metrics\.json: no such file"):
        write_paper_table(config, paper, "table2")


def test_table_and_summary_show_the_mean_of_the_runs(config, paper, capsys):
    for who in table_runs(config, paper, "table2"):
        write_run(config, who, 0.25 if who.seed == 1 else 0.75)
    path = write_paper_table(config, paper, "table2")
    assert {p.name for p in path.parent.iterdir()} == {"table2.csv", "table2.md", "table2.html", "table2.tex"}
    print_summary(config)
    printed = capsys.readouterr().out
    assert "0.5000/0.7772" in printed
    assert re.search(r"\d of \d+ runs? not made yet", printed)  # the other tables'


def test_of_a_target_only_its_table_is_printed(config, paper, capsys):
    for who in table_runs(config, paper, "table2"):
        write_run(config, who, 0.5)
    table, figure = table_file(config, PAPER, "table2"), figures_folder(config, PAPER) / "figure2.svg"
    print_summary(config, [str(table)])
    printed = capsys.readouterr().out
    assert "Table 2: " in printed and "0.5000/" in printed and "Table 1: " not in printed
    assert printed.splitlines()[-1] == str(table)
    print_summary(config, [str(figure)])
    assert capsys.readouterr().out.splitlines() == [str(figure)]
    print_summary(config, [PAPER])
    assert "Table 1: " in capsys.readouterr().out


def test_a_summary_of_one_paper_or_of_a_missing_target(config, capsys):
    missing = table_file(config, PAPER, "table9")
    with pytest.raises(SettingsError, match=rf"{missing.name}: is no table or figure of .*{PAPER}"):
        print_summary(config, [str(missing)])
    with pytest.raises(SettingsError, match="is no table or figure of"):
        print_summary(config, ["nowhere/elsewhere.csv"])
    print_summary(config, [str(table_runs(config, load_paper(PAPER, config), "table2")[0].metrics_file(config))])
    assert "Table 1: " in capsys.readouterr().out  # the job of a run failed
    other = config.model_copy(update={"papers": ()})
    print_summary(other, paper_name=PAPER)
    chosen = capsys.readouterr().out
    print_summary(config)
    assert capsys.readouterr().out == chosen
    with pytest.raises(SettingsError, match="did you mean"):
        print_summary(config, paper_name=f"{PAPER}s")


def test_summary_tells_which_clips_were_left_out(config, capsys):
    found = [
        Surveyed(Clip("a.wav", "train", "a", labels=("Bus",)), 2.0, 44100, 1),
        Surveyed(Clip("b.wav", "train", "b", labels=("Bus",)), problem="missing", detail="missing"),
    ]
    write_survey(survey_folder(config, "fsdkaggle2018"), "fsdkaggle2018", 2.0, found)
    print_summary(config)
    printed = capsys.readouterr().out
    assert "fsdkaggle2018: 1 of 2 clips usable; left out: 1 missing" in printed
    assert "rejected.tsv" in printed
