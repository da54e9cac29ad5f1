"""The claims of all papers in one file: the filled tables of claims, joined."""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

import pandas as pd

from sedrepro.base.errors import DataError
from sedrepro.base.files import read_table, write_text
from sedrepro.base.words import counted
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import chosen_papers, load_paper
from sedrepro.experiments.places import results_folder, table_file
from sedrepro.reporting.claims.finding import BY_CONSTRUCTION, WORST_FIRST
from sedrepro.reporting.claims.tally import decided, decided_orders

#: Columns of the file, and those of a filled table of claims that they come from.
COLUMNS = {
    "paper": "paper",
    "id": "id",
    "kind": "kind",
    "said_in": "table",
    "claim": "claim",
    "metric": "metric",
    "variant": "variant",
    "split": "split",
    "scale": "scale",
    "ours": "mean",
    "outcome": "verdict",
    "p_holds": "p_holds",
    "p_fails": "p_fails",
    "margin": "margin",
    "margin_low": "margin_low",
    "margin_high": "margin_high",
    "margin_printed": "margin_printed",
    "too_small": "too_small",
    "below_print": "below_print",
    "published_support": "support",
    "support_reason": "support_reason",
    "quote": "published",
    "note": "note",
}


def claim_tables(config: Config) -> dict[tuple[str, str], Path]:
    """The csv of every table of claims of the chosen papers, by paper and table; it may not be there yet."""
    return {
        (name, table): table_file(config, name, table)
        for name in chosen_papers(config)
        for table in load_paper(name, config).settings.claim_tables
    }


def write_claims(config: Config) -> Path:
    """Write `results/<scale>/claims.csv`: the tables of claims of the chosen papers that are there, joined.

    Raises:
        DataError: a table is damaged (names it), or none is there.
    """
    tables = claim_tables(config)
    rows = [
        listed(paper, row)
        for (paper, _), path in tables.items()
        if path.is_file()
        for row in read_table(path, [source for source in COLUMNS.values() if source != "paper"], delimiter=",")
    ]
    if tables and not rows:
        paper, table = next(iter(tables))
        raise DataError(f"{tables[paper, table]}: no such file; run table --paper {paper} --table {table} first")
    path = results_folder(config) / "claims.csv"
    write_text(path, pd.DataFrame(rows, columns=list(COLUMNS)).to_csv(index=False, lineterminator="\n"))
    return path


def listed(paper: str, row: Mapping[str, str]) -> dict[str, str]:
    """A row of a filled table of claims in the columns `COLUMNS`; what it lacks is empty."""
    return {column: row.get(source, "") for column, source in COLUMNS.items()} | {"paper": paper}


def read_claims_file(path: Path) -> pd.DataFrame:
    """What `write_claims` wrote, all columns as text."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def counts(table: pd.DataFrame) -> Iterator[str]:
    """A line per paper: how many rows of its claims hold, fail and so on, apart from those that no run could change."""
    for paper, of_paper in table.groupby("paper", sort=False):
        outcomes = Counter(of_paper["outcome"])
        told = ", ".join(f"{outcomes[name]} {name}" for name in reversed(WORST_FIRST) if outcomes[name])
        fixed = sum(outcome.endswith(BY_CONSTRUCTION) for outcome in of_paper["outcome"])
        claims = of_paper["id"].nunique()
        number = f"{counted(claims, 'claim')} in {counted(len(of_paper), 'row')}"
        rows = of_paper.to_dict("records")
        parts = [f"{number}: {told}", decided(rows), decided_orders(rows), f"{fixed} {BY_CONSTRUCTION}"]
        yield f"{paper}: {'; '.join(filter(None, parts))}"


def missing_tables(config: Config) -> Iterator[str]:
    """A line per table of claims that is not there, and so not in the file."""
    for (paper, table), path in claim_tables(config).items():
        if not path.is_file():
            yield f"{paper}: {table} has not been made yet; run table --paper {paper} --table {table} first"
