"""Facts of the documents on the claims that records decide."""

import functools
from collections.abc import Mapping, Sequence
from pathlib import Path

from sedrepro.published.verdict import SIGNIFICANCE
from sedrepro.reporting.claims.tally import ClaimTally, tally, tally_claims
from sedrepro.reporting.documents.contradictions import reasons
from sedrepro.reporting.documents.recorded import RECORDED
from sedrepro.reporting.documents.table import Keys, table_of
from sedrepro.reporting.records.contents import record_facts
from sedrepro.reporting.records.page import recorded_claims

#: No record changes while documents are filled.
_claims_of = functools.cache(recorded_claims)


def counted_tests(keys: Keys) -> str:
    """How many tests of claims the records of some folders (a pattern of their names) decide, each and together.

    Of the undecided ones, those whose printed difference is smaller than so many runs show stand apart, and of the
    others those in which systems are ahead by less than in print.
    """
    head = ["paper", "tests that runs can decide", "hold", "fail", "undecided", "printed difference too small"]
    last = ["ahead by less than in print, if at all", "decided without those too small"]
    numbers, every = {}, []
    for folder in _folders(keys):
        claims = _claims_of(folder)
        every += claims
        numbers[f"[{folder.name}]({keys['up']}{(folder / 'tables.md').as_posix()})"] = tally(claims)
    numbers["together"] = tally(every)
    numbers["orders of systems alone"] = tally([claim for claim in every if claim["kind"] == "order"])
    rows = [
        [name, *map(str, row), f"{row.hold + row.fail} of {row.tests - row.too_small}"] for name, row in numbers.items()
    ]
    return table_of([*head, *last], rows)


def counted_orders(keys: Keys) -> str:
    """How many claims on orders of systems the records of some folders decide, all tests of a claim together.

    The last column is at a lower level: that of the tests, divided by how often the outcomes were looked at. A record
    that continues others has been looked at once more for each of them.
    """
    head = ["paper", "orders that runs can decide", "hold", "hold in part", "fail", "undecided", "too small"]
    last = ["decided without those too small", "looks", "decided at the level divided by the looks"]
    every, rows = [], []
    for folder in _folders(keys):
        orders = [claim for claim in _claims_of(folder) if claim["kind"] == "order"]
        every.append((orders, 1 + len(record_facts(folder).get("continues", []))))
        rows.append([folder.name, *_decided_orders(every[-1:])])
    return table_of([*head, *last], [*rows, ["together", *_decided_orders(every)]])


def _decided_orders(of_records: Sequence[tuple[Sequence[Mapping[str, str]], int]]) -> list[str]:
    """Counts of the claims of some records, each with how often it was looked at."""
    at_level = [tally_claims(orders) for orders, _ in of_records]
    lower = [tally_claims(orders, SIGNIFICANCE / looks) for orders, looks in of_records]
    found, strict = (ClaimTally(*map(sum, zip(*tallies, strict=True))) for tallies in (at_level, lower))
    looks = " to ".join(map(str, sorted({min(of for _, of in of_records), max(of for _, of in of_records)})))
    shares = [f"{one.decided} of {one.claims - one.too_small}" for one in (found, strict)]
    return [*map(str, found), shares[0], looks, shares[1]]


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
