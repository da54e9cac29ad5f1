"""Figure 5: the rule that chooses its clip, what is stored of six runs, and the drawing."""

from pathlib import Path
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from matplotlib.colors import to_hex
from matplotlib.patches import Rectangle
from run_config_example import run_config

from sedrepro.annotations.clips import STRONG_COLUMNS, Event
from sedrepro.base.errors import DataError
from sedrepro.base.files import write_table
from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.papers import load_paper
from sedrepro.experiments.places import corpus_folder
from sedrepro.experiments.run_config import write_run_config
from sedrepro.experiments.run_view import RunView
from sedrepro.experiments.runs import figure_runs
from sedrepro.papers.hierarchical_pooling.figures import (
    PRINTED,
    choose_clip,
    draw_figure5,
    examine_figure5,
    frame_and_segment_accuracy,
)

PAPER = "hierarchical_pooling"
TRAIN, CAR, BUS = "Train", "Car", "Bus"


def train(onset: float, offset: float = 10.0) -> Event:
    return Event(onset, offset, TRAIN)


# --- the rule


def test_the_papers_own_event_is_chosen_where_it_is():
    events = {"a": [train(7.5)], "b": [PRINTED], "c": [train(7.574, 9.999)], "d": [Event(7.574, 10.0, CAR)]}
    assert choose_clip(events, list(events)) == "b"


def test_clips_of_one_event_come_before_others():
    events = {"both": [PRINTED, Event(0, 1, CAR)], "alone": [Event(0, 1, BUS)]}
    assert choose_clip(events, list(events)) == "alone"


def test_two_events_of_the_class_are_not_one():
    events = {"twice": [train(0, 1), PRINTED], "alone": [train(0, 1)]}
    assert choose_clip(events, list(events)) == "alone"


def test_the_class_counts_before_the_distance():
    events = {"near": [Event(7.574, 10.0, CAR)], "far": [train(0, 0.5)]}
    assert choose_clip(events, list(events)) == "far"


def test_an_event_that_fills_its_clip_shows_nothing_and_comes_last_of_its_class():
    events = {"whole": [train(3)], "short": [train(0, 1)], "other": [Event(7.5, 9.5, CAR)]}
    assert choose_clip(events, list(events)) == "short"
    assert choose_clip(events, ["whole", "other"]) == "whole"


def test_without_the_class_the_nearest_event_is_taken():
    events = {"a": [Event(0, 1, CAR)], "b": [Event(7, 9, BUS)], "c": [Event(7, 8, CAR)]}
    assert choose_clip(events, list(events)) == "b"


def test_both_ends_count():
    # 1.574 + 0, 0.574 + 1.5, 0 + 1.6
    events = {"onset": [train(6.0)], "both": [train(7.0, 8.5)], "offset": [train(7.574, 8.4)]}
    assert choose_clip(events, list(events)) == "onset"


def test_of_equally_near_ones_the_first_by_name_is_taken():
    events = {"c": [train(6)], "a": [train(6)], "b": [train(6)], "B": [train(5)]}
    assert choose_clip(events, list(events)) == "a"


def test_where_every_clip_has_several_events_the_nearest_of_any_decides():
    events = {
        "a": [Event(0, 1, CAR), train(3)],
        "b": [train(6), Event(9, 10, BUS)],
        "c": [Event(7.574, 10.0, CAR)] * 2,
    }
    assert choose_clip(events, list(events)) == "b"


def test_only_the_given_clips_count():
    events = {"testing": [PRINTED], "evaluation": [train(2)]}
    assert choose_clip(events, ["evaluation"]) == "evaluation"


@pytest.mark.parametrize("events", [{}, {"a": [], "b": []}, {"elsewhere": [PRINTED]}])
def test_without_any_event_there_is_nothing_to_show(events):
    with pytest.raises(DataError) as caught:
        choose_clip(events, ["a", "b"])
    assert str(caught.value) == ("Figure 5: no clip of split 'evaluation' holds an event; check its strong labels")


labelled = st.builds(
    lambda times, label: Event(min(times), max(times), label),
    st.tuples(st.integers(0, 10), st.integers(0, 10)),
    st.sampled_from([TRAIN, CAR, BUS]),
)
mappings = st.dictionaries(st.sampled_from("abcdefgh"), st.lists(labelled, max_size=2), min_size=1)


