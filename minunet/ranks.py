"""Ranks: the processes that an MPI launcher (mpiexec, srun) started together, and which of them this process is.

The variables that launchers set tell it without MPI: a process that was started alone never imports mpi4py.
"""

from __future__ import annotations

import functools
import os
import platform
import shutil
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from minunet.errors import UserError
from minunet.resources import share_cores

# The variables of rank and size: MPICH and Intel MPI, Open MPI, MVAPICH, and srun with PMIx.
_VARIABLES = (
    ("PMI_RANK", "PMI_SIZE"),
    ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ("MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE"),
    ("PMIX_RANK", "SLURM_STEP_NUM_TASKS"),
)
_Error = TypeVar("_Error", bound=BaseException)
PAUSE = 0.02  # seconds between two looks while a process waits for long
PASSING_ON = 0.3  # seconds in which a launcher prints what a process has written, before it ends all and drops the rest


class Ranks:
    """The processes that work together, seen from one of them.

    Rank 0 runs a command, and hands tasks to the other ranks, which `serve` it.

    Parameters
    ----------
    communicator : mpi4py.MPI.Comm, optional
        Of all of them; without it the process works alone.

    Attributes
    ----------
    rank : int
        The number of this process, from 0.
    size : int
        How many there are.
    node_rank, node_size : int
        The number of this process among those on its machine, from 0, and how many these are.
    at_rest : bool
        Whether the other ranks have no task; else the failure of one rank has to end all.
    """

    def __init__(self, communicator: Any = None, node_rank: int = 0, node_size: int = 1):
        self.communicator = communicator
        self.rank = 0 if communicator is None else communicator.rank
        self.size = 1 if communicator is None else communicator.size
        self.node_rank, self.node_size = node_rank, node_size
        self.at_rest = True

    @property
    def is_first(self) -> bool:
        """Whether this is rank 0, which prints and writes the files."""
        return self.rank == 0

    def wait(self) -> None:
        """Wait until every rank is here; meanwhile the processor is free, unlike in the calls of most MPI libraries."""
        if self.size > 1:
            request = self.communicator.Ibarrier()
            while not request.Test():
                time.sleep(PAUSE)

    def share(self, value: Any) -> Any:
        """The value of rank 0, on every rank."""
        return value if self.size == 1 else self.communicator.bcast(value, root=0)

    def gather(self, value: Any, problem: UserError | MemoryError | None = None) -> list[Any]:
        """The values of all ranks, in their order, on every rank.

        Raises
        ------
        UserError, MemoryError
            On every rank, where one has a problem: that of the first such rank, which is named unless all have the same.
        """
        if self.size == 1:
            if problem is not None:
                raise problem
            return [value]
        everything = self.communicator.allgather((value, problem, platform.node()))
        problems = [found for _, found, _ in everything]
        if any(found is not None for found in problems):
            if len({repr(found) for found in problems}) == 1:
                raise self.of_all(problems[0])
            raise self.of_all(
                next(
                    _located(found, f"rank {rank} of {self.size} on {node}")
                    for rank, (_, found, node) in enumerate(everything)
                    if found is not None
                )
            )
        return [gathered for gathered, _, _ in everything]

    def of_all(self, error: _Error) -> _Error:
        """An error that every rank raises at this point of its work."""
        self.at_rest = True
        return error

    def finish(self) -> None:
        """On rank 0: the task is done, by all ranks."""
        self.at_rest = True

    def start(self, task: Callable[..., None], *arguments: Any) -> None:
        """On rank 0: let the other ranks call `task(*arguments)`, which the caller does as well in its own way.

        Parameters
        ----------
        task : callable
            Defined in a module, not within a function, so that its name can be sent. What it waits for, all ranks wait for.
        """
        if self.size > 1:
            self.wait()
            self.share((task, arguments))
            self.at_rest = False

    def end(self) -> None:
        """On rank 0: the other ranks end."""
        if self.size > 1:
            self.wait()
            self.share(None)

    def abort(self, code: int) -> None:
        """End the processes of all ranks, with an exit code, once the launcher has printed what this one has written."""
        time.sleep(PASSING_ON)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 2)  # MPI libraries announce it on stderr, after the error that was the reason
        self.communicator.Abort(code)


def serve(ranks: Ranks) -> None:
    """On a rank other than 0: do the tasks that rank 0 starts, until it ends."""
    while True:
        ranks.wait()
        task = ranks.share(None)
        if task is None:
            return
        function, arguments = task
        ranks.at_rest = False
        try:
            function(*arguments)
        except BaseException:
            if not ranks.at_rest:  # else every rank has raised it, and rank 0 says it
                raise
        ranks.at_rest = True


def launcher() -> str | None:
    """The path of `mpiexec`: that of this Python's environment, else the first one that the system finds; None without one."""
    own = os.path.dirname(sys.executable)
    return shutil.which("mpiexec", path=os.pathsep.join([own, os.environ.get("PATH", "")]))


def launched_rank(environment: Mapping[str, str] = os.environ) -> tuple[int, int] | None:
    """Rank and size by the variables of an MPI launcher; None for a process that was started alone.

    Examples
    --------
    >>> launched_rank({"PMI_RANK": "1", "PMI_SIZE": "4"})
    (1, 4)
    >>> launched_rank({})
    """
    for rank_name, size_name in _VARIABLES:
        rank, size = environment.get(rank_name, ""), environment.get(size_name, "")
        if rank.isdecimal() and size.isdecimal() and int(rank) < int(size):
            return int(rank), int(size)
    return None


@functools.cache
def find_ranks() -> Ranks:
    """The ranks of this process; it works alone where no launcher, or one of a single process, has started it.

    From then on the process uses its share of the cores of its node, unless a number of threads is given.

    Raises
    ------
    UserError
        If a launcher has started several processes, and mpi4py is missing or does not see them.
    """
    launched = launched_rank()
    if launched is None or launched[1] == 1:
        return Ranks()
    size = launched[1]
    # Open MPI's windows over UCX print an error where there is no network for them. Memory is shared without them.
    os.environ.setdefault("OMPI_MCA_osc", "^ucx")
    try:
        from mpi4py import MPI
    except (ImportError, RuntimeError, OSError) as error:  # the package, or its MPI library
        raise UserError(
            f"{size} processes were started to work together, but mpi4py cannot be used ({error}): "
            'pip install "minunet[mpi]" with the MPI library of this mpiexec, or start one process, without mpiexec.'
        ) from error
    world = MPI.COMM_WORLD
    if world.size != size:
        library = MPI.Get_library_version().split("\n")[0].strip(" \0")
        raise UserError(
            f"{size} processes were started to work together, but the MPI library of mpi4py ({library}) sees {world.size}: "
            "use the mpiexec that belongs to this library, or install mpi4py for the other one."
        )
    node = world.Split_type(MPI.COMM_TYPE_SHARED)
    neighbours, node_rank = node.allgather(_own_cores()), node.rank
    node.Free()
    share_cores(neighbours)
    return Ranks(world, node_rank, len(neighbours))


def _located(problem: UserError | MemoryError, where: str) -> UserError | MemoryError:
    """A problem with the place where it has come up."""
    if isinstance(problem, UserError):
        return UserError([f"{where}: {line}" for line in problem.problems])
    return MemoryError(f"{where}: {problem}" if str(problem) else where)


def _own_cores() -> frozenset[int]:
    """The numbers of the cores that this process may run on; empty where the system does not say."""
    return frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else frozenset()
