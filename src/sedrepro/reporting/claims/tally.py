"""How many tests of claims, and how many claims, runs decide.

A test is a claim in one metric on one set of clips: a row of claims.csv. A claim is all tests of one sentence.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Literal, NamedTuple

from sedrepro.base.words import counted
from sedrepro.published.verdict import SIGNIFICANCE
from sedrepro.reporting.claims.finding import PValues

#: Outcomes that runs can have; what holds by construction, or cannot be tested, has none of them.
OF_RUNS = ("holds", "fails", "undecided")

ClaimOutcome = Literal["holds", "holds in part", "fails", "undecided", "too small"]


class Tally(NamedTuple):
    """How many tests of claims runs can decide, and what became of them."""

    tests: int
    hold: int
    fail: int
    undecided: int
    too_small: int
    """Of the undecided, those about printed differences that so many runs do not show."""
    below_print: int
    """Of the undecided, those that show at least that systems are ahead by less than in print."""


def tally(claims: Iterable[Mapping[str, str]]) -> Tally:
    """Count rows of claims.csv."""
    rows = list(claims)
    outcomes = [sum(row["outcome"] == name for row in rows) for name in OF_RUNS]
    marked = [sum(row[name] == "yes" for row in rows) for name in ("too_small", "below_print")]
    return Tally(sum(outcomes), *outcomes, *marked)


def decided(claims: Iterable[Mapping[str, str]]) -> str:
    """How many of the tests that runs can decide are decided, and what is known of the others; empty where none is."""
    found = tally(claims)
    if not found.hold + found.fail:
        return ""
    reasons = [
        f"{found.too_small} with a printed difference smaller than these runs show" if found.too_small else "",
        f"{found.below_print} ahead by less than in print, if at all" if found.below_print else "",
    ]
    why = " and ".join(filter(None, reasons))
    told = f"; not decided: {found.undecided}, of which {why}" if why else ""
    return f"{found.hold + found.fail} of {found.tests} that runs can decide are decided{told}"


def by_claim(tests: Iterable[Mapping[str, str]]) -> list[list[Mapping[str, str]]]:
    """Rows of claims.csv that runs can decide, those of a paper's claim together, in order of appearance."""

    def name(row: Mapping[str, str]) -> tuple[str, str, str]:
        return row["paper"], row["id"], row["claim"]

    rows = [row for row in tests if row["outcome"] in OF_RUNS]
    places = {key: place for place, key in enumerate(dict.fromkeys(map(name, rows)))}
    rows.sort(key=lambda row: places[name(row)])
    return [list(group) for _, group in groupby(rows, key=name)]


def outcome_of_claim(tests: Sequence[Mapping[str, str]], level: float = SIGNIFICANCE) -> ClaimOutcome:
    """The outcome of a claim in all its tests together.

    It fails if one test fails, after the correction of its p for the number of tests. It holds if all hold; `holds in
    part` if all do but those whose printed difference so many runs do not show. With nothing but the latter it is
    `too small`. Tests without a p, such as those of a tolerance, stand as they are at every level.
    """
    if any(_outcome(row, level, len(tests)) == "fails" for row in tests):
        return "fails"
    shown = [row for row in tests if row["too_small"] != "yes"]
    if not shown:
        return "too small"
    if any(_outcome(row, level) != "holds" for row in shown):
        return "undecided"
    return "holds" if len(shown) == len(tests) else "holds in part"


def _outcome(row: Mapping[str, str], level: float, tests: int = 1) -> str:
    """The outcome of a test at a level, its p against the claim multiplied by the number of tests."""
    if row["outcome"] == "undecided" or not row["p_fails"]:
        return row["outcome"]
    return PValues(float(row["p_holds"]), tests * float(row["p_fails"])).at(level)


class ClaimTally(NamedTuple):
    """How many claims runs can decide, and what became of them."""

    claims: int
    hold: int
    hold_in_part: int
    """In all tests but those about printed differences that so many runs do not show."""
    fail: int
    undecided: int
    too_small: int
    """Of which no test is about a printed difference that so many runs show."""

    @property
    def decided(self) -> int:
        """Those that hold, at least in part, and those that fail."""
        return self.hold + self.hold_in_part + self.fail


def tally_claims(tests: Iterable[Mapping[str, str]], level: float = SIGNIFICANCE) -> ClaimTally:
    """Count the claims of rows of claims.csv."""
    claims = by_claim(tests)
    found = Counter(outcome_of_claim(each, level) for each in claims)
    order: tuple[ClaimOutcome, ...] = ("holds", "holds in part", "fails", "undecided", "too small")
    return ClaimTally(len(claims), *(found[name] for name in order))


def decided_orders(tests: Iterable[Mapping[str, str]]) -> str:
    """What became of the claims on orders that runs can decide; empty where none is decided."""
    found = tally_claims(row for row in tests if row["kind"] == "order")
    if not found.decided:
        return ""
    counts = {
        f"{found.hold} hold": found.hold,
        f"{found.hold_in_part} hold where runs show a difference as printed": found.hold_in_part,
        f"{found.fail} fail": found.fail,
        f"{found.undecided} undecided": found.undecided,
        f"{found.too_small} about smaller printed differences than these runs show": found.too_small,
    }
    told = ", ".join(words for words, count in counts.items() if count)
    return f"{counted(found.claims, 'claim')} on orders that runs can decide, over all tests of each: {told}"
