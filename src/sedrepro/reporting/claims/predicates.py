"""What our runs say of a claim: a predicate for each kind of claim, and some that claims name.

A predicate takes a claim and the `Evidence` and gives a `Finding`. A paper's `claims.py` may hold more of them, which
its claims name in their column `predicate`; those that look at what a figure has stored are marked by `reads`.
"""

import importlib
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from sedrepro.base.errors import DataError, SettingsError, did_you_mean
from sedrepro.base.files import read_json
from sedrepro.experiments.metrics_files import RunMetrics
from sedrepro.experiments.papers import Paper
from sedrepro.published.cells import DETECTION, EVENT_CLASS, SPLIT, Cell, read_cells
from sedrepro.published.verdict import FEWEST_RUNS, METRICS, SIGNIFICANCE, Agreement, Metric, Spread, agreement
from sedrepro.reporting.tables.values import measured

if TYPE_CHECKING:
    from sedrepro.reporting.claims.claim import Claim

Outcome = Literal["holds", "fails", "undecided", "cannot be tested"]

#: Of several comparisons the first of these that occurs is the outcome of the claim.
GRAVEST: tuple[Outcome, ...] = ("fails", "cannot be tested", "undecided", "holds")

#: A paired t-test needs so many runs of equal fold and seed.
FEWEST_PAIRS = 3
#: Differences that are nearer to each other are equal but for rounding.
RESOLUTION = 1e-9
#: What rounding of stored metrics (six decimals) may leave open in an equation between them.
ROUNDING = 2e-5

Values = Mapping[tuple[int, int], float]
"""Values of one system by fold and seed."""


@dataclass(frozen=True)
class Finding:
    """An outcome, our numbers in words, the fewest runs behind them, and why it could not have come out otherwise."""

    outcome: Outcome
    ours: str
    runs: int = 0
    by_construction: str = ""


@dataclass(frozen=True)
class Evidence:
    """What a predicate may look at: runs by system and variant, and beside them the paper and its stored figures."""

    runs: Mapping[tuple[str, str], Sequence[RunMetrics]]
    labels: Mapping[str, str]
    scale: str
    decimals: Callable[[str], int]
    """By metric."""
    paper: Paper | None = None
    figures: Path | None = None

    def values(self, claim: "Claim", side: str, metric: str = "", event_class: str = "") -> Values:
        """A metric of one side of a claim, by default the claim's own; runs in which it is undefined are left out.

        Raises:
            DataError: a run lacks the metric.
        """
        cell = self._cell(claim, side, event_class or claim.event_class)
        runs = self.runs.get((cell.system, cell.variant), ())
        found = {(run.fold, run.seed): measured(run, cell, metric or claim.metric) for run in runs}
        return {place: value for place, value in found.items() if value is not None}

    def classes(self, claim: "Claim", side: str) -> list[str]:
        """The classes of the corpus of one side; none without a run."""
        contender = claim.contender(side)
        return next((run.classes for run in self.runs.get((contender.system, contender.variant), ())), [])

    def label(self, claim: "Claim", side: str) -> str:
        """What one side is called in sentences."""
        contender = claim.contender(side)
        if contender.printed is not None:
            return f"{contender.system} (printed)"
        own = f", {contender.detection}" if contender.detection != claim.detection else ""
        return self.labels[contender.system] + own

    def figure(self, name: str) -> dict[str, np.ndarray] | None:
        """The arrays that a figure has stored; None where it has not yet.

        Raises:
            DataError: the file cannot be read.
        """
        path = self.figures and self.figures / f"{name}.npz"
        if path is None or not path.is_file():
            return None
        stored_at = read_json(path.with_suffix(".json")).get("scale", self.scale)
        if stored_at != self.scale:
            raise DataError(f"{path}: is of scale '{stored_at}', not '{self.scale}'; run the examine step again")
        try:
            with np.load(path) as file:
                return dict(file)
        except Exception as error:  # NumPy raises many kinds for a damaged file
            raise DataError(f"{path}: cannot be read ({error}); run the examine step again") from error

    def shown(self, claim: "Claim", side: str, values: Values) -> str:
        """Label, mean ± deviation (runs) of one side, or that there is no run."""
        label, printed = self.label(claim, side), claim.contender(side).printed
        decimals, numbers = self.decimals(claim.metric), list(values.values())
        if printed is not None:
            return f"{label} {printed:g}"
        if not numbers:
            return f"{label} no run"
        scatters = len(numbers) > 1 and not METRICS[claim.metric].exact
        deviation = f" ± {np.std(numbers, ddof=1):.{decimals}f}" if scatters else ""
        return f"{label} {np.mean(numbers):.{decimals}f}{deviation} ({len(numbers)})"

    @staticmethod
    def _cell(claim: "Claim", side: str, event_class: str) -> Cell:
        contender = claim.contender(side)
        factors = {SPLIT: claim.split, DETECTION: contender.detection, EVENT_CLASS: event_class}
        return Cell({}, contender.system, contender.variant, factors, claim.metric, "")


