"""Which predicate tries a claim: that of its kind, one that all papers share, or one of the paper's own.

A predicate takes a claim and the `Evidence` and gives a `Finding`. A paper's `claims.py` may hold more of them, which
its claims name in their column `predicate`; those that look at what a figure has stored are marked by `reads`.
"""

import importlib
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

from sedrepro.base.errors import SettingsError, did_you_mean
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import Paper
from sedrepro.experiments.places import figures_folder
from sedrepro.published.claims import Claim, read_claims
from sedrepro.published.needs import cells_file
from sedrepro.reporting.claims.evidence import Predicate, figures_read
from sedrepro.reporting.claims.identities import (
    event_rates_add_up,
    one_system,
    overall_is_class_mean,
    segment_counts_agree,
)
from sedrepro.reporting.claims.order import order
from sedrepro.reporting.claims.printed_numbers import gain, value

#: By kind of claim; an identity has to name what is equal.
OF_KIND: dict[str, Predicate | None] = {
    "order": order,
    "between detections": order,
    "change": partial(gain, relative=True),
    "absolute": partial(gain, relative=False),
    "value": value,
    "identity": None,
}
#: Those that a claim of any paper may name.
SHARED: dict[str, Predicate] = {
    function.__name__: function
    for function in (event_rates_add_up, segment_counts_agree, overall_is_class_mean, one_system)
}


def predicate_of(claim: Claim, paper: str = "") -> Predicate | None:
    """The predicate of a claim, of its kind or by name, there or in the paper's `claims.py`; None where none can be.

    Raises:
        SettingsError: there is none of that name (names the nearest).
    """
    if not claim.predicate:
        return OF_KIND[claim.kind] if claim.metric else None
    own = _own_predicates(paper)
    if claim.predicate not in SHARED | own:
        hint = did_you_mean(claim.predicate, SHARED | own)
        raise SettingsError(f"{paper}: predicate '{claim.predicate}' of claim {claim.id} is unknown; {hint}")
    return (SHARED | own)[claim.predicate]


def _own_predicates(paper: str) -> dict[str, Any]:
    """The public functions of a paper's `claims.py`, if it has one."""
    name = f"sedrepro.papers.{paper}.claims"
    try:
        module = importlib.import_module(name) if paper else None
    except ModuleNotFoundError as error:
        if error.name != name:
            raise
        module = None
    found = vars(module) if module else {}
    return {key: one for key, one in found.items() if getattr(one, "__module__", "") == name and key[0] != "_"}


def claim_figures(claims: Iterable[Claim], paper: str) -> list[str]:
    """The figures of a paper whose stored arrays its claims look at, each once."""
    return list(dict.fromkeys(name for claim in claims for name in figures_read(predicate_of(claim, paper))))


def table_figures(config: Config, paper: Paper, table: str) -> list[Path]:
    """The stored arrays of figures that a table reads: those that its claims look at."""
    path = cells_file(paper, table)
    if paper.settings.tables[table].kind != "claims":
        return []
    stems = [figures_folder(config, paper.name) / name for name in claim_figures(read_claims(path), paper.name)]
    return [stem.with_name(f"{stem.name}.{suffix}") for stem in stems for suffix in ("npz", "json")]
