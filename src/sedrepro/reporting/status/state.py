"""What of a paper is there: systems, tables and figures as missing, stale or done, decided without Snakemake.

A run is `missing` until it is scored, or trained if nothing shows its metrics. It is `stale` where its config.json
tells other settings of the run or of its corpus, or another precision, than a new run would have now; where its
features are no longer those that lie in the feature store; where the run that it is based on is newer; or where it was
trained after it was scored. A table or a figure is `missing` without its file, and `stale` where a run that it shows
is not done or newer than it, or where its published values are newer. What code has changed since is not looked at:
Snakemake follows that (`make plan`).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from sedrepro.base.errors import SedreproError
from sedrepro.base.files import read_json
from sedrepro.base.terminal import aligned
from sedrepro.base.typed import load
from sedrepro.base.words import counted
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.papers import Paper, chosen_papers, load_paper
from sedrepro.experiments.places import results_folder, store_folder
from sedrepro.experiments.run_config import read_run_config
from sedrepro.experiments.run_files import CONFIG, RUN_FILES, SCORES
from sedrepro.experiments.runs import RunIdentity, base_files, figure_runs
from sedrepro.published.needs import cells_file, table_runs
from sedrepro.reporting.status.cost import Cost, duration, memory, read_costs, total
from sedrepro.training.settings import RunSettings

METRICS = "metrics.json"

StateName = Literal["missing", "stale", "done"]
#: From bad to good: several things are in the state of the worst of them.
STATES: tuple[StateName, ...] = ("missing", "stale", "done")


@dataclass(frozen=True)
class State:
    """A state, and why it is not done."""

    name: StateName
    why: str = ""


DONE = State("done")


@dataclass(frozen=True)
class Item:
    """A system, a table or a figure of a paper; runs are those it needs, `there` how many of them are scored."""

    kind: Literal["system", "table", "figure"]
    name: str
    state: State
    runs: int
    there: int
    cost: Cost | None = None


class PaperState:
    """What of a paper is there, as its settings and the configuration want it; each run is looked at once."""

    def __init__(self, config: Config, paper: Paper) -> None:
        self._config, self._paper = config, paper
        self._results = results_folder(config) / paper.name
        self._tables = {name: table_runs(config, paper, name) for name in paper.settings.tables}
        self._figures = {name: figure_runs(config, paper, name) for name in paper.settings.figures}
        self._scored = {run for runs in self._tables.values() for run in runs} | {
            run for name, runs in self._figures.items() if self._reads_metrics(name) for run in runs
        }
        self.of_run = cache(self._of_run)
        self._fingerprint = cache(self._read_fingerprint)

    def items(self) -> Iterator[Item]:
        """Its systems, those of its tables and figures at least, then its tables and figures."""
        paper = self._paper
        needed = dict.fromkeys(run for runs in [*self._tables.values(), *self._figures.values()] for run in runs)
        costs = read_costs(self._results)
        for name in paper.settings.systems:
            runs = [run for run in needed if run.system == name]
            cost = total([cost for cost in costs if cost.system == name])
            yield Item("system", name, self._together(runs), len(runs), self._there(runs), cost)
        for name, runs in self._tables.items():
            path = self._results / "tables" / f"{name}.csv"
            state = self._of_output(path, runs, METRICS, [cells_file(paper, name)])
            yield Item("table", name, state, len(runs), self._there(runs))
        for name, runs in self._figures.items():
            read = METRICS if self._reads_metrics(name) else SCORES
            state = self._of_output(self._results / "figures" / f"{name}.svg", runs, read, [])
            yield Item("figure", name, state, len(runs), self._there(runs))

    def _reads_metrics(self, figure: str) -> bool:
        """Whether a figure shows metrics. One of first runs does not: they may be scored later, or never."""
        return self._paper.settings.figure_of(figure).runs == "all"

    def _there(self, runs: Iterable[RunIdentity]) -> int:
        return sum(self.of_run(run).name != "missing" for run in runs)

    def _together(self, runs: Sequence[RunIdentity]) -> State:
        """The state of the worst run, in its own words."""
        if not runs:
            return State("missing", "no table or figure needs it")
        return min((self.of_run(run) for run in runs), key=lambda state: STATES.index(state.name))

    def _of_output(self, path: Path, runs: Sequence[RunIdentity], read: str, sources: Sequence[Path]) -> State:
        """The state of a table or figure that reads the file `read` of its runs, and files of the paper."""
        if not path.is_file():
            return State("missing")
        made = path.stat().st_mtime
        for run in runs:
            state = self.of_run(run)
            if state.name != "done":
                return State("stale", f"{_words(run)} is {state.name}" + (f": {state.why}" if state.why else ""))
            if (run.folder(self._config) / read).stat().st_mtime > made:
                return State("stale", f"{_words(run)} is newer")
        newer = [source.name for source in sources if source.stat().st_mtime > made]
        return State("stale", f"published/{newer[0]} is newer") if newer else DONE

    def of_training(self, run: RunIdentity) -> State:
        """The state of its training, whether it was scored or not."""
        folder = run.folder(self._config)
        if not all((folder / name).is_file() for name in RUN_FILES):
            return State("missing")
        trained = (folder / CONFIG).stat().st_mtime
        for path in base_files(self._config, self._paper, run):
            if path.is_file() and path.stat().st_mtime > trained:
                return State("stale", f"{path.name} of the run that it is based on is newer")
        changed = self._changed(run, folder / CONFIG)
        return State("stale", changed) if changed else DONE

    def _of_run(self, run: RunIdentity) -> State:
        training, metrics = self.of_training(run), run.metrics_file(self._config)
        if training.name == "missing":
            return training
        if run in self._scored and not metrics.is_file():
            return State("missing", "trained, not scored")
        if metrics.is_file() and (run.folder(self._config) / SCORES).stat().st_mtime > metrics.stat().st_mtime:
            return State("stale", "trained again, not scored")
        return training

    def _changed(self, run: RunIdentity, path: Path) -> str:
        """What of all that decides a run's result is not as config.json has it, the first; empty where all is."""
        config, settings = self._config, self._paper.settings
        corpus = settings.corpus_of(run.variant)[0]
        try:
            described = read_run_config(path.parent)
            then = load(RunSettings, described.settings, str(path))
            trained_on = load(type(settings.corpora[corpus]), described.corpus, str(path))
        except SedreproError as error:
            return f"{CONFIG} does not fit the current settings ({str(error).rsplit(f'{CONFIG}: ', 1)[-1]})"
        now = self._paper.run(run.system, run.variant)
        differing = difference(now.model_dump(mode="json"), then.model_dump(mode="json"))
        differing = differing or difference(
            settings.corpora[corpus].model_dump(mode="json"), trained_on.model_dump(mode="json"), f"corpora.{corpus}"
        )
        if differing:
            return f"{differing} changed"
        if (described.mixed_precision, described.tf32) != (config.mixed_precision, config.tf32):
            return "mixed_precision or tf32 changed"
        return (
            ""
            if self._fingerprint(corpus) in (None, described.features_fingerprint)
            else "the features were made from other data"
        )

    def _read_fingerprint(self, corpus: str) -> str | None:
        """Of the features that lie there; None where there are none."""
        path = store_folder(self._config, self._paper, corpus) / "store.json"
        return read_json(path).get("fingerprint") if path.is_file() else None


