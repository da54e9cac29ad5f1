"""A way from scores to events where no paper says one."""

from sedrepro.detection.settings import FixedWindows, Median

#: Seconds of the median window: that of the DCASE baselines, about.
UNTUNED_SECONDS = 0.45
#: Nothing of it was tuned.
UNTUNED = Median(
    kind="median",
    threshold=0.5,
    windows=FixedWindows(kind="fixed", seconds=UNTUNED_SECONDS),
    filters="decisions",
    border="inactive",
)
