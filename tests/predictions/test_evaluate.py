"""Evaluations with known values: hand-made lists, the metric cases of sed_eval and psds_eval, what is counted."""

import json
from pathlib import Path

import numpy as np
import pytest

from sedrepro.base.errors import DataError
from sedrepro.evaluation.settings import Evaluation, EventBased, SegmentBased
from sedrepro.predictions.chosen import Chosen
from sedrepro.predictions.compare import compare
from sedrepro.predictions.evaluate import Wishes, evaluate, read_predictions
from sedrepro.predictions.problems import Problems
from sedrepro.predictions.protocol import DEFAULT, Protocol
from sedrepro.predictions.reference import Labelled, Reference, table_reference

CASES = Path(__file__).parents[3] / "shared" / "metric_cases"
if not CASES.is_dir():
    CASES = Path(__file__).parents[4] / "shared" / "metric_cases"
with_cases = pytest.mark.skipif(not CASES.is_dir(), reason="the folder of metric cases is not there")
HEADER = "filename\tonset\toffset\tevent_label"
REFERENCE = (HEADER, "Ya.wav\t0\t1\tCat", "Yb.wav\t2\t4\tDog", "Yc.wav\t\t\t")
MICRO = {"averaging": "micro", "undetected_classes": "zero"}


def listed(path, *lines) -> Path:
    path.write_text("\n".join(lines) + "\n")
    return path


def evaluated(tmp_path, *lines, reference=REFERENCE, evaluation=DEFAULT, durations=None, **wishes):
    labels = table_reference(listed(tmp_path / "reference.tsv", *reference), None, durations)
    return evaluate(listed(tmp_path / "mine.tsv", *lines), labels, Protocol(evaluation), Wishes(**wishes), None)


def test_the_reference_itself_is_perfect(tmp_path):
    found = evaluated(tmp_path, *REFERENCE, resamples=50)
    assert found.metrics["event_f1"] == found.metrics["segment_f1"] == found.metrics["tagging_f1"] == 1
    assert found.metrics["event_error_rate"] == 0
    assert found.intervals["event_f1"] == (1, 1)
    assert (found.clips, found.missing, found.unmatched) == (3, [], [])


def test_half_of_it_is_half_right_and_missing_clips_are_named(tmp_path):
    found = evaluated(tmp_path, HEADER, "Ya.wav\t0.1\t1.1\tCat", "other.wav\t0\t1\tCat", resamples=0)
    assert found.metrics["event_f1"] == 0.5
    assert found.class_metrics["event_f1"] == {"Cat": 1, "Dog": 0}
    assert found.missing == ["Yb.wav", "Yc.wav"]
    assert found.unmatched == ["other.wav"]
    assert found.intervals == {}


def test_events_past_the_end_are_kept_and_told(tmp_path):
    lines = (HEADER, "Ya.wav\t0\t1\tCat", "Yb.wav\t2\t14\tDog")
    found = evaluated(tmp_path, *lines, durations={"Yb.wav": 10.0}, resamples=0)
    assert list(found.problems.values()) == [1]
    assert "Yb.wav: Dog to 14 s of 10 s" in found.problem_lines[0]


def test_a_list_of_nothing_scores_nothing(tmp_path):
    found = evaluated(tmp_path, HEADER, resamples=0)
    assert found.metrics["event_f1"] == 0
    assert found.metrics["event_deletion_rate"] == 1
    assert len(found.missing) == 3


def test_nothing_in_common_ends_in_one_line(tmp_path):
    with pytest.raises(DataError, match=r"no file in common.*predicted x\.wav, expected Ya\.wav"):
        evaluated(tmp_path, HEADER, "x.wav\t0\t1\tCat")


def test_predictions_of_another_split_are_recognised(tmp_path):
    clips = (Labelled("a.wav", "validation", tags=frozenset(), events=()),)
    labels = Reference(("Cat",), clips, "labels", {"public": ["z.wav"]})
    path = listed(tmp_path / "mine.tsv", HEADER, "z.wav\t0\t1\tCat")
    with pytest.raises(DataError, match=r"is of another split.* in 'public'"):
        evaluate(path, labels, Protocol(DEFAULT), Wishes(), None)


