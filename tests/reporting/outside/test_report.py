"""Predictions from elsewhere beside the published rows, in words."""

import pytest

from sedrepro.experiments.configuration import load_config
from sedrepro.experiments.papers import load_paper
from sedrepro.published.needs import table_cells
from sedrepro.reporting.outside.report import Beside, Column, _to_best


@pytest.mark.parametrize(
    ("metric", "change", "shown"),
    [
        ("event_error_rate", 0.25, "+0.25 worse"),
        ("event_error_rate", -0.25, "-0.25 better"),
        ("event_error_rate", 0, "0.00 equal"),
        ("event_f1", 0.25, "better"),
        ("event_f1", -0.25, "worse"),
    ],
)
def test_the_distance_to_the_best_says_which_way_is_better(metric, change, shown):
    paper = load_paper("c_ssed", load_config("miniature"))
    cells = [cell for cell in table_cells(paper, "table2") if cell.metric == metric]
    best = (min if metric == "event_error_rate" else max)(float(cell.published) for cell in cells)
    published = {(str(place),): cell for place, cell in enumerate(cells)}
    scale = 100 if cells[0].unit == "percent" else 1
    column = Column(("x",), cells[0], best + scale * change, None, published)
    table = Beside("table2", paper.settings.tables["table2"], cells, [column])
    assert shown in _to_best((table, column))
