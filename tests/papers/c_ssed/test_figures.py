"""Figures 2 and 3 of the C-SSED paper, from made-up runs."""

from pathlib import Path
from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sedrepro.annotations.clips import Event
from sedrepro.base.errors import DataError
from sedrepro.papers.c_ssed import figures

CLASSES = ["Dog", "Speech"]
COMMON = {"scale": "miniature", "variant": "dcase2019", "classes": CLASSES}


@pytest.fixture(autouse=True)
def _closed():
    mpl.use("Agg")
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


# --- Figure 2


def run_of_n(start, n):
    history = {"epoch": np.arange(1, len(n) + 1), "n": np.asarray(n, dtype=float)}
    arguments = {"pooling": "power", "pooling_arguments": {"n": start}}
    return SimpleNamespace(folder=Path("runs/some"), arguments=arguments, history=history)


def test_a_curve_begins_at_the_start_and_ends_with_its_run():
    arrays, _ = figures.examine_figure2([run_of_n(0, [0.1, 0.2, 0.3]), run_of_n(10, [9.5])])
    np.testing.assert_array_equal(arrays["n"], [[0, 0.1, 0.2, 0.3], [10, 9.5, np.nan, np.nan]])


def test_what_a_run_does_not_say_is_named():
    without = run_of_n(1, [1])
    del without.history["n"]
    with pytest.raises(DataError, match=r"history\.csv: has no column 'n'"):
        figures.examine_figure2([without])
    without.arguments["pooling_arguments"] = None
    with pytest.raises(DataError, match=r"pooling_arguments\.n"):
        figures.examine_figure2([without])


def towards(value, starts, epochs=100, rate=0.1):
    return np.stack([value + (start - value) * np.exp(-rate * np.arange(epochs + 1)) for start in starts])


def test_curves_that_end_together_have_a_common_value():
    assert figures.common_value(towards(0.7, [0, 0.5, 1.2, 3, 10])) == pytest.approx(0.7, abs=0.01)


@pytest.mark.parametrize(
    "curves",
    [
        towards(0.7, [0, 0.5, 1.2, 3, 10], epochs=10),  # not there yet
        np.concatenate([towards(0.7, [0, 1.2]), towards(0.85, [3])]),  # one stays elsewhere
        np.stack([np.linspace(0, 1.4, 101), np.linspace(10, 1.3, 101)]),  # meet on their way
        towards(0.7, [1.2]),  # one curve has nothing in common with another
        np.array([[0.7, 0.7], [0.7, 0.7]]),  # a single epoch cannot stand still
    ],
)
def test_other_curves_have_none(curves):
    assert figures.common_value(curves) is None


def test_curves_of_different_length_end_where_they_end():
    long, short = towards(0.7, [0, 3])
    short = np.concatenate([short[:81], np.full(20, np.nan)])
    assert figures.common_value(np.stack([long, short])) == pytest.approx(0.7, abs=0.01)
    np.testing.assert_allclose(figures.endings(np.stack([long, short]))[:, 0], [0.7, short[73:81].mean()], atol=1e-3)


@given(st.lists(st.floats(-1, 10), min_size=2, max_size=5))
def test_a_common_value_lies_within_all_endings(values):
    curves = np.tile(np.array(values)[:, None], (1, 30))
    found = figures.common_value(curves)
    assert (found is not None) == (np.ptp(values) <= figures.SAME_N)
    if found is not None:
        assert found == pytest.approx(np.mean(values))


def draw2(curves):
    labels = [f"n from {curve[0]:g}" for curve in curves]
    return figures.draw_figure2({"n": curves}, COMMON | {"labels": labels})


def test_figure2_has_a_curve_per_start_and_the_printed_value():
    curves = towards(0.8, [0, 0.5, 1.2, 3, 10])
    figure = draw2(curves)
    (panel,) = figure.axes
    assert (panel.get_xlabel(), panel.get_ylabel()[0]) == ("Epoch", "n")
    lines = {line.get_label(): line for line in panel.lines}
    assert list(lines)[:5] == ["n from 0", "n from 0.5", "n from 1.2", "n from 3", "n from 10"]
    np.testing.assert_allclose(lines["n from 10"].get_ydata(), curves[4])
    assert len({(line.get_color(), line.get_linestyle()) for line in panel.lines}) == 7
    printed = lines["published: 0.7"]
    assert set(printed.get_ydata()) == {0.7} and printed.get_linestyle() == "--"
    np.testing.assert_allclose(lines["ours: 0.80"].get_ydata(), 0.8, atol=1e-3)
    assert "miniature" in figure.get_suptitle() and "within 0.00" in figure.get_suptitle()


