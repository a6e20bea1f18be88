"""Sums of squares in a fixed order: an array is halved again and again, and the sums of its leaves are added in this tree.

Whoever has some of the leaves can sum them up, and the result has the same bits. It is the order in which NumPy adds up an array.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator

import numpy as np

from minunet.kernels.cpu.scratch import scratch

LEAF = 1 << 13  # values of a leaf, at most: processes share out whole leaves
VALUES_AT_ONCE = 1 << 15  # they stay in the cache


@functools.cache
def leaf_ends(size: int) -> tuple[int, ...]:
    """Where the leaves of an array of so many values end."""
    if size <= LEAF:
        return (size,)
    half = _half(size)
    return (*leaf_ends(half), *(half + end for end in leaf_ends(size - half)))


def squared_leaves(values: np.ndarray, ends: tuple[int, ...]) -> list[float]:
    """The sum of the squares of each leaf, in float64.

    Parameters
    ----------
    values : ndarray, C contiguous
        Some neighbouring leaves.
    ends : tuple of int
        Where each of them ends, counted from the first value.
    """
    flat, sums, start, first = values.reshape(-1), [], 0, 0
    lengths = [end - before for before, end in zip((0, *ends), ends, strict=False)]
    with scratch() as allocate:
        # Scratch memory, as new memory may take longer than the squares.
        squares = allocate((max(VALUES_AT_ONCE, *lengths, 0),), np.float64)
        while first < len(ends):
            length, last = lengths[first], first + 1
            while last < len(ends) and lengths[last] == length and (last + 1 - first) * length <= VALUES_AT_ONCE:
                last += 1  # leaves of one length are summed up by one call
            block = squares[: (last - first) * length]
            np.square(flat[start : ends[last - 1]], out=block, dtype=np.float64)
            sums += block.reshape(last - first, length).sum(axis=1).tolist()
            start, first = ends[last - 1], last
    return sums


def sum_of_leaves(size: int, leaves: Iterator[float]) -> float:
    """The sum over an array of so many values, from the sums of its leaves in their order."""
    if size <= LEAF:
        return next(leaves)
    half = _half(size)
    return sum_of_leaves(half, leaves) + sum_of_leaves(size - half, leaves)


def _half(size: int) -> int:
    half = size // 2
    return half - half % 8
