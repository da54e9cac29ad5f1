"""Claims of a paper as data: what it says of which systems, in which metric, and how its words are read.

`published/<table>.csv` of a table of kind `claims` has one row per claim and metric:

* `id`, which several rows may share; `kind` (see `KINDS`); `table` (where the paper says it); `claim` (in short);
* `variant`, `split`, `detection`, `event_class` (as in other tables), `metric` (empty where none can be compared);
* `direction`, `systems` (those said to be ahead, `;` between them), `others`, `strength`. A side is a system, as
  `system@variant` one on another variant, as `system:detection` one with another way of detection; `name=0.72` is a
  printed number of a system that is not rebuilt;
* `printed`: the number that the claim names (`15.6%`), `predicate`: a function by name in place of the kind's;
* `support`: whether the paper's own tables support it (see `SUPPORTS`), and why, in `support_reason`; `quote`, `note`.

A claim can be tried at every scale, but is decided by three runs above miniature scale at the earliest. What it says
below full scale is of other data than the paper's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import NamedTuple

from sedrepro.base.errors import DataError, did_you_mean
from sedrepro.base.files import read_table
from sedrepro.published.cells import DETECTION, EVENT_CLASS, SPLIT
from sedrepro.published.verdict import METRICS

#: `order` of systems; `between detections`: of two ways of detection of one system; `change` and `absolute`: a printed
#: gain, relative (`15.6%`) or in points (`9.3%`); `value`: a printed number; `identity`: an equation.
KINDS = ("order", "between detections", "change", "absolute", "value", "identity")
#: `higher` and `lower`: the value of the systems against that of the others; `comparable`: no further apart than the
#: tolerance of the metric.
DIRECTIONS = ("higher", "lower", "comparable")
#: `every`: each system against each other one; `pairwise`: the first against the first, and so on.
STRENGTHS = ("every", "pairwise")
SUPPORTS = ("yes", "no", "partly", "not printed")
COLUMNS = (
    "id",
    "kind",
    "table",
    "claim",
    "variant",
    SPLIT,
    DETECTION,
    EVENT_CLASS,
    "metric",
    "direction",
    "systems",
    "others",
    "strength",
    "printed",
    "predicate",
    "support",
    "support_reason",
    "quote",
)


class Contender(NamedTuple):
    """One side of a comparison: a system on a variant with a detection, or a printed number of another paper."""

    system: str
    variant: str
    detection: str
    printed: float | None = None


@dataclass(frozen=True)
class Claim:
    """What a paper says of some systems in one metric on one corpus variant."""

    id: str
    kind: str
    table: str
    claim: str
    variant: str
    split: str
    detection: str
    event_class: str
    metric: str
    direction: str
    systems: tuple[str, ...]
    others: tuple[str, ...]
    strength: str
    printed: str
    predicate: str
    support: str
    support_reason: str
    quote: str
    note: str = ""

    @property
    def place(self) -> tuple[str, ...]:
        """What makes a claim unique in its table."""
        return self.table, self.claim, self.variant, self.split, self.detection, self.event_class, self.metric

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The sides that are compared, the one said to be ahead first."""
        if not self.metric:
            return []
        together = zip if self.strength == "pairwise" else product
        return list(together(self.systems, self.others))

    @property
    def compared(self) -> tuple[str, ...]:
        """Every side, each once."""
        return tuple(dict.fromkeys((*self.systems, *self.others))) if self.metric else ()

    @property
    def sign(self) -> int:
        """1 where the systems are said to be higher, -1 where lower."""
        return -1 if self.direction == "lower" else 1

    def contender(self, side: str) -> Contender:
        """What a side stands for."""
        name, equals, number = side.partition("=")
        if equals:
            return Contender(name, "", "", printed_number(number)[0])
        name, _, detection = name.partition(":")
        system, _, variant = name.partition("@")
        return Contender(system, variant or self.variant, detection or self.detection)


