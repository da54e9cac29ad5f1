"""The comparison in the terminal: what is printed, colours, and the exit status."""

import io
import re

import pytest

from sedrepro.cli import main
from sedrepro.experiments.configuration import Config
from sedrepro.reporting.tables.comparison_text import print_comparison, wants_colours

PAPER = "hierarchical_pooling"
HEADER = "structure,system,variant,split,metric,mean,sd,low,high,runs,published,difference,verdict,note"
AGREES = "single,max_single,dcase2017,testing,segment_f1,51.04,1,48.5,53.5,3,50.00,1.04,reproduced,"
DIFFERS = "hierarchical,max_single,dcase2017,testing,segment_f1,90,,,,1,50.00,40,differs,verdict from a single run"


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def _plain_surroundings(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")


@pytest.fixture
def config(tmp_path):
    return Config(scale="miniature", folds=[1], seeds=[1], papers=[PAPER], results_dir=tmp_path)


def write_table(config, *rows, name="table2", header=HEADER):
    path = config.results_dir / config.scale / PAPER / "tables" / f"{name}.csv"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")


def printed(config, out=None, table="table2"):
    out = out or io.StringIO()
    print_comparison(config, PAPER, table, out)
    return out.getvalue()


def test_a_cell_shows_both_values_the_interval_and_what_it_stands_on(config):
    write_table(config, AGREES, DIFFERS)
    lines = printed(config).splitlines()
    first, second = (next(line for line in lines if mark in line) for mark in ("● reproduced ", "○ differs "))
    for part in ("51.04 ± 1.00 (3)", "48.50 to 53.50", " 50.00 ", "+1.04", "segment_f1", "structure single"):
        assert part in first
    assert "90.00 (1)" in second and second.endswith("(verdict from a single run)")
    assert "reproduced: 1, ○ differs: 1" in lines[-3]
    assert lines[-1].startswith("All: ") and "not a reproduction" in lines[-1]


def test_a_table_of_texts_shows_its_verdicts(config):
    text = "Max,,,definition,y = max,,,,0,y = max,,reproduced,"
    write_table(config, text, name="table1", header=HEADER.replace("structure", "pooling").replace("split,", ""))
    shown = printed(config, table="table1")
    assert "● reproduced" in shown and "definition" in shown and "pooling Max" in shown


def test_what_is_not_there_is_named_with_what_to_run(config):
    write_table(config, AGREES)
    shown = printed(config, table="")
    assert f"not made yet; run make results SCALE=miniature PAPER={PAPER} TARGET=" in shown
    assert "not there" not in printed(config)


def test_colours_differ_by_verdict_and_take_nothing_away(config):
    write_table(config, AGREES, DIFFERS)
    coloured = printed(config, Terminal())
    codes = {word: re.search(rf"\033\[([0-9;]+)m[^\n]*{word}", coloured)[1] for word in ("reproduced ", "differs ")}
    assert len(set(codes.values())) == 2
    assert re.sub(r"\033\[[0-9;]*m", "", coloured) == printed(config)


def test_no_colour_where_it_is_unwelcome(monkeypatch):
    assert wants_colours(Terminal()) and not wants_colours(io.StringIO())
    monkeypatch.setenv("NO_COLOR", "")
    assert wants_colours(Terminal())  # only a value that is not empty counts
    monkeypatch.setenv("NO_COLOR", "1")
    assert not wants_colours(Terminal())
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not wants_colours(Terminal())


@pytest.mark.parametrize(
    ("rows", "words", "status"),
    [
        ([AGREES, DIFFERS], ["--strict"], 1),
        ([AGREES, DIFFERS], [], 0),
        ([AGREES], ["--strict"], 0),
        ([AGREES, DIFFERS], ["--strict", "--table", "table2"], 1),
    ],
)
def test_strict_fails_where_a_cell_differs(config, rows, words, status, capsys):
    write_table(config, *rows)
    chosen = ["--paper", PAPER, "--set", f"results_dir={config.results_dir}"]
    assert main(["compare", *chosen, *words]) == status
    captured = capsys.readouterr()
    assert "segment_f1" in captured.out and captured.err == "" and "\033" not in captured.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--paper", "hierarchical_poling"], "did you mean 'hierarchical_pooling'?"),
        (["--paper", PAPER, "--table", "tabel2"], "did you mean 'table2'?"),
        (["--paper", PAPER, "--table", "table2"], "no such file; run make results SCALE=miniature"),
    ],
)
def test_what_cannot_be_compared_is_one_line(config, words, message, capsys):
    assert main(["compare", *words, "--set", f"results_dir={config.results_dir}"]) == 1
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err.count("\n") == 1
    assert message in captured.err
