"""Figures 4 to 6 of the DDC-FAP paper, from made-up runs."""

from types import SimpleNamespace

import matplotlib as mpl
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sedrepro.base.errors import DataError
from sedrepro.papers.ddc_fap import figures
from sedrepro.papers.ddc_fap.figures import centres

CLASSES = ["Bark", "Bus", "Gong", "Keys_jangling"]
SYSTEMS = {"attention": "Attention", "vgg_fap": "VGG-FAP", "ddc_ap": "DDC-AP", "ddc_fap": "DDC-FAP"}
COMMON = {"scale": "miniature", "variant": "remix_0db", "classes": CLASSES}


def bump(band, bands=8):
    return 1 + 3 * (np.arange(bands) == band)


ALPHA = np.stack([bump(1), bump(0), bump(7), bump(6)]).astype(float)


def test_the_centre_of_alpha_is_where_its_bump_is():
    assert list(np.argsort(centres(ALPHA))) == [1, 0, 3, 2]
    assert centres(np.ones((1, 8))) == pytest.approx(3.5)


@given(st.floats(0.1, 9))
def test_the_centre_does_not_depend_on_the_size_of_alpha(scale):
    np.testing.assert_allclose(centres(scale * ALPHA), centres(ALPHA))


def test_alpha_is_read_from_the_networks_of_all_runs():
    front_end = SimpleNamespace(n_mels=8, fmin=50, fmax=8000)

    def view(bound):
        alpha = torch.tensor(ALPHA * bound / 5).requires_grad_()
        network = SimpleNamespace(pooling=SimpleNamespace(alpha=alpha, alpha_max=bound))
        return SimpleNamespace(network=lambda: network, classes=CLASSES, front_end=front_end)

    arrays, facts = figures.examine_figure4([view(5.0), view(10.0), view(10.0)])
    np.testing.assert_allclose(arrays["alpha"], np.stack([ALPHA, 2 * ALPHA, 2 * ALPHA]))
    assert arrays["hz"].shape == (8,) and (np.diff(arrays["hz"]) > 0).all() and arrays["hz"][0] > 50
    assert list(arrays["alpha_max"]) == [5, 10, 10]
    assert list(arrays["classes"]) == CLASSES
    assert facts == {}


def views(runs=3):
    """Runs with a metric each that tells system, metric and fold apart."""
    made = []
    for number, (system, label) in enumerate(SYSTEMS.items()):
        for fold in range(runs):
            values = {name: number + fold / 100 for name in figures.MAIN_METRICS}
            split = SimpleNamespace(metrics=values, detections={}, class_metrics={})
            metrics = SimpleNamespace(splits={"held_out": split}, parameters=1000 * (number + 1))
            who = SimpleNamespace(system=system, variant="remix_0db")
            made.append(SimpleNamespace(who=who, label=label, metrics=metrics))
    return made


def test_all_runs_are_read_and_told_apart_by_system():
    arrays, facts = figures.examine_figure5(views())
    assert facts == {"systems": list(SYSTEMS), "system_labels": list(SYSTEMS.values())}
    assert list(arrays["system"]) == [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3]
    np.testing.assert_allclose(arrays["values"], np.tile(arrays["system"] + np.tile([0, 0.01, 0.02], 4), (8, 1)))
    arrays, _ = figures.examine_figure6(views())
    np.testing.assert_allclose(arrays["parameters"], 1000 * (arrays["system"] + 1))
    np.testing.assert_allclose(arrays["frame_macro_ap"][:4], [0, 0.01, 0.02, 1])


def test_an_undefined_metric_is_left_out_and_a_missing_one_an_error():
    runs = views()
    runs[0].metrics.splits["held_out"].metrics["frame_f1"] = None
    assert np.isnan(figures.examine_figure5(runs)[0]["values"]).sum() == 1
    del runs[0].metrics.splits["held_out"].metrics["frame_f1"]
    with pytest.raises(DataError, match="frame_f1"):
        figures.examine_figure5(runs)


# --- the drawings


@pytest.fixture(autouse=True)
def _closed():
    mpl.use("Agg")
    yield
    import matplotlib.pyplot as plt

    plt.close("all")


