import math

import numpy as np
import pandas as pd
import pytest
from examples import LAYOUT, cell, class_cell, run, split
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t

from sedrepro.annotations.clips import Coverage
from sedrepro.base.errors import DataError, SettingsError
from sedrepro.reporting.tables.files import write
from sedrepro.reporting.tables.html import to_html
from sedrepro.reporting.tables.markdown import to_markdown
from sedrepro.reporting.tables.numbers import fill
from sedrepro.reporting.tables.plain_text import summary
from sedrepro.reporting.tables.tidy import FilledTable


def only_row(table):
    assert len(table.rows) == 1
    return table.rows.iloc[0]


def assert_interval(row, values):
    """Symmetric, as wide as Student's t says, and none from one run."""
    if len(values) == 1:
        assert math.isnan(row["low"]) and math.isnan(row["high"])
        return
    half = t.ppf(0.975, len(values) - 1) * np.std(values, ddof=1) / math.sqrt(len(values))
    ends = (np.mean(values) - half, np.mean(values) + half)
    assert (row["low"], row["high"]) == pytest.approx(ends, abs=1e-9)


@given(
    values=st.lists(st.floats(0, 1), min_size=1, max_size=12),
    order=st.randoms(use_true_random=False),
)
def test_mean_and_deviation_are_those_of_numpy_in_any_order(values, order):
    runs = [run(value, fold=i % 4 + 1, seed=i // 4) for i, value in enumerate(values)]
    shuffled = order.sample(runs, len(runs))
    row, again = (only_row(fill([cell()], some, "full")) for some in (runs, shuffled))
    assert row["mean"] == pytest.approx(np.mean(values), abs=1e-12)
    if len(values) == 1:
        assert math.isnan(row["sd"])
    else:
        assert row["sd"] == pytest.approx(np.std(values, ddof=1), abs=1e-12)
    assert row["runs"] == len(values)
    assert_interval(row, values)
    assert row["difference"] == pytest.approx(np.mean(values) - 0.7, abs=1e-9)
    assert row.equals(again)


def test_one_row_per_cell_in_the_order_and_columns_of_the_paper(table, cells):
    assert list(table.rows.columns) == [
        "model", "system", "variant", "snr_db", "metric", "unit", "mean", "sd", "low", "high", "runs", "published",
        "difference", "verdict", "note", "data",
    ]  # fmt: skip
    assert list(zip(table.rows["model"], table.rows["snr_db"], strict=True)) == [
        (c.labels["model"], c.factors["snr_db"]) for c in cells
    ]
    assert list(table.rows["verdict"]) == ["reproduced", "differs", "no published value", "close"]
    assert math.isnan(table.rows["difference"][2])


def test_runs_of_other_systems_are_ignored():
    table = fill([cell()], [run(0.7), run(0.1, system="other", scale="miniature")], "full")
    assert only_row(table)["mean"] == 0.7


def test_missing_runs_leave_an_empty_cell_with_a_note():
    row = only_row(fill([cell()], [run(variant="remix_10db")], "full"))
    assert math.isnan(row["mean"]) and math.isnan(row["difference"])
    assert (row["runs"], row["verdict"], row["note"]) == (0, "not comparable", "no run of gap on remix_0db")


def test_a_class_outside_the_corpus_leaves_an_empty_cell_that_names_it():
    table = fill([class_cell("Bus"), class_cell("Meow")], [run(scale="miniature")], "miniature")
    assert list(table.rows["runs"]) == [1, 0]
    assert table.rows["note"][1] == "class Meow is not in the corpus"


@pytest.mark.parametrize("gong", [{"Gong": None}, {}])
def test_undefined_folds_are_left_out_and_told(gong):
    undefined = run(fold=2, class_metrics={"average_precision": {"Bus": 0.5} | gong})
    row = only_row(fill([class_cell("Gong")], [run(0.6), undefined, run(0.8, fold=3)], "full"))
    assert (row["mean"], row["runs"]) == (pytest.approx(0.7), 2)
    assert row["note"] == "undefined in 1 of 3 runs; verdict from 2 runs"


def test_undefined_everywhere_is_empty():
    row = only_row(fill([cell()], [run(None)], "full"))
    assert math.isnan(row["mean"])
    assert (row["runs"], row["note"]) == (0, "undefined in every run")


def test_clips_that_lack_in_the_cells_own_set_are_told():
    splits = {"testing": split(0.5, clips_expected=20), "evaluation": split(0.5, clips_expected=23)}
    cells = [cell(value="0.5", factors={"split": name}) for name in splits]
    table = fill(cells, [run(splits=splits)], "full")
    assert "its set" not in table.rows["note"][0]
    assert "scored on 20 of 23 clips of its set" in table.rows["note"][1]


def test_fewer_clips_than_expected_are_told():
    assert only_row(fill([cell()], [run(clips=75, scale="miniature")], "miniature"))["note"] == "on 75 of 80 clips"
    runs = [run(clips=75), run(fold=2), run(fold=3)]
    assert only_row(fill([cell()], runs, "full"))["note"] == "on 75 of 80 clips in 1 of 3 runs"


def test_a_verdict_from_one_run_is_told_only_where_something_is_compared():
    assert only_row(fill([cell()], [run()], "full"))["note"] == "verdict from a single run"
    assert only_row(fill([cell()], [run(scale="miniature")], "miniature"))["note"] == ""


def test_a_suspect_number_says_why():
    runs = [run(fold=fold) for fold in (1, 2, 3)]
    row = only_row(fill([cell(value="0.3", suspect="the text says 0.7")], runs, "full"))
    assert (row["verdict"], row["note"]) == ("suspect misprint", "the text says 0.7")
    assert row["suspect"] == "the text says 0.7"


def test_runs_that_cannot_be_told_from_the_print_are_close_and_say_so():
    runs = [run(value, fold=fold) for fold, value in enumerate((0.6, 0.8, 1.0))]
    row = only_row(fill([cell(value="0.70")], runs, "full"))
    assert row["low"] < 0.7 < row["high"]
    assert row["verdict"] == "close" and "one more run" in row["note"]
    assert only_row(fill([cell(value="0.70")], runs[1:], "full"))["verdict"] == "differs"


def test_a_count_that_is_the_same_in_every_run_has_no_interval():
    row = only_row(fill([cell("parameters", "1000")], [run(fold=f, parameters=1000) for f in (1, 2, 3)], "full"))
    assert (row["mean"], row["verdict"]) == (1000, "reproduced")
    assert math.isnan(row["low"]) and math.isnan(row["high"])


def test_percent_columns_compare_in_percent():
    percent = cell("event_f1", "34.0", unit="percent")
    row = only_row(fill([percent], [run(0.32), run(0.34, fold=2)], "full"))
    assert (row["mean"], row["sd"]) == (pytest.approx(33), pytest.approx(math.sqrt(2)))
    assert (row["low"], row["high"]) == pytest.approx((33 - 12.7062, 33 + 12.7062), abs=1e-4)
    assert (row["difference"], row["verdict"]) == (pytest.approx(-1), "reproduced")


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"fold": 1}, "is given twice"),
        ({"scale": "miniature"}, "scale 'miniature' in a table at scale 'full'"),
        ({"paper": "other_paper"}, "runs of paper 'some_paper'"),
        ({"classes": ["Bus"], "class_metrics": {}}, "classes differ"),
        ({"metrics": {"micro_a": 1.0}}, "no metric 'micro_ap'.*did you mean 'micro_a'"),
    ],
)
def test_contradicting_runs_are_an_error(other, message):
    with pytest.raises(DataError, match=message):
        fill([cell()], [run(), run(**({"fold": 2} | other))], "full")


