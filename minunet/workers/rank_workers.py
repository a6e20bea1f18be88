"""Rank workers: the processes that an MPI launcher has started do tasks, on one machine or on many.

Rank 0 hands the tasks out, and gathers what came out. Its own share is done by a process of its machine, so that it is free to
answer the others at any time.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from typing import Any

from minunet.errors import UserError
from minunet.kernels.cpu.threads import set_num_threads
from minunet.ranks import Ranks, find_ranks
from minunet.workers.attempts import FAILED, GIVEN_UP, Attempt, attempt, outcome_error
from minunet.workers.process_workers import drivers
from minunet.workers.shared_file import shared_file
from minunet.workers.shared_folder import worker_problem
from minunet.workers.task_queue import TaskQueue
from minunet.workers.tasks import PAUSE, Outcome, Stopped, Task, Work, tasks_of

ITEMS, STOP, END, ANSWER = 1, 2, 3, 4  # tags of messages


class RankWorkers:
    """The ranks of MPI.

    Parameters
    ----------
    ranks : Ranks
        Seen from rank 0.
    paths : sequence of str
        Absolute paths of files that every rank has to see.
    threads : int
        Of each rank.
    """

    notes: Sequence[str] = ()

    def __init__(self, ranks: Ranks, paths: Sequence[str], threads: int = 1):
        self.ranks, self.paths, self.threads = ranks, paths, threads
        self.neighbours = ranks.node_size

    def run(self, work: Work, groups: Sequence[Sequence[Any]], stopped: Stopped) -> Generator[Outcome, None, None]:
        """As `minunet.workers.tasks.Workers.run`.

        Raises
        ------
        UserError
            If a rank does not see the files.
        """
        tasks = TaskQueue(tasks_of(groups))
        self.ranks.start(serve_tasks, work, tuple(self.paths), self.threads)
        check_paths(self.ranks, self.paths)
        busy: dict[int, Task] = {}
        with shared_file(work) as path, drivers(tasks, path, 1, self.threads) as (own,):
            idle = set(range(1, self.ranks.size))
            while not tasks.finished:
                self._hand_out(tasks, idle, busy)
                self._gather(tasks, idle, busy)
                if (outcome := tasks.next_outcome(PAUSE)) is not None:
                    yield outcome
                if stopped():
                    tasks.stop()
                    own.stop()
                    for rank in busy:
                        self.ranks.communicator.send(None, rank, STOP)
        for rank in idle:
            self.ranks.communicator.send(None, rank, END)
        self.ranks.finish()

    def _hand_out(self, tasks: TaskQueue, idle: set[int], busy: dict[int, Task]) -> None:
        while idle and (task := tasks.take(wait=False)) is not None:
            rank = idle.pop()
            busy[rank] = task
            self.ranks.communicator.send(task.items, rank, ITEMS)

    def _gather(self, tasks: TaskQueue, idle: set[int], busy: dict[int, Task]) -> None:
        while self.ranks.communicator.iprobe(tag=ANSWER):
            rank, (how, value) = self.ranks.communicator.recv(tag=ANSWER)
            idle.add(rank)
            task = busy.pop(rank)
            if how == FAILED:
                tasks.done(task, error=outcome_error(value))
            elif how == GIVEN_UP:
                tasks.give_back(task)
            else:
                tasks.done(task, value)


def serve_tasks(work: Work, paths: Sequence[str], threads: int) -> None:
    """On a rank other than 0: do the tasks that rank 0 sends, until it has no more."""
    ranks = find_ranks()
    set_num_threads(threads)
    check_paths(ranks, paths)
    communicator = ranks.communicator
    while True:
        while not communicator.iprobe(source=0):
            time.sleep(PAUSE)
        tag, items = _receive(communicator)
        if tag == END:
            return
        if tag == ITEMS:  # else a STOP that came too late
            stop = _StopMessage(communicator)
            answer: Attempt = attempt(work, items, stop)
            communicator.send((ranks.rank, answer), 0, ANSWER)


def check_paths(ranks: Ranks, paths: Sequence[str]) -> None:
    """On all ranks: raise where one of them does not see the files."""
    problem = worker_problem(paths)
    ranks.gather(None, None if problem is None else UserError(f"it {problem}."))


class _StopMessage:
    """On a rank other than 0: whether rank 0 has said that the user asked to stop."""

    def __init__(self, communicator: Any):
        self.communicator, self.came = communicator, False

    def __call__(self) -> bool:
        if not self.came and self.communicator.iprobe(source=0, tag=STOP):
            self.communicator.recv(source=0, tag=STOP)
            self.came = True
        return self.came


def _receive(communicator: Any) -> tuple[int, Any]:
    """The next message of rank 0 with its tag."""
    from mpi4py import MPI

    status = MPI.Status()
    value = communicator.recv(source=0, status=status)
    return status.Get_tag(), value
