import pytest

from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import load_paper, paper_names
from sedrepro.published.added_rows import ADDED, added_cells, column_of, columns_for_new_rows, row_labels
from sedrepro.published.cells import Cell
from sedrepro.reporting.paper_tables import table_cells


def cell(model, metric="event_f1", split="validation", variant="one", system="s", published="1", **factors):
    return Cell(
        {"id": "1", "model": model}, system, variant, {"split": split} | factors, metric, published, unit="percent"
    )


ROWS, COLUMNS = ["id", "model"], ["split", "metric"]


def test_a_new_row_asks_what_the_published_rows_of_a_column_ask():
    cells = [
        cell("first"),
        cell("second", variant="two"),
        cell("third", variant="two"),
        cell("third", "event_error_rate"),
    ]
    added = added_cells(cells, ROWS, COLUMNS, {"mine": "My system"})
    assert [(one.metric, one.variant, one.system) for one in added] == [
        ("event_f1", "two", "mine"),
        ("event_error_rate", "one", "mine"),
    ]
    assert {one.published for one in added} == {""}
    assert {one.note for one in added} == {ADDED}
    assert added[0].labels == {"id": "", "model": "My system"}


def test_columns_in_which_rows_ask_different_things_get_no_cell():
    by_class = [cell("a", event_class="Cat"), cell("b", event_class="Dog")]
    assert columns_for_new_rows(by_class, ROWS, COLUMNS) == {}
    assert columns_for_new_rows([cell("a"), cell("b", "tagging_f1")], ROWS, ["split"]) == {}
    assert columns_for_new_rows([cell("a", seed="1")], ROWS, COLUMNS) == {}
    assert columns_for_new_rows([cell("a", "event_f1_change")], ROWS, COLUMNS) == {}
    assert columns_for_new_rows([cell("a", system="", variant="")], ROWS, COLUMNS) == {}


def test_rows_that_are_laid_out_by_factors_are_no_systems():
    assert columns_for_new_rows([cell("a")], ["model", "split"], ["metric"]) == {}


def test_the_name_stands_where_published_labels_are_longest():
    assert row_labels([cell("Baseline (attention)")], ROWS, "mine") == {"id": "", "model": "mine"}
    assert column_of(cell("a"), COLUMNS) == ("validation", "event_f1")


@pytest.mark.parametrize("name", paper_names())
def test_every_paper_has_a_table_that_takes_new_rows(name):
    paper = load_paper(name, Config(scale="full", folds=[1], seeds=[1]))
    layouts = {key: layout for key, layout in paper.settings.tables.items() if layout.kind == "numbers"}
    assert any(columns_for_new_rows(table_cells(paper, key), one.rows, one.columns) for key, one in layouts.items())
