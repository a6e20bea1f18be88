"""im2col for a large kernel, as deep in a network: the windows of all pixels first, then some channels at a time.

In chunks of pixels a kernel of megabytes would be read anew for every chunk, and its gradient be kept once for every job.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minunet.kernels.cpu import memory_pool
from minunet.kernels.cpu.partition import Rows, divide_rows, even_parts
from minunet.kernels.cpu.scratch import Take, scratch
from minunet.kernels.cpu.threads import parallel

LARGE = 1 << 18  # values of a kernel: a megabyte in float32, a level-2 cache
LONG = 1024  # values of a window: of shorter ones a chunk has so many that reading the kernel again hardly counts
GROUP = 1 << 23  # values of windows that are kept at a time
CHANNELS_PER_JOB = 128

# Of (take, rows): the windows of these rows of pixels, or the pixels themselves, as a matrix with one line per pixel.
Matrix = Callable[[Take, Rows], np.ndarray]


def is_large(length: int, columns: int) -> bool:
    """Whether a kernel of `columns` channels is large for windows of `length` values."""
    return length > LONG and length * columns > LARGE


def groups(images: int, height: int, values_per_row: int) -> list[Rows]:
    """The rows of pixels whose windows are kept at the same time."""
    return divide_rows(images, height, values_per_row, GROUP)


def kept(matrix: Matrix, rows: Rows, width: int, length: int, dtype: np.dtype, chunk: int) -> np.ndarray:
    """matrix(take, rows) for many rows, put together in chunks on all threads: (pixels, length)."""
    images, height = rows.images.stop - rows.images.start, rows.last - rows.first
    whole = memory_pool.empty((images, height, width, length), dtype)

    def job(part: Rows) -> None:
        start = rows.images.start
        there = Rows(
            slice(start + part.images.start, start + part.images.stop), rows.first + part.first, rows.first + part.last
        )
        with scratch() as take:
            target = whole[part.images, part.first : part.last]
            np.copyto(target, matrix(take, there).reshape(target.shape))

    parallel(job, divide_rows(images, height, width * length, chunk))
    return whole.reshape(-1, length)


def multiply_columns(a: np.ndarray, b: np.ndarray, write: Callable[[slice, np.ndarray], None]) -> None:
    """write(columns, (a @ b)[:, columns]) for blocks of columns, on all threads: (M, K) @ (K, N)."""

    def job(part: tuple[int, int]) -> None:
        columns = slice(part[0], sum(part))
        with scratch() as take:
            out = take((len(a), part[1]), a.dtype)
            write(columns, np.matmul(a, b[:, columns], out=out))

    parallel(job, even_parts(b.shape[1], CHANNELS_PER_JOB))


def add_product(total: np.ndarray, a: np.ndarray, b: np.ndarray, first: bool) -> None:
    """total = a^T @ b, or where that is not the first, total += a^T @ b; by rows, on all threads: (K, M), (K, N) -> (M, N)."""

    def job(part: tuple[int, int]) -> None:
        rows = slice(part[0], sum(part))
        if first:
            np.matmul(a[:, rows].T, b, out=total[rows])
            return
        with scratch() as take:
            new = take((part[1], b.shape[1]), b.dtype)
            np.add(total[rows], np.matmul(a[:, rows].T, b, out=new), out=total[rows])

    parallel(job, even_parts(a.shape[1], CHANNELS_PER_JOB))