def test_runs_of_one_start_look_alike_and_stand_in_the_legend_once():
    curves = towards(0.8, [0, 10, 0, 10])
    figure = draw2(curves)
    first, second, third, fourth = figure.axes[0].lines[:4]
    assert (first.get_color(), second.get_color()) == (third.get_color(), fourth.get_color())
    assert first.get_color() != second.get_color()
    legend = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert legend == ["n from 0", "n from 10", "published: 0.7", "ours: 0.80"]


def test_figure2_marks_no_value_of_ours_where_there_is_none():
    figure = draw2(towards(0.7, [0, 10], epochs=10))
    assert [line.get_label() for line in figure.axes[0].lines] == ["n from 0", "n from 10", "published: 0.7"]
    assert "no common value" in figure.get_suptitle()


def test_figure2_shows_negative_exponents():
    figure = draw2(np.stack([np.linspace(0, -0.8, 30), np.full(30, 1.0)]))
    assert figure.axes[0].get_ylim()[0] < -0.8


# --- Figure 3: labels of frames, bins


def test_bins_hold_frames_correct_ones_and_the_sum_of_values():
    values = np.array([0.0, 0.02, 0.025, 0.99, 1.0], dtype=np.float32)
    counts = figures.binned(values, np.array([True, False, True, True, False]))
    assert counts.shape == (3, figures.BINS)
    filled = {place: tuple(counts[:, place].round(6)) for place in np.flatnonzero(counts[0])}
    assert filled == {0: (2, 1, pytest.approx(0.02)), 1: (1, 1, pytest.approx(0.025)), 39: (2, 1, pytest.approx(1.99))}


@given(st.lists(st.tuples(st.floats(0, 1, width=16), st.booleans()), max_size=50))
def test_bins_lose_no_frame(pairs):
    values = np.array([value for value, _ in pairs], dtype=np.float32)
    correct = np.array([right for _, right in pairs], dtype=bool)
    counts = figures.binned(values, correct)
    assert counts.sum(axis=1) == pytest.approx([len(pairs), correct.sum(), values.sum()])
    filled = counts[0] > 0
    means = counts[2, filled] / counts[0, filled]
    assert (np.abs(means * figures.BINS - np.flatnonzero(filled) - 0.5) <= 0.5 + 1e-4).all()


def view(frame, confidence, splits=("validation", "validation", "public"), durations=(4.0, 2.0, 4.0)):
    """A run of three clips of four frames, one second each; a dog in seconds 0 and 1 of each clip."""
    scores = {
        "frame": np.asarray(frame, dtype=np.float16),
        "confidence": np.asarray(confidence, dtype=np.float16),
        "splits": np.array(splits),
        "filenames": np.array(["a.wav", "b.wav", "c.wav"]),
        "durations": np.array(durations),
        "frames_per_second": np.array(1.0),
    }
    events = {name: [Event(0, 2, "Dog")] for name in ("a.wav", "b.wav", "c.wav")}
    config = SimpleNamespace(settings={"training": {"method": {"kind": "confidence", "penalty": 0.03}}})
    return SimpleNamespace(folder=Path("runs/some"), scores=scores, events=events, classes=CLASSES, config=config)


def example():
    """Dog: right in frames 0 and 2 of clip a, wrong in 1 and 3; clip b ends after frame 1; speech always right."""
    frame, confidence = np.zeros((3, 4, 2)), np.full((3, 4, 2), 0.97)
    frame[0, :, 0], confidence[0, :, 0] = [0.92, 0.3, 0.1, 0.6], [0.62, 0.12, 0.62, 0.03]
    frame[1, :, 0], confidence[1, :, 0] = [0.5, 0.52, 1, 1], [0.62, 0.62, 0.33, 0.33]
    return view(frame, confidence)


def by_bin(counts):
    return {int(place): tuple(counts[:2, place].astype(int)) for place in np.flatnonzero(counts[0])}


def test_all_frames_within_their_clips_are_counted_once():
    arrays, _ = figures.examine_figure3a([example(), example()])
    assert arrays["confidence"].shape == (2, 3, figures.BINS) and arrays["penalty"].tolist() == [0.03, 0.03]
    for counts in arrays["confidence"]:
        # 0.62: frames 0 and 2 of a, 0 and 1 of b, all right; 0.12 and 0.03: the two mistakes; the rest is speech.
        assert by_bin(counts) == {1: (1, 0), 4: (1, 0), 24: (4, 4), 38: (6, 6)}


