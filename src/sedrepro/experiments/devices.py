"""Devices that a forecast knows: rates and memory by their makers' data sheets."""

import os
import re
from dataclasses import dataclass

from sedrepro.base.errors import SettingsError, did_you_mean
from sedrepro.base.gpus import Gpu


@dataclass(frozen=True)
class Device:
    """One kind of device."""

    name: str
    fp32: float
    """10^12 operations per second in single precision, at best."""
    tf32: float
    """With TF32, dense; as `fp32` where it has none."""
    memory_mib: int


KNOWN = {
    "h200": Device("NVIDIA H200", 67, 495, 143_771),
    "h100": Device("NVIDIA H100 80GB", 67, 495, 81_559),
    "a100": Device("NVIDIA A100 80GB", 19.5, 156, 81_920),
    "a100-40": Device("NVIDIA A100 40GB", 19.5, 156, 40_960),
    "v100": Device("NVIDIA V100 16GB", 15.7, 15.7, 16_160),
    "rtx4090": Device("NVIDIA GeForce RTX 4090", 82.6, 82.6, 24_564),
    "t4": Device("NVIDIA T4", 8.1, 8.1, 15_360),
}
#: The GPU of `measured.csv`, and its processor.
REFERENCE = KNOWN["h200"]
REFERENCE_CORE = "Intel(R) Xeon(R) Processor"
#: Share of the best rate that convolutions of these networks reach where nothing like them was measured.
REACHED = 0.3
#: 10^9 operations per second of one processor core where nothing like a network was measured on any.
CORE_GFLOPS = 20.0


def known_device(word: str) -> Device:
    """A kind of GPU by its short name.

    Raises:
        SettingsError: it is unknown (names the nearest).
    """
    if word not in KNOWN:
        raise SettingsError(f"--gpu {word}: is unknown; {did_you_mean(word, KNOWN)}; known: {', '.join(KNOWN)}")
    return KNOWN[word]


def device_of(gpu: Gpu) -> Device:
    """The kind of a GPU at hand; one that is not known is taken for one as fast as a T4, with its own memory."""
    words = re.sub(r"[^a-z0-9]", "", gpu.name.lower())
    kind = next((device for word, device in KNOWN.items() if word.partition("-")[0] in words), KNOWN["t4"])
    return Device(gpu.name, kind.fp32, kind.tf32, gpu.total)


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
