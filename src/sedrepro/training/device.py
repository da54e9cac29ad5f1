"""Choosing a device, and sharing one GPU between jobs without running out of its memory."""

import contextlib
import fcntl
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from sedrepro.base.errors import SettingsError

MIB = 2**20
KEPT_FREE = 0.05


@dataclass(frozen=True)
class Gpu:
    """One CUDA device as the ledger sees it; memory in MiB."""

    index: int
    name: str
    total: int
    free: int


def visible_gpus() -> list[Gpu]:
    """The CUDA devices of this process."""
    gpus = []
    for index in range(torch.cuda.device_count()):
        free, total = torch.cuda.mem_get_info(index)
        properties = torch.cuda.get_device_properties(index)
        gpus.append(Gpu(index, str(getattr(properties, "uuid", index)), total // MIB, free // MIB))
    return gpus


def wants_cuda(device: str) -> bool:
    """Whether a run with `device` = auto, cpu or cuda uses a GPU on this machine.

    Raises:
        SettingsError: cuda is asked for and there is none.
    """
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise SettingsError("device = cuda: no CUDA device is available here; use device=cpu or device=auto")
    return available and device != "cpu"


def set_up_torch(threads: int, tf32: bool) -> None:
    """Processor threads of torch, and whether products and convolutions on a GPU may use TF32."""
    torch.set_num_threads(threads)
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32


@contextlib.contextmanager
def leased_device(device: str, need_mib: int) -> Iterator[torch.device]:
    """The device of a run: the CPU, or a GPU on which `need_mib` is reserved until the block ends.

    Raises:
        SettingsError: cuda is asked for and there is none, or no GPU is large enough.
    """
    if not wants_cuda(device):
        yield torch.device("cpu")
        return
    with Ledger(default_ledger()).lease(need_mib, visible_gpus) as index:
        yield torch.device("cuda", index)


def default_ledger() -> Path:
    """Where the jobs of one user on one machine write their reservations."""
    return Path(tempfile.gettempdir()) / f"sedrepro-gpu-{os.getuid()}.json"


class Ledger:
    """Reservations of GPU memory by running jobs, in a small locked file.

    Memory that a job has reserved but not yet allocated does not show in the driver's count, so a new job
    must fit both what the driver calls free and what the reservations leave. Jobs that died are forgotten.
    """

    def __init__(self, path: Path, poll_seconds: float = 2.0) -> None:
        self.path = path
        self.poll_seconds = poll_seconds

    @contextlib.contextmanager
    def lease(self, need: int, gpus: Callable[[], list[Gpu]]) -> Iterator[int]:
        """Wait for a GPU with room for `need` MiB, reserve it, and yield its index.

        Raises:
            SettingsError: no GPU could ever hold `need`.
        """
        largest = max((gpu.total for gpu in gpus()), default=0)
        if need > largest * (1 - KEPT_FREE):
            raise SettingsError(
                f"a run needs {need} MiB of GPU memory, the largest GPU has {largest}; "
                "lower training.batch_size and training.gpu_memory_mib, or use device=cpu"
            )
        waiting = False
        while (gpu := self._reserve(need, gpus())) is None:
            if not waiting:
                print(f"waiting until {need} MiB of GPU memory are free (reservations: {self.path})", flush=True)
                waiting = True
            time.sleep(self.poll_seconds)
        try:
            yield gpu.index
        finally:
            self._update(lambda entries: [e for e in entries if e["pid"] != os.getpid()])

    def _reserve(self, need: int, gpus: list[Gpu]) -> Gpu | None:
        chosen: list[Gpu] = []

        def add(entries: list[dict]) -> list[dict]:
            room = {gpu: _room(gpu, entries) for gpu in gpus}
            fitting = [gpu for gpu in gpus if room[gpu] >= need]
            if not fitting:
                return entries
            chosen.append(max(fitting, key=room.__getitem__))
            return [*entries, {"pid": os.getpid(), "gpu": chosen[0].name, "mib": need}]

        self._update(add)
        return chosen[0] if chosen else None

    def _update(self, change: Callable[[list[dict]], list[dict]]) -> None:
        with open(self.path, "ab+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            entries = [e for e in _entries(file.read()) if _is_alive(e["pid"])]
            changed = json.dumps(change(entries)).encode()
            file.truncate(0)
            file.write(changed)


def _entries(content: bytes) -> list[dict]:
    """The reservations in a ledger's content; none in a damaged one, which a job killed while writing leaves."""
    try:
        return [{"pid": int(e["pid"]), "gpu": str(e["gpu"]), "mib": int(e["mib"])} for e in json.loads(content)]
    except (ValueError, TypeError, KeyError):
        return []


def _room(gpu: Gpu, entries: list[dict]) -> float:
    """MiB that a new job may take on `gpu`."""
    reserved = sum(e["mib"] for e in entries if e["gpu"] == gpu.name)
    return gpu.total * (1 - KEPT_FREE) - max(reserved, gpu.total - gpu.free)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
