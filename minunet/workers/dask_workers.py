"""Dask workers: the processes of a Dask cluster do tasks. Dask tries a task again whose worker has died.

The cluster may be used by others too: nothing is changed in its processes but the number of threads of the CPU kernels.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import threading
import time
from collections import Counter
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

from minunet.errors import UserError
from minunet.kernels.cpu.threads import set_num_threads
from minunet.version import __version__
from minunet.workers.attempts import FAILED, GIVEN_UP, Attempt, attempt, outcome_error
from minunet.workers.shared_folder import worker_problem
from minunet.workers.task_queue import DEATHS, TaskQueue
from minunet.workers.tasks import Death, Outcome, Stopped, Task, Work, tasks_of

AHEAD = 2  # tasks for each thread of the cluster that are handed out: one to do, one to come
CONNECTING = 10.0  # seconds
_one_task = threading.Lock()  # a process does one task at a time, however many threads Dask gives it


class DaskWorkers:
    """The workers of a Dask cluster.

    Parameters
    ----------
    address : str
        Of its scheduler, such as "tcp://10.0.0.1:8786", or the path of the file that a scheduler writes (--scheduler-file).
    paths : sequence of str
        Absolute paths of files that every worker has to see.
    threads : int
        Of the CPU kernels in each worker.

    Raises
    ------
    UserError
        If Dask is missing, the scheduler does not answer, or a worker cannot do its part.
    """

    notes: Sequence[str] = ()

    def __init__(self, address: str, paths: Sequence[str], threads: int = 1):
        self.address, self.threads = address, threads
        distributed = _distributed(address)
        where = _address(address)
        try:
            self.client = distributed.Client(where, timeout=CONNECTING, set_as_default=False)
        except (OSError, ValueError) as error:
            raise UserError(
                f"--dask {address}: no scheduler answers there ({error}); start one with: dask scheduler, and give the "
                "address that it prints."
            ) from error
        try:
            self._check(paths)
        except BaseException:
            self.client.close()
            raise

    def run(self, work: Work, groups: Sequence[Sequence[Any]], stopped: Stopped) -> Generator[Outcome, None, None]:
        """As `minunet.workers.tasks.Workers.run`; a task that is begun is finished."""
        tasks = TaskQueue(tasks_of(groups))
        begun: dict[Any, Task] = {}  # by the future
        threads = sum(self.client.nthreads().values())
        sent = self._send(work)
        try:
            while not tasks.finished:
                while len(begun) < AHEAD * threads and (task := tasks.take(wait=False)) is not None:
                    if sent.status in ("lost", "cancelled", "error"):  # the machine that had it is gone
                        sent = self._send(work)
                    begun[self.client.submit(do_task, sent, task.items, self.threads, pure=False)] = task
                self._gather(tasks, begun)
                threads = max(1, sum(self.client.nthreads().values()))  # workers come and go
                while (outcome := tasks.next_outcome(0)) is not None:
                    yield outcome
                if stopped():
                    tasks.stop()
        except OSError as error:  # Dask's CommClosedError is one; what a task raises comes as its outcome
            raise UserError(
                f"--dask {self.address}: the scheduler no longer answers ({error}); start it again and give the same command; "
                "predict goes on with --skip-existing."
            ) from error
        finally:
            with contextlib.suppress(Exception):  # the cluster may be gone
                self.client.cancel([*begun])
            self.client.close()

    def _send(self, work: Work) -> Any:
        return self.client.scatter(work, broadcast=True, hash=False)

    def _gather(self, tasks: TaskQueue, begun: dict[Any, Task]) -> None:
        """Take what came out of the tasks that are done by now."""
        distributed = _distributed(self.address)
        with contextlib.suppress(TimeoutError, distributed.CancelledError), self.client.as_current():
            distributed.wait([*begun], timeout=0.1, return_when="FIRST_COMPLETED")
        for future in [future for future in begun if future.done()]:
            task = begun.pop(future)
            try:
                how, value = future.result()
            except distributed.scheduler.KilledWorker as error:
                # Dask has tried it several times.
                tasks.lost(task, *[Death(0, f"as Dask says: {error.last_worker.address}")] * DEATHS)
            except distributed.CancelledError:
                tasks.give_back(task)  # what it needs was on a machine that is gone
            else:
                if how == FAILED:
                    tasks.done(task, error=outcome_error(value))
                elif how == GIVEN_UP:
                    tasks.give_back(task)
                else:
                    tasks.done(task, value)

    def _check(self, paths: Sequence[str]) -> None:
        """Raise where a worker cannot do its part."""
        if not self.client.nthreads():
            raise UserError(
                f"--dask {self.address}: the cluster has no workers; start some with: dask worker {self.address}."
            )
        try:
            found = self.client.run(worker_problem, list(paths), __version__)
        except Exception as error:
            raise UserError(
                f"--dask {self.address}: the workers cannot run minunet ({type(error).__name__}: {error}); install it on all "
                "machines."
            ) from error
        if problems := {address: problem for address, problem in found.items() if problem}:
            more = f" (so do {len(problems) - 1} others)" if len(problems) > 1 else ""
            address, problem = next(iter(problems.items()))
            raise UserError(f"--dask {self.address}: the worker {address} {problem}{more}.")
        hosts = Counter(worker["host"] for worker in self.client.scheduler_info(n_workers=-1)["workers"].values())
        self.neighbours = max(hosts.values())


def do_task(work: Work, items: tuple[Any, ...], threads: int) -> Attempt:
    """On a worker: do a task."""
    with _one_task:
        set_num_threads(threads)
        return attempt(work, items, lambda: False)


def _address(given: str) -> str:
    """The address of a scheduler, or that in its file; Dask waits for ever for a file, and hangs at an address without a port."""
    address = given
    if given.endswith(".json"):
        deadline = time.monotonic() + CONNECTING  # the scheduler may just be starting
        while not Path(given).exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        try:
            address = str(json.loads(Path(given).read_bytes())["address"])
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise UserError(
                f"--dask {given}: this is not the file of a scheduler ({error}); one is written by: dask scheduler "
                f"--scheduler-file {given}."
            ) from error
    if not re.fullmatch(r"((tcp|tls|ws|wss|ucx|ucxx)://)?[^/]*:\d+|inproc://.+", address):
        raise UserError(
            f"--dask {given}: an address has a machine and a port, such as tcp://10.0.0.1:8786; give such a one."
        )
    if address.startswith("inproc:") and f"/{os.getpid()}/" not in address:  # Dask would hang
        raise UserError(
            f"--dask {given}: only the process that has made this cluster can use it; make it with processes=True, as in "
            "LocalCluster(processes=True), and give its new address."
        )
    return address


def _distributed(address: str) -> Any:
    try:
        import distributed
    except ImportError as error:
        raise UserError(f'--dask {address}: Dask is missing ({error}): pip install "minunet[dask]".') from error
    return distributed
