"""The sweep over runs: means, and how the ways do against each other."""

import pandas as pd

from sedrepro.evaluation.sweep import METRICS, WAYS
from sedrepro.published.verdict import METRICS as ALL_METRICS
from sedrepro.reporting.tables.tidy import NOTE_SEPARATOR

#: What a value is of, apart from run, way and metric.
ROW = ["paper", "system", "variant", "split"]
_RUN = [*ROW[:3], "fold", "seed", "split"]


def averaged(values: pd.DataFrame) -> pd.DataFrame:
    """Mean, sample standard deviation and number of the runs with a value; `values` have the columns of a part.

    Columns: paper, system, variant, split, method, metric, mean, sd, runs, note.
    """
    groups = values.groupby([*ROW, "method", "metric"], sort=False)
    table = groups["value"].agg(mean="mean", sd="std", runs="count").reset_index()
    table["note"] = groups["note"].agg(lambda notes: NOTE_SEPARATOR.join(filter(None, notes.unique()))).to_numpy()
    return table


def compared(values: pd.DataFrame) -> dict[tuple[str, ...], pd.DataFrame]:
    """How the ways do against each other, run by run and split by split, by the ways that could be tried there.

    Columns of each table: metric, method, comparisons, equal (comparisons in which all ways have the same value),
    alone_best, mean_rank (1 is best, equal ways share; NaN without a comparison that is not equal); both are of the
    others. Values count to 6 digits.
    """
    wide = values.pivot_table(index=[*_RUN, "metric"], columns="method", values="value", sort=False, dropna=False)
    wide = wide.reindex(columns=list(WAYS))[wide.notna().sum(axis=1) > 1]
    tried = pd.Series([tuple(way for way in WAYS if known[way]) for _, known in wide.notna().iterrows()], wide.index)
    found = {}
    for ways in sorted(set(tried), key=len, reverse=True):
        rows = wide.loc[tried == ways, list(ways)]
        of_metrics = (_counts(m, rows.xs(m, level="metric")) for m in METRICS if m in rows.index.unique("metric"))
        found[ways] = pd.concat(of_metrics, ignore_index=True)
    return found


def _counts(metric: str, rows: pd.DataFrame) -> pd.DataFrame:
    equal = rows.nunique(axis=1) == 1
    ranks = rows[~equal].rank(axis=1, ascending=not ALL_METRICS[metric].higher_is_better)
    return pd.DataFrame(
        {
            "metric": metric,
            "method": list(rows),
            "comparisons": len(rows),
            "equal": int(equal.sum()),
            "alone_best": [int((ranks[way] == 1).sum()) for way in rows],
            "mean_rank": [ranks[way].mean() for way in rows],
        }
    )
