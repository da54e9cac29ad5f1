"""What a table or a figure comes to, in a few words: for its place in the matrix and at its head."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from sedrepro.base.words import counted, said_of
from sedrepro.published.verdict import COMPARABLE_SCALE
from sedrepro.reporting.claims.tally import decided, decided_orders
from sedrepro.reporting.page.data import PaperResults
from sedrepro.reporting.status.cost import Cost, RunCost, duration, memory, total
from sedrepro.reporting.tables.marks import MARKS

#: How a printed table or figure is called, at the beginning of its title.
_PRINTED = re.compile(r"(?P<label>(?:Table|Figure) [^:]+): (?P<rest>.+)")
_ASIDE = " (not a table of the paper)"

#: Verdicts of cells that have a published number, but none of ours that may be held against it.
_UNJUDGED = ("not comparable",)
#: What is said of cells that are not compared, after the number of them.
_APART = {
    "no published value": "without a published value",
    "not available": "whose published value we do not have",
    "suspect misprint": "whose published value is probably misprinted",
}


@dataclass(frozen=True)
class Digest:
    """A table or a figure in a few words."""

    id: str
    """Of its place on the page."""
    label: str
    """What the paper calls it, or a word for what it does not print."""
    title: str
    there: bool
    counts: Mapping[str, int]
    """Its cells by verdict, or its claims by outcome, those with a mark first."""
    verdict: str = ""
    """The outcome as a sentence."""
    runs: str = ""
    spread: str = ""
    cost: str = ""
    short: str = ""
    """Runs, spread and time in a line."""


def label_and_rest(name: str, title: str) -> tuple[str, str]:
    """What a table or figure is called ("Table 2"), and the rest of its title; a word of its own where it has none."""
    found = _PRINTED.fullmatch(title)
    if found:
        return found["label"], found["rest"]
    return name.replace("_", " ").capitalize(), title.removesuffix(_ASIDE)


def in_order(numbers: Mapping[str, int]) -> dict[str, int]:
    """How often there is each verdict or outcome, those with a mark first."""
    order = [*(name for name in MARKS if name in numbers), *(name for name in numbers if name not in MARKS)]
    return {name: numbers[name] for name in order if numbers[name]}


def digest_of_table(results: PaperResults, name: str) -> Digest:
    """A table of a paper in a few words, whether it is there or not."""
    layout = results.paper.settings.tables[name]
    label, _ = label_and_rest(name, layout.title)
    place = f"{results.paper.name}-{name}"
    if name not in results.tables:
        return Digest(place, label, layout.title, False, {})
    table = results.tables[name]
    counts = in_order(Counter(table.rows["verdict"]))
    if layout.kind != "numbers":
        return Digest(place, label, layout.title, True, counts, verdict_of_texts(counts))
    cost = cost_of(results.costs, pairs_of(table.rows))
    runs, spread = runs_of_cells(table.rows), spread_of_cells(table.rows)
    short = ", ".join(filter(None, [runs.removesuffix(" per cell"), spread[0], duration_of(cost)]))
    sentence = verdict_of_numbers(counts, table.scale)
    return Digest(place, label, layout.title, True, counts, sentence, runs, spread[1], cost_in_words(cost), short)


def digest_of_figure(results: PaperResults, name: str) -> Digest:
    """A figure of a paper in a few words, whether it is there or not."""
    figure = results.paper.settings.figures[name]
    label, _ = label_and_rest(name, figure.title)
    own = [[one for one in results.costs if (one.system, one.variant) == (s, figure.variant)] for s in figure.systems]
    cost = total([one for runs in own for one in (runs[:1] if figure.runs == "first" else runs)])
    runs = counted(cost.runs, "run")
    short = ", ".join(filter(None, [runs if cost.runs else "", duration_of(cost)]))
    place, there = f"{results.paper.name}-{name}", name in results.figures
    return Digest(place, label, figure.title, there, {}, runs=runs, cost=cost_in_words(cost), short=short)


def digest_of_claims(results: PaperResults) -> Digest:
    """The claims of a paper in a few words; each counts once for every metric and split that it is tried on."""
    outcomes = in_order(results.outcomes())
    claims = len({claim["id"] for claim in results.claims})
    short = counted(claims, "claim")
    words = ", ".join(f"{number} {said_of(name, number)}" for name, number in outcomes.items())
    sentence = f"{counted(sum(outcomes.values()), 'test')} of {short}, over metrics and splits: {words}."
    for told in filter(None, (decided(results.claims), decided_orders(results.claims))):
        sentence += f" {told}."
    return Digest(f"{results.paper.name}-claims", "Claims", "Claims", bool(claims), outcomes, sentence, short=short)


def pairs_of(rows: pd.DataFrame) -> set[tuple[str, str]]:
    """The systems and variants whose runs stand behind rows."""
    return {(row["system"], row["variant"]) for row in rows.to_dict("records") if row["runs"]}


def cost_of(costs: Sequence[RunCost], pairs: Collection[tuple[str, str]]) -> Cost:
    """What the runs of some systems and variants cost together."""
    return total([cost for cost in costs if (cost.system, cost.variant) in pairs])


def duration_of(cost: Cost) -> str:
    """The time of some runs; empty where there are none."""
    return duration(cost.seconds) if cost.runs else ""


def cost_in_words(cost: Cost) -> str:
    """Runs, time and memory as a sentence."""
    if not cost.runs:
        return "The time of the runs is not known."
    gpu = "" if cost.peak_gpu_memory_mib is None else f", {memory(cost.peak_gpu_memory_mib)} on the GPU"
    return (
        f"{counted(cost.runs, 'run')} in {duration(cost.seconds)}, one after another; peak memory "
        f"{memory(cost.peak_memory_mib)}{gpu}. Runs shared with other tables or figures are included."
    )


def runs_of_cells(rows: pd.DataFrame) -> str:
    """How many runs stand behind a cell that has a value."""
    numbers = sorted({int(number) for number in rows["runs"] if number})
    if not numbers:
        return "no runs"
    if len(numbers) > 1:
        return f"{numbers[0]} to {numbers[-1]} runs per cell"
    return f"{counted(numbers[0], 'run')} per cell"


def spread_of_cells(rows: pd.DataFrame) -> tuple[str, str]:
    """The median over cells of the deviation relative to the mean, in short (or empty) and as a sentence.

    Changes from one system to another are left out: their means lie around zero.
    """
    rows = rows[~rows["metric"].astype(str).str.endswith("_change")]
    shares = (rows["sd"] / rows["mean"].abs())[rows["mean"].abs() > 0].dropna()
    if shares.empty:
        return "", "Not known: this takes two runs per cell." if any(rows["runs"]) else "Not known: there are no runs."
    middle, largest = shares.median(), shares.max()
    return (
        f"± {_percent(middle)}",
        f"Sample standard deviation over runs: {_percent(middle)} of the mean (median over "
        f"{counted(len(shares), 'cell')}), at most {_percent(largest)}.",
    )


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def verdict_of_numbers(counts: Mapping[str, int], scale: str) -> str:
    """How a table of numbers came out, as a sentence."""
    apart = [f"{counts[name]} {words}" for name, words in _APART.items() if counts.get(name)]
    further = f" Not compared: {', '.join(apart)}." if apart else ""
    judged = {name: counts.get(name, 0) for name in ("reproduced", "close", "differs")}
    number = sum(judged.values())
    if number:
        words = ", ".join(f"{times} {name if name != 'differs' else 'differ'}" for name, times in judged.items())
        return f"{_overall(judged)} Of {counted(number, 'compared cell')}: {words}.{further}"
    unjudged = sum(counts.get(name, 0) for name in _UNJUDGED)
    if unjudged and scale != COMPARABLE_SCALE:
        cells = counted(unjudged, "published cell")
        return f"Cannot be judged: runs at {scale} scale are not comparable with the {cells}.{further}"
    return f"Cannot be judged: we have no value for any published cell.{further}"


def _overall(judged: Mapping[str, int]) -> str:
    number = sum(judged.values())
    if judged["reproduced"] == number:
        return "Reproduced."
    if judged["reproduced"] + judged["close"] == number:
        return "Reproduced or close."
    return "Not reproduced." if judged["differs"] == number else "Reproduced in part."


def verdict_of_texts(counts: Mapping[str, int]) -> str:
    """How a table of texts came out, as a sentence."""
    words = ", ".join(f"{number} {name}" for name, number in counts.items())
    entries = counted(sum(counts.values()), "entry", "entries")
    return f"Our code compared with the paper, {entries}: {words}."
