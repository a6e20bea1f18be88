"""The task queue: which tasks no worker has begun, and what to do with those whose worker has died.

A task whose worker died is tried again. Where it dies again, several items are tried one by one, and a single item is given up.
"""

from __future__ import annotations

import queue
import threading
from collections import deque
from collections.abc import Sequence
from typing import Any

from minunet.workers.tasks import Death, Outcome, Task

DEATHS = 2  # after which a task is not tried again


class TaskQueue:
    """The tasks of several workers; its methods may be called on any thread.

    Parameters
    ----------
    tasks : sequence of Task
    """

    def __init__(self, tasks: Sequence[Task]):
        self._waiting = deque(tasks)
        self._begun = 0
        self._stopped = False
        self._changed = threading.Condition()
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()

    @property
    def finished(self) -> bool:
        """Whether every task is done, and every outcome is taken; after `stop`, every task that was begun."""
        with self._changed:
            return not self._begun and (self._stopped or not self._waiting) and self._outcomes.empty()

    def take(self, *, wait: bool = True) -> Task | None:
        """The next task; None where there will be none any more, or without `wait` where there is none at present."""
        with self._changed:
            while not self._stopped:
                if self._waiting:
                    self._begun += 1
                    return self._waiting.popleft()
                if not (wait and self._begun):
                    break
                self._changed.wait()
            return None

    def done(self, task: Task, result: Any = None, error: Exception | None = None) -> None:
        """Note what came out of a task."""
        self._end(Outcome(task, result, error))

    def give_back(self, task: Task) -> None:
        """A task that was not begun, or that was given up after `stop`."""
        with self._changed:
            self._waiting.appendleft(task)
            self._begun -= 1
            self._changed.notify_all()

    def lost(self, task: Task, *deaths: Death) -> None:
        """Note that the worker of a task has died."""
        task = Task(task.first, task.items, task.deaths + deaths)
        if len(task.deaths) < DEATHS:
            again = [task]
        elif len(task.items) > 1:  # one of them is to blame
            again = [Task(task.first + place, (item,), deaths[-1:]) for place, item in enumerate(task.items)]
        else:
            self._end(Outcome(task, lost=True))
            return
        with self._changed:
            self._waiting.extend(again)
            self._begun -= 1
            self._changed.notify_all()

    def stop(self) -> None:
        """Hand out no task any more."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()

    def next_outcome(self, seconds: float) -> Outcome | None:
        """The next outcome, in the order in which they come; None where there is none for so long."""
        try:
            return self._outcomes.get(timeout=seconds)
        except queue.Empty:
            return None

    def _end(self, outcome: Outcome) -> None:
        with self._changed:
            self._outcomes.put(outcome)
            self._begun -= 1
            self._changed.notify_all()
