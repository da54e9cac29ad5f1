"""The GPUs of this machine, asked of the driver without a CUDA context, so that asking takes none of their memory.

`nvidia-ml-py` (module pynvml) is optional. Without it torch answers, and each process that asks then holds a context of
some hundred MiB on every GPU.
"""

import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sedrepro.base.errors import SettingsError

MIB = 2**20
#: What exists where a driver is installed.
DRIVER_FILES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg")
#: CUDA reads it once, when a process first uses a GPU.
VISIBLE = "CUDA_VISIBLE_DEVICES"
ADVICE = (
    "nvidia-ml-py is not installed, so every process that waits for a GPU takes some of its memory; "
    "pip install -r envs/gpu.txt"
)


#: Share of a GPU's memory that no run is given.
KEPT_FREE = 0.05


def usable_mib(total: int) -> int:
    """MiB of a GPU with so many that runs may take."""
    return int(total * (1 - KEPT_FREE))


@dataclass(frozen=True)
class Gpu:
    """One GPU, or one MIG instance of a GPU; memory in MiB."""

    index: int
    """Place among those that this process may use."""
    uuid: str
    """`GPU-...` or `MIG-...`; what CUDA_VISIBLE_DEVICES takes."""
    name: str
    total: int
    free: int


@dataclass(frozen=True)
class Card:
    """A GPU as the driver lists it, with its MIG instances; an instance is used in place of its card."""

    gpu: Gpu
    has_instances: bool = False
    instances: tuple[Gpu, ...] = ()

    @property
    def first(self) -> list[Gpu]:
        """What CUDA gives a process that names the card: itself, or its first instance, if there is one."""
        return list(self.instances[:1]) if self.has_instances else [self.gpu]


def visible_gpus() -> list[Gpu]:
    """The GPUs that this process may use, in the driver's order or in that of CUDA_VISIBLE_DEVICES.

    Raises:
        SettingsError: CUDA_VISIBLE_DEVICES names a GPU twice, or by a beginning that several have.
    """
    if not has_driver():
        return []
    with _nvml() as nvml:
        cards = None if nvml is None else _cards(nvml)
    if cards is None:
        return _gpus_by_torch()
    chosen = visible(cards, os.environ.get(VISIBLE))
    return [Gpu(index, gpu.uuid, gpu.name, gpu.total, gpu.free) for index, gpu in enumerate(chosen)]


def has_driver() -> bool:
    """Whether a driver is installed."""
    return any(Path(device).exists() for device in DRIVER_FILES)


def has_cuda() -> bool:
    """Whether torch can use a GPU here; it is not loaded where no driver is installed."""
    if not has_driver():
        return False
    import torch

    return torch.version.cuda is not None and bool(visible_gpus())


def without_context() -> bool:
    """Whether GPUs can be asked without a CUDA context."""
    with _nvml() as nvml:
        return nvml is not None


def pin(gpu: Gpu) -> int:
    """Leave this process that GPU alone, before it first uses CUDA; returns the number that it then has there.

    By its UUID, since CUDA numbers cards by speed and the driver by slot. Where torch was asked, which has seen all
    GPUs by then, the number stays.
    """
    if not without_context():
        return gpu.index
    os.environ[VISIBLE] = gpu.uuid
    return 0


def visible(cards: Sequence[Card], words: str | None) -> list[Gpu]:
    """Of `cards` those that a value of CUDA_VISIBLE_DEVICES leaves, in its order.

    As CUDA does it: without a value all; numbers (in the driver's order), `GPU-...` and `MIG-...` by their beginnings;
    what stands behind a word that fits no GPU does not count. A card with MIG instances stands for its first one; where
    nothing is said, all instances are there.

    Raises:
        SettingsError: a GPU is named twice, or a word fits several.
    """
    if words is None:
        return [gpu for card in cards for gpu in (card.instances if card.has_instances else [card.gpu])]
    found: list[Gpu] = []
    for word in (part.strip() for part in words.split(",")):
        fitting = _named(cards, word)
        if not fitting:
            break
        if len(fitting) > 1 or fitting[0] in found:
            problem = "fits several GPUs" if len(fitting) > 1 else "names a GPU a second time"
            raise SettingsError(f"{VISIBLE} = {words}: '{word}' {problem}; name each once, see nvidia-smi -L")
        found += fitting
    return found


def _named(cards: Sequence[Card], word: str) -> list[Gpu]:
    if word.isdecimal():
        return cards[int(word)].first if int(word) < len(cards) else []
    if word.startswith("MIG-"):
        return [gpu for card in cards for gpu in card.instances if gpu.uuid.startswith(word)]
    if word.startswith("GPU-"):
        return [gpu for card in cards if card.gpu.uuid.startswith(word) for gpu in card.first]
    return []


@contextmanager
def _nvml() -> Iterator[Any]:
    """The driver's library, or None where its module or the library itself is missing."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except ImportError:
        yield None
        return
    except pynvml.NVMLError:  # no driver, or WSL with an old one
        yield None
        return
    try:
        yield pynvml
    finally:
        pynvml.nvmlShutdown()


def _cards(nvml: Any) -> list[Card]:
    handles = [nvml.nvmlDeviceGetHandleByIndex(index) for index in range(nvml.nvmlDeviceGetCount())]
    return [_card(nvml, handle) for handle in handles]


def _card(nvml: Any, handle: Any) -> Card:
    gpu = _gpu(nvml, handle)
    try:
        mode, _ = nvml.nvmlDeviceGetMigMode(handle)
    except nvml.NVMLError:  # a card without MIG
        return Card(gpu)
    if mode != 1:
        return Card(gpu)
    instances = []
    for number in range(nvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
        try:
            instances.append(_gpu(nvml, nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, number)))
        except nvml.NVMLError:  # that place is empty
            continue
    return Card(gpu, True, tuple(instances))


def _gpu(nvml: Any, handle: Any) -> Gpu:
    memory = nvml.nvmlDeviceGetMemoryInfo(handle)
    uuid, name = (_text(ask(handle)) for ask in (nvml.nvmlDeviceGetUUID, nvml.nvmlDeviceGetName))
    return Gpu(0, uuid, name, memory.total // MIB, memory.free // MIB)


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _gpus_by_torch() -> list[Gpu]:
    import torch

    gpus = []
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        free, total = torch.cuda.mem_get_info(index)
        properties = torch.cuda.get_device_properties(index)
        uuid = getattr(properties, "uuid", index)
        gpus.append(Gpu(index, f"GPU-{uuid}", properties.name, total // MIB, free // MIB))
    return gpus


def short_name(name: str) -> str:
    """Name of a device as a file name: `nvidia_h100_80gb_hbm3`."""
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")
