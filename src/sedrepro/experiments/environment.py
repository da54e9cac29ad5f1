"""environment.json of a run: what it was made with and what it cost; one reader, one writer."""

import platform
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import ConfigDict, NonNegativeFloat, NonNegativeInt

from sedrepro import __version__
from sedrepro.base.files import write_json
from sedrepro.base.typed import Typed, read_typed
from sedrepro.experiments.run_files import ENVIRONMENT


class Environment(Typed):
    """What a run was made with and what it cost; memory in MiB, time in seconds."""

    model_config = ConfigDict(extra="allow")

    sedrepro: str | None = None
    commit: str | None = None
    python: str | None = None
    torch: str | None = None
    numpy: str | None = None
    platform: str | None = None
    device: str | None = None
    threads: int | None = None
    seconds: NonNegativeFloat
    peak_memory_mib: NonNegativeInt
    peak_gpu_memory_mib: NonNegativeInt | None

    @property
    def made_with(self) -> dict[str, str]:
        """Names and versions of the machine and the software, those that the file tells, in its order."""
        told = self.model_dump(exclude={"seconds", "peak_memory_mib", "peak_gpu_memory_mib"}, exclude_unset=True)
        return {key: "unknown" if value is None else str(value) for key, value in told.items()}


def write_environment(folder: Path, device: Any, threads: int, seconds: float) -> None:
    """Write environment.json of a run that this process has made on a torch device."""
    import torch

    cuda = device.type == "cuda"
    made = Environment(
        sedrepro=__version__,
        commit=checkout_commit(),
        python=platform.python_version(),
        torch=torch.__version__,
        numpy=np.__version__,
        platform=platform.platform(),
        device=torch.cuda.get_device_name(device) if cuda else processor_name(),
        threads=threads,
        seconds=round(seconds, 3),
        peak_memory_mib=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        // (1024 if sys.platform == "linux" else 2**20),
        peak_gpu_memory_mib=torch.cuda.max_memory_allocated(device) // 2**20 if cuda else None,
    )
    write_json(folder / ENVIRONMENT, made.model_dump(mode="json"))


def read_environment(path: Path) -> Environment:
    """What an environment.json says.

    Raises:
        DataError: the file is missing, is no JSON, or a key is missing or wrong (names file and key).
    """
    return read_typed(Environment, path, "train this run again")


def processor_name() -> str:
    """Name of the processor, as far as the system tells."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def checkout_commit() -> str | None:
    """Commit of the checkout that the code runs from, with a mark where files differ; None outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "describe", "--always", "--dirty", "--abbrev=12"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return None
