"""What is wrong with the rows of predictions: counted by kind, with the first rows named."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sedrepro.base.errors import DataError

#: Rows or files of one kind that are named; the others are counted.
NAMED = 3


@dataclass
class Problems:
    """Rows that cannot be used, by kind, and rows that can but should be known of.

    `skip` says whether bad rows are left out and counted, or end the evaluation.
    """

    skip: bool = False
    bad: dict[str, list[str]] = field(default_factory=dict)
    odd: dict[str, list[str]] = field(default_factory=dict)

    def refuse(self, kind: str, message: str) -> None:
        """Note a row that cannot be used; the message names file and row, and what to do.

        Raises:
            DataError: bad rows are not to be skipped.
        """
        if not self.skip:
            raise DataError(f"{message} (--skip-bad-rows leaves out and counts such rows)")
        self.bad.setdefault(kind, []).append(message)

    def note(self, kind: str, message: str) -> None:
        """Note a row that is used although it is odd."""
        self.odd.setdefault(kind, []).append(message)

    def lines(self) -> list[str]:
        """A line per kind: how many rows, and the first of them."""
        left_out = [f"{kind}: {len(found)} rows left out; {named(found)}" for kind, found in self.bad.items()]
        return left_out + [f"{kind}: {len(found)} rows; {named(found)}" for kind, found in self.odd.items()]

    def counts(self) -> dict[str, int]:
        """How many rows of each kind there are."""
        return {kind: len(found) for part in (self.bad, self.odd) for kind, found in part.items()}


def named(found: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = f" and {len(found) - NAMED} more" if len(found) > NAMED else ""
    return "; ".join(found[:NAMED]) + more