def test_events_need_strong_labels(tmp_path):
    with pytest.raises(DataError, match="a has no strong labels"):
        evaluated(tmp_path, HEADER, "a\t0\t1\tCat", reference=("filename\tevent_labels", "a\tCat"))


def test_tags_are_ranked(tmp_path):
    lines = ("filename,Cat,Dog", "Ya,0.9,0.2", "Yb,0.8,0.7", "Yc,0.1,0.1")
    found = evaluated(tmp_path, *lines, resamples=20)
    assert found.metrics == {"micro_ap": pytest.approx(0.833333), "macro_ap": 1, "roc_auc": 1}
    assert set(found.intervals) == set(found.metrics)


@pytest.mark.parametrize(("score", "told"), [(0.9, False), (1, False), (1.0000001, False), (1.5, True), (-2, True)])
def test_scores_that_are_no_probabilities_are_told(tmp_path, score, told):
    found = evaluated(tmp_path, "filename,Cat,Dog", f"Ya,{score},0.2", "Yb,0.8,0.7", "Yc,0.1,0.1", resamples=0)
    lines = [line for line in found.assumed if line.startswith("scores reach from ")]
    assert bool(lines) == told
    assert not told or f"{score:.4g}" in lines[0]


def test_folds_are_averaged(tmp_path):
    events = [(0, 1), (0, 1), (0, 2)]
    clips = tuple(
        Labelled(f"{n}.wav", fold=1 + (n > 0), tags=frozenset(["Cat"]), events=table_events(*pair))
        for n, pair in enumerate(events)
    )
    path = listed(tmp_path / "mine.tsv", HEADER, "0.wav\t0\t1\tCat", "1.wav\t5\t6\tCat", "2.wav\t5\t6\tCat")
    labels = Reference(("Cat",), clips, "labels", {})
    whole = evaluate(path, labels, Protocol(DEFAULT), Wishes(resamples=0), None)
    assert whole.metrics["event_f1"] == 0.5  # folds of 1 and of 0; pooled it is 1/3
    assert evaluate(path, labels, Protocol(DEFAULT), Wishes(fold=1, resamples=0), None).metrics["event_f1"] == 1


def table_events(onset, offset):
    from sedrepro.annotations.clips import Event

    return (Event(onset, offset, "Cat"),)


def test_a_system_is_not_better_than_itself_and_better_than_nothing(tmp_path):
    reference = [HEADER, *(f"{n}.wav\t0\t1\tCat" for n in range(20))]
    labels = table_reference(listed(tmp_path / "r.tsv", *reference), None)
    good, none = listed(tmp_path / "good.tsv", *reference), listed(tmp_path / "none.tsv", HEADER)
    read = [
        read_predictions(path, labels, Protocol(DEFAULT), Wishes(), Problems(), None) for path in (good, none, good)
    ]
    found = {one.metric: one for one in compare(*read[:2], labels, DEFAULT, 100) if not one.event_class}
    assert (found["event_f1"].difference, found["event_f1"].outcome) == (-1, "first")
    assert (found["event_error_rate"].difference, found["event_error_rate"].outcome) == (1, "first")
    same = {one.metric: one for one in compare(read[0], read[2], labels, DEFAULT, 100)}
    assert (same["event_f1"].difference, same["event_f1"].interval, same["event_f1"].outcome) == (
        0,
        (0, 0),
        "undecided",
    )
    assert same["event_f1"].p == 1


# --- known values


@with_cases
def test_street_lists_of_dcase_2016_have_their_known_error_rate(tmp_path):
    folder = CASES / "sed_eval" / "sound_event"
    lists = {}
    for kind in ("reference", "detected"):  # the reference has a column of scenes
        rows = (line.split("\t") for line in (folder / f"street_fold1_{kind}.txt").read_text().splitlines())
        lists[kind] = ["\t".join([row[0], *row[-3:]]) for row in rows]
    how = Evaluation(segment_based=SegmentBased(segment_seconds=1.0, **MICRO))
    found = evaluated(tmp_path, HEADER, *lists["detected"], reference=(HEADER, *lists["reference"]), evaluation=how)
    assert found.metrics["segment_error_rate"] == pytest.approx(1.0616698292220115, abs=1e-6)