Predicate = Callable[["Claim", Evidence], Finding]


# --- order of systems, or of ways of detection


def order(claim: "Claim", evidence: Evidence) -> Finding:
    """Whether the systems are ahead of the others, in the strength and direction of the claim."""
    values = side_values(claim, evidence)
    outcome, against = tried(claim, values)
    ahead, others = (
        ", ".join(evidence.shown(claim, side, values[side]) for side in dict.fromkeys(sides))
        for sides in (claim.systems, claim.others)
    )
    numbers = f"{ahead} against {others}"
    if 0 < len(against) < len(claim.others):
        numbers += f"; because of {', '.join(evidence.label(claim, side) for side in against)}"
    return Finding(outcome, numbers, _fewest(claim, values))


def side_values(claim: "Claim", evidence: Evidence) -> dict[str, Values]:
    """The values of all sides; a printed number stands at every fold and seed that there is."""
    values = {side: evidence.values(claim, side) for side in claim.compared}
    places = {place for of_side in values.values() for place in of_side}
    for side in claim.compared:
        printed = claim.contender(side).printed
        if printed is not None:
            values[side] = dict.fromkeys(places, printed)
    return values


def _fewest(claim: "Claim", values: Mapping[str, Values]) -> int:
    """Runs of the system that has the fewest."""
    own = [len(values[side]) for side in claim.compared if claim.contender(side).printed is None]
    return min(own, default=0)


def tried(claim: "Claim", values: Mapping[str, Values]) -> tuple[Outcome, list[str]]:
    """What the values of the systems, by fold and seed, say about a claim, and the others that stand against it.

    Every comparison is a paired t-test over equal folds and seeds. A claim holds if all of them are significant for it
    (each at the level `SIGNIFICANCE`: all must be), and fails if one is significant against it, after Holm's correction
    for their number. Fewer than `FEWEST_PAIRS` pairs leave it undecided. Exact metrics need no test. Where a system
    has no run, it cannot be tested, unless it fails already.
    """
    complete = [pair for pair in claim.pairs if all(values[system] for system in pair)]
    missing = [other for ahead, other in claim.pairs if (ahead, other) not in complete]
    found: dict[Outcome, list[str]] = {"fails": [], "cannot be tested": missing, "undecided": []}
    if claim.direction == "comparable":
        for ahead, other in complete:
            found.setdefault(_comparable(claim, values[ahead], values[other]), []).append(other)
    else:
        exact = METRICS[claim.metric].exact
        tests = {pair: _compared(claim.sign, exact, *(values[system] for system in pair)) for pair in complete}
        found["fails"] = [other for _, other in _against(tests, len(claim.pairs))]
        found["undecided"] = [other for (_, other), (sign, p) in tests.items() if sign <= 0 or p >= SIGNIFICANCE]
    for outcome in ("fails", "cannot be tested", "undecided"):
        if found[outcome]:
            return outcome, list(dict.fromkeys(found[outcome]))
    return ("holds", []) if complete else ("cannot be tested", [])


def _against(tests: Mapping[tuple[str, str], tuple[int, float]], comparisons: int) -> list[tuple[str, str]]:
    """The comparisons that speak against a claim significantly, after Holm's correction (1979) for their number."""
    p_values = {pair: p for pair, (sign, p) in tests.items() if sign < 0}
    found = []
    for rank, pair in enumerate(sorted(p_values, key=lambda pair: p_values[pair])):
        if p_values[pair] >= SIGNIFICANCE / (comparisons - rank):
            break
        found.append(pair)
    return found


def _compared(sign: int, exact: bool, ahead: Values, other: Values) -> tuple[int, float]:
    """Sign of a comparison, positive for the claim, and its p value: 0 of an exact metric, 1 of too few pairs."""
    if exact:
        return int(sign * np.sign(np.mean(list(ahead.values())) - np.mean(list(other.values())))), 0.0
    places = sorted(ahead.keys() & other.keys())
    mean_sign, p = against_zero([ahead[place] - other[place] for place in places])
    return sign * mean_sign, p


def against_zero(differences: Sequence[float]) -> tuple[int, float]:
    """Sign of the mean, and the two-sided p of a t-test against 0; 1 of too few differences."""
    from scipy.stats import ttest_1samp

    values = np.array(differences)
    sign = int(np.sign(values.mean())) if len(values) else 0
    if len(values) < FEWEST_PAIRS:
        return sign, 1.0
    if np.ptp(values) < RESOLUTION:  # the test divides by their deviation
        return sign, 0.0 if abs(values[0]) > RESOLUTION else 1.0
    return sign, float(ttest_1samp(values, 0).pvalue)


