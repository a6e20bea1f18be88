"""The memory pool: what memory is used again, and what never is."""

import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minunet.kernels.cpu import address_space
from minunet.kernels.cpu import memory_pool as pool
from minunet.kernels.cpu.address_space import ALIGNMENT, AddressSpace
from minunet.kernels.cpu.memory_pool import CHUNK, MIN_BYTES, WINDOW, MemoryPool

LARGE = (MIN_BYTES // 4, 2)  # float32: twice the smallest size


@pytest.fixture(params=["one range of addresses", "memory as it is needed"], autouse=True)
def segments(request, monkeypatch):
    """Both kinds of systems: those where unused addresses are free, and the others."""
    if request.param == "memory as it is needed":
        monkeypatch.setattr(pool, "address_space", AddressSpace)
    return request.param


def address(array):
    return array.ctypes.data


def test_the_memory_of_a_dropped_array_is_used_again():
    pool = MemoryPool()
    a = pool.empty(LARGE, np.float32)
    where = address(a)
    del a
    b = pool.empty(LARGE, np.float32)
    assert address(b) == where
    assert b.flags.c_contiguous
    assert b.flags.writeable


def test_the_memory_of_an_array_that_somebody_holds_is_never_used_again():
    pool = MemoryPool()
    a = pool.empty(LARGE, np.float32)
    a[...] = 7
    b = pool.empty(LARGE, np.float32)
    b[...] = 1
    assert (a == 7).all()


def test_a_view_of_a_view_keeps_the_block():
    pool = MemoryPool()
    view = pool.empty(LARGE, np.float32)[3:].reshape(-1)[::2].T[5:6]
    view[...] = 3
    for _ in range(4):
        pool.empty(LARGE, np.float32)[...] = 9
    assert view == 3


def test_arrays_are_aligned_and_small_ones_do_not_come_from_the_pool():
    pool = MemoryPool()
    assert address(pool.empty(LARGE, np.float32)) % ALIGNMENT == 0
    pool.release()
    pool.empty((3,), np.float32)
    assert pool.reserved == 0


def test_a_large_array_becomes_smaller_ones_and_a_large_one_again():
    pool = MemoryPool()
    where = address(pool.empty((MIN_BYTES * 4,), np.uint8))
    parts = [pool.empty((MIN_BYTES,), np.uint8) for _ in range(4)]
    assert sorted(address(part) - where for part in parts) == [0, MIN_BYTES, 2 * MIN_BYTES, 3 * MIN_BYTES]
    del parts[1:3]
    middle = pool.empty((MIN_BYTES * 2,), np.uint8)
    assert address(middle) == where + MIN_BYTES
    del parts, middle
    assert address(pool.empty((MIN_BYTES * 4,), np.uint8)) == where
    assert pool.reserved == MIN_BYTES * 4


def test_an_array_comes_from_the_smallest_gap_that_fits():
    pool = MemoryPool()
    sizes = MIN_BYTES * 4, MIN_BYTES, MIN_BYTES * 2, MIN_BYTES
    arrays = [pool.empty((size,), np.uint8) for size in sizes]
    where = address(arrays[2])
    arrays[0] = arrays[2] = None
    assert address(pool.empty((MIN_BYTES + 1,), np.uint8)) == where


def test_allocated_and_reserved_count_bytes_and_free_memory_goes_back():
    pool = MemoryPool()
    a, b = pool.empty(LARGE, np.float32), pool.empty(LARGE, np.float32)
    assert pool.allocated == pool.reserved == 2 * 2 * MIN_BYTES
    del b
    assert pool.allocated == 2 * MIN_BYTES
    pool.release()
    assert pool.reserved == pool.allocated
    a[...] = 0


def test_memory_that_is_no_longer_used_goes_back_to_the_system():
    pool, size = MemoryPool(), MIN_BYTES * 32
    pool.empty((size,), np.uint8)
    keep = [pool.empty(LARGE, np.float32)]
    for _ in range(2 * WINDOW):
        pool.empty(LARGE, np.float32)
    assert pool.reserved == 2 * 2 * MIN_BYTES
    keep[0][...] = 0
    del keep
    array = pool.empty((size,), np.uint8)
    array[...] = 1
    assert pool.reserved >= size


def test_memory_that_is_used_does_not_go_back():
    pool, size = MemoryPool(), MIN_BYTES * 32
    for number in range(2 * WINDOW + 2):
        pool.empty((size if number % (WINDOW // 2) == 0 else MIN_BYTES,), np.uint8)
        assert pool._segments[0].reserved == size


def test_the_system_takes_back_what_lies_between_blocks_and_no_byte_of_a_block(segments):
    if segments != "one range of addresses":
        pytest.skip("memory as it is needed goes back as a whole")
    pool = MemoryPool()
    arrays = [pool.empty((CHUNK * 7 // 3,), np.uint8) for _ in range(9)]
    if not isinstance(pool._segments[0]._space, address_space.LargeAddressSpace):
        pytest.skip("this system counts addresses before they are used")
    for mark, array in enumerate(arrays):
        array.fill(mark + 1)
    del array, arrays[::2]
    reserved = pool.reserved
    pool.release()
    assert pool.reserved < reserved
    assert all((array == mark).all() for mark, array in zip((2, 4, 6, 8), arrays, strict=True))
    whole = np.frombuffer(pool._segments[0]._space.memory, np.uint8)[:reserved]
    assert (whole == 0).sum() >= reserved - pool.reserved  # pages that went back are clear when they come again
    filled = pool.empty((CHUNK * 7 // 3,), np.uint8)
    filled.fill(9)
    assert all((array == mark).all() for mark, array in zip((2, 4, 6, 8), arrays, strict=True))


def test_threads_never_share_a_block():
    pool = MemoryPool()
    failures = []

    def work(mark):
        for _ in range(300):
            a = pool.empty(LARGE, np.float32)
            a[::4096] = mark
            if not (a[::4096] == mark).all():
                failures.append(mark)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_a_view_that_only_another_thread_holds_keeps_the_block():
    pool, held, done, seen = MemoryPool(), threading.Event(), threading.Event(), []

    def hold(view):
        held.set()
        done.wait(30)
        seen.append(bool((view == 5).all()))

    array = pool.empty(LARGE, np.float32)
    array[...] = 5
    thread = threading.Thread(target=hold, args=(array[3:9, 1],))
    del array
    thread.start()
    held.wait(30)
    others = [pool.empty(LARGE, np.float32) for _ in range(3)]
    for other in others:
        other[...] = 9
    done.set()
    thread.join()
    assert seen == [True]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 6)), min_size=1, max_size=60))
def test_whatever_the_order_live_arrays_keep_their_contents(actions):
    pool, live = MemoryPool(), []
    for k, (allocate, amount) in enumerate(actions):
        if allocate or not live:
            array = pool.empty((amount * MIN_BYTES // 3,), np.uint8)
            array[::997] = k % 251
            live.append((array, k % 251))
        else:
            live.pop(amount % len(live))
        assert all((array[::997] == mark).all() for array, mark in live)


def test_a_copy_is_contiguous():
    array = np.arange(24.0).reshape(2, 3, 4).T
    made = pool.copy(array)
    assert made.flags.c_contiguous
    np.testing.assert_array_equal(made, array)
    assert not np.shares_memory(made, array)