def test_the_car_of_sed_evals_tests_has_its_known_values(tmp_path):
    reference = (HEADER, *(f"a\t{on}\t{off}\tcar" for on, off in ((0, 2.5), (2.8, 4.5), (6, 10))))
    estimated = (HEADER, *(f"a\t{on}\t{off}\tcar" for on, off in ((1, 3.5), (7, 8))))
    how = Evaluation(segment_based=SegmentBased(segment_seconds=1.0, **MICRO))
    found = evaluated(tmp_path, *estimated, reference=reference, evaluation=how)
    assert found.metrics["segment_error_rate"] == pytest.approx(5 / 9, abs=1e-6)


@with_cases
def test_the_baseline_of_dcase_2019_scores_as_by_sed_eval(tmp_path):
    from sedrepro.evaluation.event_based import event_metrics
    from sedrepro.evaluation.segment_based import segment_metrics

    folder = CASES / "psds_eval" / "examples_data"
    labels = table_reference(folder / "dcase2019t4_gt.csv", None)
    found = evaluate(folder / "baseline_0.5.csv", labels, Protocol(DEFAULT), Wishes(resamples=0), None)
    reference = {clip.filename: clip.events for clip in labels.clips}
    matched = read_predictions(folder / "baseline_0.5.csv", labels, Protocol(DEFAULT), Wishes(), Problems(), None)
    estimated = dict(zip(labels.filenames, matched.events, strict=True))
    for metrics, how in ((event_metrics, DEFAULT.event_based), (segment_metrics, DEFAULT.segment_based)):
        expected = metrics(reference, estimated, labels.classes, how)
        assert {key: found.metrics[key] for key in expected["metrics"]} == pytest.approx(expected["metrics"], abs=2e-6)
        for key, of_classes in expected["class_metrics"].items():
            assert found.class_metrics[key] == pytest.approx(of_classes, abs=2e-6)
    assert (found.clips, len(found.missing)) == (1168, 125)


@with_cases
@pytest.mark.parametrize(("split", "printed"), [("validation", 1.56), ("eval2018", 1.65)])
def test_the_public_baseline_has_about_the_error_rate_that_c_ssed_prints_for_it(tmp_path, split, printed):
    """Table 3, row MT18; the list is of another training of the same baseline."""
    official = CASES.parent / "metadata" / "dcase2019_task4" / "metadata"
    if not official.is_dir():
        pytest.skip("the official label tables are not there")
    folder = tmp_path / "DCASE2019_task4" / "dataset"
    folder.mkdir(parents=True)
    (folder / "metadata").symlink_to(official)
    reference, protocol = Chosen(paper="c_ssed", split=split, data_root=tmp_path).resolve(None)
    found = evaluate(
        CASES / "psds_eval" / "examples_data" / "baseline_0.5.csv", reference, protocol, Wishes(resamples=0), None
    )
    assert found.clips == {"validation": 1168, "eval2018": 880}[split]
    assert found.metrics["event_error_rate"] == pytest.approx(printed, abs=0.03)


def test_json_holds_no_nan(tmp_path):
    from sedrepro.reporting.outside.report import as_json

    found = evaluated(tmp_path, HEADER, "Ya.wav\t0\t1\tCat", evaluation=DEFAULT)
    json.dumps(as_json(found), allow_nan=False)
    assert np.isfinite([v for v in found.metrics.values() if v is not None]).all()
    assert EventBased.model_fields  # the settings stand in `assumed`
    assert any(line.startswith("event_based.collar_seconds = 0.2") for line in found.assumed)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("b.wav\tlong", "row 3: duration 'long' is not a number"),
        ("b.wav\t-1", "row 3: duration -1 of 'b.wav' is none"),
        ("b.wav\tnan", "row 3: duration nan of 'b.wav' is none"),
        ("a.wav\t11", "row 3: 'a.wav' has two durations, 10 and 11"),
    ],
)
def test_a_duration_that_is_none_is_named(tmp_path, row, words):
    (tmp_path / "reference.tsv").write_text("filename\tonset\toffset\tevent_label\na.wav\t0\t1\tDog\n")
    (tmp_path / "durations.tsv").write_text(f"filename\tduration\na.wav\t10\n{row}\n")
    chosen = Chosen(reference=tmp_path / "reference.tsv", durations=tmp_path / "durations.tsv")
    with pytest.raises(DataError) as error:
        chosen.resolve(None)
    assert words in str(error.value)
