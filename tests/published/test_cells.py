import pytest
from examples import HEADER, ROWS, published

from sedrepro.base.errors import DataError
from sedrepro.published.cells import Cell, read_cells, read_text_cells, runs_needed


def test_position_says_what_a_column_is(cells):
    assert cells[0] == Cell({"model": "GAP"}, "gap", "remix_10db", {"snr_db": "10"}, "micro_ap", "0.7000")
    assert cells[2].note == "none printed"


def test_runs_needed_once_each_in_order(cells):
    assert runs_needed([*cells, *cells]) == [
        ("gap", "remix_10db"), ("gap", "remix_0db"), ("gmp", "remix_10db"), ("gmp", "remix_0db"),
    ]  # fmt: skip


def test_a_print_that_is_not_at_hand_has_no_value_but_is_marked(tmp_path):
    missing, absent = read_cells(published(tmp_path, "GAP,gap,remix_0db,0,micro_ap,?,", ROWS[2]))
    assert (missing.published, missing.at_hand) == (absent.published, False) == ("", False)
    assert absent.at_hand
    (text,) = read_text_cells(published(tmp_path, "Mean,,,weight,?,", header=TEXTS))
    assert (text.published, text.at_hand) == ("", False)


SEEDS = HEADER.replace("snr_db", "seed")
CHANGES = HEADER.replace("note", "relative_to,unit,note")


def test_a_row_without_system_and_variant_is_quoted(tmp_path):
    quoted, own = read_cells(published(tmp_path, "First [14],,,0,micro_ap,0.7,", ROWS[0]))
    assert (quoted.quoted, own.quoted) == (True, False)
    assert runs_needed([quoted, own]) == [("gap", "remix_10db")]


def test_a_change_names_its_reference_unless_it_is_quoted(tmp_path):
    rows = ["GAP,gap,remix_0db,0,segment_f1_change,-7.5,gmp,percent,", "X,,,0,segment_f1_change,7,,percent,"]
    own, quoted = read_cells(published(tmp_path, *rows, header=CHANGES))
    assert (own.relative_to, quoted.relative_to) == ("gmp", "")
    assert runs_needed([own, quoted]) == [("gap", "remix_0db"), ("gmp", "remix_0db")]


def test_a_change_may_start_from_another_variant(tmp_path):
    rows = [
        "GAP,gap,remix_0db,0,event_f1_change,-7.5,gmp@remix_10db,percent,",
        "GAP,gap,remix_10db,0,event_error_rate_change,3,gap@remix_0db,percent,",  # its own system on other data
        "GAP,gap,remix_20db,0,event_f1_change,3,gmp,percent,",
    ]
    cells = read_cells(published(tmp_path, *rows, header=CHANGES))
    assert [one.reference for one in cells] == [("gmp", "remix_10db"), ("gap", "remix_0db"), ("gmp", "remix_20db")]
    assert runs_needed(cells) == [
        ("gap", "remix_0db"), ("gmp", "remix_10db"),
        ("gap", "remix_10db"),
        ("gap", "remix_20db"), ("gmp", "remix_20db"),
    ]  # fmt: skip


TEXTS = "pooling,system,variant,metric,published,note"


def test_texts_may_say_anything_and_need_no_system(tmp_path):
    first, second = read_text_cells(
        published(
            tmp_path, '"Max, or top",,,definition,"y = max(x, z)",', "Mean,gap,,weight,,none printed", header=TEXTS
        )
    )
    assert first == Cell({"pooling": "Max, or top"}, "", "", {}, "definition", "y = max(x, z)")
    assert (second.system, second.published, second.note) == ("gap", "", "none printed")


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        (TEXTS, "Max,,,,y,", "row 2: 'metric' is empty"),
        (TEXTS.replace("note", "unit,note"), "Max,,,weight,y,percent,", "row 2: 'unit' is of no use"),
        (TEXTS.replace("note", "suspect,note"), "Max,,,weight,y,why,", "row 2: 'suspect' is of no use"),
        (TEXTS, "Max,,,weight", "row 2"),
        (TEXTS.replace("metric", "metrik"), "Max,,,weight,y,", "column 'metric' is missing"),
    ],
)
def test_a_wrong_table_of_texts_names_file_and_place(tmp_path, header, row, message):
    with pytest.raises(DataError, match=rf"table9\.csv.*{message}"):
        read_text_cells(published(tmp_path, row, header=header))


