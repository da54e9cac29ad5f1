"""The one place that decides what a number of ours says about a published one, in a table or in a claim.

A print is mostly one run of the authors', so it counts as one more run of our own distribution: beyond the tolerances
it differs only if it lies outside the interval that would hold 95 % of further runs of ours. Tested against the mean,
as if it were exact, a print that is such a run would be called different the more often the more runs we have.
"""

import math
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, NamedTuple

Agreement = Literal["reproduced", "close", "differs"]
VerdictName = Literal[Agreement, "no published value", "not available", "suspect misprint", "not comparable"]

#: Only a run at this scale uses the data and settings that the published numbers belong to.
COMPARABLE_SCALE = "full"

#: A difference up to this many tolerances is `close`.
CLOSE_FACTOR = 3

#: Fewer runs say nothing of where further ones lie; their verdict says how many they are.
FEWEST_RUNS = 3
#: What intervals leave out, and of every test.
SIGNIFICANCE = 0.05

#: Our values are rounded to this before they are compared: 0.1 + 0.2 must count as 0.3.
_RESOLUTION = Decimal("1e-10")


@dataclass(frozen=True)
class Metric:
    """What a table has to know about a metric; values and tolerance are fractions, ratios or counts, not percent.

    A derived metric is computed from another one: `change_of` is its relative change against a reference system, in the
    direction of the better; `spread_of` is its sample standard deviation over runs. `higher_is_better` is None where
    nothing is better. An `exact` metric is the same in every run of a system.
    """

    tolerance: Decimal
    reason: str
    higher_is_better: bool | None = True
    change_of: str = ""
    spread_of: str = ""
    exact: bool = False
    unit: str = "fraction"
    """What its values are given in, where tables of several papers stand together."""

    @property
    def base(self) -> str:
        """The metric that it is derived from; empty where it is measured itself."""
        return self.change_of or self.spread_of


# The sampling errors of clip-level metrics are standard deviations over 60 simulated test folds (2000 clips, 41
# classes, three events per clip, Gaussian scores with an average precision of 0.61 and of 0.88). The spread of
# segment-based metrics is that of five printed repetitions of one system (He et al. 2019, Appendix A: ER 0.78 to 0.85).
# Tolerances of event-based metrics are assumptions.
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
    "clip_f1": Metric(
        Decimal("0.02"),
        "assumption: F1 at one threshold depends on it beside the ranking, so twice the tolerance of macro_ap",
    ),
    "clip_micro_f1": Metric(
        Decimal("0.02"),
        "assumption: F1 at one threshold depends on it beside the ranking, so twice the tolerance of macro_ap",
    ),
    "frame_f1": Metric(
        Decimal("0.03"),
        "assumption: a threshold, smoothing and the clip-level decision all move it, as they do segment-based F1",
    ),
    "frame_macro_ap": Metric(
        Decimal("0.02"),
        "assumption: frames of one clip are no independent samples, so twice the tolerance of clips",
    ),
    "frame_roc_auc": Metric(
        Decimal("0.01"),
        "assumption: frames of one clip are no independent samples, so twice the tolerance of clips",
    ),
    "event_f1": Metric(
        Decimal("0.02"),
        "training the same event detector with another seed commonly moves it by one or two points",
    ),
    "event_error_rate": Metric(
        Decimal("0.03"),
        "one more false alarm per 33 events; insertions are not bounded, so it is noisier than F1",
        higher_is_better=False,
        unit="ratio",
    ),
    **{
        f"event_{kind}_rate": Metric(
            Decimal("0.03"),
            "assumption: same tolerance as the error rate, of which this rate is a part",
            higher_is_better=False,
            unit="ratio",
        )
        for kind in ("deletion", "insertion")
    },
    "event_error_rate_change": Metric(
        Decimal("0.04"),
        "two runs that each scatter by 0.03 around 1.2 give a relative change that scatters by 0.035",
        higher_is_better=None,
        change_of="event_error_rate",
        unit="percent",
    ),
    "event_f1_change": Metric(
        Decimal("0.08"),
        "two runs that each scatter by 0.02 around 0.34 give a relative change that scatters by 0.083",
        higher_is_better=None,
        change_of="event_f1",
        unit="percent",
    ),
    "tagging_f1": Metric(
        Decimal("0.02"),
        "assumption: as clip F1 at one threshold, which decides which events tag a clip",
    ),
    "parameters": Metric(
        Decimal(5000),
        "assumption: counts are printed in millions with two decimals",
        higher_is_better=False,
        exact=True,
        unit="count",
    ),
    "parameters_change": Metric(
        Decimal("0.01"),
        "a count has no random error: a hundredth allows for biases and the poolings' own parameters",
        higher_is_better=None,
        change_of="parameters",
        exact=True,
        unit="percent",
    ),
    "segment_error_rate": Metric(
        Decimal("0.03"),
        "five printed repetitions of one system have a standard deviation of 0.027 and span 0.07",
        higher_is_better=False,
        unit="ratio",
    ),
    "segment_f1": Metric(
        Decimal("0.03"),
        "over twelve printed rows it falls by 0.96 per unit of error rate, so it scatters as much: 0.026",
    ),
    **{
        f"segment_{name}": Metric(
            Decimal("0.05"),
            "values printed in one paper contradict each other by up to 0.039, and a threshold trades one for another",
            higher_is_better=higher_is_better,
            unit="ratio" if name.endswith("rate") else "fraction",
        )
        for name, higher_is_better in {
            "substitution_rate": False,
            "deletion_rate": False,
            "insertion_rate": False,
            "precision": True,
            "recall": True,
        }.items()
    },
    "segment_error_rate_change": Metric(
        Decimal("0.05"),
        "two runs that each scatter by 0.027 around 0.8 give a relative change that scatters by 0.048",
        higher_is_better=None,
        change_of="segment_error_rate",
        unit="percent",
    ),
    "segment_f1_change": Metric(
        Decimal("0.08"),
        "two runs that each scatter by 0.026 around 0.47 give a relative change that scatters by 0.078",
        higher_is_better=None,
        change_of="segment_f1",
        unit="percent",
    ),
    "segment_error_rate_sd": Metric(
        Decimal("0.01"),
        "a standard deviation of 0.027 from five runs is itself uncertain by a third: 0.0095",
        higher_is_better=None,
        spread_of="segment_error_rate",
        unit="ratio",
    ),
    "threshold": Metric(
        Decimal("0.05"),
        "assumption: scores vary by as much from run to run, and the thresholds tried are as far apart",
        higher_is_better=None,
    ),
    **{
        name: Metric(
            Decimal("0.1"),
            "seconds; assumption: one frame of 0.08 s more or less in smoothing changes few segments of 1 s",
            higher_is_better=None,
            unit="seconds",
        )
        for name in ("median_seconds", "longest_gap_seconds", "shortest_seconds")
    },
}


