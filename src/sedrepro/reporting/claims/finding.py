"""What a predicate finds: an outcome, our numbers in words, and what stands behind them."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

Outcome = Literal["holds", "fails", "undecided", "cannot be tested"]

#: Of several comparisons the first of these that occurs is the outcome of the claim.
WORST_FIRST: tuple[Outcome, ...] = ("fails", "cannot be tested", "undecided", "holds")


@dataclass(frozen=True)
class Finding:
    """An outcome, our numbers in words, the fewest runs behind them, and why it could not have come out otherwise."""

    outcome: Outcome
    ours: str
    runs: int = 0
    by_construction: str = ""


def worst(outcomes: Collection[Outcome]) -> Outcome:
    """The outcome of a claim of several parts; without any it cannot be tested."""
    return next((outcome for outcome in WORST_FIRST if outcome in outcomes), "cannot be tested")
