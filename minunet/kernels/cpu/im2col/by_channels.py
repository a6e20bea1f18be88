"""im2col for a large kernel, as deep in a network: first the windows of a group of blocks, then the products, by channels.

Block by block, a kernel of megabytes would be read again for every block, and every job would keep a gradient of that size.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from minunet.kernels.cpu.im2col.window_matrix import window_blocks
from minunet.kernels.cpu.partition import RowBlock, even_slices, row_blocks
from minunet.kernels.cpu.recorder import do, temporary
from minunet.kernels.cpu.scratch import Allocate, scratch
from minunet.kernels.cpu.threads import parallel

MIN_KERNEL = 1 << 18  # values of a large kernel: a megabyte in float32, a level-2 cache
MIN_WINDOW = 1024  # values; blocks have so many shorter windows that reading the kernel again hardly counts
VALUES_PER_GROUP = 1 << 23  # of windows
CHANNELS_PER_JOB = 128

# Of (allocate, block): the windows of these rows of pixels, or the pixels themselves, as a matrix with one row per pixel.
MatrixFunction = Callable[[Allocate, RowBlock], np.ndarray]


def is_large(window: int, channels: int) -> bool:
    """Whether a kernel is large: (window values, output channels) as a matrix."""
    return window > MIN_WINDOW and window * channels > MIN_KERNEL


def groups(images: int, height: int, values_per_row: int) -> tuple[RowBlock, ...]:
    """The rows of pixels whose windows are kept at the same time."""
    return row_blocks(images, height, values_per_row, VALUES_PER_GROUP)


def write_group(matrix: MatrixFunction, group: RowBlock, width: int, columns: int, dtype: np.dtype) -> np.ndarray:
    """The matrix of a whole group, (pixels, columns), written block by block on all threads."""
    images, height = group.images.stop - group.images.start, group.row_count
    whole = temporary((images, height, width, columns), dtype)

    def job(block: RowBlock) -> None:
        with scratch() as allocate:
            target = whole[block.index]
            do(np.copyto, target, matrix(allocate, block.moved_to(group)).reshape(target.shape))

    parallel(job, window_blocks(images, height, width * columns))
    return whole.reshape(-1, columns)


def multiply_by_columns(a: np.ndarray, b: np.ndarray, write: Callable[[slice, np.ndarray], None]) -> None:
    """Call write(columns, (a @ b)[:, columns]) for blocks of columns, on all threads: (M, K) @ (K, N)."""

    def job(columns: slice) -> None:
        with scratch() as allocate:
            out = allocate((len(a), columns.stop - columns.start), a.dtype)
            do(np.matmul, a, b[:, columns], out)
            write(columns, out)

    parallel(job, even_slices(b.shape[1], CHANNELS_PER_JOB))


def add_transposed_product(total: np.ndarray, a: np.ndarray, b: np.ndarray, first: bool) -> None:
    """total += a^T @ b, or total = a^T @ b if this is the first; by rows, on all threads: (K, M), (K, N) -> (M, N)."""

    def job(rows: slice) -> None:
        if first:
            do(np.matmul, a[:, rows].T, b, total[rows])
            return
        with scratch() as allocate:
            product = allocate((rows.stop - rows.start, b.shape[1]), b.dtype)
            do(np.matmul, a[:, rows].T, b, product)
            do(np.add, total[rows], product, total[rows])

    parallel(job, even_slices(a.shape[1], CHANNELS_PER_JOB))
