"""File workers: the threads that read image files, which works since decoding releases Python's global interpreter lock.

Results keep the order of the files, progress is reported as they arrive, and Ctrl-C or an error cancels what has not begun.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from minunet.resources import usable_cpus

Item = TypeVar("Item")
Result = TypeVar("Result")
ProgressCallback = Callable[[int, int], None]  # called as progress(files done, files in all)

MAX_WORKERS = 8  # each holds one decoded image, a hundred megabytes for a large scan


def worker_count() -> int:
    """The number of threads that read files: one for each core that this process may use, at most 8."""
    return min(MAX_WORKERS, usable_cpus())


def map_files(
    function: Callable[[Item], Result], items: Sequence[Item], progress: ProgressCallback | None = None
) -> list[Result]:
    """`[function(item) for item in items]` on several threads.

    Parameters
    ----------
    function : callable
        Called once for each item; its first exception is raised here.
    items : sequence
    progress : callable or None
        Called as `progress(done, total)` on the caller's thread: once with 0 done, then after each item.

    Returns
    -------
    list
        The results, in the order of the items.
    """
    from concurrent.futures import (  # not at the top: many only need the types of this file
        ThreadPoolExecutor,
        as_completed,
    )

    if progress:
        progress(0, len(items))
    with ThreadPoolExecutor(worker_count()) as pool:
        futures = [pool.submit(function, item) for item in items]
        try:
            for done, future in enumerate(as_completed(futures), start=1):
                future.result()
                if progress:
                    progress(done, len(items))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [future.result() for future in futures]
