"""Sums of squares in a fixed tree: the same bits whoever has which leaves, and those of NumPy's own sum."""

import numpy as np
import pytest

from minunet.training.squares import LEAF, leaf_ends, squared_leaves, sum_of_leaves

SIZES = [0, 1, 7, LEAF - 1, LEAF, LEAF + 1, 100_003, 9 * 64 * 128]


def values(size):
    return np.random.default_rng(size).standard_normal(size).astype(np.float32)


@pytest.mark.parametrize("size", SIZES)
def test_it_is_the_sum_of_numpy(size):
    """So that a norm is the same whether one process sums up whole arrays or several sum up leaves."""
    array, ends = values(size), leaf_ends(size)
    assert sum_of_leaves(size, iter(squared_leaves(array, ends))) == np.square(array, dtype=np.float64).sum()


@pytest.mark.parametrize("size", SIZES[3:])
def test_leaves_are_the_same_wherever_the_array_is_cut_between_them(size):
    array, ends = values(size), leaf_ends(size)
    whole = squared_leaves(array, ends)
    for cut in range(len(ends)):
        parts = (0, *ends)[cut]
        left = squared_leaves(array[:parts], ends[:cut])
        assert left + squared_leaves(array[parts:], tuple(end - parts for end in ends[cut:])) == whole


@pytest.mark.parametrize("size", SIZES[1:])
def test_leaves_are_small_and_cover_the_array(size):
    ends = leaf_ends(size)
    assert ends[-1] == size
    assert all(LEAF // 2 - 8 <= length <= LEAF for length in np.diff(ends)) and ends[0] <= LEAF