@given(events=mappings, data=st.data())
def test_the_rule_holds_whatever_the_order(events, data):
    assume(any(events.values()))
    chosen = choose_clip(events, list(events))
    assert choose_clip(events, data.draw(st.permutations(list(events)))) == chosen
    assert choose_clip(dict(reversed(events.items())), list(events)) == chosen
    assert events[chosen]
    alone = {name: found[0] for name, found in events.items() if len(found) == 1}
    if alone:
        assert chosen in alone
        assert alone[chosen].event_label == TRAIN or TRAIN not in {event.event_label for event in alone.values()}
    assert choose_clip(events | {"z": [PRINTED]}, [*events, "z"]) == "z"


# --- what is stored

CLASSES = (BUS, CAR, TRAIN)
#: In another order in the scores; the testing clip would be the paper's own.
STRONG = {
    "x/test.wav": [PRINTED],
    "x/far.wav": [train(1, 2)],
    "x/several.wav": [train(7.5), Event(0, 3, CAR)],
    "x/near.wav": [train(7)],
    "x/empty.wav": [],
}
SPLITS = ("testing", "evaluation", "evaluation", "evaluation", "evaluation")
FRAMES, RATE = 20, 2.0
#: The miniature gives these two of them.
ONE_SEED = {f"systems.attention_{structure}.seeds": [] for structure in ("single", "hierarchical")}


def views(folder: Path, strong=STRONG) -> tuple[list[RunView], list[np.ndarray]]:
    """The six runs of the figure with random scores (clip, frame, class), each with its clips in its own order."""
    given = {"scale": "miniature", "folds": [1], "seeds": [1], "set": {PAPER: ONE_SEED}}
    config = make_config(given | {"work_dir": folder / "data", "results_dir": folder / "results"}, "test")
    paper, scores = load_paper(PAPER, config), []
    rows = [(name, e.onset, e.offset, e.event_label) for name, events in strong.items() for e in events]
    rows += [(name, "", "", "") for name, events in strong.items() if not events]
    write_table(corpus_folder(config, paper, "dcase2017") / "strong.tsv", STRONG_COLUMNS, rows)
    identities = figure_runs(config, paper, "figure5")
    for number, who in enumerate(identities):
        random = np.random.default_rng(number)
        order, frame = random.permutation(len(strong)), random.random((len(strong), FRAMES, 3)).astype(np.float16)
        scores.append(frame)
        run_folder = who.folder(config)
        write_run_config(run_folder, run_config(config, who, classes=list(CLASSES)))
        np.savez(
            run_folder / "scores.npz",
            filenames=np.array(list(strong))[order],
            splits=np.array(SPLITS[: len(strong)])[order],
            frame=frame[order],
            clip=np.zeros(len(strong)),
            targets=np.zeros(len(strong)),
            mean=np.zeros(1),
            deviation=np.ones(1),
            frames_per_second=np.array(RATE),
        )
    return [RunView(config, paper, who) for who in identities], scores


def test_of_all_runs_the_frames_of_one_clip_and_class_are_stored(tmp_path: Path):
    runs, scores = views(tmp_path)
    arrays, facts = examine_figure5(runs)
    assert facts == {
        "filename": "x/near.wav",
        "event_label": TRAIN,
        "events": [{"onset": 7, "offset": 10, "event_label": TRAIN}],
        "frames_per_second": RATE,
    }
    assert arrays.keys() == {"frame", "system", "inside", "accuracy"}
    assert arrays["system"].tolist() == list(range(6)) and arrays["accuracy"].shape == (1, 2)
    np.testing.assert_array_equal(arrays["inside"], np.arange(FRAMES) >= 7 * RATE)
    assert arrays["frame"].shape == (6, FRAMES)
    assert arrays["frame"].dtype == np.float32
    row, column = list(STRONG).index("x/near.wav"), CLASSES.index(TRAIN)
    for curve, frame in zip(arrays["frame"], scores, strict=True):
        np.testing.assert_array_equal(curve, frame[row, :, column].astype(np.float32))


def test_frames_and_segments_of_five_are_counted_right_or_wrong():
    # Two clips of five frames and one class: an event of one frame, seen; a high score where nothing is.
    frame = np.zeros((3, 11, 1))
    frame[0, 2], frame[1, 4], frame[2] = 0.9, 0.8, 0.9
    scores = {
        "splits": np.array(["evaluation", "evaluation", "testing"]),
        "filenames": np.array(["a", "b", "c"]),
        "frame": frame.astype(np.float16),
        "frames_per_second": np.array(1.0),
    }
    run = SimpleNamespace(scores=scores, events={"a": [Event(2, 3, TRAIN)]}, classes=[TRAIN])
    np.testing.assert_allclose(frame_and_segment_accuracy(run), [19 / 20, 3 / 4])
    frame[1, 0:5, 0] = [0.2, 0.2, 0.2, 0.2, 0.52]  # linear softmax brings the lone frame down to 0.36
    scores["frame"] = frame.astype(np.float16)
    np.testing.assert_allclose(frame_and_segment_accuracy(run), [19 / 20, 1])


