"""The one place that decides what a number of ours says about a published one."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

VerdictName = Literal["reproduced", "close", "differs", "no published value", "suspect misprint", "not comparable"]

#: Only a run at this scale uses the data and settings that the published numbers belong to.
COMPARABLE_SCALE = "full"

#: A difference up to this many tolerances is `close`.
CLOSE_FACTOR = 3

#: Our values are rounded to this before they are compared: 0.1 + 0.2 must count as 0.3.
_RESOLUTION = Decimal("1e-10")


@dataclass(frozen=True)
class Metric:
    """What a table has to know about a metric; values and tolerance are fractions or ratios, not percent."""

    tolerance: Decimal
    reason: str
    higher_is_better: bool = True


# The sampling errors are standard deviations over 60 simulated test folds (2000 clips, 41 classes, three events per
# clip, Gaussian scores with an average precision of 0.61 and of 0.88). Those of F1 and error rates are assumptions.
METRICS: dict[str, Metric] = {
    "micro_ap": Metric(
        Decimal("0.01"),
        "a test fold of 2000 clips with three events each leaves a sampling error of 0.003 to 0.006: two of these",
    ),
    "macro_ap": Metric(
        Decimal("0.01"),
        "averaging over some 40 classes brings the error of single classes down to that of the micro average",
    ),
    "roc_auc": Metric(
        Decimal("0.005"),
        "the scale is compressed near 1 (sampling error 0.001 to 0.002), and systems often lie only 0.01 apart",
    ),
    "average_precision": Metric(
        Decimal("0.04"),
        "a single class has about 150 positive clips in a test fold: sampling error 0.02 to 0.04",
    ),
    "event_f1": Metric(
        Decimal("0.02"),
        "training the same event detector with another seed commonly moves it by one or two points",
    ),
    "segment_f1": Metric(
        Decimal("0.02"),
        "thresholds and median windows that a paper leaves open move it by one or two points",
    ),
    "event_error_rate": Metric(
        Decimal("0.03"),
        "one more false alarm per 33 events; insertions are not bounded, so it is noisier than F1",
        higher_is_better=False,
    ),
    "segment_error_rate": Metric(
        Decimal("0.02"),
        "many segments per event make it steadier than the event-based rate",
        higher_is_better=False,
    ),
}


class Verdict(NamedTuple):
    """A verdict and what a reader has to know before believing it (empty: nothing)."""

    name: VerdictName
    note: str


def difference(mean: float, published: str) -> Decimal:
    """Our value minus the published one, free of binary rounding."""
    return Decimal(mean).quantize(_RESOLUTION) - Decimal(published)


def verdict(
    scale: str, mean: float | None, runs: int, published: str, tolerance: Decimal, suspect: str = ""
) -> Verdict:
    """Compare the mean of our runs with a published value.

    Args:
        scale: scale of the runs; only `full` can be compared.
        mean: mean over the runs, None where it is undefined.
        runs: number of runs behind the mean.
        published: number as printed, empty where none is printed.
        tolerance: largest difference, inclusive, that counts as reproduced.
        suspect: reason to doubt the print; excuses a difference, never an agreement.
    """
    if not published:
        return Verdict("no published value", "")
    if mean is None or runs < 1:
        return Verdict("not comparable", "no result")
    if scale != COMPARABLE_SCALE:
        return Verdict("not comparable", "")
    distance = abs(difference(mean, published))
    note = "verdict from a single run" if runs == 1 else ""
    if distance <= tolerance:
        return Verdict("reproduced", note)
    if distance <= CLOSE_FACTOR * tolerance:
        return Verdict("close", note)
    return Verdict("suspect misprint" if suspect else "differs", note)
