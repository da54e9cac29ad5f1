"""The GPU memory of a run, for the steps that take a GPU.

What is behind it is found by its name: what a run reserves does not change what comes of it, so that no run is trained
anew when the count changes.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from sedrepro.base.errors import SettingsError
from sedrepro.base.gpus import Gpu
from sedrepro.training.device import wants_cuda

if TYPE_CHECKING:
    from sedrepro.experiments.configuration import Config
    from sedrepro.experiments.papers import Paper
    from sedrepro.experiments.runs import RunIdentity


def memory_need(config: Config, paper: Paper, who: RunIdentity) -> Callable[[Gpu], int]:
    """What says how many MiB a run needs on a GPU."""
    return lambda gpu: _gpu_memory().needed_mib(config, paper, who, gpu.name)


def note_held(config: Config, paper: Paper, who: RunIdentity, device: Any, resident: int) -> None:
    """Keep what a run that ends has held on its GPU beside `resident` bytes of data; nothing on a processor."""
    if device.type == "cuda":
        _gpu_memory().note_held(config, paper, who, device, resident)


def require_a_gpu_at_full(config: Config) -> None:
    """Refuse to train at scale full on a processor, unless the configuration wants just that.

    Raises:
        SettingsError: there is no GPU.
    """
    if config.scale == "full" and not config.on_cpu and not wants_cuda(config.device):
        raise SettingsError(
            "training at scale full takes years on a processor (make plan SCALE=full shows how long), and no GPU is "
            "used here; use a machine with a GPU, or set on_cpu=true"
        )


def _gpu_memory() -> Any:
    return importlib.import_module("sedrepro.experiments.gpu_memory")
