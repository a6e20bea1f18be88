"""After an exception at any moment of a parallel call: nothing hangs, nothing stays degraded, no two arrays share memory."""

import os
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager

import numpy as np
import pytest

from minunet.kernels.cpu import blas, memory_pool, scratch, threads, worker_threads
from minunet.kernels.cpu.blas import single_threaded_blas
from tests.kernels.cpu.interrupted import interrupt

MODULES = threads, worker_threads, blas, scratch, memory_pool


@pytest.fixture(autouse=True)
def three_threads(monkeypatch):
    monkeypatch.setattr(threads, "_num_threads", 3)
    monkeypatch.setattr(memory_pool, "_POOL", memory_pool.MemoryPool())
    before = blas_counts()
    blas._set_all(single_threaded_blas.libraries(), before, [3] * len(before))
    yield
    blas._set_all(single_threaded_blas.libraries(), blas_counts(), before)


def blas_counts():
    return [library.get_num_threads() for library in single_threaded_blas.libraries()]


def work():
    """A parallel call that uses whatever kernels use."""
    factors = memory_pool.empty((600, 512), np.float32)
    factors[...] = np.arange(600, dtype=np.float32)[:, None] % 7

    @contextmanager
    def workspace():
        with scratch.scratch() as allocate:
            yield allocate((512,), np.float32)

    def job(space, rows):
        with scratch.scratch() as allocate:
            doubled = allocate((rows.stop - rows.start, 512), np.float32)
            np.multiply(factors[rows], 2, out=doubled)
            space[...] = 1
            part = memory_pool.empty((200, 512), np.float32)
            part[...] = doubled[:200]
            return float((doubled @ space).sum()), float(part.sum())

    kernel = single_threaded_blas.call(np.matmul, np.eye(3), np.ones((3, 2)))
    jobs = [slice(start, start + 200) for start in range(0, 600, 200)]
    return threads.parallel(job, jobs, workspace), kernel.sum()


def assert_disjoint(pool):
    """No two blocks share memory, and all lie in memory that counts as provided."""
    for segment in pool._segments:
        ends = [0, *(block.stop for block in segment.blocks)]
        assert all(end <= block.start < block.stop for end, block in zip(ends, segment.blocks, strict=False))
        assert ends[-1] <= min(segment.size, memory_pool.CHUNK * len(segment.chunks))
        for block in segment.blocks:
            assert 0 not in segment.chunks[block.start // memory_pool.CHUNK : -(-block.stop // memory_pool.CHUNK)]


def assert_whole(expected):
    """Everything is as if there had been no interruption."""
    assert blas_counts() == [3] * len(blas_counts())
    assert not single_threaded_blas.is_held()
    assert (scratch.open_scratch(), scratch._arena.used) == (0, 0)
    assert not threads._in_job.get()
    assert_disjoint(memory_pool.pool())
    assert work() == expected
    meeting = threading.Barrier(3, timeout=30)  # passed only if three jobs run at once
    names = threads.parallel(lambda job: (meeting.wait(), threading.current_thread().name)[1], range(3))
    assert len(set(names)) == 3
    assert blas_counts() == [3] * len(blas_counts())


@pytest.mark.parametrize("error", [KeyboardInterrupt, pytest.param(MemoryError, marks=pytest.mark.ci)])
def test_an_exception_at_any_moment_leaves_everything_whole(error):
    expected = work()
    for moment in range(10_000):
        try:
            if not interrupt(work, moment, MODULES, error):
                break
        except error:
            assert_whole(expected)
        else:
            pytest.fail(f"the exception at moment {moment} was lost")
    assert moment > 90


def test_an_exception_while_gaps_are_filled_and_given_back_leaves_blocks_disjoint():
    size = memory_pool.MIN_BYTES

    def fill_and_give_back():
        pool.empty((8 * size,), np.uint8)
        parts = [pool.empty((size,), np.uint8) for _ in range(8)]
        del parts[1:4], parts[2:]
        parts.append(pool.empty((3 * size,), np.uint8))
        pool.release()

    for moment in range(10_000):
        pool = memory_pool.MemoryPool()
        try:
            if not interrupt(fill_and_give_back, moment, (memory_pool,)):
                break
        except KeyboardInterrupt:
            assert_disjoint(pool)
        fill_and_give_back()
        assert_disjoint(pool)
        assert pool.allocated == 0
    assert moment > 200


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no such timers")
def test_ctrl_c_five_times_while_a_worker_is_in_its_job_waits_for_it():
    enough, finished, came = threading.Event(), [], []

    def handle(number, frame):
        came.append(number)
        if len(came) == 5:
            signal.setitimer(signal.ITIMER_REAL, 0)
            enough.set()
        raise KeyboardInterrupt

    def job(number):
        if threading.current_thread() is threading.main_thread():
            signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
        enough.wait(60)
        finished.append(number)

    previous = signal.signal(signal.SIGALRM, handle)
    meeting = threading.Barrier(3, timeout=30)
    try:
        with pytest.raises(KeyboardInterrupt):
            threads.parallel(lambda number: (meeting.wait(), job(number)), range(3))
        assert len(finished) == 2  # those of the workers
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)


