"""What holds for all renderings."""

import dataclasses

import pytest
from examples import LAYOUT, cell, class_cell, detection, page, run, split, texts

from sedrepro.base.errors import SettingsError
from sedrepro.experiments.table_layout import SCALES, TableLayout
from sedrepro.published.cells import runs_needed
from sedrepro.reporting.tables.html import to_html
from sedrepro.reporting.tables.markdown import to_markdown
from sedrepro.reporting.tables.numbers import fill
from sedrepro.reporting.tables.plain_text import summary


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rows": ["modell"]}, "no column 'modell'.*did you mean 'model'"),
        ({"columns": ["metric"]}, "two cells at"),
        ({"decimals_of": {"micro_app": 1}}, "no metric 'micro_app'.*decimals_of.*did you mean 'micro_ap'"),
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
        assert SCALES[scale] in " ".join(text.split())
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


def test_what_stands_on_different_splits_has_no_common_best():
    cells = [
        cell(system=name, label=f"{part} {name}", factors={"split": part})
        for part in ("testing", "evaluation")
        for name in ("gap", "gmp")
    ]
    layout = TableLayout(title="t", rows=["model"], columns=["metric"])
    runs = [
        run(system=name, splits={"testing": split(low), "evaluation": split(high)})
        for name, low, high in (("gap", 0.5, 0.8), ("gmp", 0.6, 0.7))
    ]
    table = fill(cells, runs, "full")
    assert bold(table, layout) == ["0.6000", "0.8000"]
    assert "Bold: our best value of the column and split." in to_markdown(table, layout)
    assert "* our best of the column and split" in summary(table, layout, 80)
    beside = TableLayout(title="t", rows=["system"], columns=["split"])
    assert "Bold: our best value of the column." in to_markdown(table, beside)


@pytest.mark.parametrize("metric", ["threshold", "segment_error_rate_sd"])
def test_what_is_not_better_one_way_is_never_bold(metric):
    cells = [cell(metric, "", system=name, label=name) for name in ("gap", "gmp")]
    runs = [
        run(system=name, seed=seed, detections={"d": detection(threshold=level, segment_error_rate=seed * level)})
        for name, level in (("gap", 0.3), ("gmp", 0.5))
        for seed in (1, 2)
    ]
    table = fill(cells, runs, "full")
    assert not table.rows["mean"].isna().any()
    assert bold(table) == []


def test_decimals_may_differ_by_metric():
    cells = [cell("micro_ap"), cell("event_f1", "70", unit="percent")]
    layout = LAYOUT.model_copy(update={"decimals": 2, "decimals_of": {"event_f1": 1}})
    markdown = to_markdown(fill(cells, [run(0.71234, fold=fold) for fold in (1, 2, 3)], "full"), layout)
    assert "| GAP | 0.71 ± 0.00<br>● *0.7* | 71.2 ± 0.0<br>● *70* |" in markdown


def changed(before, after, metric="segment_error_rate", published="3.8"):
    """A table with one relative change."""
    runs = [
        run(system=name, detections={"d": detection(**{metric: value})})
        for name, value in (("gap", before), ("gmp", after))
    ]
    one = cell(f"{metric}_change", published, system="gmp", unit="percent", relative_to="gap")
    return fill([one], runs, "full"), LAYOUT.model_copy(update={"decimals": 1})


@pytest.mark.parametrize(
    ("before", "after", "metric", "published", "ours", "theirs"),
    [
        (0.8, 0.76, "segment_error_rate", "3.8", "5.0%↓", "3.8%↓"),
        (0.8, 0.84, "segment_error_rate", "-3.8", "5.0%↑", "3.8%↑"),
        (0.4, 0.43, "segment_f1", "9.0", "7.5%↑", "9.0%↑"),
        (0.4, 0.37, "segment_f1", "-9.0", "7.5%↓", "9.0%↓"),
        (0.4, 0.4001, "segment_f1", "0.0", "0.0%", "0.0%"),
        (0.4, 0.3999, "segment_f1", "", "0.0%", "–"),
    ],
)
def test_a_change_is_shown_as_papers_print_it(before, after, metric, published, ours, theirs):
    table, layout = changed(before, after, metric, published)
    markdown, text = to_markdown(table, layout), summary(table, layout, 80)
    assert f"| {ours}<sup>" in markdown or f"| {ours}<br>" in markdown
    assert f"*{theirs}*" in markdown or f"<br>{theirs} |" in markdown
    assert f"{ours}/{theirs}" in text
    shown = texts(page(table, layout), "td")[0]
    assert shown.startswith(ours) and shown.endswith(theirs)
    assert table.rows["published"][0] == published  # the csv stays a number


def test_a_change_has_a_deviation_and_its_reference_stands_in_the_tidy_table():
    runs = [
        run(system=name, seed=seed, detections={"d": detection(segment_f1=value)})
        for name, values in (("gap", (0.4, 0.4)), ("gmp", (0.44, 0.48)))
        for seed, value in enumerate(values)
    ]
    cells = [cell("segment_f1_change", "9", system="gmp", unit="percent", relative_to="gap")]
    table = fill(cells, runs, "full")
    assert "15.0000%↑ ± 7.0711" in to_markdown(table, LAYOUT)
    assert list(table.rows["relative_to"]) == ["gap"]
    assert "relative_to" not in fill([cell()], runs, "full").rows.columns


def quoting():
    """A table with a quoted system that printed one of two numbers, and one of ours."""
    cells = [
        cell("micro_ap", "0.9", system="", variant="", label="First [14]"),
        cell("event_f1", "", system="", variant="", label="First [14]", note="not presented there"),
        cell("micro_ap", "0.7"),
        cell("event_f1", "0.7"),
    ]
    return fill(cells, [run(0.7), run(0.7, fold=2)], "full")


def test_of_a_quoted_system_only_published_values_are_shown():
    table = quoting()
    markdown = to_markdown(table, LAYOUT)
    assert "| First \\[14\\]<sup>a</sup> | *0.9* | –<sup>b</sup> |" in markdown
    assert "<sup>a</sup> quoted, not rebuilt" in markdown
    root = page(table)
    assert texts(root, "td")[:2] == ["0.9", "–b"]
    cells = [td for td in root.iter("td") if td.get("title") == "quoted, not rebuilt"]
    assert len(cells) == 2
    assert all(span.get("class") != "ours" for td in cells for span in td.iter("span"))
    assert " /0.9 " in summary(table, LAYOUT, 80)


def test_columns_of_a_group_stand_in_the_order_of_that_group():
    order = [("single", "er"), ("single", "f1"), ("both", "er"), ("both", "change"), ("both", "f1")]
    cells = [cell(factors={"structure": a, "shown": b}) for a, b in order]
    layout = TableLayout(title="t", rows=["model"], columns=["structure", "shown"])
    heads = texts(page(fill(cells, [run()], "full"), layout), "th")
    assert heads[:-1] == ["model", "single", "both", "er", "f1", "er", "change", "f1"]


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


def test_a_print_that_is_not_at_hand_shows_as_such_and_is_explained():
    table = fill([cell(value="", at_hand=False), cell(value="", label="x")], [run(), run(fold=2)], "full")
    assert list(table.rows["verdict"]) == ["not available", "no published value"]
    assert list(table.rows["published"]) == ["", ""]
    layout = LAYOUT.model_copy(update={"columns": ["metric"]})
    for text in (to_markdown(table, layout), "".join(page(table, layout).itertext())):
        assert text.count("n/a") == 2  # the cell and what it means
        assert "n/a: not available" in text
    assert "/n/a" in summary(table, layout, 80) and "not available: 1" in summary(table, layout, 80)