def test_positives_are_counted_by_confidence_and_by_probability():
    arrays, _ = figures.examine_figure3b([example(), example()])
    assert {name: counts.shape for name, counts in arrays.items()} == dict.fromkeys(arrays, (2, 3, figures.BINS))
    for confidence, probability, negative in zip(*arrays.values(), strict=True):
        assert by_bin(confidence) == {1: (1, 0), 24: (3, 3)}
        assert by_bin(probability) == {20: (2, 2), 24: (1, 0), 36: (1, 1)}
        # All speech is rightly negative; of the dog, 0.3 is wrongly so, and 0.1 rightly.
        assert by_bin(negative) == {0: (6, 6), 3: (1, 1), 12: (1, 0)}


def test_a_run_without_lambda_is_an_error():
    run = example()
    run.config.settings["training"]["method"] = {"kind": "mean_teacher"}
    with pytest.raises(DataError, match=r"config\.json: has no training\.method\.penalty"):
        figures.examine_figure3a([run])


@pytest.mark.parametrize("name", ["frame", "confidence"])
def test_a_run_without_confidence_or_frames_is_an_error(name):
    run = example()
    del run.scores[name]
    with pytest.raises(DataError, match=rf"scores\.npz: holds no '{name}'"):
        figures.examine_figure3a([run])


def test_a_run_without_validation_clips_or_labels_is_an_error():
    run = example()
    run.scores["splits"] = np.array(["public"] * 3)
    with pytest.raises(DataError, match="no clip of split 'validation'"):
        figures.examine_figure3b([run])
    run = example()
    del run.events["b.wav"]
    with pytest.raises(DataError, match=r"b\.wav of split 'validation' has no strong labels"):
        figures.examine_figure3a([run])


# --- Figure 3: the drawings


def counts_of(accuracy, frames):
    """Counts whose bin of number b has `frames[b]` frames at its centre and this accuracy of its centre."""
    centres = (np.arange(figures.BINS) + 0.5) / figures.BINS
    frames = np.broadcast_to(np.asarray(frames, dtype=float), figures.BINS)
    return np.stack([frames, frames * accuracy(centres), frames * centres])


FRAMES = np.where(np.arange(figures.BINS) < 3, figures.FEWEST - 1, 1000)


@given(st.lists(st.integers(0, 250), min_size=figures.BINS, max_size=figures.BINS), st.data())
def test_joined_bins_have_frames_enough_and_lose_none(frames, data):
    correct = [data.draw(st.integers(0, number)) for number in frames]
    counts = counts_of(lambda x: x, frames)
    counts[1] = correct
    joined = figures.joined(counts)
    assert (joined[0] >= figures.FEWEST).all()
    assert joined.shape[1] >= sum(frames) // (figures.FEWEST + 250 - 1)
    np.testing.assert_array_equal(figures.joined(joined), joined)
    if sum(frames) >= figures.FEWEST:
        np.testing.assert_allclose(joined.sum(axis=1), counts.sum(axis=1))
        assert (np.diff(figures.accuracies(joined)[0]) > 0).all()
    else:
        assert joined.shape == (3, 0)


def test_bins_of_enough_frames_are_points_of_their_own():
    counts = counts_of(lambda x: x, figures.FEWEST)
    np.testing.assert_array_equal(figures.joined(counts), counts)


def test_few_frames_are_joined_upwards_and_the_last_of_them_downwards():
    frames = np.zeros(figures.BINS)
    frames[[0, 3, 4, 9, 12, 20]] = 20, 30, 150, 49, 1, 49
    assert figures.joined(counts_of(lambda x: x, frames))[0].tolist() == [50, 150, 99]


def drawn(panel):
    """Points of each curve."""
    return [len(line.get_xdata()) for line in panel.lines if line.get_marker() in figures.MARKERS]


def test_figure3a_has_a_curve_per_lambda_and_small_bins_joined():
    counts = np.stack([counts_of(lambda x, k=k: x**k, FRAMES) for k in (1, 2, 3, 4, 5)])
    labels = [f"λ = {penalty}" for penalty in (0.003, 0.01, 0.03, 0.1, 0.3)]
    figure = figures.draw_figure3a({"confidence": counts}, COMMON | {"labels": labels})
    panel, below = figure.axes
    assert drawn(panel) == [figures.BINS - 2] * 5
    assert [text.get_text() for text in panel.get_legend().get_texts()] == ["y = x", *labels]
    curve = next(line for line in panel.lines if line.get_label() == "λ = 0.01")
    np.testing.assert_allclose(curve.get_ydata()[2:], curve.get_xdata()[2:] ** 2)
    assert len({(line.get_color(), line.get_marker()) for line in panel.lines[1:]}) == 5
    assert below.get_yscale() == "log" and below.get_xlabel() == "Confidence"
    assert len(below.patches) == 5
    np.testing.assert_allclose(below.patches[0].get_data().values, FRAMES / FRAMES.sum())
    assert f"{figures.FEWEST} frames or more" in figure.get_suptitle() and "miniature" in figure.get_suptitle()


