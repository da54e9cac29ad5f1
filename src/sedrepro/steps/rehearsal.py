"""Print what a rehearsal of scale full has cost: time, memory and disk by stage; `make rehearsal` runs it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sedrepro.base.errors import SettingsError
from sedrepro.base.files import write_table
from sedrepro.base.job_costs import JobCost, read_job_costs
from sedrepro.base.terminal import aligned
from sedrepro.experiments import places
from sedrepro.experiments.configuration import load_config
from sedrepro.experiments.papers import chosen_papers, load_paper
from sedrepro.experiments.scales import REHEARSAL
from sedrepro.reporting.status.forecast import forecast, together
from sedrepro.reporting.status.forecast_text import machine_of, print_forecast
from sedrepro.steps.request import Request, say

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config

MEASURED = ("stage", "jobs", "seconds", "cpu_seconds", "peak_memory_mib", "disk_mib")
#: What the forecast says of the same stage, empty where it says nothing.
FORECAST = ("forecast_cpu_seconds", "forecast_memory_mib", "forecast_disk_mib")
COLUMNS = (*MEASURED, *FORECAST)


class Stage(NamedTuple):
    """A part of the workflow: its verbs, and what it leaves, as patterns below the folders of work and of results."""

    verbs: tuple[str, ...]
    work: tuple[str, ...] = ()
    results: tuple[str, ...] = ()


TRAINED = "loading and three steps"
STAGES = {
    "layouts": Stage(("synthesise",), ("corpora",)),
    "survey": Stage(("survey",), ("surveys",)),
    "corpora": Stage(("recipes", "corpus-tables"), ("*/corpora",)),
    "features": Stage(("features",), ("*/features",)),
    TRAINED: Stage(("train", "pseudo-labels"), ("resume",), ("*/runs/*/*/*/*/[!d]*",)),
    "scoring": Stage(("score",), (), ("*/runs/*/*/*/*/detected.tsv",)),
    "sweep": Stage(("sweep", "sweep-table"), (), ("post_processing.*",)),
    "figures": Stage(("examine", "figure"), (), ("*/figures",)),
    "tables": Stage(("table", "coverage", "model-cards", "comparison", "claims", "page"), (), ("*/tables", "*.html")),
}


def stage_rows(costs: Sequence[JobCost], work: Path, results: Path) -> list[tuple]:
    """A row of `MEASURED` for each stage of which something was done."""
    rows = []
    for name, stage in STAGES.items():
        done = [cost for cost in costs if cost.verb in stage.verbs]
        if done:
            seconds, cpu = sum(cost.seconds for cost in done), sum(cost.cpu_seconds for cost in done)
            left = [path for pattern in stage.work for path in work.glob(pattern)]
            left += [path for pattern in stage.results for path in results.glob(pattern)]
            memory = max(cost.peak_memory_mib for cost in done)
            rows.append((name, len(done), round(seconds), round(cpu), memory, round(disk_use(left) / 2**20)))
    return rows


def with_forecast(config: Config, rows: Sequence[tuple]) -> list[tuple]:
    """Rows of `COLUMNS`: beside each stage what was forecast of it for this share of the clips.

    Time is known of a processor only, which does one thing after the other; of a GPU it is that of the GPU, not of the
    process that waits for it.
    """
    machine = machine_of(config)
    whole = together(forecast(config, [load_paper(name, config) for name in chosen_papers(config)], machine))
    seconds = "" if machine.is_gpu else round(sum(run.seconds for run in whole.runs))
    memory = "" if machine.is_gpu else whole.memory_mib
    known = {
        "features": ("", "", round(whole.features_bytes / 2**20)),
        TRAINED: (seconds, memory, round(whole.files_bytes / 2**20)),
    }
    return [(*row, *known.get(row[0], ("",) * len(FORECAST))) for row in rows]


def disk_use(paths: Iterable[Path]) -> int:
    """Bytes that files and folders take, each file once however many names it has."""
    files = [file for path in paths for file in (path.rglob("*") if path.is_dir() else [path]) if file.is_file()]
    found = {(status.st_dev, status.st_ino): 512 * status.st_blocks for status in map(Path.stat, files)}
    return sum(found.values())


def told(config: Config, rows: Sequence[tuple]) -> str:
    """The table in words, with what it is a rehearsal of."""
    lines = [
        ["stage", "jobs", "seconds", "CPU s", "MiB memory", "MiB disk", "forecast: CPU s", "MiB memory", "MiB disk"],
        *([str(cell) for cell in r] for r in rows),
    ]
    share = "all clips" if config.share == 1 else f"a share of {config.share:g} of the clips"
    return (
        f"Rehearsal of scale full with {share} of the official data sets, one fold and one seed of each run:\n"
        f"{aligned(lines, left=1)}\n"
        "Seconds are those of all jobs together. Layouts, survey, features, loading, scoring and sweep grow with the"
        " share;\nscoring and sweep also with the number of runs, the steps with neither. Nothing here is a result."
    )


def forecast_config(config: Config) -> Config:
    """Scale full with the papers, folds, seeds and device of a rehearsal."""
    same = {key: getattr(config, key) for key in ("papers", "folds", "seeds", "device", "work_dir", "results_dir")}
    return load_config("full", changes=same)


def run(request: Request) -> None:
    """Print the table of a rehearsal and write it to its results.

    Raises:
        SettingsError: the scale is another one, or nothing was rehearsed.
    """
    config = request.config
    if config.scale != REHEARSAL:
        raise SettingsError(f"scale '{config.scale}' is not a rehearsal; use --scale {REHEARSAL}")
    costs = places.costs_file(config)
    rows = stage_rows(read_job_costs(costs), places.work_folder(config), places.results_folder(config))
    if not rows:
        raise SettingsError(f"{costs}: nothing has been rehearsed yet; run make rehearsal")
    rows = with_forecast(config, rows)
    path = places.results_folder(config) / "rehearsal.csv"
    write_table(path, COLUMNS, rows, delimiter=",")
    say(told(config, rows))
    say(str(path))
    say("\nThe forecast of the same runs at scale full:")
    print_forecast(forecast_config(config))
