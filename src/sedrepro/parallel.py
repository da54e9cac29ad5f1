"""Work on many files at once, in order, with progress."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from tqdm import tqdm

Item = TypeVar("Item")
Result = TypeVar("Result")


def usable_cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def ordered_map(
    function: Callable[[Item], Result],
    items: Iterable[Item],
    threads: int,
    title: str,
    total: int | None = None,
    prepare_thread: Callable[[], object] | None = None,
) -> Iterator[Result]:
    """`function` over `items` in threads; results in order, few in memory at once, a progress line on a terminal.

    Reading, resampling and FFTs release Python's lock, so threads share sources without copies. The first
    error ends the work and is raised. `prepare_thread` is called once in every thread.
    """
    with (
        ThreadPoolExecutor(threads, initializer=prepare_thread) as pool,
        tqdm(total=total, desc=title, disable=None, leave=False) as bar,
    ):
        waiting: deque = deque()
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                if len(waiting) > 2 * threads:
                    yield waiting.popleft().result()
                    bar.update()
            while waiting:
                yield waiting.popleft().result()
                bar.update()
        finally:
            for future in waiting:
                future.cancel()