def test_runs_of_one_lambda_are_one_curve():
    low, high = counts_of(lambda x: 0 * x, FRAMES), counts_of(lambda x: x, FRAMES)
    figure = figures.draw_figure3a({"confidence": np.stack([low, high])}, COMMON | {"labels": ["λ = 0.1"] * 2})
    panel, below = figure.axes
    assert drawn(panel) == [figures.BINS] and len(below.patches) == 1  # together, every bin has frames enough
    curve = next(line for line in panel.lines if line.get_label() == "λ = 0.1")
    np.testing.assert_allclose(curve.get_ydata(), curve.get_xdata() / 2)
    assert "2 runs" in figure.get_suptitle()


def test_a_fit_goes_through_a_polynomial():
    counts = counts_of(lambda x: 0.2 + 0.9 * x**3 - 0.3 * x, 1000)
    counts[:, :3] = 0
    degree, (x, y) = figures.fitted(counts)
    assert degree == 3
    np.testing.assert_allclose(y, 0.2 + 0.9 * x**3 - 0.3 * x, atol=1e-9)
    assert x.min() == pytest.approx(3.5 / figures.BINS) and x.max() == pytest.approx(1 - 0.5 / figures.BINS)


def test_a_fit_minds_bins_by_their_frames():
    frames = np.full(figures.BINS, 10**7)
    frames[5] = figures.FEWEST
    counts = counts_of(lambda x: 0.5 * x, frames)
    counts[1, 5] = frames[5]
    _, (x, y) = figures.fitted(counts)
    np.testing.assert_allclose(y, 0.5 * x, atol=1e-4)


@pytest.mark.parametrize(("bins", "degree"), [(0, None), (1, None), (2, None), (3, 1), (4, 2), (5, 3), (40, 3)])
def test_a_fit_goes_through_no_fewer_points_than_leave_it_a_residual(bins, degree):
    found, fit = figures.fitted(counts_of(lambda x: x, np.where(np.arange(figures.BINS) < bins, 1000, 0)))
    assert (fit is None) == (degree is None)
    if fit is not None:
        assert found == degree


def test_figure3b_has_both_curves_with_fits_and_histograms():
    confidence = counts_of(lambda x: x, np.where(np.arange(figures.BINS) < 4, 4000, 200))
    probability = counts_of(lambda x: x, np.where(np.arange(figures.BINS) < 20, 0, 1000))
    arrays = {"confidence": confidence[None] / [[[1]], [[3]]], "probability": probability[None] / [[[1]], [[3]]]}
    figure = figures.draw_figure3b(arrays, COMMON | {"labels": ["MT-SSED, λ = 0.03"] * 2})
    left, right, below_left, below_right = figure.axes
    assert drawn(left) == [40] and drawn(right) == [20]
    for panel in (left, right):
        assert [text.get_text() for text in panel.get_legend().get_texts()] == ["accuracy", "polynomial of degree 3"]
    assert left.get_title() == "69.0% in [0, 0.1]" and right.get_title() == "20.0% in [0.9, 1], 20.0% in [0.5, 0.6]"
    assert [below_left.get_xlabel(), below_right.get_xlabel()] == ["Confidence", "Probability"]
    assert right.get_xlim() == (0.5, 1) and "λ = 0.03" in figure.get_suptitle()
    assert "2 runs" in figure.get_suptitle()


@pytest.mark.parametrize("positives", [0, figures.FEWEST - 1])
def test_figures_are_drawn_of_runs_with_few_positives_or_none(positives):
    nothing = counts_of(lambda x: x, np.where(np.arange(figures.BINS) == 30, positives, 0))
    arrays = {"confidence": nothing[None], "probability": nothing[None]}
    figure = figures.draw_figure3b(arrays, COMMON | {"labels": ["x"]})
    figure.canvas.draw()
    assert drawn(figure.axes[0]) == [0]
    assert [text.get_text() for text in figure.axes[0].texts] == [f"fewer than {figures.FEWEST} positive predictions"]
    assert figure.axes[0].get_title() == "0.0% in [0, 0.1]"
