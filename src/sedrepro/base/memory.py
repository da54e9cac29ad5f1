"""Memory allocation of processes that work through large arrays."""

import ctypes
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
LARGEST_MMAP_THRESHOLD = 2**25  # the most that glibc takes


def keep_freed_memory() -> None:
    """Let the C library reuse large freed blocks instead of handing them back to the system each time.

    Without it every activation of a network on the CPU, and every decoded clip, comes in fresh pages that the system
    clears first; with it a training step here takes some 15 % less. glibc only; elsewhere nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    library = ctypes.CDLL(None)
    if hasattr(library, "mallopt"):
        library.mallopt(M_MMAP_THRESHOLD, LARGEST_MMAP_THRESHOLD)
        library.mallopt(M_TRIM_THRESHOLD, 2**30)