def read_claims(path: Path | str) -> list[Claim]:
    """The claims of a csv, in its order.

    Raises:
        DataError: a column is missing, a claim stands twice, or a value is wrong (names file and row).
    """
    claims: list[Claim] = []
    for number, row in enumerate(read_table(path, [*COLUMNS, "note"], delimiter=","), start=2):
        fields = {column: row[column] for column in (*COLUMNS, "note")}
        systems, others = (tuple(filter(None, fields.pop(side).split(";"))) for side in ("systems", "others"))
        claim = Claim(**fields, systems=systems, others=others)
        where = f"{path}: row {number}"
        _check(where, claim)
        if claim.place in {other.place for other in claims}:
            raise DataError(f"{where}: this claim with this metric and split is listed twice; word it differently")
        claims.append(claim)
    if not claims:
        raise DataError(f"{path}: holds no claims")
    return claims


def _check(where: str, claim: Claim) -> None:
    _check_known(where, claim, {"kind": KINDS, "support": SUPPORTS})
    _check_given(where, claim, ("id", "support_reason"))
    if claim.predicate:
        return
    if not claim.metric:
        if not claim.note:
            raise DataError(f"{where}: 'metric' is empty; say in 'note' why the claim cannot be tested")
        return
    if claim.kind == "identity":
        raise DataError(f"{where}: an identity has no predicate of its own; name one in 'predicate'")
    _check_known(where, claim, {"metric": METRICS})
    _check_given(where, claim, ("variant", "systems"))
    if claim.kind == "value":
        _check_printed(where, claim)
    else:
        _check_comparison(where, claim)


def _check_comparison(where: str, claim: Claim) -> None:
    _check_known(where, claim, {"direction": DIRECTIONS, "strength": STRENGTHS})
    _check_given(where, claim, ("others",))
    for system in claim.systems:
        if system in claim.others and (system, system) in claim.pairs:
            raise DataError(f"{where}: '{system}' stands on both sides")
    if claim.strength == "pairwise" and len(claim.systems) != len(claim.others):
        raise DataError(f"{where}: 'pairwise' needs as many 'others' as 'systems'")
    if claim.kind in ("change", "absolute"):
        _check_printed(where, claim)
        if claim.direction == "comparable":
            raise DataError(f"{where}: a gain goes 'higher' or 'lower'")
    if claim.kind == "between detections":
        for one, other in (map(claim.contender, pair) for pair in claim.pairs):
            if one.system != other.system or one.detection == other.detection:
                raise DataError(f"{where}: compare one system in two ways of detection, as 'system:detection'")


def _check_known(where: str, claim: Claim, columns: Mapping[str, Iterable[str]]) -> None:
    for column, known in columns.items():
        value = getattr(claim, column)
        if value not in known:
            raise DataError(f"{where}: unknown {column} '{value}'; {did_you_mean(value, known)}")


def _check_given(where: str, claim: Claim, columns: Iterable[str]) -> None:
    for column in columns:
        if not getattr(claim, column):
            raise DataError(f"{where}: '{column}' is empty")


def _check_printed(where: str, claim: Claim) -> None:
    try:
        number, _ = printed_number(claim.printed)
    except ArithmeticError as error:
        raise DataError(f"{where}: 'printed' is not a number, as 15.6% or 0.7: '{claim.printed}'") from error
    if number <= 0 and claim.kind != "value":
        raise DataError(f"{where}: 'printed' is not positive; a gain is, in its 'direction'")


def claim_runs(claims: Iterable[Claim]) -> list[tuple[str, str]]:
    """The (system, variant) pairs that claims need, each once, in order of appearance."""
    sides = (claim.contender(side) for claim in claims for side in claim.compared)
    return list(dict.fromkeys((side.system, side.variant) for side in sides if side.printed is None))


def printed_number(text: str) -> tuple[float, float]:
    """A printed number as a fraction, and half a unit of its last digit: `15.6%` is 0.156 and 0.0005."""
    number, factor = Decimal(text.rstrip("%")), Decimal("0.01") if text.endswith("%") else Decimal(1)
    half = Decimal((0, (5,), int(number.as_tuple().exponent) - 1))
    return float(number * factor), float(half * factor)


def printed_fraction(text: str) -> str:
    """A printed number as a fraction, with the last digit that it is printed to: `15.60%` is `0.1560`."""
    number = Decimal(text.rstrip("%"))
    return str(number.scaleb(-2) if text.endswith("%") else number)
