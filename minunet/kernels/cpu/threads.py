"""The thread pool of the CPU kernels: one worker thread per core that this process may use, started once and then kept.

A kernel divides its work into jobs by shapes only, never by the number of threads, and adds partial results up in the
order of the jobs. The result thus has the same bits whichever thread does a job, and however many threads there are.

NumPy releases the interpreter lock (GIL) inside its loops and products, so that threads run side by side as long as
each call does enough: passing the lock on costs about three microseconds, hence few jobs and large calls.
"""

from __future__ import annotations

import contextvars
import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from queue import SimpleQueue
from typing import Any

from minunet.kernels.cpu.blas import single_threaded_blas
from minunet.resources import usable_cpus

Workspace = Callable[[], AbstractContextManager[Any]]


def get_num_threads() -> int:
    """The number of threads that the CPU kernels use; by default the number of cores that this process may use."""
    return _num_threads or usable_cpus()


def set_num_threads(count: int) -> None:
    """Use `count` threads in the CPU kernels from now on. The results do not depend on it, bit for bit.

    Raises
    ------
    ValueError
        Unless `count` is a whole number from 1.
    """
    global _num_threads
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"the number of threads must be a whole number from 1, not {count!r}")
    _num_threads = count


def parallel(function: Callable[..., Any], jobs: Sequence[Any], workspace: Workspace | None = None) -> list[Any]:
    """Call function(job) for every job, on all threads, and return the results in the order of the jobs.

    BLAS uses one thread meanwhile. Whichever thread is free does the next job, so the result of `function` must not
    depend on the thread, and two jobs must not write to the same memory. Called from inside a job, or while another
    thread of the program uses the pool, all jobs run on the calling thread.

    Parameters
    ----------
    function : callable
        Called as function(job), or with a `workspace` as function(space, job).
    jobs : sequence
        The arguments, one for each job.
    workspace : callable, optional
        Returns a context manager, for buffers and preparations that several jobs share. Every thread that takes part
        enters one before its first job, passes the value it gives to each of its jobs, and leaves it after the last.

    Raises
    ------
    BaseException
        The exception of a job; of several, the first in the order of the jobs. No job is running any more by then.
    """
    jobs = list(jobs)
    if not jobs:
        return []
    workers = min(get_num_threads(), len(jobs)) - 1  # the calling thread does jobs as well
    call = _ParallelCall(function, jobs, workspace)
    nested = getattr(_this_thread, "in_job", False)
    with single_threaded_blas:
        if workers < 1 or nested or not _pool.lock.acquire(blocking=False):
            call.do_jobs()
        else:
            try:
                _pool.run(call, workers)
            finally:
                _pool.lock.release()
    return call.take_results()


_num_threads: int | None = None
_this_thread = threading.local()


class _ParallelCall:
    """One call of `parallel`: the jobs that nobody has begun, and the results of the finished ones."""

    def __init__(self, function: Callable[..., Any], jobs: list[Any], workspace: Workspace | None):
        self._function = function
        self._workspace = workspace
        self._waiting = deque(enumerate(jobs))  # popleft is atomic: taking a job needs no lock
        self._results: list[Any] = [None] * len(jobs)
        self._failures: list[tuple[int, BaseException]] = []
        self._lock = threading.Lock()
        self._workers = 0  # in `do_jobs` now
        self._closed = False
        self._last_worker_left = threading.Lock()
        self._last_worker_left.acquire()

    def do_jobs(self) -> None:
        """Do one job after another until none is waiting, or one fails."""
        index = -1
        try:
            with nullcontext() if self._workspace is None else self._workspace() as space:
                while True:
                    try:
                        index, job = self._waiting.popleft()
                    except IndexError:
                        return
                    arguments = (job,) if self._workspace is None else (space, job)
                    self._results[index] = self._function(*arguments)
        except BaseException as error:
            self._failures.append((index, error))
            self._waiting.clear()

    def take_results(self) -> list[Any]:
        """The results in the order of the jobs, or the first failure in that order; nothing is kept here after that.

        A worker that has not woken up yet still refers to this call, and must not keep its arrays alive.
        """
        results, failures = self._results, self._failures
        self._function, self._workspace = _nothing, None
        self._results, self._failures = [], []
        if failures:
            raise min(failures, key=lambda failure: failure[0])[1]
        return results

    def do_jobs_as_worker(self) -> None:
        """The work of one worker. If it wakes up after the call is closed, it returns at once; nobody has waited for it."""
        with self._lock:
            if self._closed:
                return
            self._workers += 1
        _this_thread.in_job = True
        self.do_jobs()
        _this_thread.in_job = False
        with self._lock:
            self._workers -= 1
            if self._closed and self._workers == 0:
                self._last_worker_left.release()

    def close(self) -> None:
        """Wait for the workers that are still in a job. Ctrl-C meanwhile drops the jobs that nobody has begun."""
        with self._lock:
            self._closed = True
            must_wait = self._workers > 0
        while must_wait:
            try:
                self._last_worker_left.acquire()
                must_wait = False
            except KeyboardInterrupt as error:
                self._failures.append((-1, error))
                self._waiting.clear()


def _nothing(*arguments: Any) -> None:
    """Stands for the function of a call that is over."""


class _ThreadPool:
    """The worker threads, each with a queue of the calls that it is asked to take part in."""

    def __init__(self) -> None:
        self.lock = threading.Lock()  # held by the thread whose call the workers take part in
        self._queues: list[SimpleQueue[tuple[_ParallelCall, contextvars.Context]]] = []

    def run(self, call: _ParallelCall, workers: int) -> None:
        """Do the jobs of a call on so many workers and the calling thread."""
        while len(self._queues) < workers:
            self._start_worker()
        for queue in self._queues[:workers]:
            # One thread at a time can enter a context, so each worker gets a copy: np.errstate holds in jobs too.
            queue.put((call, contextvars.copy_context()))
        _this_thread.in_job = True
        try:
            call.do_jobs()
        finally:
            _this_thread.in_job = False
            call.close()

    def _start_worker(self) -> None:
        queue: SimpleQueue[tuple[_ParallelCall, contextvars.Context]] = SimpleQueue()
        name = f"minunet-worker-{len(self._queues) + 1}"
        threading.Thread(target=_worker_loop, args=(queue,), name=name, daemon=True).start()
        self._queues.append(queue)


def _worker_loop(queue: SimpleQueue[tuple[_ParallelCall, contextvars.Context]]) -> None:
    single_threaded_blas.for_this_thread()
    while True:
        call, context = queue.get()
        context.run(call.do_jobs_as_worker)
        del call, context  # a waiting worker must not keep the arrays of the last call alive


def _after_fork_in_child() -> None:
    """Threads do not survive a fork: the child starts its own when it first needs them."""
    global _pool
    _pool = _ThreadPool()
    _this_thread.in_job = False
    single_threaded_blas.reset_after_fork()


_pool = _ThreadPool()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
