"""Choosing a device, and sharing GPUs between jobs without running out of their memory."""

import contextlib
import fcntl
import json
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from sedrepro.base import gpus
from sedrepro.base.errors import SettingsError
from sedrepro.base.gpus import Gpu

#: How long a job waits while only other programs, whose end nobody knows, keep it from starting.
PATIENCE_SECONDS = 2 * 3600


def wants_cuda(device: str) -> bool:
    """Whether a run with `device` = auto, cpu or cuda uses a GPU on this machine.

    Raises:
        SettingsError: cuda is asked for and there is none.
    """
    available = device != "cpu" and gpus.has_cuda()
    if device == "cuda" and not available:
        raise SettingsError("device = cuda: no CUDA device is available here; use device=cpu or device=auto")
    return available


def set_up_torch(threads: int, tf32: bool) -> None:
    """Processor threads of torch, and whether products and convolutions on a GPU may use TF32."""
    torch.set_num_threads(threads)
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = tf32


@contextlib.contextmanager
def leased_device(device: str, need_mib: Callable[[Gpu], int]) -> Iterator[torch.device]:
    """The device of a run: the CPU, or a GPU on which memory is reserved until the block ends.

    `need_mib` says how much a run needs on a GPU. Until it has one, the process opens no CUDA context.

    Raises:
        SettingsError: cuda is asked for and there is none, or no GPU is large enough.
    """
    if not wants_cuda(device):
        yield torch.device("cpu")
        return
    if not gpus.without_context():
        print(f"note: {gpus.ADVICE}", flush=True)
    with Ledger(default_ledger()).lease(need_mib, gpus.visible_gpus) as gpu:
        number = gpus.pin(gpu)
        if not torch.cuda.is_available():
            raise SettingsError(
                f"device = {device}: torch {torch.__version__} cannot use {gpu.name}; "
                "update the driver, or use device=cpu"
            )
        yield torch.device("cuda", number)


def default_ledger() -> Path:
    """Where the jobs of one user on one machine write their reservations."""
    return Path(tempfile.gettempdir()) / f"sedrepro-gpu-{os.getuid()}.json"


class Ledger:
    """Reservations of GPU memory by running jobs, in a small locked file.

    Memory that a job has reserved but not yet allocated does not show in the driver's count, so a new job
    must fit both what the driver calls free and what the reservations leave. Jobs that died are forgotten, and a new
    process that got the number of one is not taken for it.
    """

    def __init__(self, path: Path, poll_seconds: float = 2.0, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self.path = path
        self.poll_seconds = poll_seconds
        self.patience_seconds = patience_seconds

    @contextlib.contextmanager
    def lease(self, need_mib: Callable[[Gpu], int], asked: Callable[[], list[Gpu]]) -> Iterator[Gpu]:
        """Wait for a GPU with room for what the job needs there, reserve it, and yield it; the roomiest is taken.

        Raises:
            SettingsError: no GPU could ever hold it, or other programs have kept all of them for too long.
        """
        needs: dict[str, int] = {}
        waiting = False
        hopeful = time.monotonic()
        while True:
            seen = asked()
            needs |= {gpu.uuid: need_mib(gpu) for gpu in seen if gpu.uuid not in needs}
            fitting = [gpu for gpu in seen if needs[gpu.uuid] <= _usable(gpu)]
            if not fitting:
                raise SettingsError(_too_small(seen, needs))
            gpu, held = self._reserve(fitting, needs)
            if gpu is not None:
                break
            now = time.monotonic()
            hopeful = now if held else hopeful
            if now - hopeful > self.patience_seconds:
                raise SettingsError(_kept_by_others(fitting, needs, now - hopeful))
            if not waiting:
                need = min(needs[each.uuid] for each in fitting)
                print(f"waiting until {need} MiB of GPU memory are free (reservations: {self.path})", flush=True)
                waiting = True
            time.sleep(self.poll_seconds)
        try:
            yield gpu
        finally:
            self._update(lambda entries: [e for e in entries if e["pid"] != os.getpid()])

    def _reserve(self, fitting: list[Gpu], needs: dict[str, int]) -> tuple[Gpu | None, bool]:
        """The GPU that was taken, if one has room now; and whether other jobs of the suite hold one of them."""
        chosen: list[Gpu] = []
        held: list[dict] = []

        def add(entries: list[dict]) -> list[dict]:
            held.extend(e for e in entries if e["gpu"] in {gpu.uuid for gpu in fitting})
            room = {gpu.uuid: _room(gpu, entries) for gpu in fitting}
            free = [gpu for gpu in fitting if room[gpu.uuid] >= needs[gpu.uuid]]
            if not free:
                return entries
            chosen.append(max(free, key=lambda gpu: room[gpu.uuid]))
            mine = {"pid": os.getpid(), "started": _started(os.getpid()), "gpu": chosen[0].uuid}
            return [*entries, mine | {"mib": needs[chosen[0].uuid]}]

        self._update(add)
        return (chosen[0] if chosen else None), bool(held)

    def _update(self, change: Callable[[list[dict]], list[dict]]) -> None:
        with open(self.path, "ab+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            entries = [e for e in _entries(file.read()) if _is_alive(e["pid"], e["started"])]
            changed = json.dumps(change(entries)).encode()
            file.truncate(0)
            file.write(changed)


def _too_small(seen: list[Gpu], needs: dict[str, int]) -> str:
    if not seen:
        return "no GPU is visible; see nvidia-smi and CUDA_VISIBLE_DEVICES, or use device=cpu"
    largest = max(seen, key=lambda gpu: gpu.total)
    return (
        f"a run needs {needs[largest.uuid]} MiB of GPU memory, the largest GPU has {largest.total}, of which "
        f"{_usable(largest)} may be taken; use a larger GPU or device=cpu "
        "(smaller batches would change the result: docs/full.md)"
    )


def _kept_by_others(fitting: list[Gpu], needs: dict[str, int], seconds: float) -> str:
    roomiest = max(fitting, key=lambda gpu: gpu.free)
    return (
        f"a run needs {needs[roomiest.uuid]} MiB of GPU memory, and for {seconds / 60:.0f} minutes "
        f"programs outside the suite have left at most {roomiest.free}; "
        "see nvidia-smi, end them, or use another GPU or device=cpu"
    )


def _entries(content: bytes) -> list[dict[str, Any]]:
    """The reservations in a ledger's content; none in a damaged one, which a job killed while writing leaves."""
    try:
        return [
            {"pid": int(e["pid"]), "started": str(e["started"]), "gpu": str(e["gpu"]), "mib": int(e["mib"])}
            for e in json.loads(content)
        ]
    except (ValueError, TypeError, KeyError):
        return []


def _usable(gpu: Gpu) -> int:
    """MiB of a GPU that the suite may take."""
    return gpus.usable_mib(gpu.total)


def _room(gpu: Gpu, entries: list[dict]) -> int:
    """MiB that a new job may take on `gpu`."""
    reserved = sum(e["mib"] for e in entries if e["gpu"] == gpu.uuid)
    return _usable(gpu) - max(reserved, gpu.total - gpu.free)


def _started(pid: int) -> str:
    """When a process started, in ticks of the machine; "ended" of one that nobody has asked for its status yet.

    Empty where that is not told (no Linux).
    """
    try:
        told = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        return "ended" if told[0] in "ZX" else told[19]
    except (OSError, IndexError):
        return ""


def _is_alive(pid: int, started: str) -> bool:
    """Whether a process runs that is the one which had this number then."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return _started(pid) == started
