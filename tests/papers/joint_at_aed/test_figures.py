import csv

import matplotlib
import numpy as np
import pytest

from sedrepro.data_sets.dcase2019_task4 import CLASSES
from sedrepro.detection.median import event_specific_duration, knee
from sedrepro.detection.postprocessing import median_window
from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.papers import load_paper
from sedrepro.papers.joint_at_aed.figures import (
    DURATIONS,
    KNEES,
    MARKS,
    draw_figure2,
    examine_figure2,
    official_durations,
)
from sedrepro.reporting.figures.pictures import save_picture


def test_durations_are_those_of_the_official_classes_in_ascending_order():
    durations = official_durations()
    assert tuple(durations) == CLASSES
    assert sum(len(each) for each in durations.values()) == 6032
    for each in durations.values():
        assert (np.diff(each) >= 0).all()
        assert each.min() >= 0.25  # the shortest event that the labels have
        assert each.max() <= 10


def test_the_file_counts_its_own_events():
    with open(DURATIONS, encoding="utf-8", newline="") as file:
        counts = {row["event_label"]: int(row["events"]) for row in csv.DictReader(file)}
    assert counts == {label: len(each) for label, each in official_durations().items()}


# As counted for the release of guided learning, which takes them as median windows.
@pytest.mark.parametrize(
    ("label", "mean", "median"),
    [
        ("Alarm_bell_ringing", 1.072, 0.379),
        ("Blender", 2.582, 1.615),
        ("Cat", 1.068, 0.879),
        ("Dishes", 0.580, 0.371),
        ("Dog", 0.984, 0.481),
        ("Electric_shaver_toothbrush", 4.518, 4.068),
        ("Frying", 5.171, 5.131),
        ("Running_water", 3.914, 3.598),
        ("Speech", 1.160, 0.891),
        ("Vacuum_cleaner", 5.288, 5.301),
    ],
)
def test_means_and_medians_of_the_official_labels(label, mean, median):
    durations = official_durations()[label]
    assert durations.mean() == pytest.approx(mean, abs=6e-4)
    assert np.median(durations) == pytest.approx(median, abs=6e-4)


@pytest.mark.parametrize("seed", range(5))
def test_what_milliseconds_round_away_moves_no_knee_and_no_mean(seed):
    random = np.random.default_rng(seed)
    for durations in official_durations().values():
        finer = np.sort(durations + random.uniform(-5e-4, 5e-4, len(durations)))
        for of in KNEES.values():
            assert knee(finer, of) == pytest.approx(knee(durations, of), abs=len(durations) / 100)
            found, expected = (event_specific_duration(each, of) for each in (finer, durations))
            assert found == pytest.approx(expected, rel=0.01)
        assert finer.mean() == pytest.approx(durations.mean(), abs=3e-4)


def test_what_is_stored_needs_no_runs():
    arrays, facts = examine_figure2([])
    assert tuple(facts["event_labels"]) == CLASSES
    assert arrays["events"].sum() == len(arrays["durations"])
    assert (arrays["event_specific"] < arrays["average"]).all()
    assert (arrays["event_specific_chord"] < arrays["average"]).all()
    assert ((arrays["knee"] >= 1) & (arrays["knee"] <= arrays["events"])).all()
    start = arrays["events"][:2].sum()
    cat = arrays["durations"][start : start + arrays["events"][2]]
    assert arrays["average"][2] == pytest.approx(cat.mean())
    assert arrays["event_specific"][2] == pytest.approx(cat[: arrays["knee"][2]].mean())


#: Median windows in frames, a third of a duration at 60 frames per second: the mean, and up to either knee.
WINDOWS = {"Cat": (21, 15, 19), "Speech": (23, 13, 21), "Frying": (103, 55, 95), "Vacuum_cleaner": (107, 53, 97)}


@pytest.mark.parametrize(("label", "windows"), WINDOWS.items(), ids=WINDOWS)
def test_esp_shortens_windows_far_more_by_the_cumulative_sum_than_by_the_chord(label, windows):
    durations = official_durations()[label]
    found = [durations.mean(), *(event_specific_duration(durations, of) for of in KNEES.values())]
    assert tuple(median_window(duration / 3, 60) for duration in found) == windows


def test_the_knees_are_those_of_the_ways_of_detection_that_they_stand_for():
    given = {"scale": "full", "folds": [1], "seeds": [1], "data_root": "."}
    ways = load_paper("joint_at_aed", make_config(given, "test")).settings.detection
    assert {name: ways[name].windows.knee for name in KNEES} == KNEES


def stored(durations: list[list[float]]) -> tuple[dict, dict]:
    arrays = {
        "durations": np.concatenate(durations),
        "events": np.array([len(each) for each in durations]),
        "knee": np.array([1 for _ in durations]),
        "average": np.array([np.mean(each) for each in durations]),
        "event_specific": np.array([each[0] for each in durations]),
        "event_specific_chord": np.array([each[-1] for each in durations]),
    }
    return arrays, {"event_labels": [f"Class_{number}" for number in range(len(durations))]}


def test_a_panel_shows_the_distribution_its_knee_and_both_means():
    matplotlib.use("Agg")
    figure = draw_figure2(*stored([[1.0, 2.0, 6.0], [0.5, 0.5]]))
    first, second = [panel for panel in figure.axes if panel.axison]
    curve, dot, *lines = first.get_lines()
    assert curve.get_xydata().tolist() == [[1, 1 / 3], [2, 2 / 3], [6, 1]]
    assert dot.get_xydata().tolist() == [[1, 1 / 3]]
    assert [line.get_xdata()[0] for line in lines] == [3, 1, 6]
    assert [line.get_linestyle() for line in lines] == [style for _, style, _ in MARKS.values()]
    assert [panel.get_title() for panel in (first, second)] == ["Class 0: 3 events", "Class 1: 2 events"]
    assert [text.get_text() for text in first.texts] == ["mean 3.00 s", "ESP 1.00 s", "curve’s knee 6.00 s"]


def test_classes_are_named_as_the_paper_prints_them_and_no_event_is_cut_off():
    matplotlib.use("Agg")
    arrays, _ = stored([[1.0, 10.0]])
    (panel,) = [p for p in draw_figure2(arrays, {"event_labels": ["Alarm_bell_ringing"]}).axes if p.axison]
    assert panel.get_title() == "Alarm/bell/ringing: 2 events"
    assert panel.get_xlim()[1] > 10


def test_equal_arrays_give_equal_pictures(tmp_path):
    matplotlib.use("Agg")
    pictures = []
    for name in ("one", "other"):
        path = save_picture(draw_figure2(*stored([[1.0, 2.0, 6.0], [0.5, 0.5]])), tmp_path / name)
        pictures.append(path.read_bytes())
    assert pictures[0] == pictures[1]
