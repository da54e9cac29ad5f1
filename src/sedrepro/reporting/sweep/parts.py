"""A paper's part of the sweep: a row per run, split, way and metric."""

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from sedrepro.base.errors import DataError
from sedrepro.base.files import read_table
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.places import sweep_part

#: Columns of a paper's part: a row per run, split, way and metric; value is empty where note says why.
PART_COLUMNS = ("paper", "system", "variant", "fold", "seed", "split", "method", "metric", "value", "note")


def read_parts(config: Config, papers: Sequence[str]) -> pd.DataFrame:
    """The parts of papers one below the other.

    Raises:
        DataError: the part of a paper is missing or damaged (names it).
    """
    return pd.concat([_part(config, paper) for paper in papers], ignore_index=True)


def _part(config: Config, paper: str) -> pd.DataFrame:
    path = sweep_part(config, paper)
    if not path.is_file():
        raise DataError(f"{path}: no such file; run sweep --paper {paper} first")
    part = pd.DataFrame(read_table(path, PART_COLUMNS, delimiter=","), columns=list(PART_COLUMNS))
    try:
        return part.assign(value=np.array([float(text) if text else math.nan for text in part["value"]], dtype=float))
    except ValueError as error:
        raise DataError(f"{path}: {error}; run sweep --paper {paper} again") from error
