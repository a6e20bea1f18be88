"""The worker count: how many processes share a list of tasks, from what these are expected to take in time and in memory.

The estimates are those of the caller, by sizes of images, never by a clock: the same command has the same number of processes on
the same machine. What comes out does not depend on the number.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

# Seconds until a process does its first task, on the machine on which the seconds of tasks were measured: its imports, mostly.
START_SECONDS = 1.0
ONE_MORE = 0.01  # seconds that each further process takes the first one
SHARED = (
    1.15  # times as long that a task takes while others run on the other cores, which have the same memory and clock
)
CLEARLY = 0.9  # of the time of one process: several have to be expected to take less than this
PROCESS_BYTES = 150e6  # that a process takes besides its tasks: Python, NumPy, SciPy and scikit-image
MOST_OF_MEMORY = 0.8  # of what is left; the rest is for estimates that are too low, and for other programs


@dataclass(frozen=True)
class TaskCost:
    """What a task is expected to take.

    Attributes
    ----------
    serial : float
        Seconds of what is done on one thread, however many there are.
    parallel : float
        Seconds on one thread of what all threads share.
    memory : float
        Bytes at the peak, besides those of the process itself.
    alone : bool
        Whether it should have the machine for itself.
    """

    serial: float = 0.0
    parallel: float = 0.0
    memory: float = 0.0
    alone: bool = False

    def seconds(self, threads: int) -> float:
        """The time that it takes on so many threads."""
        return self.serial + self.parallel / threads


def fastest_count(costs: Sequence[TaskCost], cores: int, memory: float | None) -> int:
    """The number of processes that are done first, of those that have enough memory.

    Parameters
    ----------
    costs : sequence of TaskCost
        Of all tasks.
    cores : int
        That the processes may use together; `threads_each` divides them.
    memory : float or None
        Bytes that are left; None where the system does not say.

    Returns
    -------
    int
        1 where this process alone, with a thread on each core, takes about as long, where memory is too short for more, or where
        a task should have the machine for itself.

    Examples
    --------
    >>> smear = TaskCost(serial=1.0, parallel=0.3, memory=500e6)
    >>> fastest_count([smear], 4, 8e9), fastest_count(20 * [smear], 4, 8e9), fastest_count(20 * [smear], 4, 2e9)
    (1, 4, 2)
    """
    if any(cost.alone for cost in costs):
        return 1
    most = most_in_memory(costs, min(cores, len(costs)), memory)
    times = {count: _seconds(costs, count, cores) for count in range(2, most + 1)}
    best = min(times, key=lambda count: times[count], default=1)
    alone = sum(cost.seconds(cores) for cost in costs)
    return best if best > 1 and times[best] < CLEARLY * alone else 1


def most_in_memory(costs: Sequence[TaskCost], count: int, memory: float | None) -> int:
    """So many processes, or as many as fit into the memory that is left; at least 1."""
    if memory is None:
        return count
    while count > 1 and memory_of(costs, count) > MOST_OF_MEMORY * memory:
        count -= 1
    return count


def memory_of(costs: Sequence[TaskCost], count: int) -> float:
    """Bytes that so many processes take at most, when those tasks come together that take the most."""
    largest = sorted((cost.memory for cost in costs), reverse=True)[:count]
    return sum(largest) + count * PROCESS_BYTES


def threads_each(count: int, cores: int) -> int:
    """The threads of each of so many processes."""
    return max(1, cores // count)


def _seconds(costs: Sequence[TaskCost], count: int, cores: int) -> float:
    """The time of so many processes, from their start on."""
    seconds = [SHARED * cost.seconds(threads_each(count, cores)) for cost in costs]
    rounds = math.ceil(len(seconds) / count)
    return START_SECONDS + ONE_MORE * count + max(*seconds, rounds * sum(seconds) / len(seconds))
