"""Partition: how the work on an image is cut into blocks, and how the blocks are shared out to jobs.

Both follow from shapes only, never from the number of threads, so that sums are always added up in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TypeVar

import numpy as np

from minunet.kernels.cpu.recorder import do
from minunet.kernels.cpu.scratch import Allocate, scratch
from minunet.kernels.cpu.threads import parallel

MAX_JOBS = 16  # every job keeps a partial gradient of the weight until all are added up
MIN_BLOCKS = 8  # fewer cannot be shared out evenly to the threads
MIN_VALUES_PER_BLOCK = 1 << 18  # a smaller block of rows is not worth the cost of handing it to a thread

Block = TypeVar("Block")


@lru_cache(maxsize=1024)  # every step of a training cuts the same shapes
def even_slices(total: int, largest: int) -> tuple[slice, ...]:
    """Cut range(total) into the fewest slices of nearly equal length that are no longer than `largest` (at least 1).

    Examples
    --------
    >>> even_slices(10, 4)
    (slice(0, 3, None), slice(3, 6, None), slice(6, 10, None))
    """
    count = -(-total // max(1, largest))
    bounds = [total * i // max(1, count) for i in range(count + 1)]
    return tuple(slice(start, stop) for start, stop in zip(bounds, bounds[1:], strict=False))


def balanced_size(total: int, largest: int, smallest: int) -> int:
    """The size of a block: `largest`, or less where that makes fewer than `MIN_BLOCKS` blocks, but at least `smallest`."""
    return min(largest, max(smallest, total // MIN_BLOCKS))


class RowBlock:
    """Rows of pixels of some images: all the rows of several images, or some rows of one. Index an array with `index`."""

    __slots__ = ("images", "rows")

    def __init__(self, images: slice, rows: slice):
        self.images, self.rows = images, rows

    @property
    def index(self) -> tuple[slice, slice]:
        """The index of the block in an array (N, H, ...)."""
        return self.images, self.rows

    @property
    def row_count(self) -> int:
        """Rows of one image."""
        return self.rows.stop - self.rows.start

    def moved_to(self, outer: RowBlock) -> RowBlock:
        """The same block, where this one counts images and rows from the first ones of `outer`."""
        image, row = outer.images.start, outer.rows.start
        return RowBlock(
            slice(image + self.images.start, image + self.images.stop),
            slice(row + self.rows.start, row + self.rows.stop),
        )


def row_blocks(images: int, height: int, values_per_row: int, values_per_block: int) -> tuple[RowBlock, ...]:
    """Cut images into blocks of about `values_per_block` values; into smaller ones where there would be too few."""
    values_per_block = balanced_size(images * height * values_per_row, values_per_block, MIN_VALUES_PER_BLOCK)
    return _row_blocks(images, height, values_per_row, values_per_block)


@lru_cache(maxsize=1024)
def _row_blocks(images: int, height: int, values_per_row: int, values_per_block: int) -> tuple[RowBlock, ...]:
    image_slices = even_slices(images, values_per_block // (values_per_row * height))
    one_image_each = len(image_slices) == images
    row_slices = even_slices(height, values_per_block // values_per_row) if one_image_each else (slice(0, height),)
    return tuple(RowBlock(images, rows) for images in image_slices for rows in row_slices)


def group_into_jobs(blocks: Sequence[Block]) -> list[Sequence[Block]]:
    """Neighbouring blocks together, one group for each job. The smallest jobs come last, so that threads end together."""
    return [blocks[part] for part in _groups(len(blocks), MAX_JOBS)]


@lru_cache(maxsize=1024)
def _groups(blocks: int, jobs: int) -> list[slice]:
    count = min(jobs, blocks)
    bounds = [-(-blocks * i // max(1, count)) for i in range(count + 1)]
    parts = (slice(start, stop) for start, stop in zip(bounds, bounds[1:], strict=False))
    return sorted(parts, key=lambda part: part.stop - part.start, reverse=True)


def parallel_blocks(work: Callable[[Allocate, Block], None], blocks: Sequence[Block]) -> None:
    """Call work(allocate, block) for every block, on all threads; `allocate` returns scratch buffers for this block."""

    def job(job_blocks: Sequence[Block]) -> None:
        for block in job_blocks:
            with scratch() as allocate:
                work(allocate, block)

    parallel(job, group_into_jobs(blocks))


def sum_in_order(parts: Sequence[np.ndarray]) -> np.ndarray:
    """parts[0] + parts[1] + ..., in place in the first: the same bits whichever threads computed the parts."""
    total = parts[0]
    for part in parts[1:]:
        do(np.add, total, part, total)
    return total
