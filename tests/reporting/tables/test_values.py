"""Which value of which run a cell takes: splits, ways of detection, seeds, changes, spreads, quoted systems."""

import math
from itertools import product

import numpy as np
import pytest
from examples import cell, class_cell, detection, run, split
from hypothesis import given
from hypothesis import strategies as st

from sedrepro.base.errors import DataError
from sedrepro.experiments.metrics_files import Detection
from sedrepro.published.cells import runs_needed
from sedrepro.reporting.tables.numbers import fill
from sedrepro.reporting.tables.values import result


def row(one_cell, *runs, scale="full"):
    table = fill([one_cell], runs, scale)
    assert len(table.rows) == 1
    return table.rows.iloc[0]


def at(metric, value="", **factors):
    return cell(metric, value, factors=factors)


def two_splits(testing=0.6, evaluation=0.8):
    return run(splits={"testing": split(testing), "evaluation": split(evaluation)})


def detecting(system="gap", fold=1, seed=1, **metrics):
    """A run with one split and one way of detection."""
    return run(system=system, fold=fold, seed=seed, detections={"lowest": detection(**metrics)})


# --- splits, detections, seeds


@pytest.mark.parametrize(("name", "expected"), [("testing", 0.6), ("evaluation", 0.8)])
def test_a_cell_takes_the_split_that_it_names(name, expected):
    assert row(at("micro_ap", split=name), two_splits())["mean"] == expected


def test_a_cell_may_leave_the_only_split_and_the_only_detection_unnamed():
    only = detecting(segment_f1=0.4)
    for factors in ({}, {"split": "", "detection": ""}, {"split": "held_out", "detection": "lowest"}):
        assert row(at("segment_f1", **factors), only)["mean"] == 0.4


def test_of_several_splits_one_must_be_named():
    message = "gap.*more than one split; name one in the column 'split': testing, evaluation"
    with pytest.raises(DataError, match=message):
        row(at("micro_ap"), two_splits())


def test_of_several_detections_one_must_be_named_where_it_matters():
    both = run(detections={"lowest": detection(segment_f1=0.4), "highest": detection(segment_f1=0.5)})
    assert row(at("segment_f1", detection="highest"), both)["mean"] == 0.5
    assert row(at("micro_ap"), both)["mean"] == 0.7  # a metric of the split itself
    with pytest.raises(DataError, match="more than one detection; name one in the column 'detection': lowest, highest"):
        row(at("segment_f1"), both)


@pytest.mark.parametrize(
    ("factors", "message"),
    [
        ({"split": "tseting"}, "has no split 'tseting'; did you mean 'testing'"),
        ({"split": "testing", "detection": "x"}, "no metric 'segment_f1'"),  # there are no detections at all
    ],
)
def test_a_split_that_is_not_there_is_named(factors, message):
    with pytest.raises(DataError, match=message):
        row(at("segment_f1", **factors), two_splits())


def test_a_detection_that_is_not_there_is_named():
    with pytest.raises(DataError, match="has no detection 'lowst'; did you mean 'lowest'"):
        row(at("segment_f1", detection="lowst"), detecting(segment_f1=0.5))


def test_a_metric_that_is_nowhere_names_the_nearest_of_all_places():
    with pytest.raises(DataError, match=r"no metric 'segment_f1'.*did you mean 'segment_f2'"):
        row(at("segment_f1"), detecting(segment_f2=0.5))


def test_settings_of_a_detection_are_values_of_their_own():
    runs = [detecting(seed=1, threshold=0.3), detecting(seed=2, threshold=0.5)]
    found = row(at("threshold"), *runs)
    assert (found["mean"], found["runs"], found["verdict"]) == (pytest.approx(0.4), 2, "no published value")


def test_a_class_of_a_detection_is_found_too():
    of_class = Detection(settings={}, metrics={}, class_metrics={"segment_f1": {"Bus": 0.25}})
    one = run(detections={"lowest": of_class})
    assert row(cell("segment_f1", "", factors={"event_class": "Bus"}), one)["mean"] == 0.25
    assert row(class_cell("Bus"), one)["mean"] == 0.7
    with pytest.raises(DataError, match="no class-wise metric 'segment_recall'"):
        row(cell("segment_recall", factors={"event_class": "Bus"}), one)