def above_zero(differences: Sequence[float]) -> Outcome:
    """Holds where differences, one a run, are significantly positive; fails where they are significantly negative."""
    sign, p = against_zero(differences)
    if not sign or p >= SIGNIFICANCE:
        return "undecided"
    return "holds" if sign > 0 else "fails"


def _comparable(claim: "Claim", one: Values, other: Values) -> Outcome:
    """Whether two means lie within the metric's tolerance, their standard error included."""
    metric = METRICS[claim.metric]
    distance = abs(np.mean(list(one.values())) - np.mean(list(other.values())))
    return _within(distance, 0.0 if metric.exact else standard_error(one, other), float(metric.tolerance))


def _within(distance: float, error: float, tolerance: float) -> Outcome:
    if distance + error <= tolerance + RESOLUTION:
        return "holds"
    return "fails" if distance - error > tolerance + RESOLUTION else "undecided"


def standard_error(*samples: Values) -> float:
    """Standard error of a mean, or of the difference of two; infinite where a system has only one run."""
    if min(map(len, samples)) < 2:
        return math.inf
    return math.sqrt(sum(np.var(list(values.values()), ddof=1) / len(values) for values in samples))


# --- printed numbers


def printed_number(text: str) -> tuple[float, float]:
    """A printed number as a fraction, and half a unit of its last digit: `15.6%` is 0.156 and 0.0005."""
    number, factor = Decimal(text.rstrip("%")), Decimal("0.01") if text.endswith("%") else Decimal(1)
    half = Decimal((0, (5,), int(number.as_tuple().exponent) - 1))
    return float(number * factor), float(half * factor)


def gain(claim: "Claim", evidence: Evidence, relative: bool) -> Finding:
    """Whether a printed gain fits ours, run by run of equal fold and seed, relative to the other system or absolute."""
    values = side_values(claim, evidence)
    outcomes, said, runs = [], [], []
    for pair in claim.pairs:
        gains = _gains(claim.sign, *(values[side] for side in pair), relative)
        outcomes.append(_gain_fits(claim, gains))
        runs.append(len(gains))
        labels = (evidence.label(claim, side) for side in pair)
        said.append(
            f"{f' {claim.direction} than '.join(labels)} by {_shown_gains(gains, '%' if relative else ' points')}"
        )
    return Finding(gravest(outcomes), f"{', '.join(said)}; printed {claim.printed}", min(runs, default=0))


def _gains(sign: int, ahead: Values, other: Values, relative: bool) -> list[float]:
    """Gains in the direction of the claim; from 0 there is no relative one."""
    places = [place for place in sorted(ahead.keys() & other.keys()) if other[place] or not relative]
    return [sign * (ahead[p] - other[p]) / (other[p] if relative else 1) for p in places]


def _gain_fits(claim: "Claim", gains: Sequence[float]) -> Outcome:
    """Holds if the gain is significant and the printed one might be that of one more run; see `agreement`."""
    metric, printed = METRICS[claim.metric], printed_fraction(claim.printed)
    if not gains:
        return "cannot be tested"
    if metric.exact:
        change = METRICS.get(f"{claim.metric}_change", metric) if claim.kind == "change" else metric
        found = agreement(Spread(float(np.mean(gains))), printed, change.tolerance)
        return "holds" if found == "reproduced" else "fails"
    if len(gains) < FEWEST_PAIRS:
        return "undecided"
    outcome = above_zero(gains)
    return "fails" if agreement(spread(gains), printed, Decimal(0)) == "differs" else outcome


def printed_fraction(text: str) -> str:
    """A printed number as a fraction, with the last digit that it is printed to: `15.60%` is `0.1560`."""
    number = Decimal(text.rstrip("%"))
    return str(number.scaleb(-2) if text.endswith("%") else number)


def spread(values: Sequence[float]) -> Spread:
    """Mean and deviation of values, one a run; there must be one."""
    return Spread(float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else None, len(values))


def _shown_gains(gains: Sequence[float], unit: str) -> str:
    if not gains:
        return "an unknown gain: no pair of runs, or from 0"
    deviation = f" ± {100 * np.std(gains, ddof=1):.1f}" if len(gains) > 1 else ""
    return f"{100 * np.mean(gains):+.1f}{deviation}{unit} ({len(gains)})"


def value(claim: "Claim", evidence: Evidence) -> Finding:
    """Whether each system reproduces the printed value, by the rule of the tables; see `agreement`."""
    metric, values, printed = METRICS[claim.metric], side_values(claim, evidence), printed_fraction(claim.printed)
    outcomes = [_value_fits(metric, list(values[side].values()), printed) for side in claim.systems]
    said = ", ".join(evidence.shown(claim, side, values[side]) for side in claim.systems)
    return Finding(gravest(outcomes), f"{said}; printed {claim.printed}", _fewest(claim, values))


