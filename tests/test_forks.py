"""Locks that are free in a forked child."""

import os
import threading

import pytest

from minunet import forks
from minunet.data import image_store
from minunet.data.reading import pillow_files
from minunet.kernels.cpu.blas import SingleThreadedBlas, single_threaded_blas
from minunet.kernels.cpu.memory_pool import MemoryPool, pool

pytestmark = [
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
    pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning"),
]


def in_child(check):
    """Whether a forked child finds the check true."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            status = 0 if check() else 1
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (pool(), "_lock"),
        (MemoryPool(), "_lock"),
        (single_threaded_blas, "_lock"),
        (image_store.ImageStore([], None, 0), "_lock"),
        (pillow_files, "_pillow_globals"),
    ],
    ids=["memory pool", "another memory pool", "BLAS", "image store", "Pillow"],
)
def test_a_lock_that_another_thread_held_is_free_in_the_child(owner, name):
    lock = getattr(owner, name)
    held, done = threading.Event(), threading.Event()

    def hold():
        with lock:
            held.set()
            done.wait()

    other = threading.Thread(target=hold)
    other.start()
    held.wait()
    try:
        assert not getattr(owner, name).acquire(blocking=False)
        assert in_child(lambda: getattr(owner, name).acquire(blocking=False))
        assert not getattr(owner, name).acquire(blocking=False)
    finally:
        done.set()
        other.join()


def test_a_child_has_only_the_blas_blocks_of_the_thread_that_forked():
    guard, held, done = SingleThreadedBlas(), threading.Event(), threading.Event()

    def hold():
        guard.begin("other")
        held.set()
        done.wait()
        guard.end("other")

    other = threading.Thread(target=hold)
    other.start()
    held.wait()
    try:
        assert in_child(lambda: not guard.is_held())
        guard.begin("own")
        assert in_child(lambda: guard.is_held() and guard.end("own") is None and not guard.is_held())
        guard.end("own")
        assert guard.is_held()
    finally:
        done.set()
        other.join()
    assert not guard.is_held()


def test_an_owner_that_is_gone_is_forgotten():
    class Owner:
        pass

    owner, count = Owner(), len(forks._owners)
    forks.renew_in_child(owner, "lock", threading.Lock)
    assert len(forks._owners) == count + 1
    del owner
    assert len(forks._owners) == count
