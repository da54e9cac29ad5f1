"""The table of the sweep: means over runs, counts of who is best, and what is marked."""

import csv
import math
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sedrepro.base.errors import DataError
from sedrepro.evaluation.sweep import METRICS, WAYS
from sedrepro.experiments.configuration import Config, make_config
from sedrepro.experiments.places import sweep_part
from sedrepro.reporting.sweep.averages import averaged, compared
from sedrepro.reporting.sweep.parts import PART_COLUMNS
from sedrepro.reporting.sweep.table import write_sweep_table

PAPERS = ("c_ssed", "hierarchical_pooling")
ALL = tuple(WAYS)
REASON = "the windows follow the durations of strong labels, and no training clip has any"


def configured(folder: Path) -> Config:
    given = {"scale": "miniature", "folds": [1], "seeds": [1], "papers": list(PAPERS)}
    return make_config(given | {"work_dir": folder / "data", "results_dir": folder / "results"}, "test")


def rows_of(values, system="linear", paper=PAPERS[0], seed=1, metric="event_f1") -> list[tuple]:
    """Rows of a part of one run: a value for every way, None where it could not be tried."""
    place = (paper, system, "dcase2019", 0, seed, "validation")
    return [
        (*place, way, metric, math.nan if value is None else value, REASON if value is None else "")
        for way, value in zip(WAYS, values, strict=True)
    ]


def frame(rows) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(PART_COLUMNS))


def write_part(config: Config, paper: str, rows) -> None:
    path = sweep_part(config, paper)
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(PART_COLUMNS)
        writer.writerows([*row[:8], "" if math.isnan(row[8]) else row[8], row[9]] for row in rows)


def all_metrics(values, **about) -> list[tuple]:
    return [row for metric in METRICS for row in rows_of(values, metric=metric, **about)]


def written(folder: Path) -> dict[str, str]:
    """Two papers: runs of two seeds, and one in which two ways cannot be tried."""
    config = configured(folder)
    first = all_metrics([0.2, 0.4, 0.4, 0.1]) + all_metrics([0.4, 0.4, 0.4, 0.3], seed=2)
    write_part(config, PAPERS[0], first + all_metrics([0.5, 0.5, 0.5, 0.5], system="constant"))
    write_part(config, PAPERS[1], all_metrics([0.3, None, None, 0.2], paper=PAPERS[1]))
    stem = write_sweep_table(config).with_suffix("")
    return {suffix: Path(f"{stem}.{suffix}").read_text() for suffix in ("csv", "md", "html")}


# --- numbers


def test_values_of_runs_become_mean_and_sample_deviation():
    table = averaged(frame(rows_of([0.2, 0.4, None, 0.1]) + rows_of([0.4, 0.4, None, 0.3], seed=2)))
    found = table.set_index("method")
    assert found["mean"].tolist() == pytest.approx([0.3, 0.4, math.nan, 0.2], nan_ok=True)
    assert found["sd"].tolist() == pytest.approx([math.sqrt(0.02), 0, math.nan, math.sqrt(0.02)], nan_ok=True)
    assert found["runs"].tolist() == [2, 2, 0, 2]
    assert found["note"].tolist() == ["", "", REASON, ""]


def test_the_csv_is_tidy(tmp_path):
    text = written(tmp_path)["csv"]
    rows = list(csv.DictReader(text.splitlines()))
    assert list(rows[0]) == ["paper", "system", "variant", "split", "method", "metric", "mean", "sd", "runs", "note"]
    assert len(rows) == 3 * len(WAYS) * len(METRICS)
    unavailable = [row for row in rows if row["note"]]
    assert {row["method"] for row in unavailable} == {"class_average", "event_specific"}
    assert all(row["mean"] == "" and row["runs"] == "0" for row in unavailable)


def test_ways_are_counted_where_not_all_are_equal():
    runs = [[0.1, 0.2, 0.3, 0.4], [0.1, 0.4, 0.4, 0.2], [0, 0, 0, 0]]
    rows = [row for seed, values in enumerate(runs) for row in rows_of(values, seed=seed)]
    found = compared(frame(rows))[ALL].set_index("method")
    assert found["comparisons"].tolist() == [3] * 4 and found["equal"].tolist() == [1] * 4
    assert found["alone_best"].tolist() == [0, 0, 0, 1]
    assert found["mean_rank"].tolist() == [4, 2.25, 1.75, 2]


def test_the_lowest_error_rate_is_the_best():
    found = compared(frame(rows_of([0.9, 1.5, 1.2, 3.0], metric="event_error_rate")))[ALL]
    assert found["alone_best"].tolist() == [1, 0, 0, 0] and found["mean_rank"].tolist() == [1, 3, 2, 4]


def test_ways_are_compared_with_those_that_could_be_tried_there():
    rows = rows_of([0.3, None, None, 0.2]) + rows_of([0.1, 0.2, 0.3, 0.4], seed=2)
    rows += rows_of([0.3, None, None, None], seed=3)  # nothing to compare with
    found = compared(frame(rows))
    assert list(found) == [ALL, ("fixed_window", "hysteresis")]
    assert [table["comparisons"].unique().tolist() for table in found.values()] == [[1], [1]]
    assert found["fixed_window", "hysteresis"]["alone_best"].tolist() == [1, 0]


