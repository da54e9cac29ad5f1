"""Tables whose cells are texts that a paper's module generates."""

import math
import sys
from types import ModuleType, SimpleNamespace

import pytest
from examples import page, published, texts

from sedrepro.base.errors import SettingsError
from sedrepro.experiments.table_layout import TableLayout
from sedrepro.published.cells import read_text_cells
from sedrepro.reporting.tables.files import write
from sedrepro.reporting.tables.markdown import to_markdown
from sedrepro.reporting.tables.plain_text import summary
from sedrepro.reporting.tables.text import CodeText, fill_text, texts_of_code

HEADER = "pooling,system,variant,metric,published,note"
ROWS = [
    "Max,,,definition,y = max_i x_i,",
    "Max,,,weight,,none printed",
    "Mean,gap,remix_0db,definition,y = <mean>,as printed",
    "Mean,gap,remix_0db,weight,w = 1/n,",
]
SAID = [
    CodeText("y = max x", "reproduced"),
    CodeText("w = 1 | 0", "no published value"),
    CodeText("y = sum x", "differs", "by 3"),
    CodeText("w = 1", "reproduced"),
]
LAYOUT = TableLayout(
    title="Table 1: poolings",
    kind="text",
    rows=["pooling"],
    columns=["metric"],
    names={"weight": "weights"},
    note="A remark.",
)


@pytest.fixture
def cells(tmp_path):
    return read_text_cells(published(tmp_path, *ROWS, header=HEADER))


@pytest.fixture
def table(cells):
    return fill_text(cells, SAID, "miniature")


def test_the_tidy_table_has_the_columns_of_a_table_of_numbers(table):
    assert list(table.rows.columns) == [
        "pooling", "system", "variant", "metric", "unit", "mean", "sd", "low", "high", "runs", "published",
        "difference", "verdict", "note", "data",
    ]  # fmt: skip
    assert list(table.rows["mean"]) == [said.ours for said in SAID]
    assert list(table.rows["verdict"]) == [said.verdict for said in SAID]
    assert list(table.rows["note"]) == ["", "none printed", "as printed; by 3", ""]
    assert (
        all(map(math.isnan, [*table.rows["sd"], *table.rows["low"], *table.rows["high"], *table.rows["difference"]]))
        and not table.rows["runs"].any()
    )


def test_markdown_shows_ours_above_the_printed_text(table):
    lines = to_markdown(table, LAYOUT).splitlines()
    assert lines[0] == "**Table 1: poolings** Generated from the suite's code at miniature scale."
    assert lines[2:6] == [
        "| pooling | definition | weights |",
        "| :-- | :-: | :-: |",
        "| Max | y = max x<br>● *y = max\\_i x\\_i* | w = 1 \\| 0<sup>a</sup><br>– |",
        "| Mean | y = sum x<sup>b,c</sup><br>○ *y = &lt;mean&gt;* | w = 1<br>● *w = 1/n* |",
    ]
    assert "● reproduced, ○ differs" in lines
    assert "A remark." in lines
    assert "not a reproduction" not in "".join(lines)  # that is said of numbers


def test_html_is_a_page_like_that_of_numbers(table):
    root = page(table, LAYOUT)
    assert texts(root, "caption") == ["Table 1: poolingsGenerated from the suite's code at miniature scale."]
    assert texts(root, "td") == [
        "y = max x● y = max_i x_i",
        "w = 1 | 0a–",
        "y = sum xb,c○ y = <mean>",
        "w = 1● w = 1/n",
    ]
    assert [td.get("title") for td in root.iter("td")] == [said.verdict for said in SAID]
    assert "lower line: as printed" in texts(root, "figcaption")[0]


def test_the_summary_counts_verdicts(table):
    text = summary(table, LAYOUT, 80)
    assert text.startswith("Table 1: poolings (Generated from")
    assert "● reproduced: 2, no published value: 1, ○ differs: 1." in text


def test_four_files_are_written(table, tmp_path):
    write(table, LAYOUT, tmp_path / "out" / "table1")
    assert sorted(p.suffix for p in (tmp_path / "out").iterdir()) == [".csv", ".html", ".md", ".tex"]
    assert (tmp_path / "out" / "table1.csv").read_text().splitlines()[3] == (
        "Mean,gap,remix_0db,definition,,y = sum x,,,,0,y = <mean>,,differs,as printed; by 3,"
    )


def test_as_many_texts_as_cells_are_needed(cells):
    with pytest.raises(ValueError, match="shorter"):
        fill_text(cells, SAID[:3], "full")


def test_the_papers_module_is_asked_with_the_paper_and_the_cells(cells, monkeypatch):
    module = ModuleType("sedrepro.papers.mine.tables")
    module.table1 = lambda paper, asked: [CodeText(f"{paper.name} {cell.metric}", "reproduced") for cell in asked]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    paper = SimpleNamespace(name="mine")
    said = texts_of_code(paper, "table1", cells)
    assert [one.ours for one in said] == ["mine definition", "mine weight"] * 2
    with pytest.raises(SettingsError, match=r"mine: table 'table2' holds text, but .*'table2'.*; add tables\.table2"):
        texts_of_code(paper, "table2", cells)


def test_a_paper_without_such_a_module_is_told_so(cells):
    with pytest.raises(SettingsError, match="no_paper: table 'table1' holds text, but No module named"):
        texts_of_code(SimpleNamespace(name="no_paper"), "table1", cells)
