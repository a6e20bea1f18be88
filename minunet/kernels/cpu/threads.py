"""Parallel calls of the CPU kernels: the jobs of a call are done by the calling thread and by the worker threads.

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
from typing import Any

from minunet.kernels.cpu.blas import single_threaded_blas
from minunet.kernels.cpu.scratch import close_scratch, open_scratch
from minunet.kernels.cpu.worker_threads import ThreadPool
from minunet.resources import usable_cpus

Workspace = Callable[[], AbstractContextManager[Any]]


def get_num_threads() -> int:
    """The number of threads that the CPU kernels use.

    Returns
    -------
    int
        By default the number of cores that this process may use.

    Examples
    --------
    >>> get_num_threads() >= 1
    True
    """
    return _num_threads or usable_cpus()


def set_num_threads(count: int) -> None:
    """Use `count` threads in the CPU kernels from now on. The results do not depend on it, bit for bit.

    Parameters
    ----------
    count : int
        At least 1.

    Raises
    ------
    ValueError
        Unless `count` is a whole number from 1.

    Examples
    --------
    >>> set_num_threads(get_num_threads())
    """
    global _num_threads
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"the number of threads must be a whole number from 1, not {count!r}")
    _num_threads = count


def parallel(function: Callable[..., Any], jobs: Sequence[Any], workspace: Workspace | None = None) -> list[Any]:
    """Call function(job) for every job, on all threads, and return the results in the order of the jobs.

    BLAS uses one thread meanwhile. Whichever thread is free does the next job, so the result of `function` must not
    depend on the thread, and two jobs must not write to the same memory. Called from inside a job, all jobs run on the
    calling thread; where the workers are busy with the jobs of another thread of the program, on those that get free.

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
        The exception of a job; of several, the first in the order of the jobs, but Ctrl-C before any other. No job is
        running any more by then.
    RuntimeError
        If the system refuses to start another thread.
    """
    if not jobs:
        return []
    helpers = 0 if _in_job.get() else min(get_num_threads(), len(jobs)) - 1  # the calling thread does jobs as well
    call = _ParallelCall(function, jobs, workspace) if helpers else _CallOfOneThread(function, jobs, workspace)
    # A signal can raise an exception at any call, also at the first line of what is to clean up. What cleans up may
    # therefore be repeated, and stands here twice.
    try:
        try:
            single_threaded_blas.begin(call)
            call.invite(helpers)
            # In a context of its own: the mark that this thread is in a job is gone however the jobs end.
            contextvars.copy_context().run(call.do_jobs)
        finally:
            _leave(call)
    finally:
        _leave(call)
    return call.take_results()


def _leave(call: _CallOfOneThread) -> None:
    """Wait for the workers, and give back what a call has taken on the calling thread. May be repeated."""
    call.close()
    close_scratch(call.scratch_depth)
    single_threaded_blas.end(call)


_num_threads: int | None = None
_in_job: contextvars.ContextVar[bool] = contextvars.ContextVar("in_job", default=False)


class _Missing:
    """Stands for the result of a job that is not finished."""


class _CallOfOneThread:
    """One call of `parallel` whose jobs are all done by the calling thread: one after the other, until one fails.

    Attributes
    ----------
    scratch_depth : int
        How many scratch blocks were open on the calling thread at the beginning.
    """

    def __init__(self, function: Callable[..., Any], jobs: Sequence[Any], workspace: Workspace | None):
        self._function, self._jobs, self._workspace = function, jobs, workspace
        self._results: list[Any] = []
        self.scratch_depth = open_scratch()

    def invite(self, count: int) -> None:
        """Ask so many workers to do some of the jobs."""

    def do_jobs(self) -> None:
        """Do the jobs."""
        _in_job.set(True)
        function = self._function
        if self._workspace is None:
            self._results = [function(job) for job in self._jobs]
        else:
            with self._workspace() as space:
                self._results = [function(space, job) for job in self._jobs]

    def close(self) -> None:
        """Wait for the workers."""

    def take_results(self) -> list[Any]:
        """The results in the order of the jobs."""
        return self._results


class _ParallelCall(_CallOfOneThread):
    """One call of `parallel`: the jobs that nobody has begun, and the results of the finished ones.

    Whether a worker is in one of its jobs is the state of a lock, its *ticket*, which the worker holds meanwhile: it can
    be asked as often as necessary, whatever signals come between.
    """

    def __init__(self, function: Callable[..., Any], jobs: Sequence[Any], workspace: Workspace | None):
        super().__init__(function, jobs, workspace)
        self._waiting = deque(enumerate(jobs))  # popleft is atomic: taking a job needs no lock
        self._results = [_Missing] * len(jobs)
        self._failures: list[tuple[int, BaseException]] = []
        self._process = _process
        self._tickets: list[threading.Lock] = []
        self._closed = False

    def invite(self, count: int) -> None:
        """Ask so many workers to do some of the jobs."""
        for worker in _pool.workers(count):
            ticket = threading.Lock()
            self._tickets.append(ticket)
            # One thread at a time can enter a context, so each worker gets a copy: np.errstate holds in jobs too.
            worker.invitations.put((self.do_jobs_as_worker, ticket, contextvars.copy_context()))

    def do_jobs(self) -> None:
        """Do one job after another until none is waiting, or one fails."""
        _in_job.set(True)
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
            self._fail(index, error)

    def do_jobs_as_worker(self, ticket: threading.Lock) -> None:
        """The work of one worker. If it wakes up after the call is closed, it returns at once; nobody has waited for it."""
        if not ticket.acquire(blocking=False):
            return
        try:
            if not self._closed:
                self.do_jobs()
        finally:
            ticket.release()

    def close(self) -> None:
        """Wait for the workers that are still in a job. Ctrl-C meanwhile drops the jobs that nobody has begun."""
        while True:
            try:
                self._closed = True
                for ticket in self._tickets:
                    if self._process is _process:  # after a fork nobody is left to wait for
                        with ticket:
                            pass
                return
            except BaseException as error:
                self._fail(-1, error)

    def take_results(self) -> list[Any]:
        """The results in the order of the jobs, or the first failure in that order; nothing is kept here after that.

        A worker that has not woken up yet still refers to this call, and must not keep its arrays alive.
        """
        results, failures = self._results, self._failures
        self._function, self._jobs, self._workspace = _nothing, (), None
        self._results, self._failures = [], []
        if failures:
            raise min(failures, key=lambda failure: (isinstance(failure[1], Exception), failure[0]))[1]
        if any(result is _Missing for result in results):
            raise MemoryError("a worker thread could not note what became of its job")
        return results

    def _fail(self, index: int, error: BaseException) -> None:
        self._waiting.clear()
        self._failures.append((index, error))


def _nothing(*arguments: Any) -> None:
    """Stands for the function of a call that is over."""


def _after_fork_in_child() -> None:
    """Threads do not survive a fork: the child starts its own when it first needs them."""
    global _pool, _process
    _pool, _process = ThreadPool(), object()


_pool = ThreadPool()
_process = object()  # another one in a forked child
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork_in_child)
