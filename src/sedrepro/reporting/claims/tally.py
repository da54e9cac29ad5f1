"""How many tests of claims, and how many claims, runs decide.

A test is a claim in one metric on one set of clips: a row of claims.csv. A claim is all tests of one statement of a
paper: of one quote, read in one way.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple, get_args

from sedrepro.base.words import counted
from sedrepro.published.verdict import SIGNIFICANCE
from sedrepro.reporting.claims.finding import PValues

#: Outcomes that runs can have; what holds by construction, or cannot be tested, has none of them.
OF_RUNS = ("holds", "fails", "undecided")

ClaimOutcome = Literal["holds", "holds in part", "fails", "fails in part", "undecided", "too small"]


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
    """Rows of claims.csv, those of one claim together, in order of appearance; claims that no run decides left out."""
    of_claim: dict[tuple[str, ...], list[Mapping[str, str]]] = {}
    for row in tests:
        if row["outcome"] in (*OF_RUNS, "cannot be tested"):
            of_claim.setdefault((row["paper"], row["quote"], row["claim"]), []).append(row)
    return [rows for rows in of_claim.values() if any(row["outcome"] in OF_RUNS for row in rows)]


def outcome_of_claim(rows: Sequence[Mapping[str, str]], level: float = SIGNIFICANCE) -> ClaimOutcome:
    """The outcome of a claim in all its tests together.

    Left out are tests that cannot be made, and those that are undecided about a printed difference that so many runs do
    not show. A claim fails if a test of the others fails after the correction of its p for the number of tests; in part
    if there are others that do not. It holds if all hold; only in part where some are left out, and for that one must
    hold after the same correction, as they are left out for their outcome. With all left out it is `too small`.
    Tests without a p, such as those of a tolerance, stand as they are at every level.
    """
    tests = [row for row in rows if row["outcome"] in OF_RUNS]
    shown = [row for row in tests if row["too_small"] != "yes"]
    found, corrected = ([_outcome(row, level, number) for row in shown] for number in (1, len(tests)))
    if not shown:
        return "too small"
    if "fails" in corrected:
        return "fails" if set(found) == {"fails"} else "fails in part"
    if set(found) != {"holds"}:
        return "undecided"
    if len(shown) == len(rows):
        return "holds"
    return "holds in part" if "holds" in corrected else "undecided"


def _outcome(row: Mapping[str, str], level: float, tests: int) -> str:
    """The outcome of a test at a level, its p multiplied by a number of tests."""
    if row["outcome"] == "undecided" or not has_p(row) or (tests == 1 and level == SIGNIFICANCE):
        return row["outcome"]
    return PValues(tests * float(row["p_holds"]), tests * float(row["p_fails"])).at(level)


def has_p(row: Mapping[str, str]) -> bool:
    """Whether the outcome of a test is that of t-tests."""
    return bool(row["p_holds"] and row["p_fails"])


class ClaimTally(NamedTuple):
    """How many claims runs can decide, and what became of them; see `outcome_of_claim`."""

    claims: int
    hold: int
    hold_in_part: int
    fail: int
    fail_in_part: int
    undecided: int
    too_small: int

    @property
    def decided(self) -> int:
        """Those that hold or fail, at least in part."""
        return self.hold + self.hold_in_part + self.fail + self.fail_in_part


def orders_of(tests: Iterable[Mapping[str, str]]) -> list[Mapping[str, str]]:
    """The rows of claims.csv that are claims on an order."""
    return [row for row in tests if row["kind"] == "order"]


def tally_claims(claims: Sequence[Sequence[Mapping[str, str]]], level: float = SIGNIFICANCE) -> ClaimTally:
    """Count claims, each of rows of claims.csv, as `by_claim` gives them."""
    found = Counter(outcome_of_claim(rows, level) for rows in claims)
    return ClaimTally(len(claims), *(found[name] for name in get_args(ClaimOutcome)))


def decided_orders(tests: Iterable[Mapping[str, str]]) -> str:
    """What became of the claims on orders that runs can decide; empty where none is decided."""
    found = tally_claims(by_claim(orders_of(tests)))
    if not found.decided:
        return ""
    words = ("hold", "hold in part", "fail", "fail in part", "undecided", "too small for so many runs")
    told = ", ".join(f"{count} {name}" for name, count in zip(words, found[1:], strict=True) if count)
    return f"{counted(found.claims, 'claim')} on orders, over all tests of each: {told}"
