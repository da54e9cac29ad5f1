"""A table of claims, filled with what our runs say of each."""

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType

import pandas as pd

from sedrepro.experiments.metrics_files import RunMetrics
from sedrepro.experiments.papers import Paper
from sedrepro.experiments.runs import RunIdentity
from sedrepro.experiments.table_layout import TableLayout
from sedrepro.published.cells import EVENT_CLASS, SPLIT
from sedrepro.published.claims import Claim, claim_runs
from sedrepro.published.needs import printed_numbers, printed_units
from sedrepro.reporting.claims.evidence import Evidence
from sedrepro.reporting.claims.finding import Finding, Margin, PValues
from sedrepro.reporting.claims.registry import predicate_of
from sedrepro.reporting.tables.numbers import runs_by_pair
from sedrepro.reporting.tables.tidy import NOTE_SEPARATOR, FilledTable, data_of
from sedrepro.reporting.tables.values import no_run


def fill_claims(
    claims: Sequence[Claim],
    runs: Iterable[RunMetrics],
    scale: str,
    labels: Mapping[str, str],
    layout: TableLayout,
    paper: Paper | None = None,
    figures: Path | None = None,
    missing: Sequence[RunIdentity] = (),
    absent: Mapping[str, str] = MappingProxyType({}),
) -> FilledTable:
    """The tidy table: one row per claim, in the csv's order; `mean` is our numbers as text, `published` the quote.

    `runs` is the fewest runs of a system; those `missing` are named in `note`, and so is what is
    `absent`: variants without data, and why. Some predicates look at the paper's
    settings or at the folder in which its figures are stored; without these, such claims cannot be tested.

    Raises:
        DataError: runs contradict each other, or one lacks the metric.
        SettingsError: a claim names an unknown predicate.
    """
    of_pair = runs_by_pair(claim_runs(claims), runs, scale)

    def decimals(metric: str) -> int:
        return layout.decimals_of.get(metric, layout.decimals)

    units, prints = (printed_units(paper), printed_numbers(paper)) if paper else ({}, {})
    evidence = Evidence(of_pair, labels, scale, decimals, paper, figures, units, prints)
    rows = [row_of(claim, evidence, _absent(claim, of_pair, missing, absent)) for claim in claims]
    return FilledTable(pd.DataFrame(rows), scale)


def finding_for(claim: Claim, evidence: Evidence) -> Finding:
    """What the evidence says of a claim.

    Raises:
        DataError: a run lacks the metric.
        SettingsError: the claim names an unknown predicate.
    """
    predicate = predicate_of(claim, evidence.paper.name if evidence.paper else "")
    if predicate is None:
        return Finding("cannot be tested", claim.note)
    finding = predicate(claim, evidence)
    if evidence.counts_networks(claim.metric):
        return replace(
            finding, runs=0, by_construction="counted on the networks at their published size, without a run"
        )
    return finding


def row_of(claim: Claim, evidence: Evidence, absent: Sequence[str] = ()) -> dict[str, object]:
    """What the evidence says of a claim, in the columns of a table of claims; `absent` runs are named.

    Raises:
        DataError: a run lacks the metric.
        SettingsError: the claim names an unknown predicate.
    """
    finding = finding_for(claim, evidence)
    outcome, doubt = finding.told(evidence.scale, claim.kind == "identity")
    margin = None if outcome == "cannot be tested" else finding.margin
    is_below = finding.outcome == "undecided" and margin is not None and margin.is_below_print and not finding.too_small
    below = "ahead by less than in print, if at all: the interval ends below the printed difference" if is_below else ""
    notes = [claim.note if finding.ours != claim.note else "", finding.by_construction, doubt, below]
    if evidence.counts_networks(claim.metric):
        absent = ()
    return {
        "id": claim.id,
        "kind": claim.kind,
        "table": claim.table,
        "claim": claim.claim,
        "variant": claim.variant,
        SPLIT: claim.split,
        EVENT_CLASS: claim.event_class,
        "metric": claim.metric,
        "scale": evidence.scale,
        "system": ";".join(claim.systems),
        "mean": "; ".join(filter(None, [finding.ours, margin.text if margin else ""])),
        "sd": math.nan,
        "runs": finding.runs,
        "too_small": "yes" if finding.too_small and outcome == "undecided" else "",
        "below_print": "yes" if is_below else "",
        **_columns_of(finding.p if outcome == finding.outcome != "cannot be tested" else None),
        **_numbers(margin),
        "support": claim.support,
        "support_reason": claim.support_reason,
        "published": claim.quote,
        "verdict": outcome,
        "note": NOTE_SEPARATOR.join(filter(None, [*notes, *absent])),
        "data": data_of(run for pair in claim_runs([claim]) for run in evidence.runs.get(pair, ())),
    }


def _columns_of(p: PValues | None) -> dict[str, str]:
    """P values in columns, empty where an outcome is not that of a test."""
    return {f"p_{name}": "" if p is None else f"{getattr(p, name):.6g}" for name in PValues._fields}


def _numbers(margin: Margin | None) -> dict[str, object]:
    """A margin in columns, empty where there is none."""
    values = (margin.mean, margin.low, margin.high, margin.printed) if margin is not None else (None,) * 4
    texts = ["" if value is None else f"{value:.6g}" for value in values]
    return dict(zip(("margin", "margin_low", "margin_high", "margin_printed"), texts, strict=True))


def _absent(
    claim: Claim, there: Collection[tuple[str, str]], missing: Sequence[RunIdentity], without_data: Mapping[str, str]
) -> list[str]:
    """The runs that a claim needs and that are missing: all of a system in short, others one by one."""
    parts = []
    for system, variant in claim_runs([claim]):
        absent = [run for run in missing if (run.system, run.variant) == (system, variant)]
        if (system, variant) not in there and (absent or variant in without_data):
            parts.append(no_run(system, variant, without_data))
        else:
            parts += [f"no run of {system} on {variant}, fold {run.fold}, seed {run.seed}" for run in absent]
    return parts
