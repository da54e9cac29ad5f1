"""What the writers of all miniature data sets share: seeds of clips, work in threads, checks of what is asked."""

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np

from sedrepro.base.errors import SettingsError
from sedrepro.base.parallel import ordered_map, usable_cores


def check_request(size: Any, seed: int) -> None:
    """Refuse impossible sizes (a dataclass of counts) and seeds.

    Raises:
        SettingsError: `size` asks for less than one of something, or `seed` is negative.
    """
    for name, count in vars(size).items():
        if count < 1:
            raise SettingsError(f"{name}: {count} is too few, at least 1 is needed")
    if seed < 0:
        raise SettingsError(f"seed: {seed} is negative; choose 0 or more")


def clip_seed(seed: int, kind: str, number: int) -> np.random.SeedSequence:
    """The seed of one clip; it knows nothing of other clips, so the size of a data set changes none."""
    return np.random.SeedSequence(seed, spawn_key=(zlib.crc32(kind.encode()), number))


def in_parallel(work: Callable[[Any], None], clips: list, title: str) -> None:
    """Call `work` for every clip on a few threads."""
    for _ in ordered_map(work, clips, min(4, usable_cores()), title, len(clips)):
        pass
