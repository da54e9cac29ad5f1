"""Work on many files at once, in order; progress."""

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from tqdm import tqdm

LINE_SECONDS = 15.0

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


def progress_bar(name: str, start: int, size: int | None) -> tqdm:
    """Progress in bytes, with speed and remaining time: a bar on a terminal, now and then a line elsewhere."""
    if sys.stderr.isatty():
        return tqdm(total=size, initial=start, unit="B", unit_scale=True, desc=name, leave=False)
    share = "{percentage:.0f} % of {total_fmt}B, {rate_fmt}, {remaining} left" if size else "{n_fmt}B, {rate_fmt}"
    line: dict[str, Any] = {"bar_format": f"{{desc}}: {share}", "delay": LINE_SECONDS, "mininterval": LINE_SECONDS}
    return tqdm(total=size, initial=start, unit="B", unit_scale=True, desc=name, leave=False, maxinterval=60, **line)
