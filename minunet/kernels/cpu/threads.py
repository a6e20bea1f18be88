"""The worker threads of the CPU kernels: one per core that this process may use, started once and then kept.

A kernel cuts its work into jobs by shapes alone, never by the number of threads, and adds partial results up in the
order of the jobs: whichever thread takes a job, and however many there are, the result has the same bits.

NumPy lets go of the interpreter lock inside its loops and products, so threads run side by side as long as every
call does enough: a hand-over of the lock costs some three microseconds, hence few jobs and large calls.
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

from minunet.kernels.cpu.blas import one_thread
from minunet.resources import usable_cpus


def get_num_threads() -> int:
    """The number of threads that the CPU kernels use; by default the cores this process may use."""
    return _num_threads or usable_cpus()


def set_num_threads(count: int) -> None:
    """Use `count` threads in the CPU kernels from now on. Results do not depend on it, bit for bit.

    Raises
    ------
    ValueError
        Unless `count` is a whole number from 1.
    """
    global _num_threads
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"the number of threads must be a whole number from 1, not {count!r}")
    _num_threads = count


def parallel(
    function: Callable[..., Any],
    jobs: Sequence[Any],
    workspace: Callable[[], AbstractContextManager[Any]] | None = None,
) -> list[Any]:
    """Call function(job) for every job, on all threads, and return the results in the order of the jobs.

    BLAS runs on one thread meanwhile. Jobs are handed out in order to whichever thread is free, so `function` must
    not depend on who runs it, and jobs must not write to the same place. A call from inside a job, or while another
    thread of the program has the workers, runs on the calling thread alone.

    Parameters
    ----------
    function : callable
        Takes a job, or a workspace and a job.
    jobs : sequence
        What is to be done.
    workspace : callable, optional
        Makes a context manager. Every thread that takes part enters one before its first job, hands what it gives to
        each of its jobs, and leaves it after the last: for buffers and preparations that jobs share.

    Raises
    ------
    BaseException
        What a job raised (the first by order of the jobs, where several did); no job is running any more by then.
    """
    jobs = list(jobs)
    if not jobs:
        return []
    helpers = min(get_num_threads(), len(jobs)) - 1
    region = _Region(function, jobs, workspace)
    alone = helpers < 1 or getattr(_this_thread, "in_job", False) or not _workers.claim.acquire(blocking=False)
    with one_thread:
        if alone:
            region.work()
        else:
            try:
                _workers.run(region, helpers)
            finally:
                _workers.claim.release()
    return region.outcome()


_num_threads: int | None = None
_this_thread = threading.local()


class _Region:
    """One call of `parallel`: the jobs that are still to do, and what the finished ones returned."""

    def __init__(self, function: Callable[..., Any], jobs: list[Any], workspace: Callable[[], Any] | None):
        self.function: Callable[..., Any] | None = function
        self.workspace = workspace
        self.waiting = deque(enumerate(jobs))  # popleft is atomic: no lock is needed to take a job
        self.results: list[Any] = [None] * len(jobs)
        self.failures: list[tuple[int, BaseException]] = []
        self._lock = threading.Lock()
        self._helping = 0
        self._closed = False
        self._last_left = threading.Lock()
        self._last_left.acquire()

    def work(self) -> None:
        """Take jobs until none is left, or one fails."""
        index = -1
        try:
            with nullcontext() if self.workspace is None else self.workspace() as space:
                while True:
                    try:
                        index, job = self.waiting.popleft()
                    except IndexError:
                        return
                    self.results[index] = self.function(job) if self.workspace is None else self.function(space, job)
        except BaseException as error:
            self.failures.append((index, error))
            self.waiting.clear()

    def outcome(self) -> list[Any]:
        """The results in the order of the jobs, or the first failure in that order; the region is empty after that.

        A worker that has not woken up yet still holds the region, and must not keep the arrays of a finished call.
        """
        results, failures = self.results, self.failures
        self.function = self.workspace = None
        self.results, self.failures = [], []
        if failures:
            raise min(failures, key=lambda failure: failure[0])[1]
        return results

    def help(self) -> None:
        """What a worker does; one that wakes up after the work is done leaves at once, and nobody has waited for it."""
        with self._lock:
            if self._closed:
                return
            self._helping += 1
        _this_thread.in_job = True
        self.work()
        _this_thread.in_job = False
        with self._lock:
            self._helping -= 1
            if self._closed and self._helping == 0:
                self._last_left.release()

    def close(self) -> None:
        """Wait for the workers that are still in a job. Ctrl-C meanwhile drops the jobs that nobody has begun."""
        with self._lock:
            self._closed = True
            waiting = self._helping > 0
        while waiting:
            try:
                self._last_left.acquire()
                waiting = False
            except KeyboardInterrupt as error:
                self.failures.append((-1, error))
                self.waiting.clear()


class _Workers:
    """The threads, each with a queue of the regions it is asked to help with."""

    def __init__(self) -> None:
        self.claim = threading.Lock()
        self._queues: list[SimpleQueue] = []

    def run(self, region: _Region, helpers: int) -> None:
        while len(self._queues) < helpers:
            self._start()
        for queue in self._queues[:helpers]:
            # A context can be entered by one thread at a time, so each worker gets a copy: np.errstate holds in jobs too.
            queue.put((region, contextvars.copy_context()))
        _this_thread.in_job = True
        try:
            region.work()
        finally:
            _this_thread.in_job = False
            region.close()

    def _start(self) -> None:
        queue: SimpleQueue = SimpleQueue()
        name = f"minunet-worker-{len(self._queues) + 1}"
        threading.Thread(target=_serve, args=(queue,), name=name, daemon=True).start()
        self._queues.append(queue)


def _serve(queue: SimpleQueue) -> None:
    one_thread.for_this_thread()
    while True:
        region, context = queue.get()
        context.run(region.help)
        del region, context  # a waiting worker must not keep the last call's arrays alive


def _after_fork_in_child() -> None:
    """Threads do not survive a fork: the child starts its own when it first needs them."""
    global _workers
    _workers = _Workers()
    _this_thread.in_job = False
    one_thread.reset_after_fork()


_workers = _Workers()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
