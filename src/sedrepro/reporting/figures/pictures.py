"""What figures share: panels over time and mel bands, and files that are equal for equal figures."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sedrepro.audio.front_end import FrontEnd, mel_centres
from sedrepro.base.files import atomic_path

#: The style sheet of all figures: drawing and saving happen within `matplotlib.rc_context(fname=STYLE)`.
STYLE = Path(__file__).with_name("sedrepro.mplstyle")
#: Fractions of the figure to which the layout is rounded: its solver ends a little differently from run to run.
LAYOUT_DIGITS = 4

#: Labels of a frequency axis, Hz.
OCTAVES = (125, 250, 500, 1000, 2000, 4000, 8000, 16000)


def mel_panel(
    panel: Any,
    values: np.ndarray,
    front_end: FrontEnd,
    title: str,
    colours: str,
    limits: tuple[float | None, float | None] = (None, None),
    unit: str = "",
) -> None:
    """Values (frame, mel) as an image over time in seconds, frequencies in Hz at the mel bands, and a colour bar.

    `unit` is the label of the colour bar.
    """
    extent = (0, len(values) / front_end.frames_per_second, -0.5, values.shape[1] - 0.5)
    image = panel.imshow(
        values.T, origin="lower", aspect="auto", cmap=colours, extent=extent, vmin=limits[0], vmax=limits[1]
    )
    centres = mel_centres(front_end)
    shown = [f for f in OCTAVES if centres[0] <= f <= centres[-1]]
    places = np.interp(shown, centres, np.arange(len(centres)))
    # From the top down, so that what would run into its neighbour is one of the crowded low ones.
    clear = [n for n in range(len(shown)) if n + 1 == len(shown) or places[n + 1] - places[n] > len(centres) / 12]
    panel.set_yticks(places[clear], [f"{shown[n]}" for n in clear])
    panel.set(title=title, ylabel="Frequency (Hz)")
    panel.figure.colorbar(image, ax=panel, pad=0.01, aspect=20, label=unit)


def mark_spans(panel: Any, spans: Sequence[tuple[float, float]], level: float | None = None) -> None:
    """Bars from one time to another, white on a black edge, so that they show on every image.

    They lie at a `level` of the y axis, by default at the lower edge of the panel.
    """
    from matplotlib.patheffects import Normal, Stroke

    edge = [Stroke(linewidth=5, foreground="black"), Normal()]
    for onset, offset in spans:
        place = {"transform": panel.get_xaxis_transform()} if level is None else {}
        height = 0.03 if level is None else level
        panel.plot(
            [onset, offset], [height, height], color="white", linewidth=2.5, solid_capstyle="butt", path_effects=edge,
            **place,
        )  # fmt: skip


def save_picture(figure: Any, stem: Path) -> Path:
    """Write a figure as `<stem>.svg` and `<stem>.png`, each atomically, and close it; returns the SVG's path."""
    import matplotlib
    from matplotlib import pyplot

    paths = [stem.with_name(stem.name + suffix) for suffix in (".svg", ".png")]
    with matplotlib.rc_context(fname=STYLE):
        _settle(figure)
        for path, metadata in zip(paths, ({"Date": None}, {}), strict=True):
            with atomic_path(path) as temporary:
                figure.savefig(temporary, metadata=metadata)
    pyplot.close(figure)
    return paths[0]


def _settle(figure: Any) -> None:
    """Let the layout be solved once, then round and keep it."""
    import matplotlib

    figure.draw_without_rendering()
    # "none" would leave an engine that does nothing, for which each file is drawn once more.
    with matplotlib.rc_context({"figure.constrained_layout.use": False, "figure.autolayout": False}):
        figure.set_layout_engine(None)
    for axes in figure.axes:
        place = axes.get_position()
        axes.set_axes_locator(None)
        axes.set_position([round(value, LAYOUT_DIGITS) for value in place.bounds])
