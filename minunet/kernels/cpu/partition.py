"""Blocks of rows of pixels: how a layer's work is cut into jobs where tiles play no part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

MOST_JOBS = 16  # partial gradients are kept per job; see winograd.plan
FEWEST_PARTS = 8
SMALLEST_BLOCK = 1 << 18  # values: smaller blocks are not worth a job of their own


def even_parts(total: int, largest: int) -> list[tuple[int, int]]:
    """(start, count) of the fewest parts of nearly equal size that are no larger than `largest`, or 1; none of nothing."""
    parts = -(-total // max(1, largest))
    bounds = [total * i // max(1, parts) for i in range(parts + 1)]
    return [(start, stop - start) for start, stop in zip(bounds, bounds[1:], strict=False)]


def fair_size(total: int, most: int, smallest: int) -> int:
    """The size of parts: `most`, or smaller where these would be too few to share out evenly, but not below `smallest`."""
    return min(most, max(smallest, total // FEWEST_PARTS))


@dataclass(frozen=True)
class Rows:
    """Rows first .. last of some images: all the rows of several images, or some rows of one."""

    images: slice
    first: int
    last: int


def divide_rows(images: int, height: int, values_per_row: int, values: int) -> list[Rows]:
    """Cut images into blocks of about `values` values, smaller ones where these would be too few to share out evenly."""
    values = fair_size(images * height * values_per_row, values, SMALLEST_BLOCK)
    together = even_parts(images, values // (values_per_row * height))
    rows = even_parts(height, values // values_per_row) if len(together) == images else [(0, height)]
    return [
        Rows(slice(image, image + count), row, row + row_count) for image, count in together for row, row_count in rows
    ]


def deal(blocks: Sequence[Rows]) -> list[Sequence[Rows]]:
    """Runs of neighbouring blocks, one run for each job; the last jobs are the small ones, so that all threads end together."""
    jobs = min(MOST_JOBS, len(blocks))
    bounds = [-(-len(blocks) * i // max(1, jobs)) for i in range(jobs + 1)]
    return sorted((blocks[a:b] for a, b in zip(bounds, bounds[1:], strict=False)), key=len, reverse=True)


def sum_in_order(parts: Sequence[np.ndarray]) -> np.ndarray:
    """parts[0] + parts[1] + ..., in place in the first: the same bits whoever computed them."""
    total = parts[0]
    for part in parts[1:]:
        total += part
    return total