def test_without_any_value_there_is_nothing_to_compare():
    assert compared(frame(rows_of([None] * 4))) == {}


@given(st.lists(st.lists(st.sampled_from([0, 0.25, 0.5, 1]), min_size=4, max_size=4), min_size=1, max_size=8))
def test_ranks_share_their_sum_and_at_most_one_way_is_alone_best(runs):
    rows = [row for seed, values in enumerate(runs) for row in rows_of(values, seed=seed)]
    found = compared(frame(rows))[ALL]
    unequal = sum(len(set(values)) > 1 for values in runs)
    assert (found["comparisons"] - found["equal"]).tolist() == [unequal] * 4
    assert found["alone_best"].sum() == sum(values.count(max(values)) == 1 for values in runs)
    assert unequal == 0 or np.isclose(found["mean_rank"].sum(), 10)


# --- the page


def test_the_best_as_printed_is_bold_unless_all_are_equal(tmp_path):
    texts = written(tmp_path)
    cells = {line.split(" | ")[0].strip("| `"): line.split(" | ") for line in texts["md"].splitlines()}
    assert cells["linear"][3:7] != cells["constant"][3:7]
    assert not any("**" in cell for cell in cells["constant"])
    best = re.findall(r"<strong>([\d.]+)</strong>", texts["html"])
    assert best == ["0.400", "0.400", "0.200", "0.400", "0.400", "0.300", "0.200", "0.300"]
    assert re.findall(r"\*\*([\d.]+)\*\*", texts["md"]) == best


def test_who_is_best_is_told_by_paper_and_by_what_could_be_tried(tmp_path):
    lines = written(tmp_path)["md"].splitlines()
    # Seeds 1 and 2 differ between ways, the constant system does not; of the error rate the lowest is best.
    assert "| `c_ssed` | `fixed window` | 0 of 2 | 2.50 | 0 of 2 | 2.50 | 0 of 2 | 2.50 |" in lines
    assert "| `c_ssed` | `hysteresis` | 0 of 2 | 4.00 | 2 of 2 | 1.00 | 0 of 2 | 4.00 |" in lines
    assert "| `hierarchical_pooling` | `fixed window` | 1 of 1 | 1.00 | 0 of 1 | 2.00 | 1 of 1 | 1.00 |" in lines
    assert (
        "**Where only fixed window and hysteresis could be tried: who is best, run by run and split by split**" in lines
    )
    assert not any(line.startswith("| `all` ") for line in lines)  # each group of ways is of one paper


def test_what_could_not_be_tried_is_told_below(tmp_path):
    texts = written(tmp_path)
    assert texts["md"].count("–<sup>1</sup>") == texts["html"].count("–<sup>1</sup>") == 2 * len(METRICS)
    assert f"<sup>1</sup> {REASON}." in texts["md"] and f"<sup>1</sup> {REASON}." in texts["html"]


@pytest.mark.parametrize("kind", ["md", "html"])
def test_scale_ways_metrics_and_caveat_are_told(tmp_path, kind):
    text = written(tmp_path)[kind]
    for words in ("not a reproduction", "goes beyond the papers", "200 ms", "segments of 1 s", "counts, not a test"):
        assert words in text
    for way in WAYS.values():
        assert way.described in text


def test_equal_parts_give_equal_bytes(tmp_path):
    assert written(tmp_path / "a") == written(tmp_path / "b")


def test_papers_without_runs_leave_a_table_of_the_others(tmp_path):
    config = configured(tmp_path)
    write_part(config, PAPERS[0], [])
    write_part(config, PAPERS[1], all_metrics([0.3, None, None, 0.2], paper=PAPERS[1]))
    assert len(pd.read_csv(write_sweep_table(config))) == len(WAYS) * len(METRICS)
    write_part(config, PAPERS[1], [])
    assert pd.read_csv(write_sweep_table(config)).empty


# --- refused


def test_a_missing_part_is_named(tmp_path):
    config = configured(tmp_path)
    write_part(config, PAPERS[0], all_metrics([0.3, 0.2, 0.1, 0.2]))
    with pytest.raises(
        DataError, match=rf"{PAPERS[1]}/post_processing.csv: no such file; run sweep --paper {PAPERS[1]}"
    ):
        write_sweep_table(config)


def test_a_value_that_is_no_number_is_refused(tmp_path):
    config = configured(tmp_path)
    for paper in PAPERS:
        write_part(config, paper, all_metrics([0.3, 0.2, 0.1, 0.2], paper=paper))
    path = sweep_part(config, PAPERS[1])
    path.write_text(path.read_text().replace("0.3", "many"))
    with pytest.raises(DataError, match=r"could not convert string to float: 'many'; run sweep"):
        write_sweep_table(config)