def test_figure4_shows_every_class_in_a_panel_per_bound():
    alpha = np.stack([ALPHA, 0.5 * ALPHA, ALPHA, 2 * ALPHA])
    arrays = {"alpha": alpha, "hz": np.geomspace(60, 7000, 8), "alpha_max": np.array([3.0, 3.0, 5.0, 10.0])}
    figure = figures.draw_figure4(arrays, COMMON)
    panels = [panel for panel in figure.axes if panel.get_xlabel().startswith("Frequency")]
    order = [1, 0, 3, 2]  # by the centre of alpha
    titles = [("3", "94%"), ("5", "88%"), ("10", "88%")]
    for panel, (bound, share), shown in zip(panels, titles, alpha[[0, 2, 3]], strict=True):
        assert panel.get_xlabel() == "Frequency (Hz)"
        assert f"= {bound}\n{share}" in panel.get_title()
        np.testing.assert_allclose(panel.images[0].get_array(), shown[order])
    assert "in 2 runs" in panels[0].get_title()
    assert "in 1 run" in panels[1].get_title()
    assert "first run" in figure.get_suptitle()
    assert [text.get_text() for text in panels[0].get_yticklabels()] == ["Bus", "Bark", "Keys jangling", "Gong"]
    assert "miniature" in figure.get_suptitle()


@pytest.mark.parametrize(("runs", "boxes"), [(1, False), (4, False), (5, True)])
def test_figure5_has_a_dot_per_run_and_boxes_only_of_enough(runs, boxes):
    arrays, facts = figures.examine_figure5(views(runs))
    figure = figures.draw_figure5(arrays, COMMON | facts)
    assert [panel.get_title()[:-2] for panel in figure.axes] == list(figures.MAIN_METRICS.values())
    assert [panel.get_title()[-1] for panel in figure.axes] == list("↑↑↑↓↑↑↑↓")
    for panel in figure.axes:
        dots = [line for line in panel.lines if line.get_marker() not in ("None", "", None)]
        assert [len(line.get_xdata()) for line in dots] == [runs] * len(SYSTEMS)
        assert (len(panel.lines) > len(SYSTEMS)) == boxes
        for number, line in enumerate(dots):
            assert all(abs(line.get_xdata() - number) < 0.5)
            np.testing.assert_allclose(line.get_ydata(), number + np.arange(runs) / 100)
    assert [label.get_text() for label in figure.axes[-1].get_xticklabels()] == list(SYSTEMS.values())
    assert f"{runs} {'run' if runs == 1 else 'runs'} (fold, seed) per system" in figure.get_suptitle()
    assert ("no boxes" in figure.get_suptitle()) != boxes


def test_figure6_names_every_system_at_its_mean():
    arrays, facts = figures.examine_figure6(views())
    figure = figures.draw_figure6(arrays, COMMON | facts)
    (panel,) = figure.axes
    assert panel.get_xlabel().startswith("Parameters (thousands)") and "mAP" in panel.get_ylabel()
    named = {text.get_text(): text.xy for text in panel.texts}
    expected = {label: ((number + 1) / 1, number + 0.01) for number, label in enumerate(SYSTEMS.values())}
    assert named.keys() == expected.keys()
    for label, place in expected.items():
        assert named[label] == pytest.approx(place)
    families = [text.get_text() for text in figure.legends[0].get_texts()]
    assert families == ["MIL", "VGG-blocks", "DDC-blocks"]


def test_figure6_draws_a_single_run_without_a_bar_and_leaves_out_the_undefined():
    arrays, facts = figures.examine_figure6(views(1))
    arrays["frame_macro_ap"][1] = np.nan
    figure = figures.draw_figure6(arrays, COMMON | facts)
    assert "no spread is known" in figure.get_suptitle()
    panel = figure.axes[0]
    assert [text.get_text() for text in panel.texts] == ["Attention", "DDC-AP", "DDC-FAP"]
    assert not any(container.has_yerr for container in panel.containers)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8).map(sorted))
def test_labels_are_kept_apart_and_moved_only_where_needed(heights):
    moved = figures._kept_apart(heights, 0.1)
    assert (np.diff(moved) >= 0.1 - 1e-9).all()
    if (np.diff(heights) >= 0.1).all():
        np.testing.assert_allclose(moved, heights)
    assert np.mean(moved) == pytest.approx(np.mean(heights))
