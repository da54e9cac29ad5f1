import dataclasses

import matplotlib as mpl
import matplotlib.pyplot
import numpy as np
import pytest

from sedrepro.annotations.clips import Event
from sedrepro.inference.listener import Heard
from sedrepro.inference.picture import COLOURS, MOST_CLASSES, draw_recording, shown_classes
from sedrepro.reporting.figures.pictures import STYLE, save_picture

CLASSES = [f"Class_{letter}" for letter in "ABCDEFGHIJ"]
EVENTS = [Event(0.1, 0.3, "Class_C"), Event(0.2, 0.7, "Class_A"), Event(0.5, 0.9, "Class_C")]


@pytest.fixture
def scores(hann) -> Heard:
    random, frames = np.random.default_rng(0), hann.n_frames
    masks = random.random((len(CLASSES), frames, hann.n_mels))
    logmel = random.normal(size=masks.shape[1:])
    rate = hann.frames_per_second
    return Heard([0], frames, random.random((1, 10)), masks.mean(axis=2).T, rate, logmel, masks)


@pytest.fixture
def draw(hann, scores):
    import matplotlib.pyplot as plt

    yield lambda events: draw_recording("dog.wav", scores, events, CLASSES, hann, 0.9)
    plt.close("all")


def titles(figure) -> list[str]:
    return [panel.get_title() for panel in figure.axes if panel.get_title()]


def test_classes_of_long_events_come_first():
    assert shown_classes(EVENTS) == ["Class_C", "Class_A"]
    assert shown_classes([]) == []
    many = [Event(0, number + 1, label) for number, label in enumerate(CLASSES)]
    assert shown_classes(many) == CLASSES[::-1][:MOST_CLASSES]
    assert len(COLOURS) == len(set(COLOURS)) == MOST_CLASSES


def test_every_detected_class_has_a_mask_and_a_row(draw, scores):
    figure = draw(EVENTS)
    masks = ["Mask: Class C", "Mask: Class A"]
    assert titles(figure) == ["Log-mel spectrogram", *masks, "Frame scores", "Detected events"]
    panels = [panel for panel in figure.axes if panel.get_title()]
    np.testing.assert_array_equal(panels[0].images[0].get_array(), scores.logmel.T)
    np.testing.assert_array_equal(panels[1].images[0].get_array(), scores.masks[2].T)
    assert panels[1].images[0].get_clim() == (0, 1)
    assert [label.get_text() for label in panels[-1].get_yticklabels()] == ["Class C", "Class A"]
    assert panels[-1].get_xlabel() == "Time (s)"
    for panel in panels[:3]:
        assert "(Hz)" in panel.get_ylabel()
    for panel in panels:
        assert panel.get_xlim() == (0, 0.9)
    assert figure.get_suptitle() == "dog.wav: 3 events detected"


def test_events_lie_at_their_times_on_their_class(draw):
    panels = [panel for panel in draw(EVENTS).axes if panel.get_title()]
    assert [tuple(line.get_xdata()) for line in panels[1].lines] == [(0.1, 0.3), (0.5, 0.9)]
    assert [tuple(line.get_xdata()) for line in panels[2].lines] == [(0.2, 0.7)]
    spans = [path.get_extents() for row in panels[-1].collections for path in row.get_paths()]
    found = sorted((round(span.x0, 6), round(span.x1, 6), round((span.y0 + span.y1) / 2)) for span in spans)
    assert found == [(0.1, 0.3, 0), (0.2, 0.7, 1), (0.5, 0.9, 0)]
    lines = panels[-2].patches
    with mpl.rc_context(fname=STYLE):
        assert [line.get_edgecolor() for line in lines] == [mpl.colors.to_rgba(colour) for colour in COLOURS[:2]]


def test_without_events_the_highest_scores_are_shown(draw, scores):
    figure = draw([])
    first, second = titles(figure)
    assert first == "Log-mel spectrogram" and second.endswith("none was detected")
    order = np.argsort(-scores.frame.max(axis=0))[:3]
    legend = [text.get_text() for text in figure.axes[1].get_legend().get_texts()]
    assert legend == [CLASSES[place].replace("_", " ") for place in order]
    assert figure.get_suptitle() == "dog.wav: 0 events detected"


@pytest.mark.parametrize(
    ("settings", "levels"),
    [({"threshold": 0.3}, [0.3]), ({"high": 0.7, "low": 0.2, "clip_threshold": 0.5}, [0.7, 0.2]), ({}, [])],
)
def test_scores_stand_beside_the_thresholds(hann, scores, settings, levels):
    for events in (EVENTS, []):
        figure = draw_recording("dog.wav", scores, events, CLASSES, hann, 0.9, settings)
        panel = next(panel for panel in figure.axes if panel.get_title().startswith("Frame scores"))
        assert [line.get_ydata()[0] for line in panel.lines] == levels


def test_a_class_may_have_a_threshold_of_its_own(hann, scores):
    figure = draw_recording("dog.wav", scores, EVENTS, CLASSES, hann, 0.9, {"Class_A": 0.1, "Class_B": 0.9})
    panel = next(panel for panel in figure.axes if panel.get_title() == "Frame scores")
    assert [line.get_ydata()[0] for line in panel.lines] == [0.1]


def test_long_recordings_are_shown_over_minutes(hann, scores):
    figure = draw_recording("street.wav", scores, [], CLASSES, hann, 600)
    panel = figure.axes[1]
    assert panel.get_xlabel() == "Time (min:s)"
    figure.canvas.draw()
    assert {"0:00", "10:00"} <= {label.get_text() for label in panel.get_xticklabels()}


def test_classes_that_find_no_room_are_counted(draw):
    figure = draw([Event(0, 0.5, label) for label in CLASSES])
    assert sum(title.startswith("Mask: ") for title in titles(figure)) == MOST_CLASSES
    assert figure.get_suptitle() == "dog.wav: 10 events detected, 2 more classes not shown"


def test_equal_scores_give_equal_files(draw, tmp_path):
    for name in ("one", "two"):
        save_picture(draw(EVENTS), tmp_path / name)
    for suffix in (".png", ".svg"):
        assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()
    svg = (tmp_path / "one.svg").read_text()
    assert "Mask: Class C" in svg


def test_networks_without_masks_show_scores_and_events(hann, scores):
    rate = hann.frames_per_second / 2
    heard = dataclasses.replace(scores, masks=None, frame=scores.frame[::2], frames_per_second=rate)
    figure = draw_recording("dog.wav", heard, EVENTS, CLASSES, hann, 0.9)
    panels = [panel for panel in figure.axes if panel.get_title()]
    assert titles(figure) == ["Log-mel spectrogram", "Frame scores", "Detected events"]
    values, edges, _ = panels[1].patches[0].get_data()
    np.testing.assert_array_equal(values, heard.frame[:, 2])
    assert edges[-1] == pytest.approx(len(heard.frame) / rate)
    mpl.pyplot.close(figure)