class Verdict(NamedTuple):
    """A verdict and what a reader has to know before believing it (empty: nothing)."""

    name: VerdictName
    note: str


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation over runs (folds and seeds), in one unit; None where there is none."""

    mean: float | None = None
    sd: float | None = None
    runs: int = 0

    @property
    def interval(self) -> tuple[float, float] | None:
        """Confidence interval of the mean (Student's t, 95 %), lower end first; None with fewer than two runs.

        It takes the runs as independent. Folds share training clips, and seeds share all data, so it is a bit too
        narrow (Bengio and Grandvalet 2004).
        """
        if self.mean is None or self.sd is None or self.runs < 2:
            return None
        from scipy.special import stdtrit

        half = float(stdtrit(self.runs - 1, 1 - SIGNIFICANCE / 2)) * self.sd / math.sqrt(self.runs)
        return self.mean - half, self.mean + half

    @property
    def reach(self) -> float | None:
        """How far from the mean 95 % of further single runs lie: t s sqrt(1 + 1/n), half a prediction interval.

        None with fewer than `FEWEST_RUNS` runs, and where there is no deviation (an exact metric).
        """
        if self.mean is None or self.sd is None or self.runs < FEWEST_RUNS:
            return None
        from scipy.special import stdtrit

        return float(stdtrit(self.runs - 1, 1 - SIGNIFICANCE / 2)) * self.sd * math.sqrt(1 + 1 / self.runs)


def difference(mean: float, published: str) -> Decimal:
    """Our value minus the published one, free of binary rounding."""
    return Decimal(mean).quantize(_RESOLUTION) - Decimal(published)


def distance(mean: float, published: str) -> Decimal:
    """How far our value lies from the nearest one that would be printed so: `0.70` stands for 0.695 to 0.705."""
    half_a_unit = Decimal(1).scaleb(int(Decimal(published).as_tuple().exponent)) / 2
    return max(abs(difference(mean, published)) - half_a_unit, Decimal(0))


def agreement(ours: Spread, published: str, tolerance: Decimal) -> Agreement:
    """The one rule for a print, which counts with its rounding; our mean must be there.

    Within the tolerance it is reproduced, within `CLOSE_FACTOR` times that close, both ends included. Beyond, it is
    close where one more run of ours might lie, and else differs.
    """
    if ours.mean is None:
        raise ValueError("there is no mean to compare")
    apart = distance(ours.mean, published)
    if apart <= tolerance:
        return "reproduced"
    if apart <= CLOSE_FACTOR * tolerance or (ours.reach is not None and float(apart) <= ours.reach):
        return "close"
    return "differs"


def verdict(
    scale: str, ours: Spread, published: str, tolerance: Decimal, suspect: str = "", at_hand: bool = True
) -> Verdict:
    """Compare our runs with a published value; see `agreement`.

    Args:
        scale: scale of the runs; only `full` can be compared.
        ours: mean and deviation over the runs; no mean where it is undefined.
        published: number as printed, empty where none is printed; it counts with its rounding.
        tolerance: largest difference, inclusive, that counts as reproduced.
        suspect: reason to doubt the print; excuses a difference, never an agreement.
        at_hand: False where the paper prints a value that nobody has transcribed.
    """
    if not at_hand:
        return Verdict("not available", "")
    if not published:
        return Verdict("no published value", "")
    if ours.mean is None or ours.runs < 1:
        return Verdict("not comparable", "no result")
    if scale != COMPARABLE_SCALE:
        return Verdict("not comparable", "")
    found, apart = agreement(ours, published, tolerance), distance(ours.mean, published)
    if suspect and apart > CLOSE_FACTOR * tolerance:
        return Verdict("suspect misprint", _few_runs(ours.runs))
    if found == "close" and apart > CLOSE_FACTOR * tolerance:
        return Verdict(
            "close", f"beyond {CLOSE_FACTOR} tolerances, but one more run of ours might well give this value"
        )
    return Verdict(found, _few_runs(ours.runs))


def _few_runs(runs: int) -> str:
    """What a verdict from too few runs to know their spread says."""
    if runs >= FEWEST_RUNS:
        return ""
    return "verdict from a single run" if runs == 1 else f"verdict from {runs} runs"
