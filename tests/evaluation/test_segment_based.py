import subprocess
import sys
import warnings
from statistics import mean

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sedrepro.annotations.clips import Event
from sedrepro.base.errors import DataError, SettingsError
from sedrepro.base.typed import load
from sedrepro.evaluation.by_sed_eval import CLASS_METRICS, METRICS
from sedrepro.evaluation.segment_based import segment_metrics
from sedrepro.evaluation.settings import SegmentBased

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import sed_eval

CLASSES = ["Car", "Bus", "Train horn"]
MICRO = {"segment_seconds": 1, "averaging": "micro", "undetected_classes": "zero"}
few = settings(deadline=None, max_examples=60)


def evaluated(reference, estimated, classes=CLASSES, **changes) -> dict:
    return segment_metrics(reference, estimated, classes, load(SegmentBased, MICRO | changes, "evaluation"))


def events(label: str, *times: tuple[float, float]) -> list[Event]:
    return [Event(onset, offset, label) for onset, offset in times]


def by_sed_eval(reference, estimated, classes=CLASSES, segment_seconds=1.0):
    evaluation = sed_eval.sound_event.SegmentBasedMetrics(classes, segment_seconds)
    for name in reference:
        evaluation.evaluate(*([vars(event) for event in part.get(name, [])] for part in (reference, estimated)))
    return evaluation


def check_overall(found: dict, expected: dict) -> None:
    for name, value in (expected["error_rate"] | expected["f_measure"]).items():
        name = "f1" if name == "f_measure" else name
        assert found[f"segment_{name}"] == pytest.approx(value, abs=1e-6), name


times = st.tuples(st.floats(0, 11), st.sampled_from([0.08, 0.5, 1.0, 3.3])).map(lambda t: (t[0], t[0] + t[1]))
some_events = st.lists(st.builds(lambda t, label: Event(*t, label), times, st.sampled_from(CLASSES)), max_size=5)
files = st.dictionaries(st.sampled_from(["1.wav", "2.wav", "3.wav"]), some_events, min_size=1)


@st.composite
def pairs(draw):
    reference = draw(files)
    return reference, {name: draw(some_events) for name in reference if draw(st.booleans())}


@few
@given(pairs(), st.sampled_from([1.0, 0.1, 0.5]))
def test_micro_metrics_are_the_overall_ones_of_sed_eval(pair, segment_seconds):
    evaluation = by_sed_eval(*pair, segment_seconds=segment_seconds)
    assume(evaluation.overall["Nref"] and evaluation.overall["Nsys"])
    found = evaluated(*pair, segment_seconds=segment_seconds)
    check_overall(found["metrics"], evaluation.results_overall_metrics())


@few
@given(pairs())
def test_class_metrics_are_those_of_sed_eval_where_they_have_a_value(pair):
    found = evaluated(*pair, undetected_classes="dropped")["class_metrics"]
    assert list(found) == [f"segment_{name}" for name in CLASS_METRICS]
    for label, expected in by_sed_eval(*pair).results_class_wise_metrics().items():
        values = {name.removeprefix("segment_"): of_classes[label] for name, of_classes in found.items()}
        heard, put_out = expected["count"]["Nref"] > 0, expected["count"]["Nsys"] > 0
        undefined = set() if heard else set(CLASS_METRICS) - {"precision"}
        undefined |= set() if put_out else {"precision", "f1"}
        assert {name for name, value in values.items() if value is None} == undefined
        flat = expected["error_rate"] | expected["f_measure"] | {"f1": expected["f_measure"]["f_measure"]}
        for name in set(CLASS_METRICS) - undefined:
            assert values[name] == pytest.approx(flat[name], abs=1e-6), name


@few
@given(pairs())
def test_macro_metrics_that_drop_undetected_classes_are_those_of_sed_eval(pair):
    evaluation = by_sed_eval(*pair)
    assume(all(counts["Nref"] for counts in evaluation.class_wise.values()) and evaluation.overall["Nsys"])
    found = evaluated(*pair, averaging="macro", undetected_classes="dropped")["metrics"]
    assert found.pop("segment_substitution_rate") is None
    check_overall(found, evaluation.results_class_wise_average_metrics())


