import re

from examples import LAYOUT, cell, page, run, texts

from sedrepro.reporting.tables.html import to_html
from sedrepro.reporting.tables.numbers import fill


def test_html_is_well_formed_and_has_a_two_level_header(table):
    root = page(table)
    assert texts(root, "caption") == ["Table 9. PoolingFull scale, 2 runs per cell."]
    scopes = [(th.get("scope"), th.get("colspan"), "".join(th.itertext())) for th in root.iter("th")]
    assert scopes == [
        ("col", None, "network"),
        ("colgroup", "1", "SNR 10 dB"),
        ("colgroup", "1", "SNR 0 dB"),
        ("col", None, "micro-p"),
        ("col", None, "micro-p"),
        ("row", None, "GAP"),
        ("row", None, "GMP"),
    ]
    assert texts(root, "td") == [
        "0.7100 ± 0.0141a● 0.7000",
        "0.5100 ± 0.0141a○ 0.6000",
        "0.6100 ± 0.0141b–",
        "0.5250 ± 0.0071a◐ 0.5000",
    ]


def test_the_legend_says_what_close_means_even_without_a_reproduced_cell():
    table = fill([cell(value="0.700")], [run(0.72), run(0.72, fold=2)], "full")
    text = texts(page(table), "figcaption")[0]
    assert (
        "● reproduced (difference, as a fraction and beyond the published value's rounding, within 0.01 in micro-p)"
        in text
    )
    assert "◐ close (within 3 times that, or where 95 % of further runs would lie, from 3 runs on)" in text


def test_the_interval_stands_in_the_tooltip_of_a_cell(table):
    titles = [cell.get("title") for cell in page(table).iter("td")]
    assert titles[0] == (
        "gap on remix_10db, runs: 2, 95 % confidence interval of the mean 0.5829 to 0.8371; reproduced"
    )
    lone = page(fill([cell()], [run()], "full")).find(".//td").get("title")
    assert lone == "gap on remix_0db, runs: 1; reproduced"


def test_html_rows_have_equal_numbers_of_cells(table):
    rows = page(table).findall(".//tbody/tr")
    assert {len(list(row)) for row in rows} == {3}


def test_html_needs_nothing_from_outside(table):
    text = to_html(table, LAYOUT)
    assert not re.search(r"https?:|@import|url\(|<script|<link", text)
    assert "prefers-color-scheme: dark" in text
