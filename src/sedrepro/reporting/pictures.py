"""Writing matplotlib figures so that equal figures are equal files."""

from pathlib import Path
from typing import Any

from sedrepro.files import atomic_path

#: Drawing and saving happen within this context (`matplotlib.rc_context`).
STYLE = {"svg.hashsalt": "sedrepro", "svg.fonttype": "none", "font.size": 9}
#: Fractions of the figure to which the layout is rounded: its solver ends a little differently from run to run.
LAYOUT_DIGITS = 4


def save_picture(figure: Any, stem: Path) -> Path:
    """Write a figure as `<stem>.svg` and `<stem>.png`, each atomically, and close it; returns the SVG's path."""
    import matplotlib
    from matplotlib import pyplot

    paths = [stem.with_name(stem.name + suffix) for suffix in (".svg", ".png")]
    with matplotlib.rc_context(STYLE):
        _settle(figure)
        for path, metadata in zip(paths, ({"Date": None}, {}), strict=True):
            with atomic_path(path) as temporary:
                figure.savefig(temporary, dpi=110, metadata=metadata)
    pyplot.close(figure)
    return paths[0]


def _settle(figure: Any) -> None:
    """Let the layout be solved once, then round and keep it."""
    figure.canvas.draw()
    figure.set_layout_engine("none")
    for axes in figure.axes:
        place = axes.get_position()
        axes.set_axes_locator(None)
        axes.set_position([round(value, LAYOUT_DIGITS) for value in place.bounds])