@pytest.mark.parametrize(
    ("header", "row", "message"),
    [
        (HEADER.replace(",metric", ""), "GAP,gap,remix_0db,0,0.7,", "column 'metric' is missing"),
        (HEADER, "GAP,gap,remix_0db,0,micro_ap,0.7?,", r"row 2: published value '0\.7\?' is not a number"),
        (HEADER, "GAP,gap,remix_0db,0,micro_ap,nan,", "row 2: published value 'nan'"),
        (HEADER, "GAP,gap,remix_0db,0,micro_app,0.7,", "row 2: unknown metric 'micro_app'; did you mean 'micro_ap'"),
        (HEADER, "GAP,,remix_0db,0,micro_ap,0.7,", "row 2: 'system' is empty; only a quoted system"),
        (HEADER, "GAP,gap,,0,micro_ap,0.7,", "row 2: 'variant' is empty; only a quoted system"),
        (HEADER, "GAP,gap,remix_0db,0,,0.7,", "row 2: unknown metric ''"),
        (HEADER, "GAP,gap,remix_0db,0,micro_ap,0.7,,surplus", "row 2"),
        (HEADER, "GAP,gap,remix_0db", "row 2"),
        ("model,variant,system,metric,published,note", "GAP,v,s,micro_ap,0.7,", "columns must be"),
        ("system,variant,metric,published,note", "s,v,micro_ap,0.7,", "columns must be"),
        (f"{HEADER},suspekt", "GAP,gap,remix_0db,0,micro_ap,0.7,,", "did you mean 'suspect'"),
        ("mean,system,variant,metric,published,note", "GAP,s,v,micro_ap,0.7,", "cannot be called 'mean'"),
        ("unit,system,variant,metric,published,note", "GAP,s,v,micro_ap,0.7,", "cannot be called 'unit'"),
        (SEEDS, "GAP,gap,remix_0db,one,micro_ap,0.7,", "row 2: seed 'one' is not a whole number"),
        (SEEDS, "GAP,gap,remix_0db,-1,micro_ap,0.7,", "row 2: seed '-1' is not a whole number"),
        (CHANGES, "GAP,gap,remix_0db,0,segment_f1_change,7,,percent,", "row 2: .* name the system .* in 'relative_to'"),
        (CHANGES, "GAP,gap,remix_0db,0,segment_f1_change,7,gmp,,", "row 2: .* unit must be 'percent'"),
        (CHANGES, "GAP,gap,remix_0db,0,segment_f1,7,gmp,percent,", "row 2: 'relative_to' is only for relative changes"),
        (CHANGES, "GAP,,,0,segment_f1_change,7,gmp,percent,", "row 2: 'relative_to' is only for relative changes"),
        (CHANGES, "GAP,gap,remix_0db,0,segment_f1_change,7,gap,percent,", "row 2: .* the cell's own system"),
        (CHANGES, "GAP,gap,remix_0db,0,event_f1_change,7,gap@remix_0db,percent,", "row 2: .* the cell's own system"),
        (CHANGES, "GAP,gap,remix_0db,0,event_f1_change,7,@remix_9db,percent,", "row 2: .*'@remix_9db' names no system"),
        (CHANGES, "GAP,gap,remix_0db,0,event_f1_change,7,gmp@remix_9db,,", "row 2: .* unit must be 'percent'"),
        (CHANGES, "GAP,gap,remix_0db,0,event_error_rate_change,7,,percent,", "row 2: .* name the system"),
        (CHANGES, "GAP,gap,remix_0db,0,event_f1,7,gmp@remix_9db,percent,", "row 2: 'relative_to' is only for relative"),
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
