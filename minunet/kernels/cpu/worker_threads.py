"""The worker threads of the CPU kernels: they are started when they are first needed, and then kept."""

from __future__ import annotations

import _thread
import contextvars
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

from minunet.kernels.cpu.blas import single_threaded_blas
from minunet.kernels.cpu.scratch import close_scratch

if TYPE_CHECKING:
    from queue import SimpleQueue

# A function that does jobs of a call, the lock that it takes meanwhile, and the context to run it in.
Invitation: TypeAlias = tuple[Callable[[threading.Lock], None], threading.Lock, contextvars.Context]


class WorkerThread:
    """A place for one worker thread, with a queue of the calls that it is asked to take part in.

    Attributes
    ----------
    invitations : SimpleQueue of Invitation
    """

    def __init__(self, number: int):
        from queue import SimpleQueue  # the calls of a small prediction need no workers

        self.invitations: SimpleQueue[Invitation] = SimpleQueue()
        self._name = f"minunet-worker-{number}"
        self._taken = threading.Lock()  # held by the thread that works here, for as long as it lives

    def start(self) -> None:
        """Start the thread unless it runs. Of two threads that begin at the same place, one ends at once.

        Raises
        ------
        RuntimeError
            If the system refuses.
        """
        if self._taken.locked():
            return
        try:
            # Not Thread.start, which waits for the thread to begin: Ctrl-C meanwhile can become a RuntimeError.
            _thread.start_new_thread(self._work, ())
        except RuntimeError as error:
            raise RuntimeError(
                f"the system refuses to start another thread for the CPU kernels ({error}): raise its limits of processes "
                "and memory (ulimit -u, ulimit -v), or use fewer threads (minunet.set_num_threads)"
            ) from error

    def _work(self) -> None:
        if not self._taken.acquire(blocking=False):
            return
        try:
            threading.current_thread().name = self._name
            single_threaded_blas.for_this_thread()
            while True:
                do_jobs, ticket, context = self.invitations.get()
                context.run(do_jobs, ticket)
                close_scratch(0)
                del do_jobs, ticket, context  # a waiting worker must not keep the arrays of the last call alive
        finally:
            self._taken.release()


class ThreadPool:
    """The workers, which are started when they are first needed."""

    def __init__(self) -> None:
        self._workers: list[WorkerThread] = []

    def workers(self, count: int) -> list[WorkerThread]:
        """The first `count` workers, each with a running thread.

        Raises
        ------
        RuntimeError
            If the system refuses to start another thread.
        """
        while len(self._workers) < count:
            self._workers.append(WorkerThread(len(self._workers) + 1))
        workers = self._workers[:count]
        for worker in workers:
            worker.start()
        return workers
