from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import torch

from sedrepro.experiments.configuration import make_config
from sedrepro.experiments.papers import load_paper
from sedrepro.papers.two_step_attention.figures import choose_clip, draw_figure2, panels_of
from sedrepro.papers.two_step_attention.network import build

ROOT = Path(__file__).parents[3]

# --- the rule


def test_the_clip_with_all_three_events_on_top_is_chosen():
    targets = np.array([[1, 1, 1, 0], [1, 1, 1, 0]])
    scores = np.array([[0.9, 0.9, 0.1, 0.95], [0.4, 0.3, 0.2, 0.1]])
    assert choose_clip(scores, targets) == 1


def test_of_several_the_surest_third_class_decides():
    targets = np.tile([1, 1, 1, 0], (3, 1))
    scores = np.array([[0.99, 0.98, 0.3, 0.1], [0.6, 0.5, 0.4, 0.1], [0.99, 0.98, 0.2, 0.1]])
    assert choose_clip(scores, targets) == 1


def test_clips_of_fewer_events_do_not_count_as_complete():
    # Two mixed events of the same class leave two labels.
    targets = np.array([[1, 1, 0, 0], [1, 1, 1, 0]])
    scores = np.array([[0.9, 0.9, 0.9, 0.1], [0.5, 0.4, 0.3, 0.1]])
    assert choose_clip(scores, targets) == 1


def test_without_a_complete_clip_most_events_on_top_decide():
    targets = np.array([[1, 0, 0, 1, 1], [1, 1, 0, 0, 1]])
    scores = np.array([[0.9, 0.8, 0.7, 0.6, 0.5], [0.3, 0.2, 0.1, 0.05, 0.04]])
    assert choose_clip(scores, targets) == 1


def test_then_the_sum_of_the_scores_of_the_events_decides():
    targets = np.array([[1, 1, 0, 0, 1], [1, 1, 0, 0, 1]])
    scores = np.array([[0.5, 0.4, 0.3, 0.05, 0.04], [0.5, 0.4, 0.3, 0.05, 0.2]])
    assert choose_clip(scores, targets) == 1
    assert choose_clip(scores[::-1], targets) == 0


def test_a_class_more_or_less_does_not_matter_below_the_top():
    targets = np.array([[0, 1, 1, 1, 0, 0], [1, 1, 1, 0, 0, 0]])
    scores = np.array([[0.1, 0.9, 0.8, 0.7, 0.2, 0.1], [0.6, 0.6, 0.6, 0.1, 0.1, 0.1]])
    assert choose_clip(scores, targets) == 0


# --- what is stored


def test_examined_arrays_are_those_of_the_network():
    torch.manual_seed(0)
    sigmoids = {"inner_sigmoid": False, "classification_sigmoid": True}
    arguments = {"channels": (4, 4), "decode_from": "encoder"} | sigmoids
    network = build("two_step", arguments, {"reconstruction": 0.1}, 5, 9, 6).eval()
    logmel = torch.randn(1, 9, 6)
    with torch.no_grad():
        arrays = panels_of(network, logmel)
        output = network(logmel, explain=True)
    clip = output.clip[0].numpy()
    assert list(arrays["shown"]) == sorted(range(5), key=lambda c: -clip[c])[:3]
    np.testing.assert_array_equal(arrays["clip"], clip)
    np.testing.assert_array_equal(arrays["frame"], output.frame[0].numpy().T)
    assert arrays["logmel"].shape == arrays["reconstruction"].shape == (9, 6)
    assert arrays["frequency_weights"].shape == (3, 9, 6)
    assert arrays["time_weights"].shape == (5, 9)
    np.testing.assert_allclose(arrays["frequency_weights"].sum(axis=2), 1, rtol=1e-5)
    np.testing.assert_allclose(arrays["time_weights"].sum(axis=1), 1, rtol=1e-5)


# --- the drawing


