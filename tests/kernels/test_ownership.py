"""Who refers to the memory of an array."""

import math

import numpy as np
import pytest

from minunet.kernels.cpu.memory_pool import MemoryPool
from minunet.kernels.ownership import MIN_BYTES, other_holders

SHAPE = (4, MIN_BYTES // 16)


@pytest.fixture
def arrays():
    pool = MemoryPool()
    return tuple(pool.empty(SHAPE, np.float32) for _ in range(2))


def test_an_array_that_only_the_tuple_refers_to(arrays):
    assert [other_holders(arrays, k) for k in range(2)] == [0, 0]
    assert other_holders((*arrays[:1], np.zeros(3)), 0) == 1  # the other tuple


def test_a_part_of_an_array_that_is_gone():
    part = (MemoryPool().empty((3, MIN_BYTES // 4), np.float32)[1:],)
    assert other_holders(part, 0) == 0


@pytest.mark.parametrize("count", [1, 2, 5])
def test_others_are_counted(arrays, count):
    others = [arrays[1]] * count
    assert [other_holders(arrays, k) for k in range(2)] == [0, count]
    del others
    assert other_holders(arrays, 1) == 0


@pytest.mark.parametrize(
    "other",
    [lambda x: x[:1], lambda x: x.reshape(-1).view(np.uint8)[5:6], lambda x: memoryview(x), lambda x: x.T],
    ids=["part", "bytes", "buffer", "transposed"],
)
def test_an_array_whose_memory_others_see_is_not_known_to_be_free(arrays, other):
    held = other(arrays[0])
    assert other_holders(arrays, 0) > 0
    assert other_holders(arrays, 1) == 0
    del held
    assert other_holders(arrays, 0) == 0


def test_memory_of_others_is_never_known_to_be_free():
    assert other_holders((np.zeros(SHAPE),), 0) == math.inf
    assert other_holders((np.frombuffer(bytearray(80), np.float32),), 0) == math.inf
    assert other_holders((np.zeros(SHAPE)[1:],), 0) == math.inf


def test_of_small_arrays_nothing_is_known():
    assert other_holders((MemoryPool().empty((MIN_BYTES // 4 - 1,), np.float32),), 0) == math.inf
