import pytest
from examples import ROWS, published, run

from sedrepro.published.cells import read_cells
from sedrepro.reporting.tables.numbers import fill


@pytest.fixture
def cells(tmp_path):
    return read_cells(published(tmp_path, *ROWS))


@pytest.fixture
def table(cells):
    runs = [
        run(value, system, variant, fold)
        for system, variant, values in [
            ("gap", "remix_10db", (0.70, 0.72)),
            ("gap", "remix_0db", (0.50, 0.52)),
            ("gmp", "remix_10db", (0.60, 0.62)),
            ("gmp", "remix_0db", (0.52, 0.53)),
        ]
        for fold, value in enumerate(values, start=1)
    ]
    return fill(cells, runs, "full")