@few
@given(pairs())
def test_identities_of_the_metrics(pair):
    found = evaluated(*pair)["metrics"]
    rate, s, d, i, precision, recall, f1 = (found[f"segment_{name}"] for name in METRICS)
    if recall is None:
        assert (rate, s, d, i, f1) == (None,) * 5
        return
    assert rate == pytest.approx(s + d + i, abs=3e-6)
    assert recall == pytest.approx(1 - s - d, abs=3e-6)
    expected = 2 * precision * recall / (precision + recall) if precision and recall else 0
    assert f1 == pytest.approx(expected, abs=1e-5)


@few
@given(pairs())
def test_repeated_rows_and_the_order_of_files_do_not_count(pair):
    reference, estimated = pair
    again = [{name: [*rows[::-1], *rows] for name, rows in reversed(part.items())} for part in pair]
    assert evaluated(*again) == evaluated(reference, estimated)


@few
@given(files)
def test_a_perfect_detection(reference):
    assume(any(reference.values()))
    assert list(evaluated(reference, reference)["metrics"].values()) == [0, 0, 0, 0, 1, 1, 1]


@few
@given(files)
def test_detecting_nothing_has_error_rate_1_and_f1_0(reference):
    assume(any(reference.values()))
    assert list(evaluated(reference, {})["metrics"].values()) == [1, 0, 1, 0, None, 0, 0]


def test_one_car():
    reference = {"b099.wav": events("Car", (0, 2.5), (2.8, 4.5), (6, 10))}
    found = evaluated(reference, {"b099.wav": events("Car", (1, 3.5), (7, 8))}, ["Car"])["metrics"]
    # Active in 9 segments, of which 4 are found, and no other.
    assert found == {
        "segment_error_rate": 0.555556,
        "segment_substitution_rate": 0,
        "segment_deletion_rate": 0.555556,
        "segment_insertion_rate": 0,
        "segment_precision": 1,
        "segment_recall": 0.444444,
        "segment_f1": 0.615385,
    }


def test_files_without_labels_and_without_output_count():
    reference = {"1.wav": events("Car", (1.2, 2.3)), "2.wav": [], "3.wav": events("Car", (3.2, 5.3)), "4.wav": []}
    estimated = {"1.wav": events("Car", (1.3, 2.2)), "2.wav": events("Car", (1.3, 2.2)), "4.wav": []}
    found = evaluated(reference, estimated, ["Car"])["metrics"]
    # 2 of 5 found; 2 false ones in a file without labels.
    assert found["segment_recall"] == 0.4
    assert found["segment_precision"] == 0.5
    assert found["segment_deletion_rate"] == 0.6
    assert found["segment_insertion_rate"] == 0.4
    first = [{name: part[name] for name in ("1.wav", "2.wav")} for part in (reference, estimated)]
    assert evaluated(*first, ["Car"])["metrics"]["segment_f1"] == 0.666667


def test_errors_of_one_segment_pair_up_as_substitutions():
    reference = {"1.wav": [*events("Car", (0, 2)), *events("Bus", (0, 1))]}
    estimated = {"1.wav": [*events("Car", (0, 1)), *events("Train horn", (0, 1), (2, 3))]}
    found = evaluated(reference, estimated)["metrics"]
    names = ("error_rate", "substitution_rate", "deletion_rate", "insertion_rate", "f1")
    assert [found[f"segment_{name}"] for name in names] == [1, 0.333333, 0.333333, 0.333333, 0.333333]


def test_classes_that_nothing_puts_out_or_that_never_sound():
    reference = {"1.wav": [*events("Car", (0, 2)), *events("Bus", (4, 5))]}
    estimated = {"1.wav": [*events("Car", (0, 1)), *events("Train horn", (7, 8))]}
    classes = [*CLASSES, "Tram"]
    found = evaluated(reference, estimated, classes, averaging="macro")
    assert found["class_metrics"] == {
        "segment_error_rate": {"Car": 0.5, "Bus": 1, "Train horn": None, "Tram": None},
        "segment_deletion_rate": {"Car": 0.5, "Bus": 1, "Train horn": None, "Tram": None},
        "segment_insertion_rate": {"Car": 0, "Bus": 0, "Train horn": None, "Tram": None},
        "segment_precision": {"Car": 1, "Bus": None, "Train horn": 0, "Tram": None},
        "segment_recall": {"Car": 0.5, "Bus": 0, "Train horn": None, "Tram": None},
        "segment_f1": {"Car": 0.666667, "Bus": 0, "Train horn": None, "Tram": None},
    }
    assert found["metrics"] == {
        "segment_error_rate": 0.75,
        "segment_substitution_rate": None,
        "segment_deletion_rate": 0.75,
        "segment_insertion_rate": 0,
        "segment_precision": 1,
        "segment_recall": 0.25,
        "segment_f1": 0.333333,
    }
    dropped = evaluated(reference, estimated, classes, averaging="macro", undetected_classes="dropped")
    assert dropped["class_metrics"]["segment_f1"] == {"Car": 0.666667, "Bus": None, "Train horn": None, "Tram": None}
    assert dropped["metrics"] == found["metrics"] | {"segment_f1": 0.666667}


