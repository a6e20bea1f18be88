"""Tasks: consecutive items of a long list that one worker does together, what came out of them, and the kinds of workers.

The same work is done by the process itself, by other processes of the machine, by MPI ranks, or by a Dask cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from minunet.errors import UserError

Stopped = Callable[[], bool]  # whether the user has asked to stop
PAUSE = 0.02  # seconds between two looks at what several workers may have answered


class Work(Protocol):
    """What is to be done with the items of a task; it can be pickled, as can items and results."""

    def __call__(self, items: Any, stopped: Stopped, /) -> Any:
        """Do the items of a task, and return what came out; raises `GivenUp` where it was stopped in the middle."""


class NoWorkers(UserError):
    """No worker can be started."""


class GivenUp(Exception):
    """The user asked to stop while a task was done that takes long; nothing of it is left."""


@dataclass(frozen=True)
class Death:
    """The end of a worker process in the middle of a task.

    Attributes
    ----------
    pid : int
        Its process number; 0 where it is not known.
    how : str
        Such as "killed by SIGKILL".
    """

    pid: int
    how: str


@dataclass(frozen=True)
class Task:
    """Consecutive items that one worker does together.

    Attributes
    ----------
    first : int
        The place of the first item in the list of all.
    items : tuple
    deaths : tuple of Death
        Of the workers that have had it before.
    """

    first: int
    items: tuple[Any, ...]
    deaths: tuple[Death, ...] = ()

    @property
    def story(self) -> str:
        """What happened to the workers that have had it, such as "the process that worked on it died (killed by SIGKILL)"."""
        which = "the process" if len(self.deaths) == 1 else f"{len(self.deaths)} processes"
        return f"{which} that worked on it died ({self.deaths[-1].how})"


@dataclass(frozen=True)
class Outcome:
    """What came out of a task.

    Attributes
    ----------
    task : Task
    result : object
        What the work has returned.
    error : Exception or None
        What it has raised instead.
    lost : bool
        No worker could do it: several processes have died of it.
    """

    task: Task
    result: Any = None
    error: Exception | None = None
    lost: bool = False


class Workers(Protocol):
    """Those who do the tasks.

    Attributes
    ----------
    neighbours : int
        How many of them share the memory of one machine.
    notes : sequence of str
        What the user should know of them, once the work is done.
    """

    neighbours: int
    notes: Sequence[str]

    def run(self, work: Work, groups: Sequence[Sequence[Any]], stopped: Stopped) -> Generator[Outcome, None, None]:
        """Do the tasks, each a group of items, in any order; once `stopped()`, those that are begun are finished or given up."""


class OwnProcess:
    """This process, which does one task after the other."""

    neighbours = 1
    notes: Sequence[str] = ()

    def run(self, work: Work, groups: Sequence[Sequence[Any]], stopped: Stopped) -> Generator[Outcome, None, None]:
        """As `Workers.run`; the outcomes come in the order of the groups, and what the work raises is raised here."""
        for task in tasks_of(groups):
            if stopped():
                return
            try:
                result = work(task.items, stopped)
            except GivenUp:
                return
            yield Outcome(task, result)


def tasks_of(groups: Sequence[Sequence[Any]]) -> list[Task]:
    """A task for each group.

    Examples
    --------
    >>> [(task.first, task.items) for task in tasks_of(["ab", "c"])]
    [(0, ('a', 'b')), (2, ('c',))]
    """
    tasks, first = [], 0
    for group in groups:
        tasks.append(Task(first, tuple(group)))
        first += len(group)
    return tasks


def consecutive(items: Sequence[Any], size: int) -> list[Sequence[Any]]:
    """Groups of `size` consecutive items; the last one may be smaller."""
    return [items[first : first + size] for first in range(0, len(items), size)]


def in_order(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """The outcomes in the order of their items; each is held back until those before it have come."""
    held: dict[int, Outcome] = {}
    first = 0
    for outcome in outcomes:
        held[outcome.task.first] = outcome
        while first in held:
            yield (earliest := held.pop(first))
            first += len(earliest.task.items)
    yield from (held[place] for place in sorted(held))
