import pytest
from examples import HEADER, ROWS, published

from sedrepro.errors import DataError
from sedrepro.reporting.cells import Cell, read_cells, runs_needed


def test_position_says_what_a_column_is(cells):
    assert cells[0] == Cell({"model": "GAP"}, "gap", "remix_10db", {"snr_db": "10"}, "micro_ap", "0.7000")
    assert cells[2].note == "none printed"


def test_runs_needed_once_each_in_order(cells):
    assert runs_needed([*cells, *cells]) == [
        ("gap", "remix_10db"), ("gap", "remix_0db"), ("gmp", "remix_10db"), ("gmp", "remix_0db"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        (HEADER.replace(",metric", ""), "GAP,gap,remix_0db,0,0.7,", "column 'metric' is missing"),
        (HEADER, "GAP,gap,remix_0db,0,micro_ap,0.7?,", r"row 2: published value '0\.7\?' is not a number"),
        (HEADER, "GAP,gap,remix_0db,0,micro_ap,nan,", "row 2: published value 'nan'"),
        (HEADER, "GAP,gap,remix_0db,0,micro_app,0.7,", "row 2: unknown metric 'micro_app'; did you mean 'micro_ap'"),
        (HEADER, "GAP,,remix_0db,0,micro_ap,0.7,", "row 2: 'system' is empty"),
        (HEADER, "GAP,gap,remix_0db,0,micro_ap,0.7,,surplus", "row 2"),
        (HEADER, "GAP,gap,remix_0db", "row 2"),
        ("model,variant,system,metric,published,note", "GAP,v,s,micro_ap,0.7,", "columns must be"),
        ("system,variant,metric,published,note", "s,v,micro_ap,0.7,", "columns must be"),
        (f"{HEADER},suspekt", "GAP,gap,remix_0db,0,micro_ap,0.7,,", "did you mean 'suspect'"),
        ("mean,system,variant,metric,published,note", "GAP,s,v,micro_ap,0.7,", "cannot be called 'mean'"),
        (HEADER.replace("note", "unit,note"), "GAP,gap,remix_0db,0,micro_ap,0.7,%,", "row 2: unknown unit '%'"),
    ],
)
def test_a_wrong_table_names_file_and_place(tmp_path, header, row, message):
    with pytest.raises(DataError, match=rf"table9\.csv.*{message}"):
        read_cells(published(tmp_path, row, header=header))


def test_a_duplicate_names_both_rows(tmp_path):
    with pytest.raises(DataError, match="row 5 is the same cell as row 2"):
        read_cells(published(tmp_path, *ROWS[:3], ROWS[0].replace("0.7000", "0.8")))


def test_a_table_without_cells_is_an_error(tmp_path):
    with pytest.raises(DataError, match="holds no cells"):
        read_cells(published(tmp_path))
