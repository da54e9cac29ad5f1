import json

import pytest

from sedrepro.errors import DataError
from sedrepro.reporting.metrics_files import read_metrics

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
    "metrics": {"micro_ap": 0.5, "roc_auc": None},
    "class_metrics": {"average_precision": {"Bus": 1, "Gong": None}},
    "classes_without_events": ["Gong"],
}


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
    assert run.metrics == {"micro_ap": 0.5, "roc_auc": None}
    assert run.class_metrics == {"average_precision": {"Bus": 1.0, "Gong": None}}


def test_other_keys_are_allowed(write):
    assert read_metrics(write(threshold=0.5)).seed == 2


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
        ({"metrics": {"micro_ap": "0.5"}}, "metrics.micro_ap"),
        ({"metrics": {"micro_ap": float("nan")}}, "metrics.micro_ap"),
        ({"metrics": []}, "metrics"),
        ({"class_metrics": {"roc_auc": {"Bus": "high"}}}, "class_metrics.roc_auc.Bus"),
        ({"class_metrics": {"roc_auc": {"Bos": 0.5}}}, "class_metrics.roc_auc"),
        ({"classes_without_events": ["Meow"]}, "classes_without_events"),
        ({"classes": ["Bus", "Bus", "Gong"]}, "classes"),
    ],
)
def test_a_wrong_value_is_named(write, changes, key):
    with pytest.raises(DataError, match=f"metrics.json: key '{key}'"):
        read_metrics(write(**changes))


def test_a_misspelt_class_gets_a_hint(write):
    with pytest.raises(DataError, match="did you mean 'Bus'"):
        read_metrics(write(class_metrics={"roc_auc": {"Bos": 0.5}}))


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "3"])
def test_what_is_no_metrics_file_is_named(tmp_path, text):
    path = tmp_path / "metrics.json"
    path.write_text(text)
    with pytest.raises(DataError, match=r"metrics\.json"):
        read_metrics(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DataError, match=r"metrics\.json: no such file"):
        read_metrics(tmp_path / "metrics.json")