@few
@given(pairs())
def test_macro_averages_are_means_of_the_defined_class_values_of_classes_that_sound(pair):
    found = evaluated(*pair, averaging="macro")
    sounding = [label for label, value in found["class_metrics"]["segment_recall"].items() if value is not None]
    for name, of_classes in found["class_metrics"].items():
        values = [of_classes[label] for label in sounding if of_classes[label] is not None]
        assert found["metrics"][name] == (pytest.approx(mean(values), abs=2e-6) if values else None)


@pytest.mark.parametrize("averaging", ["micro", "macro"])
def test_without_reference_events_only_the_precision_of_output_is_defined(averaging):
    nothing = evaluated({"1.wav": []}, {}, averaging=averaging)
    assert set(nothing["metrics"].values()) == {None}
    assert nothing["class_metrics"]["segment_error_rate"] == dict.fromkeys(CLASSES)
    assert set(evaluated({}, {}, averaging=averaging)["metrics"].values()) == {None}
    output = evaluated({"1.wav": []}, {"1.wav": events("Car", (0, 1))}, averaging=averaging)["metrics"]
    # A macro average is over classes that sound, and none does.
    assert output.pop("segment_precision") == (0 if averaging == "micro" else None)
    assert set(output.values()) == {None}


@pytest.mark.parametrize(
    ("reference", "estimated", "message"),
    [
        ({"Y1.wav": []}, {"1.wav": []}, r"^1\.wav: has estimated events but no reference; did you mean 'Y1\.wav'\?$"),
        ({"1.wav": events("car", (0, 1))}, {}, r"^1\.wav: class 'car' is unknown; did you mean 'Car'\?$"),
        ({"1.wav": []}, {"1.wav": events("Buss", (0, 1))}, r"^1\.wav: class 'Buss' is unknown; did you mean 'Bus'\?$"),
        ({"1.wav": events("Car", (-1, 1))}, {}, r"^1\.wav: an event from -1 s to 1 s; correct its times$"),
        ({"1.wav": events("Car", (2, 1))}, {}, r"^1\.wav: an event from 2 s to 1 s; correct its times$"),
        ({"1.wav": events("Car", (0, float("nan")))}, {}, r"^1\.wav: an event from 0 s to nan s; correct its times$"),
        ({"1.wav": events("Car", (0, float("inf")))}, {}, r"^1\.wav: an event from 0 s to inf s; correct its times$"),
    ],
)
def test_bad_events_are_named(reference, estimated, message):
    with pytest.raises(DataError, match=message):
        evaluated(reference, estimated)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"segment_seconds": 0}, "'segment_seconds' = 0: Input should be greater than 0"),
        ({"averaging": "weighted"}, "'averaging' = 'weighted': Input should be 'micro' or 'macro'"),
        ({"undetected_classes": "one"}, "'undetected_classes' = 'one': Input should be 'zero' or 'dropped'"),
    ],
)
def test_impossible_settings_are_named(changes, message):
    with pytest.raises(SettingsError, match="evaluation: ") as caught:
        evaluated({}, {}, **changes)
    assert message in str(caught.value)


def test_settings_come_without_sed_eval_and_sed_eval_without_its_warning():
    script = """
import sys
from sedrepro.evaluation.segment_based import SegmentBased, segment_metrics
assert "sed_eval" not in sys.modules and "dcase_util" not in sys.modules
segment_metrics({}, {}, ["Car"], SegmentBased(segment_seconds=1, averaging="micro", undetected_classes="zero"))
assert "sed_eval" in sys.modules
"""
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