def test_an_unknown_scale_is_an_error():
    with pytest.raises(SettingsError, match="did you mean 'miniature'"):
        fill([cell()], [], "minature")


def test_files_are_equal_for_equal_tables_and_the_csv_comes_back(table, tmp_path):
    write(table, LAYOUT, tmp_path / "tables" / "table9")
    write(FilledTable(table.rows.copy(), table.scale), LAYOUT, tmp_path / "again" / "table9")
    assert sorted(p.name for p in (tmp_path / "tables").iterdir()) == [
        f"table9.{suffix}" for suffix in ("csv", "html", "md", "tex")
    ]
    for path in (tmp_path / "tables").iterdir():
        assert path.read_bytes() == (tmp_path / "again" / path.name).read_bytes()
    text = dict.fromkeys(["snr_db", "published", "note", "data"], str)
    back = pd.read_csv(
        tmp_path / "tables" / "table9.csv",
        dtype=text,
        keep_default_na=False,
        na_values={name: [""] for name in ("mean", "sd", "low", "high", "difference")},
    )
    pd.testing.assert_frame_equal(back, table.rows, rtol=1e-5)
    assert "0.0141421," in (tmp_path / "tables" / "table9.csv").read_text()


def test_the_table_says_on_which_data_its_runs_stand():
    half = {"some_set": Coverage(expected=90, usable=45, fingerprint="abcdef0123")}
    runs = [run(), run(system="gmp", data=half), run(system="other", data={})]
    table = fill([cell(), cell(system="gmp", label="GMP")], runs, "full")
    told = "Data: some_set 45 of 90 clips (fingerprint abcdef01), some_set 80 of 90 clips (fingerprint ffffffff)."
    for text in (to_markdown(table, LAYOUT), to_html(table, LAYOUT), summary(table, LAYOUT, 100)):
        assert told.replace("_", "") in " ".join(text.split()).replace("\\_", "_").replace("_", "")
