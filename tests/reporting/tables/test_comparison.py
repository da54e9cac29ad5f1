"""The comparison of all cells: which tables, which rows, what remakes them, how they are counted."""

import csv
import shlex
from pathlib import Path

import pytest

from sedrepro.base.errors import DataError, SettingsError
from sedrepro.cli import main
from sedrepro.experiments.configuration import Config, written
from sedrepro.experiments.places import configuration_file
from sedrepro.reporting.tables.comparison import (
    COLUMNS,
    compared_cells,
    how_to_make,
    paper_tables,
    verdict_counts,
    write_comparison,
)

PAPER = "hierarchical_pooling"
HEADER = "structure,system,variant,split,seed,metric,mean,sd,low,high,runs,published,difference,verdict,note"
ROWS = [
    "single,max_single,dcase2017,testing,,segment_f1,0.51,0.01,0.485,0.535,3,0.50,0.01,reproduced,",
    "single,max_single,dcase2017,testing,2,segment_f1,0.9,,,,1,0.50,0.4,differs,verdict from a single run",
    'Others <et al.>,,,testing,,segment_f1,,,,,0,0.4,,not comparable,"quoted, not rebuilt"',
]


@pytest.fixture
def config(tmp_path):
    return Config(scale="full", data_root=tmp_path, folds=[1], seeds=[1], papers=[PAPER], results_dir=tmp_path / "r")


def write_table(config, *rows, name="table2", header=HEADER):
    path = config.results_dir / config.scale / PAPER / "tables" / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
    return path


def test_the_chosen_papers_tables_are_compared_but_no_claims(config):
    names = {(table.paper, table.name) for table in paper_tables(config)}
    assert (PAPER, "table2") in names and {paper for paper, _ in names} == {PAPER}
    everywhere = paper_tables(config.model_copy(update={"papers": ()}))
    assert {table.paper for table in everywhere} > {PAPER}
    assert all(table.layout.kind != "claims" for table in everywhere)
    assert [table.name for table in paper_tables(config, "ddc_fap", "table6")] == ["table6"]


@pytest.mark.parametrize(
    ("paper", "table", "message"),
    [
        ("hierarchical_poling", "", "'hierarchical_poling' is unknown; did you mean 'hierarchical_pooling'"),
        (PAPER, "tabel2", "hierarchical_pooling: table 'tabel2' is unknown; did you mean 'table2'"),
        ("", "tabel2", "^table 'tabel2' is unknown; did you mean 'table2'"),
        ("ddc_fap", "claims", r"table 'claims' holds claims, not numbers; they stand in full/claims\.csv"),
    ],
)
def test_an_unknown_paper_or_table_names_the_nearest(config, paper, table, message):
    with pytest.raises(SettingsError, match=message):
        paper_tables(config, paper, table)


def test_cells_keep_their_values_word_for_word_and_name_their_row(config):
    write_table(config, *ROWS)
    first, second, quoted = compared_cells(config, paper_tables(config))
    assert tuple(first) == COLUMNS
    assert first["row"] == "structure single, split testing"
    assert second["row"] == "structure single, split testing, seed 2"
    kept = ("mean", "sd", "low", "high", "runs", "published", "difference", "verdict", "note")
    assert [first[name] for name in kept] == ["0.51", "0.01", "0.485", "0.535", "3", "0.50", "0.01", "reproduced", ""]
    assert quoted["note"] == "quoted, not rebuilt"


def test_the_command_trains_the_runs_of_a_cell_anew_and_fills_its_table(config):
    path = write_table(config, *ROWS, "single,max_single,dcase2017,testing,9,segment_f1,,,,,0,0.5,,not comparable,")
    first, second, quoted, without = compared_cells(config, paper_tables(config))
    runs = path.parents[1] / "runs" / "max_single" / "dcase2017"
    assert first["rerun"].endswith(f" --forcerun {runs}/fold*/seed*/weights.safetensors -- {path}")
    assert second["rerun"].endswith(f" --forcerun {runs}/fold*/seed2/weights.safetensors -- {path}")
    assert without["rerun"].endswith(f" --forcerun {path} -- {path}")
    written_down = configuration_file(config, written(config))
    assert f"--configfile {written_down} --config papers=hierarchical_pooling " in first["rerun"]
    assert quoted["rerun"] == ""


