"""What the notebooks share: where the results of a scale lie, and showing them.

The environment variable SEDREPRO_SCALE says which scale (default: miniature), SEDREPRO_RESULTS which results folder
(default: that of the checkout that the notebook lies in). Nothing is computed here but what is shown.
"""

import os
from pathlib import Path
from typing import Any

import pandas as pd

from sedrepro.base.errors import DataError, SettingsError, did_you_mean
from sedrepro.experiments.scales import SCALES
from sedrepro.experiments.table_layout import SCALES as WARNINGS

SCALE, RESULTS = "SEDREPRO_SCALE", "SEDREPRO_RESULTS"
#: Columns of claims.csv that are shown, as far as they are there.
SHOWN_OF_A_CLAIM = ("said_in", "claim", "metric", "ours", "outcome", "published_support", "note")


class MissingResultsError(DataError):
    """Results are not there; says which command makes them, which Jupyter shows without a traceback."""

    def _render_traceback_(self) -> list[str]:
        return [str(self)]


def chosen_scale() -> str:
    """The scale whose results are read.

    Raises:
        SettingsError: there is no such scale (names the nearest).
    """
    scale = os.environ.get(SCALE, "miniature")
    if scale not in SCALES:
        raise SettingsError(f"{SCALE}={scale}: no such scale; {did_you_mean(scale, SCALES)}")
    return scale


def results_folder() -> Path:
    """The results of the chosen scale.

    Raises:
        SettingsError: the notebook runs outside a checkout and no folder is named.
    """
    given = os.environ.get(RESULTS)
    if given:
        return Path(given, chosen_scale())
    here = Path.cwd()
    for folder in (here, *here.parents):
        if (folder / "Snakefile").is_file():
            return folder / "results" / chosen_scale()
    raise SettingsError(f"{here}: lies in no checkout of the project; name its results folder in {RESULTS}")


def command(paper: str = "") -> str:
    """The command that makes the results of a paper, or of all."""
    return "make results" + (f" PAPER={paper}" if paper else "") + f" SCALE={chosen_scale()}"


def shown(table: pd.DataFrame) -> Any:
    """A table for reading: whole texts, numbers with four digits, nothing where there is nothing."""
    from IPython.display import HTML

    with pd.option_context("display.max_colwidth", None):
        return HTML(table.to_html(index=False, float_format="{:.4g}".format, na_rep=""))


def warning() -> Any:
    """What a reader must know about the numbers of the chosen scale."""
    from IPython.display import Markdown

    return Markdown(f"> **{WARNINGS[chosen_scale()]}** Results: `{results_folder()}`")


class PaperView:
    """Tables, figures, verdicts and claims of a paper at the chosen scale.

    Raises:
        MissingResultsError: what is asked for is not there (names the file and the command that makes it).
    """

    def __init__(self, paper: str) -> None:
        self.paper = paper
        self.folder = results_folder() / paper

    def table(self, name: str) -> pd.DataFrame:
        """A tidy table: one row per cell of the paper's table."""
        return pd.read_csv(self._made(f"tables/{name}.csv"), dtype={"published": str})

    def show(self, name: str) -> Any:
        """A table as the paper has it, ours beside the published value."""
        from IPython.display import Markdown

        return Markdown(self._made(f"tables/{name}.md").read_text(encoding="utf-8"))

    def figure(self, name: str) -> Any:
        """A figure that the run drew."""
        from IPython.display import Image

        return Image(self._made(f"figures/{name}.png"))

    def verdicts(self) -> pd.DataFrame:
        """How many cells of each table have which verdict."""
        paths = sorted((self.folder / "tables").glob("*.csv"))
        if not paths:
            raise self._missing("tables")
        counts = {path.stem: self.table(path.stem)["verdict"].value_counts() for path in paths}
        found = pd.DataFrame(counts).T.fillna(0).astype(int)
        return found.rename_axis(index="table", columns="verdict")

    def claims(self) -> pd.DataFrame:
        """What the paper says of its results in words, and whether ours agree; empty if no claim of it was tried."""
        path = results_folder() / "claims.csv"
        if not path.is_file():
            raise MissingResultsError(f"{path}: is not there; {command()} makes it")
        found = pd.read_csv(path, dtype=str, keep_default_na=False)
        return found[found["paper"] == self.paper]

    def show_claims(self) -> Any:
        """The paper's claims for reading, those that failed first; a line where there are none."""
        from IPython.display import Markdown

        try:
            found = self.claims()
        except MissingResultsError as error:
            return Markdown(str(error))
        columns = [name for name in SHOWN_OF_A_CLAIM if name in found]
        return shown(found.sort_values("outcome", kind="stable")[columns])

    def _made(self, name: str) -> Path:
        path = self.folder / name
        if not path.is_file():
            raise self._missing(name)
        return path

    def _missing(self, name: str) -> MissingResultsError:
        return MissingResultsError(f"{self.folder / name}: is not there; {command(self.paper)} makes it")