def test_of_several_events_the_nearest_gives_the_class_and_all_are_stored(tmp_path: Path):
    strong = {"a": [Event(0, 1, CAR), Event(6, 9, TRAIN), Event(7.574, 10, BUS)], "b": [], "c": [], "d": []}
    strong = {"test": [PRINTED]} | strong
    runs, scores = views(tmp_path, strong)
    arrays, facts = examine_figure5(runs)
    assert (facts["filename"], facts["event_label"]) == ("a", TRAIN)
    assert [event["event_label"] for event in facts["events"]] == [CAR, TRAIN, BUS]
    np.testing.assert_array_equal(arrays["frame"][5], scores[5][1, :, CLASSES.index(TRAIN)].astype(np.float32))


def test_without_events_in_the_evaluation_set_nothing_is_stored(tmp_path: Path):
    runs, _ = views(tmp_path, {"x/test.wav": [PRINTED], "x/empty.wav": []})
    with pytest.raises(DataError, match="no clip of split 'evaluation' holds an event"):
        examine_figure5(runs)


def test_a_run_without_frame_scores_is_named(tmp_path: Path):
    runs, _ = views(tmp_path)
    path = runs[3].folder / "scores.npz"
    with np.load(path) as file:
        arrays = dict(file)
    del arrays["frame"]
    np.savez(path, **arrays)
    with pytest.raises(DataError, match="holds no frame scores") as caught:
        examine_figure5(runs)
    assert str(caught.value).startswith(str(path))


# --- the drawing

LABELS = [f"{pooling}, {form}" for pooling in ("Linear", "Exp.", "Att.") for form in ("single", "hierarchical")]
FACTS = {
    "filename": "folder/Yabc.wav",
    "event_label": TRAIN,
    "events": [
        {"onset": 1.5, "offset": 3.25, "event_label": TRAIN},
        {"onset": 4.0, "offset": 5.0, "event_label": CAR},
        {"onset": 7.574, "offset": 10.0, "event_label": TRAIN},
    ],
    "frames_per_second": 12.5,
    "labels": [label for label in LABELS for _ in range(2)],
    "scale": "miniature",
}


@pytest.fixture(scope="module")
def drawn():
    mpl.use("Agg")
    # Two runs of each system, of which the first is shown.
    arrays = {"frame": np.random.default_rng(0).random((12, 125)).astype(np.float32), "system": np.repeat(range(6), 2)}
    figure = draw_figure5(arrays, FACTS)
    yield figure, arrays["frame"][::2]
    import matplotlib.pyplot as plt

    plt.close(figure)


def test_there_are_three_panels_of_two_labelled_curves(drawn):
    figure, curves = drawn
    assert len(figure.axes) == 3
    for number, panel in enumerate(figure.axes):
        assert [line.get_label() for line in panel.lines] == LABELS[2 * number : 2 * number + 2]
        assert [text.get_text() for text in panel.get_legend().get_texts()] == LABELS[2 * number : 2 * number + 2]
        for line, curve in zip(panel.lines, curves[2 * number :], strict=False):
            np.testing.assert_array_equal(line.get_ydata(), curve)
        assert len({to_hex(line.get_color()) for line in panel.lines}) == 2
        assert panel.get_ylim()[0] < 0 < 1 < panel.get_ylim()[1]
        assert panel.get_ylabel() == "Probability"


def test_time_is_in_seconds_and_a_score_stands_in_the_middle_of_its_frame(drawn):
    figure, _ = drawn
    for panel in figure.axes:
        assert panel.get_xlim() == (0, 10)
        for line in panel.lines:
            np.testing.assert_allclose(line.get_xdata(), np.arange(0.04, 10, 0.08))
    assert [panel.get_xlabel() for panel in figure.axes] == ["", "", "Time (s)"]


def test_the_reference_events_of_the_class_are_shaded_and_no_others(drawn):
    figure, _ = drawn
    for panel in figure.axes:
        spans = [patch for patch in panel.patches if isinstance(patch, Rectangle)]
        assert sorted((span.get_x(), span.get_x() + span.get_width()) for span in spans) == [
            (1.5, 3.25),
            (7.574, pytest.approx(10.0)),
        ]


def test_the_title_names_class_clip_and_scale(drawn):
    title = drawn[0].get_suptitle()
    assert all(word in title for word in (TRAIN, "Yabc.wav", "miniature", "first run of each system"))
    assert "folder" not in title