def test_a_seed_restricts_a_cell_to_its_runs():
    runs = [run(seed / 10, fold=fold, seed=seed) for fold, seed in product((1, 2), (1, 2, 3))]
    found = row(at("micro_ap", "0.2", seed="2"), *runs)
    assert (found["mean"], found["runs"]) == (pytest.approx(0.2), 2)
    assert row(at("micro_ap", seed=""), *runs)["runs"] == 6


def test_a_seed_without_a_run_leaves_an_empty_cell():
    found = row(at("micro_ap", "0.2", seed="5"), run(seed=1))
    assert math.isnan(found["mean"])
    assert (found["verdict"], found["note"]) == ("not comparable", "no run of gap on remix_0db with seed 5")


# --- relative changes


@pytest.mark.parametrize(("metric", "sign"), [("event_f1_change", 1), ("event_error_rate_change", -1)])
def test_a_change_from_another_variant_pairs_runs_of_equal_fold_and_seed(metric, sign):
    base = metric.removesuffix("_change")
    made = [
        run(system=system, variant=variant, seed=seed, detections={"lowest": detection(**{base: value})})
        for system, variant, values in (
            ("gmp", "remix_0db", (0.3, 0.4, 0.9)),
            ("gap", "remix_20db", (0.2, 0.5)),
            ("gap", "remix_0db", (0.1, 0.1)),  # not asked for
        )
        for seed, value in enumerate(values)
    ]
    one = cell(
        metric, "10", system="gmp", unit="percent", relative_to="gap@remix_20db", factors={"detection": "lowest"}
    )
    found = row(one, *made)
    assert found["mean"] == pytest.approx(sign * 100 * np.mean([0.3 / 0.2 - 1, 0.4 / 0.5 - 1]), abs=1e-9)
    assert found["runs"] == 2
    assert row(one, *made[:3])["note"] == "no run of gap on remix_20db"
    assert row(one, *made[3:5])["note"] == "no run of gmp on remix_0db"
    other_fold = run(system="gap", variant="remix_20db", fold=7, detections=made[3].splits["held_out"].detections)
    assert math.isnan(row(one, *made[:3], other_fold)["mean"])


def change(metric="segment_error_rate_change", value="10", **other):
    return cell(metric, value, system="gmp", unit="percent", relative_to="gap", **other)


rates = st.floats(0.05, 2)


