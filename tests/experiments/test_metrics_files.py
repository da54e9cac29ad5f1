import json

import pytest

from sedrepro.base.errors import DataError
from sedrepro.experiments.metrics_files import read_metrics

DETECTION = {
    "settings": {"threshold": 0.35, "median_seconds": 0},
    "metrics": {"segment_error_rate": 1, "segment_f1": None},
    "class_metrics": {"segment_f1": {"Bus": 0.5, "Gong": None}},
}
SPLIT = {
    "clips": 20,
    "metrics": {"micro_ap": 0.5, "roc_auc": None},
    "class_metrics": {"average_precision": {"Bus": 1, "Gong": None}},
    "classes_without_events": ["Gong"],
    "detections": {"lowest": DETECTION},
}
METRICS = {
    "paper": "some_paper",
    "system": "gap",
    "variant": "remix_0db",
    "fold": 1,
    "seed": 2,
    "scale": "miniature",
    "clips": 75,
    "clips_expected": 80,
    "data": {"some_set": {"expected": 90, "usable": 80, "fingerprint": "f" * 64}},
    "classes": ["Bus", "Gong"],
    "splits": {"testing": SPLIT, "evaluation": SPLIT | {"clips": 55, "detections": {}}},
}


def with_split(**changes):
    return {"splits": {"testing": SPLIT | changes}}


def with_detection(**changes):
    return with_split(detections={"lowest": DETECTION | changes})


@pytest.fixture
def write(tmp_path):
    def write(**changes):
        path = tmp_path / "metrics.json"
        path.write_text(json.dumps(METRICS | changes))
        return path

    return write


def test_values_come_back_and_null_is_none(write):
    run = read_metrics(write())
    assert (run.system, run.variant, run.fold, run.seed, run.clips, run.clips_expected) == (
        "gap", "remix_0db", 1, 2, 75, 80,
    )  # fmt: skip
    assert list(run.splits) == ["testing", "evaluation"]
    split = run.splits["testing"]
    assert split.metrics == {"micro_ap": 0.5, "roc_auc": None}
    assert split.class_metrics == {"average_precision": {"Bus": 1.0, "Gong": None}}
    assert split.detections["lowest"].settings == {"threshold": 0.35, "median_seconds": 0.0}
    assert split.detections["lowest"].metrics == {"segment_error_rate": 1.0, "segment_f1": None}
    assert run.splits["evaluation"].detections == {}


def test_a_file_may_say_more_about_the_run(write):
    assert read_metrics(write(evaluation={"segment_seconds": 1})).seed == 2


@pytest.mark.parametrize("key", SPLIT)
def test_a_missing_key_of_a_split_is_named(write, key):
    path = write(splits={"testing": {k: v for k, v in SPLIT.items() if k != key}})
    with pytest.raises(DataError, match=rf"metrics\.json: key 'splits\.testing\.{key}'"):
        read_metrics(path)


@pytest.mark.parametrize("key", DETECTION)
def test_a_missing_key_of_a_detection_is_named(write, key):
    path = write(**with_split(detections={"lowest": {k: v for k, v in DETECTION.items() if k != key}}))
    with pytest.raises(DataError, match=rf"key 'splits\.testing\.detections\.lowest\.{key}'"):
        read_metrics(path)


@pytest.mark.parametrize("key", METRICS)
def test_a_missing_key_is_named(write, key):
    path = write()
    path.write_text(json.dumps({k: v for k, v in METRICS.items() if k != key}))
    with pytest.raises(DataError, match=f"metrics.json: key '{key}'"):
        read_metrics(path)


@pytest.mark.parametrize(
    ("changes", "key"),
    [
        ({"fold": "1"}, "fold"),
        ({"fold": True}, "fold"),
        ({"clips": -1}, "clips"),
        ({"clips": 81}, "clips"),
        ({"data": {"some_set": {"expected": 1, "usable": 2, "fingerprint": "f"}}}, "data.some_set"),
        ({"classes": ["Bus", "Bus", "Gong"]}, "classes"),
        ({"splits": {}}, "splits"),
        ({"splits": []}, "splits"),
        (with_split(clips=-1), "splits.testing.clips"),
        (with_split(clips=76), "splits.testing.clips"),
        (with_split(threshold=1), "splits.testing.threshold"),
        (with_split(metrics={"micro_ap": "0.5"}), "splits.testing.metrics.micro_ap"),
        (with_split(metrics={"micro_ap": float("nan")}), "splits.testing.metrics.micro_ap"),
        (with_split(metrics=[]), "splits.testing.metrics"),
        (with_split(class_metrics={"roc_auc": {"Bus": "high"}}), "splits.testing.class_metrics.roc_auc.Bus"),
        (with_split(class_metrics={"roc_auc": {"Bos": 0.5}}), "splits.testing.class_metrics.roc_auc"),
        (with_split(classes_without_events=["Meow"]), "splits.testing.classes_without_events"),
        (with_detection(settings={"threshold": None}), "splits.testing.detections.lowest.settings.threshold"),
        (with_detection(scores={}), "splits.testing.detections.lowest.scores"),
        (
            with_detection(class_metrics={"segment_f1": {"Bos": 0.5}}),
            "splits.testing.detections.lowest.class_metrics.segment_f1",
        ),
    ],
)
def test_a_wrong_value_is_named(write, changes, key):
    with pytest.raises(DataError, match=f"metrics.json: key '{key}'"):
        read_metrics(write(**changes))


def test_a_misspelt_class_gets_a_hint(write):
    with pytest.raises(DataError, match="did you mean 'Bus'"):
        read_metrics(write(**with_split(class_metrics={"roc_auc": {"Bos": 0.5}})))


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "3"])
def test_what_is_no_metrics_file_is_named(tmp_path, text):
    path = tmp_path / "metrics.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"metrics\.json"):
        read_metrics(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"metrics\.json: no such file"):
        read_metrics(tmp_path / "metrics.json")
