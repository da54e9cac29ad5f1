"""What a predicate finds: an outcome, our numbers in words, and what stands behind them."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal, NamedTuple

from sedrepro.published.verdict import COMPARABLE_SCALE, FEWEST_RUNS, SIGNIFICANCE

#: Ends an outcome that no run could have changed.
BY_CONSTRUCTION = "by construction"
#: What a run of toy models says of a claim is shown, and decides nothing.
TOY_SCALE = "miniature"

Outcome = Literal["holds", "fails", "undecided", "cannot be tested"]

#: Of several comparisons the first of these that occurs is the outcome of the claim.
WORST_FIRST: tuple[Outcome, ...] = ("fails", "cannot be tested", "undecided", "holds")


class PValues(NamedTuple):
    """Above which level a test lets a claim hold, and above which fail, by two-sided t-tests of its comparisons."""

    holds: float
    """The largest p, where a comparison that does not favour the claim has 1: all must be significant."""
    fails: float
    """The smallest p of a comparison against the claim times their number, at most 1: Holm's first step."""

    def at(self, level: float = SIGNIFICANCE) -> Outcome:
        """The outcome at a level."""
        if self.fails < level:
            return "fails"
        return "holds" if self.holds < level else "undecided"


@dataclass(frozen=True)
class Margin:
    """By how much systems are ahead of others in the direction of a claim, over runs of equal fold and seed.

    All numbers are in the unit of the metric, or shares of the others' value where the claim is about a relative gain.
    """

    mean: float
    low: float
    """Ends of the interval that holds the mean of many such runs at the level of the tests."""
    high: float
    printed: float | None = None
    """By how much they are ahead in print; None where that is not printed, or not at hand."""
    text: str = ""
    """What a table adds to the numbers of the sides."""

    @property
    def is_below_print(self) -> bool:
        """Whether they are ahead by less than in print, if at all; what never varies shows nothing."""
        return self.printed is not None and self.low < self.high < self.printed and self.printed > 0


@dataclass(frozen=True)
class Finding:
    """An outcome, our numbers in words, the fewest runs behind them, and why it could not have come out otherwise."""

    outcome: Outcome
    ours: str
    runs: int = 0
    by_construction: str = ""
    against_print: bool = False
    """Whether runs are compared with printed numbers, which are of the official data."""
    outlook: str = ""
    """What would decide what is undecided."""
    too_small: bool = False
    """Whether a difference as printed is smaller than so many runs show, so that they cannot tell it from none."""
    p: PValues | None = None
    """Of a t-test over runs; None where the outcome is that of something else."""
    margin: Margin | None = None
    """Of the comparison that is least clear; None where a claim is about no difference, or of few runs."""

    def told(self, scale: str, identity: bool = False) -> tuple[str, str]:
        """The outcome as a table has it, and why it is not the one found (empty: it is).

        What no run could have changed is told as that, at every scale. Otherwise a claim holds or fails by at least
        `FEWEST_RUNS` runs of models that are no toys, and against printed numbers of others by runs on the same data;
        an `identity`, though, is refuted by any run.
        """
        if self.against_print and scale != COMPARABLE_SCALE and self.outcome != "cannot be tested":
            return (
                "cannot be tested",
                f"the printed numbers are of the official data, which only scale {COMPARABLE_SCALE} has",
            )
        if self.outcome not in ("holds", "fails"):
            return self.outcome, self.outlook
        if self.by_construction:
            return f"{self.outcome} {BY_CONSTRUCTION}", ""
        if identity:
            return self.outcome, ""
        if scale == TOY_SCALE:
            return "undecided", f"{self.outcome} in these runs, but the models of scale {scale} are toys"
        if self.runs < FEWEST_RUNS:
            count = f"{self.runs} {'run' if self.runs == 1 else 'runs'}"
            return "undecided", f"{self.outcome} in {count}; to decide a claim, {FEWEST_RUNS} are needed"
        return self.outcome, ""


def worst(outcomes: Collection[Outcome]) -> Outcome:
    """The outcome of a claim of several parts; without any it cannot be tested."""
    return next((outcome for outcome in WORST_FIRST if outcome in outcomes), "cannot be tested")
