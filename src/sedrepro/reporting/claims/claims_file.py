"""The claims of all papers in one file, with what the runs that are there say of them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pandas as pd

from sedrepro.base.files import write_text
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.metrics_files import read_metrics
from sedrepro.experiments.papers import Paper, chosen_papers, load_paper
from sedrepro.experiments.runs import RunIdentity
from sedrepro.reporting.claims.claim import BY_CONSTRUCTION, Claim, fill_claims, read_claims
from sedrepro.reporting.claims.predicates import GRAVEST
from sedrepro.reporting.paper_tables import cells_file, figures_folder, table_runs
from sedrepro.reporting.tables.grid import NOTE_SEPARATOR

#: Columns of the file, and those of a filled table of claims that they come from.
COLUMNS = {
    "paper": "paper",
    "id": "id",
    "said_in": "table",
    "claim": "claim",
    "metric": "metric",
    "variant": "variant",
    "split": "split",
    "scale": "scale",
    "ours": "mean",
    "outcome": "verdict",
    "published_support": "support",
    "support_reason": "support_reason",
    "quote": "published",
    "note": "note",
}


def claims_table(config: Config) -> pd.DataFrame:
    """The claims of the chosen papers, in the columns `COLUMNS`; runs that are not there are named in `note`.

    Raises:
        DataError: runs contradict each other, or one lacks a metric.
    """
    parts = [
        _of_table(config, paper, table)
        for paper in (load_paper(name, config) for name in chosen_papers(config))
        for table, layout in paper.settings.tables.items()
        if layout.kind == "claims"
    ]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(COLUMNS))


def write_claims(config: Config) -> Path:
    """Write `results/<scale>/claims.csv`: every claim of the chosen papers and what our runs say of it.

    Raises:
        DataError: runs contradict each other, or one lacks a metric.
    """
    path = config.results_dir / config.scale / "claims.csv"
    write_text(path, claims_table(config).to_csv(index=False, lineterminator="\n"))
    return path


def read_claims_file(path: Path) -> pd.DataFrame:
    """What `write_claims` wrote, all columns as text."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def counts(table: pd.DataFrame) -> Iterator[str]:
    """A line per paper: how many rows of its claims hold, fail and so on, and how many no run could have changed."""
    for paper, of_paper in table.groupby("paper", sort=False):
        found = Counter(of_paper["outcome"])
        said = ", ".join(f"{found[outcome]} {outcome}" for outcome in reversed(GRAVEST) if found[outcome])
        fixed = sum(BY_CONSTRUCTION in note for note in of_paper["note"])
        claims = of_paper["id"].nunique()
        yield f"{paper}: {claims} claims in {len(of_paper)} rows: {said}; {fixed} {BY_CONSTRUCTION}"


def _of_table(config: Config, paper: Paper, table: str) -> pd.DataFrame:
    claims, needed = read_claims(cells_file(paper, table)), table_runs(config, paper, table)
    there = [who for who in needed if who.metrics_file(config).is_file()]
    labels = {name: system.label for name, system in paper.settings.systems.items()}
    filled = fill_claims(
        claims,
        [read_metrics(who.metrics_file(config)) for who in there],
        config.scale,
        labels,
        paper.settings.tables[table],
        paper,
        figures_folder(config, paper),
    )
    missing = [who for who in needed if who not in set(there)]
    filled["note"] = [
        NOTE_SEPARATOR.join(filter(None, [note, _named(claim, there, missing)]))
        for claim, note in zip(claims, filled["note"], strict=True)
    ]
    filled["paper"] = paper.name
    return filled[list(COLUMNS.values())].set_axis(list(COLUMNS), axis=1)


def _named(claim: Claim, there: Sequence[RunIdentity], missing: Sequence[RunIdentity]) -> str:
    """The runs that a claim needs and that are not there: all of a system in short, others one by one."""
    sides = [claim.contender(side) for side in claim.compared]
    pairs = dict.fromkeys((side.system, side.variant) for side in sides if side.printed is None)
    parts = []
    for pair in pairs:
        absent = [who for who in missing if (who.system, who.variant) == pair]
        if absent and not any((who.system, who.variant) == pair for who in there):
            parts.append(f"no run of {pair[0]} on {pair[1]}")
        else:
            parts += [f"no run of {pair[0]} on {pair[1]}, fold {who.fold}, seed {who.seed}" for who in absent]
    return NOTE_SEPARATOR.join(parts)
