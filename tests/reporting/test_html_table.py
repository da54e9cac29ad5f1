import re

from examples import LAYOUT, cell, page, run, texts

from sedrepro.reporting.html_table import to_html
from sedrepro.reporting.tables import fill


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
        "0.7100 ± 0.0141● 0.7000",
        "0.5100 ± 0.0141○ 0.6000",
        "0.6100 ± 0.0141a–",
        "0.5250 ± 0.0071◐ 0.5000",
    ]


def test_the_legend_says_what_close_means_even_without_a_reproduced_cell():
    text = texts(page(fill([cell()], [run(0.72), run(0.72, fold=2)], "full")), "figcaption")[0]
    assert "● reproduced (difference, as a fraction, within 0.01 in micro-p), ◐ close (within 3 times that)" in text


def test_html_rows_have_equal_numbers_of_cells(table):
    rows = page(table).findall(".//tbody/tr")
    assert {len(list(row)) for row in rows} == {3}


def test_html_needs_nothing_from_outside(table):
    text = to_html(table, LAYOUT)
    assert not re.search(r"https?:|@import|url\(|<script|<link", text)
    assert "prefers-color-scheme: dark" in text
