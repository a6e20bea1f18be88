"""Scratch memory: where buffers lie, and which of them share memory."""

import numpy as np
import pytest

from minunet.kernels.cpu import scratch as scratch_module
from minunet.kernels.cpu.address_space import ALIGNMENT, AddressSpace
from minunet.kernels.cpu.scratch import SharedBuffers, scratch, within


@pytest.fixture(params=["one range of addresses", "memory as it is needed"], autouse=True)
def arena(request, monkeypatch):
    if request.param == "memory as it is needed":
        monkeypatch.setattr(scratch_module, "address_space", lambda size, most: AddressSpace(size))
    monkeypatch.setattr(scratch_module, "_arena", type(scratch_module._arena)())


SHAPES = ((300, 1000), (7,), (1 << 18,))


def buffers_of_a_block():
    with scratch() as allocate:
        arrays = [allocate(shape, np.float32) for shape in SHAPES]
        for mark, array in enumerate(arrays):
            array.fill(mark)
        with scratch() as inner:
            inner((500,), np.float32).fill(9)
        assert [array.min() for array in arrays] == [array.max() for array in arrays] == [0, 1, 2]
        return [array.ctypes.data for array in arrays]


def test_buffers_lie_where_those_of_the_last_block_did():
    buffers_of_a_block()
    addresses = buffers_of_a_block()
    assert buffers_of_a_block() == addresses
    assert all(address % ALIGNMENT == 0 for address in addresses)
    assert scratch_module._arena.used == 0


def test_sets_of_buffers_lie_in_the_same_memory():
    with scratch() as allocate:
        shared = SharedBuffers(allocate)
        sets = [[allocate_one((size, 3), np.float32) for size in (50, 20)] for allocate_one in (shared.new_set(),)]
        before = scratch_module._arena.used
        smaller = shared.new_set()
        sets.append([smaller((size, 4), np.float32) for size in (10, 15)])
        assert scratch_module._arena.used == before
        for first, second in zip(*sets, strict=True):
            assert np.shares_memory(first, second)
        assert not np.shares_memory(*sets[0]) and not np.shares_memory(*sets[1])


def test_a_buffer_that_is_too_large_for_the_others_has_memory_of_its_own():
    with scratch() as allocate:
        shared = SharedBuffers(allocate)
        small = shared.new_set()((5,), np.float32)
        large = shared.new_set()((500,), np.float32)
        small.fill(1)
        large.fill(2)
        assert (small == 1).all()
        assert np.shares_memory(large, shared.new_set()((400,), np.float32))


def test_the_first_array_that_fits_lies_within_unused_memory():
    with scratch() as allocate:
        unused = allocate((4, 10), np.float64)
        allocate_within = within(unused, allocate)
        arrays = [allocate_within(shape, np.float32) for shape in ((81,), (80,), (1,))]
        assert [np.shares_memory(array, unused) for array in arrays] == [False, True, False]
