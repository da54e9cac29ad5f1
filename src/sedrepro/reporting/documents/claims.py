"""Facts of the documents on the claims that records decide."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from sedrepro.published.verdict import SIGNIFICANCE
from sedrepro.reporting.claims.tally import OF_RUNS, ClaimTally, by_claim, has_p, orders_of, tally, tally_claims
from sedrepro.reporting.documents.contradictions import reasons
from sedrepro.reporting.documents.recorded import RECORDED
from sedrepro.reporting.documents.table import Keys, table_of
from sedrepro.reporting.records.contents import record_facts
from sedrepro.reporting.records.page import recorded_claims

#: No record changes while documents are filled.
_claims_of = functools.cache(recorded_claims)


def counted_tests(keys: Keys) -> str:
    """How many tests of claims the records of some folders (a pattern of their names) decide, each and together.

    Those of order claims stand apart. Of the undecided ones, those whose printed difference is smaller than so many
    runs show are counted, and of the others those in which systems are ahead by less than in print.
    """
    head = ["paper", "tests that runs can decide", "hold", "fail", "undecided", "printed difference too small"]
    last = ["ahead by less than in print, if at all", "decided without those too small"]
    numbers, every = {}, []
    for folder in _folders(keys):
        claims = _claims_of(folder)
        every += claims
        numbers[f"[{folder.name}]({keys['up']}{(folder / 'tables.md').as_posix()})"] = tally(claims)
    numbers["together"] = tally(every)
    numbers["order claims alone"] = tally(orders_of(every))
    rows = [
        [name, *map(str, row), f"{row.hold + row.fail} of {row.tests - row.too_small}"] for name, row in numbers.items()
    ]
    return table_of([*head, *last], rows)


def counted_orders(keys: Keys) -> str:
    """How many claims on orders the records of some folders decide, all tests of a claim together.

    The last columns count the claims of which all tests have p values, at the level of the tests and at that divided by
    how often outcomes were looked at. A record that continues others has been looked at once more for each of them.
    """
    head = ["paper", "claims", "hold", "hold in part", "fail", "fail in part", "undecided", "too small"]
    last = ["decided without those too small", "looks", "of those with p values", "at the level divided by the looks"]
    every, rows = [], []
    for folder in _folders(keys):
        orders = by_claim(orders_of(_claims_of(folder)))
        counted = CountedOrders.of(orders, 1 + len(record_facts(folder).get("continues", [])))
        rows.append([folder.name, *counted.cells()])
        every.append(counted)
    return table_of([*head, *last], [*rows, ["together", *CountedOrders.together(every).cells()]])


class CountedOrders(NamedTuple):
    """Counts of the claims of records: all of them, and those with p values at the level of the tests and a lower."""

    every: ClaimTally
    with_p: ClaimTally
    lower: ClaimTally
    looks: str

    @classmethod
    def of(cls, orders: Sequence[Sequence[Mapping[str, str]]], looks: int) -> "CountedOrders":
        """Count claims whose outcomes were looked at so often."""
        tested = [rows for rows in orders if all(has_p(row) for row in rows if row["outcome"] in OF_RUNS)]
        return cls(tally_claims(orders), tally_claims(tested), tally_claims(tested, SIGNIFICANCE / looks), str(looks))

    @classmethod
    def together(cls, counts: Sequence["CountedOrders"]) -> "CountedOrders":
        """The sums."""
        every, with_p, lower, looks = zip(*counts, strict=True)
        return cls(_sum(every), _sum(with_p), _sum(lower), " or ".join(sorted(set(looks))))

    def cells(self) -> list[str]:
        """Cells of a row."""
        shares = [f"{one.decided} of {one.claims - one.too_small}" for one in (self.every, self.with_p, self.lower)]
        return [*map(str, self.every), shares[0], self.looks, *shares[1:]]


def _sum(tallies: Iterable[ClaimTally]) -> ClaimTally:
    return ClaimTally(*map(sum, zip(*tallies, strict=True)))


def contradictions(keys: Keys) -> str:
    """The claims that fail in records of some folders, each with its reason, or that it is open."""
    failing = [claim for folder in _folders(keys) for claim in _claims_of(folder) if claim["outcome"] == "fails"]
    rows = []
    for row, tests in reasons(failing):
        claims = "; ".join(dict.fromkeys(test["claim"] for test in tests))
        places = dict.fromkeys(" ".join(filter(None, (test["metric"], test["variant"]))) for test in tests)
        rows.append([row["paper"], claims, ", ".join(places), row["reason"], row["tried"], row["why"]])
    return table_of(["paper", "claim", "fails in", "reason", "shown by", "why"], rows)


def _folders(keys: Keys) -> list[Path]:
    """The records of some folders (a pattern of their names), by paper."""
    folders = (path.parent for path in RECORDED.glob(f"{keys['folder']}/*/record.json"))
    return sorted(folders, key=lambda folder: folder.name)
