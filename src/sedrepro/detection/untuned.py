"""A way from scores to events where no paper says one."""

from sedrepro.detection.settings import FixedWindows, Median

#: The window is that of the DCASE baselines, about, and nothing of it was tuned.
UNTUNED = Median(
    kind="median",
    threshold=0.5,
    windows=FixedWindows(kind="fixed", seconds=0.45),
    filters="decisions",
    border="inactive",
)