@given(pairs=st.lists(st.tuples(rates, rates), min_size=1, max_size=6), order=st.randoms(use_true_random=False))
def test_changes_are_paired_by_fold_and_seed_and_positive_for_the_better(pairs, order):
    runs = [
        detecting(system, fold=i % 2 + 1, seed=i // 2, segment_error_rate=value, segment_f1=value)
        for i, pair in enumerate(pairs)
        for system, value in zip(("gap", "gmp"), pair, strict=True)
    ]
    order.shuffle(runs)
    rising = [100 * (after / before - 1) for before, after in pairs]
    error_rate = row(change(), *runs)
    f1 = row(change("segment_f1_change"), *runs)
    for found, sign in ((error_rate, -1), (f1, 1)):
        assert found["mean"] == pytest.approx(sign * np.mean(rising), abs=1e-9)
        assert found["runs"] == len(pairs)
        if len(pairs) > 1:
            assert found["sd"] == pytest.approx(np.std(rising, ddof=1), abs=1e-9)
        else:
            assert math.isnan(found["sd"])


def test_the_runs_of_the_reference_are_needed_too():
    assert runs_needed([change()]) == [("gmp", "remix_0db"), ("gap", "remix_0db")]


def test_a_change_is_compared_in_percent():
    runs = [detecting("gap", segment_error_rate=0.8), detecting("gmp", segment_error_rate=0.72)]
    found = row(change(value="4.9"), *runs)
    assert (found["mean"], found["difference"]) == (pytest.approx(10), pytest.approx(5.1))
    assert found["verdict"] == "close"
    assert row(change(value="5.0"), *runs)["verdict"] == "reproduced"


def test_runs_without_a_partner_are_left_out_and_told():
    runs = [detecting("gap", segment_f1=0.5), *(detecting("gmp", seed=s, segment_f1=0.6) for s in (1, 2))]
    found = row(change("segment_f1_change"), *runs)
    assert (found["mean"], found["runs"]) == (pytest.approx(20), 1)
    assert "1 of 2 runs have no partner of gap" in found["note"]


@pytest.mark.parametrize(
    ("references", "note"),
    [([], "no run of gap on remix_0db"), ([2], "no run of gap with an equal fold and seed")],
)
def test_a_change_without_any_pair_is_empty(references, note):
    runs = [detecting("gmp", segment_f1=0.6), *(detecting("gap", seed=s, segment_f1=0.5) for s in references)]
    found = row(change("segment_f1_change"), *runs)
    assert math.isnan(found["mean"])
    assert (found["verdict"], found["note"]) == ("not comparable", note)


@pytest.mark.parametrize("before", [0.0, None])
def test_there_is_no_change_from_nothing(before):
    runs = [detecting("gap", segment_f1=before), detecting("gmp", segment_f1=0.6)]
    assert row(change("segment_f1_change"), *runs)["note"] == "undefined in every run"


def test_a_change_may_be_of_one_split_and_seed():
    def of(system, seed, value):
        parts = {name: split(detections={"d": detection(segment_f1=v)}) for name, v in value.items()}
        return run(system=system, seed=seed, splits=parts)

    runs = [
        of("gap", 1, {"testing": 0.5, "evaluation": 0.1}),
        of("gmp", 1, {"testing": 0.6, "evaluation": 0.9}),
        of("gap", 2, {"testing": 0.2, "evaluation": 0.2}),
        of("gmp", 2, {"testing": 0.4, "evaluation": 0.4}),
    ]
    found = row(change("segment_f1_change", factors={"split": "testing", "seed": "1"}), *runs)
    assert (found["mean"], found["runs"]) == (pytest.approx(20), 1)


# --- spreads


@given(values=st.lists(st.floats(0, 2), min_size=2, max_size=8))
def test_a_spread_is_the_sample_deviation_of_the_runs(values):
    runs = [detecting(seed=seed, segment_error_rate=value) for seed, value in enumerate(values)]
    found = row(at("segment_error_rate_sd"), *runs)
    assert found["mean"] == pytest.approx(np.std(values, ddof=1), abs=1e-12)
    assert math.isnan(found["sd"])
    assert found["runs"] == len(values)
    assert row(at("segment_error_rate"), *runs)["sd"] == pytest.approx(found["mean"], abs=1e-12)


@pytest.mark.parametrize(
    ("values", "notes"),
    [
        ([0.5], "a deviation needs two runs"),
        ([0.5, None], "undefined in 1 of 2 runs; a deviation needs two runs"),
        ([None], "undefined in every run"),
    ],
)
def test_one_run_has_no_spread(values, notes):
    runs = [detecting(seed=seed, segment_error_rate=value) for seed, value in enumerate(values)]
    found = row(at("segment_error_rate_sd", "0.03"), *runs)
    assert math.isnan(found["mean"])
    assert (found["runs"], found["verdict"], found["note"]) == (0, "not comparable", notes)


# --- quoted systems


@pytest.mark.parametrize("scale", ["miniature", "full"])
@pytest.mark.parametrize(("value", "verdict"), [("0.71", "not comparable"), ("", "no published value")])
def test_a_quoted_system_needs_no_run_and_gets_no_value(scale, value, verdict):
    quoted = cell("segment_error_rate", value, system="", variant="", note="an ensemble")
    assert runs_needed([quoted]) == []
    found = row(quoted, run(scale=scale), scale=scale)
    assert math.isnan(found["mean"]) and math.isnan(found["difference"])
    assert (found["runs"], found["verdict"], found["published"]) == (0, verdict, value)
    assert found["note"] == "an ensemble; quoted, not rebuilt"


def test_a_number_of_parameters_belongs_to_the_run_and_has_no_deviation():
    runs = [run(fold=fold, parameters=288361) for fold in (1, 2)]
    found = result(cell("parameters", ""), {("gap", "remix_0db"): runs})
    assert (found.mean, found.sd, found.runs) == (288361, None, 2)
    with pytest.raises(DataError, match="no metric 'parameters'"):
        result(cell("parameters", ""), {("gap", "remix_0db"): [run()]})
