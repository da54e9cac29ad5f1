"""Pictures on disk: equal for equal figures, closed, and with all they show inside."""

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.layout_engine import ConstrainedLayoutEngine

from sedrepro.reporting.figures.pictures import STYLE, mel_panel, save_picture

LEGENDS = ("outside lower center", "outside right upper", "outside upper left")


@pytest.fixture(autouse=True)
def _agg():
    mpl.use("Agg")
    yield
    pyplot.close("all")


def sketch(legend: str = LEGENDS[0], layout="constrained"):
    """Panels with images, colour bars along both axes, a curve, and a legend outside of them."""
    random = np.random.default_rng(0)
    with mpl.rc_context(fname=STYLE):
        figure, panels = pyplot.subplots(2, 2, figsize=(7, 6), sharex="col", layout=layout, height_ratios=[2, 1])
        for panel, place in zip(panels[0], ("right", "bottom"), strict=True):
            image = panel.imshow(random.random((8, 30)), aspect="auto")
            figure.colorbar(image, ax=panel, location=place, pad=0.01, aspect=20)
        for number, panel in enumerate(panels[1]):
            panel.plot(random.random(30), label=f"a curve with a rather long name, {number}")
            panel.set(title="Frame scores\nof a class", xlabel="Time (s)", ylabel="Score")
        named = [panel.get_legend_handles_labels() for panel in panels[1]]
        figure.legend(
            [h for handles, _ in named for h in handles], [n for _, names in named for n in names], loc=legend
        )
        figure.suptitle("remix_0db, miniature scale")
    return figure


class Trembling(ConstrainedLayoutEngine):
    """A layout whose solver never ends in quite the same place."""

    random = np.random.default_rng(0)

    def execute(self, fig):
        super().execute(fig)
        for axes in fig.axes:
            bounds = np.array(axes.get_position(original=True).bounds)
            axes._set_position(list(bounds + self.random.uniform(-1e-8, 1e-8, 4)))


def contents(stem) -> tuple[bytes, ...]:
    return tuple(stem.with_name(f"{stem.name}{suffix}").read_bytes() for suffix in (".svg", ".png"))


@pytest.mark.parametrize("layout", ["constrained", "trembling"])
def test_drawings_of_a_figure_are_equal_files(tmp_path, layout):
    written = set()
    for _ in range(4):
        drawn = sketch(layout=Trembling() if layout == "trembling" else layout)
        save_picture(drawn, tmp_path / "figure")
        written.add(contents(tmp_path / "figure"))
    assert len(written) == 1


def test_files_of_other_figures_differ(tmp_path):
    for name, title in (("one", "a"), ("other", "b")):
        drawn = sketch()
        drawn.axes[2].set_title(title)
        save_picture(drawn, tmp_path / name)
    assert contents(tmp_path / "one")[0] != contents(tmp_path / "other")[0]
    assert contents(tmp_path / "one")[1] != contents(tmp_path / "other")[1]


def test_both_forms_are_written_and_the_figure_is_closed(tmp_path):
    kept = pyplot.figure()
    assert save_picture(sketch(), tmp_path / "table.v2") == tmp_path / "table.v2.svg"  # a dot in the name is no suffix
    assert pyplot.get_fignums() == [kept.number]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["table.v2.png", "table.v2.svg"]
    svg, png = contents(tmp_path / "table.v2")
    assert png.startswith(b"\x89PNG")
    assert b"a curve with a rather long name, 0" in svg  # text stays text
    assert b"<dc:date>" not in svg


@pytest.mark.parametrize("legend", LEGENDS)
def test_nothing_is_cut_off_and_no_legend_lies_on_a_panel(tmp_path, legend):
    figure = sketch(legend)
    save_picture(figure, tmp_path / "figure")
    renderer = FigureCanvasAgg(figure).get_renderer()
    canvas = figure.bbox.padded(0.5)
    (box,) = (legend.get_window_extent(renderer) for legend in figure.legends)
    panels = [panel.get_tightbbox(renderer) for panel in figure.axes]
    for part in (box, *panels, figure._suptitle.get_window_extent(renderer)):
        assert canvas.x0 <= part.x0 < part.x1 <= canvas.x1
        assert canvas.y0 <= part.y0 < part.y1 <= canvas.y1
    assert not any(box.overlaps(panel) for panel in panels)
    assert len(panels) == 6  # four and two colour bars


def test_colour_bars_stay_beside_their_panels(tmp_path):
    figure = sketch()
    save_picture(figure, tmp_path / "figure")
    panels, bars = ([axes.get_position() for axes in figure.axes[first : first + 2]] for first in (0, 4))
    assert not any(panel.overlaps(bar) for panel, bar in zip(panels, bars, strict=True))
    (panel, below), (bar, lying) = panels, bars
    assert (bar.y0, bar.y1) == pytest.approx((panel.y0, panel.y1), abs=1e-3)
    assert bar.height == pytest.approx(20 * bar.width * 7 / 6, rel=0.02)
    assert (lying.x0, lying.x1) == pytest.approx((below.x0, below.x1), abs=1e-3)


def test_frames_and_mel_bands_stand_at_their_seconds_and_frequencies(published):
    figure, panel = pyplot.subplots()
    values = np.zeros((published.n_frames, published.n_mels))
    values[100, 40] = 1
    mel_panel(panel, values, published, "a title", "magma", limits=(0, 1))
    (image,) = panel.images
    row, column = np.unravel_index(image.get_array().argmax(), image.get_array().shape)
    left, right, bottom, top = image.get_extent()
    assert (row, column, bottom, top) == (40, 100, -0.5, published.n_mels - 0.5)  # low bands below
    assert (left, right) == pytest.approx((0, published.n_frames * published.hop_length / published.sample_rate))
    assert image.get_clim() == (0, 1)
    ticks = dict(zip((text.get_text() for text in panel.get_yticklabels()), panel.get_yticks(), strict=True))
    assert list(ticks) == ["500", "1000", "2000", "4000", "8000"]  # 125 and 250 would run into it
    assert np.diff(list(ticks.values())).min() > published.n_mels / 12
    assert all(0 <= tick <= published.n_mels - 1 for tick in ticks.values())
    assert sorted(ticks.values()) == list(ticks.values())
    assert len(figure.axes) == 2