def difference(one: Any, other: Any, key: str = "") -> str:
    """The dotted key of the first value in which two plain settings differ; empty where they are equal."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in dict.fromkeys([*one, *other]):
            inner = f"{key}.{name}".lstrip(".")
            found = difference(one[name], other[name], inner) if name in one and name in other else inner
            if found:
                return found
        return ""
    return "" if one == other else key or "settings"


def _words(run: RunIdentity) -> str:
    return f"{run.system} on {run.variant}, fold {run.fold}, seed {run.seed},"


def print_states(config: Config, name: str = "") -> None:
    """Print the systems, tables and figures of a paper, or of all chosen ones, with state, runs and cost."""
    for each in [name] if name else chosen_papers(config):
        paper = load_paper(each, config)
        items = list(PaperState(config, paper).items())
        spent = total(read_costs(results_folder(config) / each))
        about = paper.settings.about
        cost = f"; {counted(spent.runs, 'run')}, {duration(spent.seconds)}" if spent.runs else ""
        print(f"{each}: {about.title} ({about.published_in}); scale {config.scale}{cost}")
        print(aligned(map(_row, items)), end="\n\n")


def _row(item: Item) -> tuple[str, ...]:
    runs = f"{item.there}/{counted(item.runs, 'run')}" if item.runs else "no runs"
    cost = ("", "")
    if item.cost is not None and item.cost.runs:
        cost = (duration(item.cost.seconds), memory(item.cost.peak_memory_mib))
    return (item.kind, item.name, item.state.name, runs, *cost, item.state.why)