@pytest.fixture(scope="module")
def figure():
    mpl.use("Agg")
    given = {"scale": "miniature", "folds": [1], "seeds": [1]}
    front_end = load_paper("two_step_attention", make_config(given, "test")).settings.front_end
    random = np.random.default_rng(0)
    classes = ["Bark", "Bass_drum", "Cough", "Knock", "Meow"]
    frames, mels = front_end.n_frames, front_end.n_mels
    arrays = {
        "logmel": random.normal(size=(frames, mels)),
        "reconstruction": random.random((frames, mels)),
        "shown": np.array([1, 3, 0]),
        "frequency_weights": random.random((3, frames, mels)),
        "frame": random.random((5, frames)),
        "time_weights": random.random((5, frames)),
        "clip": np.array([0.6, 0.9, 0.1, 0.7, 0.2]),
        "targets": np.array([1, 1, 0, 0, 1]),
    }
    facts = {
        "front_end": front_end.model_dump(mode="json"),
        "classes": classes,
        "filename": "00007.wav",
        "variant": "remix_20db",
        "scale": "miniature",
        "events": [
            {"onset": 0.5, "offset": 2.5, "event_label": "Bark"},
            {"onset": 3.0, "offset": 4.25, "event_label": "Bass_drum"},
            {"onset": 5.5, "offset": 7.5, "event_label": "Meow"},
        ],
    }
    yield draw_figure2(arrays, facts)
    import matplotlib.pyplot as plt

    plt.close("all")


def panels(figure):
    return sorted((a for a in figure.axes if a.get_title()), key=lambda a: int(a.get_title()[0]))


def test_there_are_eight_numbered_panels_with_units(figure):
    assert [p.get_title()[0] for p in panels(figure)] == list("12345678")
    for panel in panels(figure)[:7]:
        assert panel.get_xlabel() == "Time (s)"
    for panel in panels(figure)[:5]:
        assert panel.get_ylabel().startswith("Frequency (Hz")
    assert panels(figure)[7].get_xlabel() == "Probability"
    assert panels(figure)[7].get_xlim() == (0, 1)


def test_every_colour_bar_says_what_it_is_of(figure):
    bars = [panel.get_ylabel() for panel in figure.axes if panel not in panels(figure)]
    assert bars == ["Standardised log energy"] * 2 + ["Weight"] * 3 + ["Score", "Weight"]


def test_classes_are_named_on_class_axes_and_in_the_titles_of_step_one(figure):
    named = ["Bark", "Bass drum", "Cough", "Knock", "Meow"]
    for panel in panels(figure)[5:7]:
        assert [label.get_text() for label in panel.get_yticklabels()] == named
    assert [label.get_text() for label in panels(figure)[7].get_yticklabels()] == named
    assert [p.get_title().split(": ")[1] for p in panels(figure)[2:5]] == ["Bass drum", "Knock", "Bark"]


def test_time_runs_to_the_end_of_the_clip_and_bars_are_the_scores(figure):
    for panel in panels(figure)[:7]:
        assert panel.get_xlim()[0] == pytest.approx(0)
        assert 9.5 < panel.get_xlim()[1] <= 10.1
    bars = panels(figure)[7].patches
    assert [bar.get_width() for bar in bars] == pytest.approx([0.6, 0.9, 0.1, 0.7, 0.2])
    colours = [bar.get_facecolor() for bar in bars]
    assert colours[0] == colours[1] == colours[4] != colours[2] == colours[3]


def test_events_are_marked_at_their_times_and_classes(figure):
    times = [(0.5, 2.5), (3.0, 4.25), (5.5, 7.5)]
    for panel in panels(figure)[:7]:
        assert [tuple(line.get_xdata()) for line in panel.lines] == times
    assert [line.get_ydata()[0] for line in panels(figure)[5].lines] == [0, 1, 4]


def test_the_clip_is_named(figure):
    title = figure.get_suptitle()
    for word in ("00007.wav", "remix_20db", "miniature", "Bass drum 3 to 4.25 s"):
        assert word in title