def test_an_exception_at_the_very_first_call_leaves_everything_whole(monkeypatch):
    """Where the workers are started."""
    expected = work()
    for moment in range(10_000):
        monkeypatch.setattr(threads, "_pool", worker_threads.ThreadPool())
        try:
            if not interrupt(work, moment, (threads, worker_threads)):
                break
        except KeyboardInterrupt:
            assert_whole(expected)
        else:
            pytest.fail(f"the exception at moment {moment} was lost")
    assert moment > 50


TRAINING = """
import os, signal, threading
import numpy as np
import minunet
from minunet import functional as F, optim
from minunet.kernels.cpu import scratch, threads
from minunet.kernels.cpu.blas import single_threaded_blas

minunet.set_num_threads(3)
random = np.random.default_rng(0)
images, masks = random.random((2, 64, 64, 1), np.float32), (random.random((2, 64, 64, 1)) < 0.5).astype(np.float32)

class Training:
    def __init__(self):
        self.model = minunet.UNet(base_channels=8, depth=2, rng=np.random.default_rng(1))
        self.optimizer = optim.Adam(self.model.parameters())

    def step(self):
        self.optimizer.zero_grad()
        loss = F.binary_cross_entropy_with_logits(self.model(minunet.Tensor(images)), masks)
        loss.backward()
        self.optimizer.step()
        return loss.item()

def bits(steps=2):
    training = Training()
    losses = [training.step() for _ in range(steps)]
    return losses, [parameter.data.tobytes() for parameter in training.model.parameters()]

def blas_counts():
    return [library.get_num_threads() for library in single_threaded_blas.libraries()]
"""

SIGNALS = """
expected, counts = bits(), blas_counts()
signal.signal(signal.SIGALRM, signal.default_int_handler)
training, caught = Training(), 0
while caught < 200:
    try:
        signal.setitimer(signal.ITIMER_REAL, random.uniform(0.0001, 0.03))
        while True:
            training.step()
    except KeyboardInterrupt:
        caught += 1
meeting = threading.Barrier(3, timeout=30)
assert len(set(threads.parallel(lambda job: (meeting.wait(), threading.get_ident())[1], range(3)))) == 3
assert blas_counts() == counts, (blas_counts(), counts)
assert scratch._arena.used == 0
assert bits() == expected
print("whole")
"""


def run(program):
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "3"}
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", TRAINING + program]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)


@pytest.mark.ci
@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no such timers")
def test_two_hundred_signals_at_random_moments_of_a_training_leave_everything_whole():
    done = run(SIGNALS)
    assert (done.stdout, done.stderr) == ("whole\n", "")


FORKS = """
expected, stopped = bits(1), threading.Event()

def compute():
    training = Training()
    while not stopped.is_set():
        training.step()

computing = threading.Thread(target=compute)
computing.start()
codes = []
for _ in range(COUNT):
    child = os.fork()
    if child == 0:
        try:
            same = bits(1) == expected
        except BaseException:
            os._exit(2)
        os._exit(0 if same else 1)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
stopped.set()
computing.join()
assert bits(1) == expected
print(codes.count(0))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("count", [10, pytest.param(100, marks=pytest.mark.ci)])
def test_children_forked_while_another_thread_computes_compute_too(count):
    done = run(FORKS.replace("COUNT", str(count)))
    assert (done.stdout, done.stderr) == (f"{count}\n", "")
