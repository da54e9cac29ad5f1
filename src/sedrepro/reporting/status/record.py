"""Keep the outcome of a run in the repository: tables, figures, metrics and what it was made with, small."""

import datetime
import os
import platform
import shutil
from pathlib import Path

from sedrepro.base.errors import DataError
from sedrepro.base.files import atomic_folder, write_json
from sedrepro.experiments.configuration import Config
from sedrepro.experiments.environment import read_environment
from sedrepro.experiments.papers import Paper
from sedrepro.experiments.run_files import CONFIG, ENVIRONMENT, HISTORY

KEPT = ("coverage.*", "tables/*", "figures/*.svg", "figures/*.png", "figures/*.json")
KEPT_OF_A_RUN = (CONFIG, HISTORY, "metrics.json", ENVIRONMENT)


def record(config: Config, paper: Paper, command: str, note: str = "") -> Path:
    """Copy a paper's results without weights and scores to `results/recorded/<date>_<scale>_<budget>/<paper>`.

    Raises:
        DataError: there are no results of the paper at this scale.
    """
    results = config.results_dir / config.scale / paper.name
    runs = sorted(results.glob("runs/**/metrics.json"))
    if not runs:
        raise DataError(f"{results}: holds no scored run; run the workflow at scale '{config.scale}' first")
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    folder = Path("results", "recorded", f"{date}_{config.scale}_{paper.budget}", paper.name)
    with atomic_folder(folder) as temporary:
        for path in [p for pattern in KEPT for p in results.glob(pattern)]:
            _copy(path, temporary / path.relative_to(results))
        for path in [run.parent / name for run in runs for name in KEPT_OF_A_RUN]:
            _copy(path, temporary / path.relative_to(results))
        write_json(temporary / "record.json", _facts(config, paper, runs, date, command, note))
    return folder


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)


def _facts(config: Config, paper: Paper, runs: list[Path], date: str, command: str, note: str) -> dict:
    environments = [read_environment(run.parent / ENVIRONMENT) for run in runs]
    return {
        "date": date,
        "command": command,
        "scale": config.scale,
        "budget": paper.budget,
        "machine": {"platform": platform.platform(), "cores": os.cpu_count(), "memory_gib": _memory_gib()},
        "devices": sorted({str(e.device) for e in environments}),
        "runs": len(runs),
        "training_seconds": round(sum(e.seconds for e in environments), 1),
        "peak_memory_mib": max(e.peak_memory_mib for e in environments),
        "peak_gpu_memory_mib": max((e.peak_gpu_memory_mib or 0 for e in environments), default=0) or None,
        "commits": sorted({str(e.commit) for e in environments}),
        "note": note,
    }


def _memory_gib() -> float:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1)