def test_a_table_written_before_there_were_intervals_is_read_too(config):
    old = "structure,system,variant,metric,mean,sd,runs,published,difference,verdict,note"
    write_table(config, "single,a,b,segment_f1,0.5,0.1,2,0.5,0,reproduced,", header=old)
    (cell,) = compared_cells(config, paper_tables(config))
    assert (cell["low"], cell["high"], cell["mean"]) == ("", "", "0.5")


def test_no_table_at_all_is_an_error_that_says_what_to_run(config):
    with pytest.raises(
        DataError, match=r"table1\.csv: no such file; run make results SCALE=full DATA_ROOT=.* PAPER=hier"
    ):
        compared_cells(config, paper_tables(config))


def test_a_damaged_table_is_named(config):
    write_table(config, "x", header="structure")
    with pytest.raises(DataError, match=r"table2\.csv: column 'system' is missing"):
        compared_cells(config, paper_tables(config))


def test_counts_stand_in_the_order_of_the_verdicts():
    cells = [{"verdict": name} for name in ("not comparable", "differs", "reproduced", "differs")]
    assert list(verdict_counts(cells).items()) == [("reproduced", 1), ("differs", 2), ("not comparable", 1)]


def test_csv_and_markdown_hold_all_cells_and_their_counts(config):
    write_table(config, *ROWS)
    write_table(config, ROWS[0], name="erratum")
    path = write_comparison(config)
    assert path == config.results_dir / "full" / "comparison.csv"
    with open(path, newline="", encoding="utf-8") as file:
        assert list(csv.DictReader(file)) == compared_cells(config, paper_tables(config))
    lines = path.with_suffix(".md").read_text(encoding="utf-8").splitlines()
    assert "| paper | table | cells | reproduced | differs | not comparable |" in lines
    assert [line.split(" | ")[2:] for line in lines if "Table 2" in line] == [["3", "1", "1", "1 |"]]
    assert (
        "| **Hierarchical pooling structure for weakly labeled sound event detection** | **all** | 4 | 2 | 1 | 1 |"
        in lines
    )
    differing = lines[lines.index("## Cells that differ") :]
    assert sum("verdict from a single run" in line for line in differing) == 1
    missing = [table for table in paper_tables(config) if not table.there]
    assert missing and all(any(how_to_make(config, table) in line for line in lines) for table in missing)


def test_every_metric_has_one_unit_in_the_csv_whatever_its_tables_print(config):
    header = HEADER.replace("metric,", "metric,unit,")
    percent = "single,max_single,dcase2017,testing,,segment_f1,percent,51.25,1,48.5,53.5,3,50.0,1.25,reproduced,"
    fraction = "single,max_single,dcase2017,testing,,segment_f1,fraction,0.51,,,,1,0.5,0.01,reproduced,"
    change = "single,max_single,dcase2017,testing,,segment_f1_change,percent,7.5,,,,1,9.0,-1.5,close,"
    write_table(config, percent, fraction, change, header=header)
    with open(write_comparison(config), newline="", encoding="utf-8") as file:
        first, second, third = csv.DictReader(file)
    assert (first["unit"], second["unit"], third["unit"]) == ("fraction", "fraction", "percent")
    assert [first[name] for name in ("mean", "sd", "low", "high", "published", "difference")] == [
        *("0.5125", "0.01", "0.485", "0.535", "0.500", "0.0125"),
    ]
    assert (second["published"], third["published"]) == ("0.5", "9.0")


def test_the_verb_writes_it(tmp_path, monkeypatch, capsys):
    config = Config(scale="miniature", folds=[1], seeds=[1], results_dir=tmp_path)
    write_table(config, *ROWS)
    assert main(["comparison", "--set", f"results_dir={tmp_path}", "--set", f"papers={PAPER}"]) == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "miniature" / "comparison.csv")


def test_commands_of_cells_are_words_of_a_shell_whatever_the_folders_are_called(config, tmp_path):
    config = config.model_copy(update={"results_dir": tmp_path / "it's $HOME", "work_dir": Path("my data")})
    path = write_table(config, *ROWS)
    cells = compared_cells(config, paper_tables(config, PAPER, "table2"))
    words = shlex.split(cells[0]["rerun"])
    assert words[words.index("--configfile") + 1] == str(configuration_file(config, written(config)))
    assert words[words.index("--forcerun") + 1].startswith(f"{path.parents[1]}/runs/max_single/dcase2017/fold*/")
    assert words[-1] == str(path)
