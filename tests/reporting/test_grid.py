"""What holds for all renderings."""

import dataclasses

import pytest
from examples import LAYOUT, cell, class_cell, page, run, texts

from sedrepro.errors import SettingsError
from sedrepro.reporting.cells import runs_needed
from sedrepro.reporting.html_table import to_html
from sedrepro.reporting.layout import SCALES, TableLayout
from sedrepro.reporting.markdown import to_markdown
from sedrepro.reporting.plain_text import summary
from sedrepro.reporting.tables import fill


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": ["modell"]}, "no column 'modell'.*did you mean 'model'"),
        ({"columns": ["metric"]}, "two cells at"),
    ],
)
@pytest.mark.parametrize("render", [to_markdown, to_html, lambda table, layout: summary(table, layout, 80)])
def test_a_layout_that_does_not_fit_the_table_is_an_error(table, render, change, message):
    with pytest.raises(SettingsError, match=message):
        render(table, LAYOUT.model_copy(update=change))


@pytest.mark.parametrize("scale", SCALES)
def test_every_rendering_says_what_the_scale_means(cells, scale):
    runs = [run(system=s, variant=v, scale=scale) for s, v in runs_needed(cells)]
    table = fill(cells, runs, scale)
    for text in (to_markdown(table, LAYOUT), to_html(table, LAYOUT), summary(table, LAYOUT, 80)):
        assert SCALES[scale] in text
        assert f"{scale.capitalize()} scale, 1 run per cell" in text
        assert ("reproduced" in text.split("</style>")[-1]) == (scale == "full")


def test_text_is_escaped_everywhere():
    odd = '<b>&"|*'
    layout = TableLayout(title=odd, rows=["model"], columns=["snr_db"], names={"0": odd}, note=odd)
    table = fill([cell(label=odd, note=odd), cell(label="x")], [run(), run(fold=2)], "full")
    root = page(table, layout)
    assert root.findall(".//b") == []
    assert [odd in text for tag in ("title", "caption", "th", "figcaption") for text in texts(root, tag)[:2]]
    assert odd in texts(root, "title") and odd in texts(root, "figcaption")[0]
    markdown = to_markdown(table, layout)
    assert "<b>" not in markdown
    assert markdown.count('&lt;b&gt;&amp;"\\|\\*') == 5  # title, header, row label, note of the layout, footnote


def test_gaps_in_the_grid_stay_empty(cells):
    table = fill(cells[:3], [], "miniature")
    assert texts(page(table), "td")[-1] == ""
    assert to_markdown(table, LAYOUT).count("\n| GMP") == 1
    assert "GMP" in summary(table, LAYOUT, 80)


def bold(table, layout=LAYOUT):
    return texts(page(table, layout).find(".//tbody"), "strong")


def test_the_best_of_each_column_is_bold(table):
    assert bold(table) == ["0.7100", "0.5250"]


def test_low_error_rates_are_best():
    cells = [cell("event_error_rate", system=name, label=name) for name in ("gap", "gmp")]
    assert bold(fill(cells, [run(1.2), run(1.1, system="gmp")], "full")) == ["1.1000"]


def test_ties_at_the_printed_decimals_are_all_bold_and_a_lone_value_is_not():
    cells = [cell(system=name, label=name) for name in ("gap", "gmp")]
    assert bold(fill(cells, [run(0.70001), run(0.70002, system="gmp")], "full")) == ["0.7000", "0.7000"]
    assert bold(fill(cells, [run(0.7)], "full")) == []


def test_a_note_is_told_once_at_the_widest_place_it_holds_for():
    cells = [class_cell(name, system=s, label=s) for s in ("gap", "gmp", "gwrp") for name in ("Bus", "Meow")]
    cells[2] = dataclasses.replace(cells[2], note="of one cell")
    layout = TableLayout(title="t", rows=["model"], columns=["event_class"])
    runs = [run(system="gap", scale="miniature"), run(system="gmp", scale="miniature")]
    markdown = to_markdown(fill(cells, runs, "miniature"), layout)
    lines = markdown.splitlines()
    assert "| –<sup>a</sup><br>*0.7* |" in lines[4]  # no class Meow for the first system
    assert "<sup>b</sup> of one cell" in lines and markdown.count("of one cell") == 1
    assert "| gwrp<sup>c</sup> |" in markdown  # its whole row has no runs
    assert "<sup>c</sup> no run of gwrp on remix\\_0db" in lines


def test_a_note_on_a_whole_column_marks_its_heading():
    cells = [class_cell(name, system=s, label=s) for s in ("gap", "gmp") for name in ("Bus", "Meow")]
    runs = [run(system=s, scale="miniature") for s in ("gap", "gmp")]
    layout = TableLayout(title="t", rows=["model"], columns=["event_class"])
    markdown = to_markdown(fill(cells, runs, "miniature"), layout)
    assert "| Meow<sup>a</sup> |" in markdown
    assert markdown.count("<sup>a</sup>") == 2


def test_a_note_of_all_cells_needs_no_mark(cells):
    runs = [run(system=s, variant=v, clips=75, scale="miniature") for s, v in runs_needed(cells)]
    markdown = to_markdown(fill(cells, runs, "miniature"), LAYOUT)
    assert "All cells: on 75 of 80 clips." in markdown