def _value_fits(metric: Metric, of_runs: Sequence[float], printed: str) -> Outcome:
    """Holds where the print is reproduced, fails where it differs; too few runs decide nothing."""
    if not of_runs:
        return "cannot be tested"
    if len(of_runs) < FEWEST_RUNS and not metric.exact:
        return "undecided"
    found: dict[Agreement, Outcome] = {"reproduced": "holds", "close": "undecided", "differs": "fails"}
    return found[agreement(spread(of_runs), printed, metric.tolerance)]


# --- identities


def event_rates_add_up(claim: "Claim", evidence: Evidence) -> Finding:
    """Whether the error rate of events is deletions plus insertions: class by class nothing is substituted."""

    def gaps(rates: Mapping[str, float]) -> list[float]:
        return [rates["event_error_rate"] - rates["event_deletion_rate"] - rates["event_insertion_rate"]]

    rates = ("event_error_rate", "event_deletion_rate", "event_insertion_rate")
    return _equation(claim, evidence, rates, gaps, "follows from counting errors class by class")


def segment_counts_agree(claim: "Claim", evidence: Evidence) -> Finding:
    """Whether rates of segments agree: R = 1 - S - D, P = R / (R + S + I), ER = S + D + I, F1 = 2PR / (P + R)."""
    names = ("substitution_rate", "deletion_rate", "insertion_rate", "error_rate", "precision", "recall", "f1")

    def gaps(found: Mapping[str, float]) -> list[float]:
        s, d, i, er, p, r, f1 = (found[f"segment_{name}"] for name in names)
        return [r - (1 - s - d), p * (r + s + i) - r, er - (s + d + i), f1 * (p + r) - 2 * p * r]

    reason = "follows from the definitions of these metrics"
    return _equation(claim, evidence, [f"segment_{name}" for name in names], gaps, reason)


def overall_is_class_mean(claim: "Claim", evidence: Evidence) -> Finding:
    """Whether the metric is the mean over the classes for which it is defined."""
    gaps, places = [], set()
    for side in claim.systems:
        classes = evidence.classes(claim, side)
        of_classes = [evidence.values(claim, side, event_class=event_class) for event_class in classes]
        for place, overall in evidence.values(claim, side).items():
            gaps.append(overall - np.mean([found[place] for found in of_classes if place in found]))
            places.add((side, place))
    return _equal(gaps, len(places), "follows from averaging over classes")


def _equation(
    claim: "Claim",
    evidence: Evidence,
    metrics: Iterable[str],
    gaps: Callable[[Mapping[str, float]], list[float]],
    reason: str,
) -> Finding:
    """Whether `gaps` of some metrics are zero but for rounding in all runs that have them all."""
    found, runs = [], 0
    for side in claim.systems:
        values = {metric: evidence.values(claim, side, metric) for metric in metrics}
        for place in sorted(set.intersection(*(set(of_metric) for of_metric in values.values()))):
            found += gaps({metric: of_metric[place] for metric, of_metric in values.items()})
            runs += 1
    return _equal(found, runs, reason)


def _equal(gaps: Sequence[float], runs: int, reason: str) -> Finding:
    if not gaps:
        return Finding("cannot be tested", "no run in which all of these metrics are defined")
    largest = max(map(abs, gaps))
    outcome = "holds" if largest <= ROUNDING else "fails"
    numbers = f"largest gap {largest:.1e} over {runs} {'run' if runs == 1 else 'runs'}"
    return Finding(outcome, numbers, runs, reason if outcome == "holds" else "")


def one_system(claim: "Claim", evidence: Evidence) -> Finding:
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


def _is_printed_for(cell: Cell, wanted: tuple[str, ...], claim: "Claim", detection: str) -> bool:
    own = (cell.system, cell.variant, cell.metric, cell.factors.get(EVENT_CLASS, ""))
    same_place = (cell.factors.get(SPLIT, ""), cell.factors.get(DETECTION, "")) == (claim.split, detection)
    return own == wanted and same_place and bool(cell.published)


# --- finding them


def gravest(outcomes: Collection[Outcome]) -> Outcome:
    """The outcome of a claim of several parts; without any it cannot be tested."""
    return next((outcome for outcome in GRAVEST if outcome in outcomes), "cannot be tested")


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


def reads(*figures: str) -> Callable[[Predicate], Predicate]:
    """Mark a predicate as one that looks at what figures of the paper have stored."""

    def marked(predicate: Predicate) -> Predicate:
        predicate.figures = figures  # type: ignore[attr-defined]
        return predicate

    return marked


def figures_read(predicate: Predicate | None) -> tuple[str, ...]:
    """The figures that a predicate looks at."""
    return getattr(predicate, "figures", ())


def predicate_of(claim: "Claim", paper: str = "") -> Predicate | None:
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
