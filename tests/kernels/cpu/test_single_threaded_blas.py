"""BLAS has one thread while the CPU kernels compute, and its own number of threads after that."""

import ast
import os
import subprocess
import sys
import threading

import pytest

from minunet.kernels.cpu import threads, worker_threads
from minunet.kernels.cpu.blas import SingleThreadedBlas, single_threaded_blas


@pytest.fixture(autouse=True)
def three_threads(monkeypatch):
    monkeypatch.setattr(threads, "_num_threads", 3)


def test_blas_has_one_thread_inside_and_its_own_number_after():
    before = [library.get_num_threads() for library in single_threaded_blas.libraries()]
    inside = threads.parallel(
        lambda job: [library.get_num_threads() for library in single_threaded_blas.libraries()], range(8)
    )
    assert all(count == 1 for counts in inside for count in counts)
    assert [library.get_num_threads() for library in single_threaded_blas.libraries()] == before


WHICHEVER_THREAD = """
import threading
from minunet.kernels.cpu import threads
from minunet.kernels.cpu.blas import single_threaded_blas

def numbers(job=None):
    return [library.get_num_threads() for library in single_threaded_blas.libraries()]

single_threaded_blas.call(numbers)
seen = [numbers()]
caller = threading.Thread(target=lambda: seen.extend([*threads.parallel(numbers, range(2)), numbers()]))
caller.start()
caller.join()
print(seen)
"""


def test_blas_has_one_thread_whichever_thread_of_the_program_calls():
    """A server predicts in a thread of its own, when another has set the number before."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "3"}
    command = [sys.executable, "-c", WHICHEVER_THREAD]
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
    before, *inside, after = ast.literal_eval(answer.stdout)
    assert inside == [[1] * len(before)] * 2
    assert after == before


class FakeLibrary:
    internal_api = "mkl"

    def __init__(self, count):
        self.count = count

    def get_num_threads(self):
        return self.count

    def set_num_threads(self, count):
        self.count = count


def numbers(guard):
    return [library.get_num_threads() for library in guard._libraries]


def test_the_blas_setting_is_restored_when_the_last_overlapping_block_ends():
    guard = SingleThreadedBlas()
    guard._libraries = [FakeLibrary(4), FakeLibrary(2)]
    guard.begin("a")
    assert guard.call(numbers, guard) == [1, 1]
    guard.begin("b")
    guard.end("a")
    guard.end("a")
    assert numbers(guard) == [1, 1]
    guard.end("b")
    assert numbers(guard) == [4, 2]
    assert not guard.is_held()


class FakeLibraryOnOpenMP(threading.local):
    """One number for each calling thread, four to begin with."""

    internal_api, threading_layer = "openblas", "openmp"
    count = 4

    def get_num_threads(self):
        return self.count

    def set_num_threads(self, count):
        self.count = count


def test_a_library_with_a_number_for_each_thread_is_held_in_each(monkeypatch):
    library, guard = FakeLibraryOnOpenMP(), SingleThreadedBlas()
    guard._libraries = [library]
    for module in (threads, worker_threads):
        monkeypatch.setattr(module, "single_threaded_blas", guard)
    monkeypatch.setattr(threads, "_pool", worker_threads.ThreadPool())
    monkeypatch.setattr(threads, "_num_threads", 3)
    meeting = threading.Barrier(3, timeout=30)

    def job(number):
        meeting.wait()  # each of the three threads has one
        return library.get_num_threads()

    assert threads.parallel(job, range(3)) == [1, 1, 1]
    assert guard.call(guard.call, library.get_num_threads) == 1
    assert library.get_num_threads() == 4
