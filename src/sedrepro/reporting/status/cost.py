"""What the runs in a results folder cost and were made with, from what each says in its own folder."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sedrepro.experiments.environment import read_environment
from sedrepro.experiments.run_config import config_file, read_run_config
from sedrepro.experiments.run_files import ENVIRONMENT


@dataclass(frozen=True)
class RunCost:
    """What training one run and scoring its held-out clips took."""

    system: str
    variant: str
    seconds: float
    peak_memory_mib: int
    peak_gpu_memory_mib: int | None
    parameters: int | None
    clips: str
    """Fingerprint of the clips of its corpus, or of the recipe that they are mixed by; features are no part of it."""
    environment: tuple[tuple[str, str], ...]
    """Names and versions of what it was made with."""


@dataclass(frozen=True)
class Cost:
    """What several runs cost: sums, and the highest peaks."""

    runs: int
    seconds: float
    peak_memory_mib: int
    peak_gpu_memory_mib: int | None
    parameters: tuple[int, ...]
    """Each number of parameters that a run of them has, in ascending order."""


def read_costs(folder: Path) -> list[RunCost]:
    """The cost of every run below a paper's results folder, in the order of their paths; none where there are no runs.

    Raises:
        DataError: a file of a run is damaged (names it).
    """
    return [_read(path) for path in sorted(folder.glob(f"runs/*/*/fold*/seed*/{ENVIRONMENT}"))]


def _read(path: Path) -> RunCost:
    environment, folder = read_environment(path), path.parent
    config = read_run_config(folder) if config_file(folder).is_file() else None
    system, variant = path.parts[-5:-3]
    return RunCost(
        system=system,
        variant=variant,
        seconds=environment.seconds,
        peak_memory_mib=environment.peak_memory_mib,
        peak_gpu_memory_mib=environment.peak_gpu_memory_mib,
        parameters=config.parameters if config else None,
        clips=config.features_fingerprint if config else "",
        environment=tuple(environment.made_with.items()),
    )


def total(costs: Sequence[RunCost]) -> Cost:
    """The cost of some runs together; nothing for none."""
    gpu = [cost.peak_gpu_memory_mib for cost in costs if cost.peak_gpu_memory_mib is not None]
    return Cost(
        runs=len(costs),
        seconds=sum(cost.seconds for cost in costs),
        peak_memory_mib=max((cost.peak_memory_mib for cost in costs), default=0),
        peak_gpu_memory_mib=max(gpu, default=None),
        parameters=tuple(sorted({cost.parameters for cost in costs if cost.parameters is not None})),
    )


def by_system(costs: Iterable[RunCost]) -> dict[tuple[str, str], Cost]:
    """The cost of each (system, variant), in order of appearance."""
    groups: dict[tuple[str, str], list[RunCost]] = defaultdict(list)
    for cost in costs:
        groups[cost.system, cost.variant].append(cost)
    return {pair: total(runs) for pair, runs in groups.items()}


def environments(costs: Iterable[RunCost]) -> list[tuple[dict[str, str], int]]:
    """Each environment that runs were made in, and how many were; the most frequent first."""
    return [(dict(found), runs) for found, runs in Counter(cost.environment for cost in costs).most_common()]


def duration(seconds: float) -> str:
    """Seconds in words: 12.3 s, 4 min 5 s, 2 h 3 min."""
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def memory(mebibytes: int | None) -> str:
    """Memory in words: 512 MiB, 2.5 GiB; a dash where there is none."""
    if mebibytes is None:
        return "–"
    return f"{mebibytes} MiB" if mebibytes < 1024 else f"{mebibytes / 1024:.1f} GiB"
