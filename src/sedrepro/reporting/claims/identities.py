"""Equations between metrics of a run, and between printed tables: claims that no run could change."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from sedrepro.published.cells import DETECTION, EVENT_CLASS, SPLIT, Cell, read_cells
from sedrepro.published.claims import Claim
from sedrepro.reporting.claims.evidence import Evidence
from sedrepro.reporting.claims.finding import Finding, Outcome

#: What rounding of stored metrics (six decimals) may leave open in an equation between them.
ROUNDING = 2e-5


def event_rates_add_up(claim: Claim, evidence: Evidence) -> Finding:
    """Whether the error rate of events is deletions plus insertions: class by class nothing is substituted."""

    def gaps(rates: Mapping[str, float]) -> list[float]:
        return [rates["event_error_rate"] - rates["event_deletion_rate"] - rates["event_insertion_rate"]]

    rates = ("event_error_rate", "event_deletion_rate", "event_insertion_rate")
    return _equation(claim, evidence, rates, gaps, "follows from counting errors class by class")


def segment_counts_agree(claim: Claim, evidence: Evidence) -> Finding:
    """Whether rates of segments agree: R = 1 - S - D, P = R / (R + S + I), ER = S + D + I, F1 = 2PR / (P + R)."""
    names = ("substitution_rate", "deletion_rate", "insertion_rate", "error_rate", "precision", "recall", "f1")

    def gaps(found: Mapping[str, float]) -> list[float]:
        s, d, i, er, p, r, f1 = (found[f"segment_{name}"] for name in names)
        return [r - (1 - s - d), p * (r + s + i) - r, er - (s + d + i), f1 * (p + r) - 2 * p * r]

    reason = "follows from the definitions of these metrics"
    return _equation(claim, evidence, [f"segment_{name}" for name in names], gaps, reason)


def overall_is_class_mean(claim: Claim, evidence: Evidence) -> Finding:
    """Whether the metric is the mean over the classes for which it is defined."""
    gaps: list[float] = []
    places = set()
    for side in claim.systems:
        classes = evidence.classes(claim, side)
        of_classes = [evidence.values(claim, side, event_class=event_class) for event_class in classes]
        for place, overall in evidence.values(claim, side).items():
            gaps.append(overall - float(np.mean([values[place] for values in of_classes if place in values])))
            places.add((side, place))
    return _equal(gaps, len(places), "follows from averaging over classes")


def _equation(
    claim: Claim,
    evidence: Evidence,
    metrics: Iterable[str],
    gaps: Callable[[Mapping[str, float]], list[float]],
    reason: str,
) -> Finding:
    """Whether `gaps` of some metrics are zero but for rounding in all runs that have them all."""
    all_gaps: list[float] = []
    runs = 0
    for side in claim.systems:
        values = {metric: evidence.values(claim, side, metric) for metric in metrics}
        for place in sorted(set.intersection(*(set(of_metric) for of_metric in values.values()))):
            all_gaps += gaps({metric: of_metric[place] for metric, of_metric in values.items()})
            runs += 1
    return _equal(all_gaps, runs, reason)


def _equal(gaps: Sequence[float], runs: int, reason: str) -> Finding:
    if not gaps:
        return Finding("cannot be tested", "in no run are all of these metrics defined")
    largest = max(map(abs, gaps))
    outcome: Outcome = "holds" if largest <= ROUNDING else "fails"
    numbers = f"largest gap {largest:.1e} over {runs} {'run' if runs == 1 else 'runs'}"
    return Finding(outcome, numbers, runs, reason if outcome == "holds" else "")


def one_system(claim: Claim, evidence: Evidence) -> Finding:
    """Whether printed cells of two or more tables are filled by one system of ours: then they cannot differ."""
    if evidence.paper is None:
        return Finding("cannot be tested", "needs the paper's tables")
    contender = claim.contender(claim.systems[0])
    wanted = (contender.system, contender.variant, claim.metric, claim.event_class)
    tables = []
    for name, layout in evidence.paper.settings.tables.items():
        if layout.kind == "numbers":
            cells = read_cells(evidence.paper.folder / "published" / f"{name}.csv")
            tables += [name] if any(_is_printed_for(cell, wanted, claim, contender.detection) for cell in cells) else []
    label = evidence.label(claim, claim.systems[0])
    if len(tables) < 2:
        return Finding("fails", f"{label} fills printed cells of {', '.join(tables) or 'no table'} only")
    return Finding("holds", f"{label} fills {', '.join(tables)}", by_construction="one system of ours fills them")


def _is_printed_for(cell: Cell, wanted: tuple[str, ...], claim: Claim, detection: str) -> bool:
    own = (cell.system, cell.variant, cell.metric, cell.factors.get(EVENT_CLASS, ""))
    same_place = (cell.factors.get(SPLIT, ""), cell.factors.get(DETECTION, "")) == (claim.split, detection)
    return own == wanted and same_place and bool(cell.published)
