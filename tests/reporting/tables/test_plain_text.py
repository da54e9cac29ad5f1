import re

import pytest
from examples import LAYOUT, class_cell, published, run

from sedrepro.experiments.table_layout import TableLayout
from sedrepro.published.cells import read_cells
from sedrepro.reporting.tables.numbers import fill
from sedrepro.reporting.tables.plain_text import summary


def wide(columns):
    names = [f"Class {i}" for i in range(columns)]
    cells = [class_cell(name) for name in names]
    runs = [run(classes=names, class_metrics={"average_precision": dict.fromkeys(names, 0.5)})]
    return fill(cells, runs, "full"), TableLayout(title="Wide", rows=["model"], columns=["event_class"])


@pytest.mark.parametrize("width", [40, 80, 200])
def test_summary_shows_every_column_within_the_width(width):
    text = summary(*wide(41), width)
    body = text.split("ours/published")[0]
    assert [f"Class {i}" for i in range(41)] == re.findall(r"Class \d+", body)
    assert max(map(len, body.splitlines()[1:])) <= width


def test_summary_keeps_a_group_of_columns_together(tmp_path):
    rows = [f"GAP,gap,remix_{snr}db,{snr},{metric},0.7000," for snr in (20, 10) for metric in ("micro_ap", "event_f1")]
    cells = read_cells(published(tmp_path, *rows))
    text = summary(fill(cells, [], "full"), LAYOUT, 36)
    blocks = text.split("\n\n")[1:3]
    assert ["SNR 20 dB" in blocks[0], "SNR 10 dB" in blocks[1]] == [True, True]
    assert all("micro-p" in block and "event_f1" in block for block in blocks)


def test_summary_of_a_window_too_narrow_for_one_column_still_shows_all():
    assert re.findall(r"Class \d+", summary(*wide(3), 5)) == ["Class 0", "Class 1", "Class 2"]
